"""What stands beside a name in letters of many languages: "Frau", "mein Sohn", "ich heiße", "Viele Grüße"."""

import re
from typing import Final

HONORED: Final = re.compile(
    r"(?<!\w)(?:(?:Frau|Herrn?|Hr\.|Fr\.|Frl\.|Fräulein|Familie|Fam\.|Eheleuten?|Ehepaar|Mrs?\.?|Ms\.?|Miss"
    r"|Mx\.|Madame|Mme\.?|Mlle\.?|Monsieur|Sayın|Bay|Bayan"
    r"|пан(?:ові|ом|і|а|у|е|ею|єю)?|г-жа|г-н|господин\w?|госпож\w|Se[ñn]ora?|Sra?\.|Signora?|Sig\.(?:ra)?|Pan"
    r"|Pani|Panu|Domnul|Doamna|Sachbearbeiter(?:in)?|Kollegin"
    r"|\w{0,20}(?:haus|wacht|haupt|ober|bürger|rektor)?(?:meister|kommissar|inspektor|beamter|direktor|pfarrer"
    r"|notar|richter|makler)(?:in)?)"
    r"[ \t]{1,3}(?:(?:Dr|Prof|Dipl|Ing|med|jur|Mag)\.[ -]?(?:-?Ing\.[ ])?){0,4}"
    r"(?:\w{3,20}(?:leiter|meister|rat|rätin|direktor|präsident|anwalt|anwältin|inspektor|sekretär|dezernent"
    r"|kommissar|beauftragter?)(?:in)?[ ](?=(?-i:[A-ZÄÖÜ])))?|(?:Dr|Prof)\.[ ](?:(?:Dr|med"
    r"|jur|rer|nat|phil|h\.c)\.[ ]){0,3})"
    r"|(?<!\w)(?:ال)?(?:سيد|سيدة|دكتور|دكتورة|أستاذ|أستاذة|آنسة)[ ]|(?<!\w)ل(?:ل)?سيدة?[ ]",
    re.I,
)
BEY: Final = re.compile(r"(?P<it>[^\W\d_]{2,30})(?=[ ](?:Bey|Hanım|Hanim|Hoca|Abi|Abla|Amca|Teyze)(?!\w))")
_KIN_DE: Final = (
    r"(?:(?:Schwieger|Stief|Groß|Ur|Adoptiv|Pflege|Zwillings|Halb|Paten|Ex-?|Exs?)?(?:söhne?|sohne?s?|tochter"
    r"|töchter|kinder[ns]?|kind(?:es)?|baby|mann|frau|ehemann|ehefrau|gatte|gattin"
    r"|vater|mutter|eltern|bruder|brüder|schwester|schwestern|geschwister|enkel(?:in|kind|sohn|tochter)?"
    r"|neffen?|nichten?|tanten?|onkel|cousine?n?|vetter)"
    r"|oma|opa|mama|papa|partner(?:in)?|lebensgefährt(?:e|in|en)|verlobte[rn]?|freund(?:in)?|nachbar(?:in|n)?"
    r"|kolleg(?:e|in|en)|chef(?:in)?|vermieter(?:in|s)?|mieter(?:in|s)?|mitbewohner(?:in)?"
    r"|zwillinge|betreuer(?:in)?|anwalt|anwältin|verstorbene[rn]?|bekannte[rn]?|mündel|patient(?:in)?"
    r"|klient(?:in)?|mandant(?:in)?|schuldner(?:in)?|untermieter(?:in)?|hund|erblasser(?:in)?)"
)
KIN: Final = re.compile(
    rf"(?<!\w)(?:{_KIN_DE}"
    r"|(?:my|our|his|her|the|their)[ ](?:late |older |younger |eldest |youngest |little |twin |newborn "
    r"|\w{1,3}-year-old )?(?:sons?|daughters?|wife|husband|mother(?:-in-law)?|father(?:-in-law)?|mum|mom|dad|brother"
    r"|sister|partner"
    r"|fianc[ée]e?"
    r"|child|children|baby|kids?|friend|neighbou?r|colleague|landlord|landlady|uncle|aunt|cousin|nephew|niece"
    r"|grandmother|grandfather|grandson|granddaughter|boss|lawyer|tenant|flatmate|roommate|boyfriend"
    r"|girlfriend|parents)"
    r"|(?:mon|ma|mes|notre|nos|son|sa)[ ](?:défunte? |petite? |futur?e? )?(?:fils|filles?|femme|mari|épouse"
    r"|époux|mère|père|frère|sœur|soeur|compagn(?:e|on)|fiancée?|enfants?|bébé|amie?|voisine?|collègue|propriétaire"
    r"|oncle|tante|cousine?|neveu|nièce|grand-mère|grand-père|parents|conjointe?)"
    r"|(?:oğlum|oğlumuz|oğlu|kızım|kızımız|kızı|eşim|kocam|karım|annem|babam|kardeşim|ablam|abim|ağabeyim"
    r"|nişanlım|komşum(?:uz)?|arkadaşım|iş arkadaşım|ev sahibim(?:iz)?|kiracım|dedem|ninem|torunum|yeğenim"
    r"|çocuğum(?:uz)?|çocuklarım|bebeğim(?:iz)?|kuzenim|patronum|avukatım)"
    r"|(?:мо[єїя]\w{0,3}|мій|мого|моєму|моїм|наш\w{0,3}|й?ого|її|мой|моего|моя|мою"
    r"|моей)[ ](?:\w{3,12}[ ])?(?:син\w{0,4}|доньк\w|дочк\w|доч\w{1,4}|дружин\w|чоловік\w{0,2}|мам\w"
    r"|мат\w{1,4}|тат\w|батьк\w{0,3}|брат\w{0,3}|сестр\w|наречен\w{1,3}|сусід\w{0,3}|подруг\w|друг\w?|колег\w"
    r"|бабус\w|дідус\w|дитин\w|онук\w?|тіт\w{1,2}|муж\w?|жен\w|сын\w?)"
    r"|(?:син\w{0,4}|доньк\w|дочк\w|дружин\w|сестр\w|брат\w{0,2}|сын\w?|дочь|мама|тато|жена|муж)(?=[ ][А-ЯІЇЄҐ])"
    r"|و?(?:ابني|ابنتي|بنتي|زوجي|زوجتي|أخي|أختي|والدي|والدتي|أمي|أبي|جدي|جدتي|صديقي|صديقتي|جاري|جارتي|طفلي"
    r"|طفلتي|أولادي|أطفالي|أبنائي|بناتي|حماتي|شريكي|شريكتي|حفيدي|حفيدتي"
    r"|خطيبي|خطيبتي|عمي|خالي|عمتي|خالتي)"
    r"|(?:mi|mio|mia|mój|moja|mojego|mojej|mojemu|meu|fiul|fiica|soțul|soția)[ ](?:meu|mea|hijo|hija|esposo"
    r"|esposa|marido|mujer|madre|padre|figlio|figlia|marito|moglie|syn\w{0,4}|córk\w|mąż|męża|żon\w|brat\w?"
    r"|siostr\w)?)"
    r"(?:[ ](?:namens|heißen|heisst|heißt|hört auf|mit (?:dem )?Namen|genannt|named|called|is called|nommée?|appelée?"
    r"|qui s'appelle|اسمه|اسمها|adında(?:ki)?|adlı|isimli|на ім['’ʼ]я|по имени))?"
    r"[ \t]{0,2}[,:(\[\"„]?[ \t]{0,2}(?:(?<=,[ ])(?:die|der|das)[ ])?(?=[^\W\d_])",
    re.I,
)
MINE: Final = re.compile(
    r"(?<!\w)(?:mein|dein|sein|ihr|unser|euer)(?:e[rnms]?)?[ ](?:(?:klein|groß|jüng|ält|lieb|neu|arm"
    r"|verstorben)\w{0,6}[ ])?(?=[^\W\d_])"
    r"|(?<!\w)(?:my|our)[ ](?:little|dear|baby|old)?[ ]?(?=[^\W\d_])",
    re.I,
)
# Two capitalised words after such a one are a name, where neither is another word.
BESIDE: Final = re.compile(
    r"(?<![^\W_])(?:mit|von|für|an|namens|gegen|auf|with|by|for)[ ](?P<it>[A-ZÄÖÜŠŽĆČŞÇ][^\W\d_A-ZÄÖÜ]{2,20}[ ]"
    r"[A-ZÄÖÜŠŽĆČŞÇ][^\W\d_A-ZÄÖÜ]{2,20})(?![\w-])"
)
ADJECTIVE: Final = re.compile(r"(?:en|er|es|em|ische?)$")
SURNAMED: Final = re.compile(r"(?:^|[(:\n])[ ]{0,2}(?P<it>[^\W\d_]{2,30}),[ ]$")
AND: Final = re.compile(r"(?:\s?,\s?|\s(?:und|u\.|and|et|ve|та|і|й|и|sowie|&|\+|y|e|i|și)\s|\sو)(?=[^\W\d_])")
MYSELF: Final = re.compile(
    r"(?<!\w)(?:ich heiße|ich heisse|heiße|heisse|heißt|heisst|(?:ich|hier) bin['’]?s?(?: noch ?mal,?"
    r"| wieder,?)?(?: die| der)?|mein name ist|mein name lautet|meines namens"
    r"|my name is|my names|my name['’]s|name is|мо[єя] (?:прізвище|фамилия)|i am called|i am|i['’]m|this is"
    r"|je m['’]appelle|je me nomme"
    r"|mon nom est|je suis"
    r"|s['’]appelle"
    r"|benim adım|adım|ismim|adı|ben|мене звати|мене звуть|звати|звуть|моє ім['’ʼ]я|меня зовут|зовут|я,?|اسمي"
    r"|اسمه|اسمها|يدعى|تدعى|أنا|me llamo|mi nombre es|soy|mi chiamo|nazywam się|mă numesc|numele meu este"
    r"|jestem|mam na imię|hier ist|(?:hier|es) schreibt(?: ihnen| euch)?(?: die| der)?|spreche mit)"
    r"[ \t]{0,2}[:,—–-]?[ \t]{1,2}(?=[^\W\d_])",
    re.I,
)
SHY: Final = re.compile(
    r"(?:i am|i['’]m|this is|je suis|ben|я,?|أنا|soy|hier ist|heißt|heisst|heiße|(?:hier|es) schreibt[^:]{0,12}"
    r"|hier bin[^:]{0,5})[ \t]{0,2}[:,—–-]?[ \t]{1,2}",
    re.I,
)
LABEL: Final = re.compile(
    r"(?<!\w)(?:(?:vor-?[ ]?(?:und|u\.|/)[ ]?(?:nach|zu|familien)|geburts|vor|nach|familien|zu|ruf"
    r"|mädchen)?name[ns]?|vornamen|halter(?:in)?|antragsteller(?:in)?|ansprechpartner(?:in)?"
    r"|kontakt(?:person)?|(?:konto)?inhaber(?:in)?"
    r"|absender(?:in)?|empfänger(?:in)?|kund(?:e|in)|versicherte[rn]?|eigentümer(?:in)?|fahrer(?:in)?|gez\."
    r"|i\.\s?A\.|i\.\s?V\.|bevollmächtigte[rn]?|vollmacht(?:geber(?:in)?)?(?: für)?|sorgeberechtigte[rn]?"
    r"|verstorbene[rn]?|bearbeiter(?:in)?"
    r"|sachbearbeiter(?:in)?|first name|last name|surname|given names?|full name|family name|holder|owner"
    r"|applicant|noms?|prénoms?|ad[ıi]?[ ]soyad[ıi]?|soyad[ıi]?|ad[ıi]|isim|прізвище|ім['’ʼ]я|по батькові|піб"
    r"|фио|имя|фамилия"
    r"|الاسم(?: الكامل)?|اسم العائلة|nombre|apellidos?|nome|cognome|imię|nazwisko|nume|prenume|pasaport sahibi"
    r"|name of (?:the )?\w{3,12})"
    r"[ \t]{0,2}(?:[:=][ \t]{0,3}|(?<=\.)[ ]|[ ](?=(?-i:[^\W\d_a-zäöüß])[^\W\d_]))(?=[^\W\d_])",
    re.I,
)
MAIDEN: Final = re.compile(
    r"(?<!\w)(?:geb\.|geborene[rn]?|verw\.|gesch\.|née|kızlık soyadı\w*:?|уроджен\w{2}|дівоче прізвище:?"
    r"|di nascita)[ ]{1,2}(?=[^\W\d_a-zäöü])"
)
GREETING: Final = re.compile(
    r"(?m:^|(?<=[.!?] ))[ \t>]{0,8}(?:sehr (?:geehrte[rs]?|verehrte[rs]?)|liebe[rs]?|hallo|halli hallo|huhu|hi"
    r"|hey|moin(?: moin)?|servus|grüß gott|grüezi|guten (?:tag|morgen|abend)|dear|hello|good (?:morning"
    r"|afternoon|evening|day)|bonjour|bonsoir"
    r"|chère?s?|salut|merhaba(?:lar)?|selam|sayın|değerli|шановн\w{1,3}|добрий день|доброго дня|добрий вечір"
    r"|привіт|вітаю|здравствуйте|уважаем\w{2}|привет|مرحبا|عزيزي|عزيزتي|حضرة|hola|estimad[oa]|ciao|buongiorno"
    r"|gentile|cześć|dzień dobry|bună ziua)"
    r"[ \t]?,?[ \t]{1,3}(?=[^\W\d_])",
    re.I,
)
CLOSING: Final = re.compile(
    r"(?<!\w)(?:(?:mit )?(?:freundlich|viel|lieb|best|herzlich|schön|sonnig|nett|kollegial)\w{0,3} ?(?:gr(?:ü"
    r"|u|ue)(?:ß|ss)e?n?|dank)|(?:vielen |besten |lieben |herzlichen )?dank(?:e|eschön)?(?: (?:schon ?mal"
    r"|im voraus|vorab|sehr|euch|ihnen|und gruß|dir))*"
    r"|mfg|lg|vg|bg|glg|gruß|gruss|grüße|gruesse|hochachtungsvoll|bis bald|tschüss|ciao|liebste"
    r"|(?:eure?|ihre?)(?=[ \t,]{0,3}\n)"
    r"|wünscht ihnen|es grüßt(?: sie)?"
    r"|(?:kind(?:est)?|best|warm(?:est)?|with)? ?regards|best wishes|all the best|yours(?: sincerely"
    r"| faithfully| truly)?|sincerely|(?:many )?thanks(?: a lot| in advance| again)?|thank you(?: very much"
    r"| so much| in advance)?|cheers|best|love"
    r"|cordialement|bien à vous|bien cordialement|(?:mes |meilleures |sincères )*salutations(?: distinguées)?"
    r"|merci(?: d['’]avance| beaucoup| bien)?|respectueusement"
    r"|saygı(?:lar)?(?:ımla|ımızla)?|saygılarımı sunarım|(?:çok )?teşekkür(?:ler)?(?: ederim| ederiz)?"
    r"|selamlar|sevgiler|iyi çalışmalar|iyi günler|kolay gelsin"
    r"|з повагою|з найкращими побажаннями|(?:щиро |дуже )?дякую(?: за відповідь| вам)?|с уважением|спасибо"
    r"|مع (?:ال)?شكر|(?:و)?شكرا(?:ً)?(?: لكم| جزيلا)?|(?:مع )?(?:خالص )?(?:ال)?تحي(?:ات|اتي|ة)|un saludo"
    r"|saludos|atentamente|cordiali saluti|grazie|pozdrawiam|z poważaniem|dziękuję|cu stimă|mulțumesc)"
    r"(?!\w)(?:[ ](?:(?:deine?|ihre?|eure?|euer|your|ton|ta|votre)(?=[ ])|(?:aus|von|vom|from|de"
    r"|depuis)[ ](?:de[mr][ ])?[^\W\d_]{2,30}))?[ \t]{0,3}[,.!:–-]{0,3}[ \t]{0,3}(?:\n\s{0,6})?(?=[^\W\d_])",
    re.I,
)
LAST: Final = re.compile(r"\n[ \t]*(?=(?P<one>[^\W\d_]{3,12})(?P<two>[ ][^\W\d_]{2,14})?[\s.]*\Z)")
WROTE: Final = re.compile(
    r"(?<!\w)(?:schrieb|a écrit|yazdı|wrote|написа\w{1,3}|пи(?:ше|сав|сала)|كتبت?|scrisse"
    r"|escribió)[ \t]{1,2}(?=[^\W\d_])",
    re.I,
)
HEADER: Final = re.compile(
    r"(?m:^)[ \t>*]{0,8}(?:von|from|de|kimden|gönderen|від|от|من|an|to|cc|bcc|à|kime|bilgi|кому|копія|إلى"
    r"|absender|expéditeur|da|da parte di|para|od|do)[ \t]{0,2}:[*]?[ \t]{0,3}[\"'„]?(?=[^\W\d_])",
    re.I,
)
ADDRESSED: Final = re.compile(
    r"(?<!\w)(?P<it>(?:[^\W\d_]{2,40}(?:[-'’][^\W\d_]{2,40})?,?[ ]){1,4})(?=[\"']?\s?[<(\[](?:mailto:)?"
    r"[^\s<>@\[\]]{1,64}(?:@|\[E-Mail\]))"
)
PLURAL: Final = re.compile(r"(?:kinder|söhne|töchter|eltern|geschwister|zwillinge|brüder|schwestern|children"
            r"|kids|sons|daughters|enfants|filles|çocuklarım|діти|дітей|أطفالي|أولادي|أبنائي|بناتي)"
            r"(?: heißen| sind)?\W*$"
            r"|(?:nachbarn|kollegen|bekannten|verlobten) heißen\W*$", re.I)  # fmt: skip
# What says who it was: "Fahrer war", "the driver was", "am Steuer saß", "c/o".
TOLD: Final = re.compile(
    r"(?<!\w)(?:(?:(?:bei)?fahrer|lenker|zeug(?:e|in)|halter|besitzer|eigentümer|verursacher|unterzeichner"
    r"|ansprechpartner"
    r"|bevollmächtigte|erziehungsberechtigte|(?:haupt)?mieter|vermieter)(?:innen|in|r|n)?"
    r"[ ](?:war|ist|waren|sind|wäre|heißt|heißen|heisst)(?:[ ](?:damals|wohl|da|mein|meine|der|die))?"
    r"|(?:driver|witness|owner|keeper|landlord|tenant)[ ](?:was|is)|(?:le|la)[ ](?:conducteur|conductrice|témoin"
    r"|propriétaire)[ ](?:était|est)|(?:sürücü|şoför|araç sahibi)|(?:водій|водієм|водитель|свідок)(?:[ ](?:був|була"
    r"|был))?"
    r"|(?:kierowcą|świadkiem)[ ](?:był|była)"
    r"|am (?:steuer|lenkrad) (?:saß|sass|war)|gefahren (?:ist|war|sein muss)|unterschrieben (?:hat|haben)"
    r"|(?:briefkasten|klingelschild|klingel|türschild) steht|c/o|p\. ?Adr\.|(?:wohnt|lebt|zieht|wohnen|leben)"
    r"(?:[ ](?:jetzt|auch|noch|nun|dort|hier|nur|seit \w{2,9})){0,3})"
    r"[ \t]{0,2}[,:]?[ \t]{1,2}(?=[^\W\d_])",
    re.I,
)
# Of these, the ones that others follow, too: "Fahrer ist Student".
ALONE: Final = re.compile(
    r"(?:wohnt|lebt|zieht|wohnen|leben|gefahren|sürücü|şoför|araç)[^:]{0,60}|[^:]{3,40}[ ](?:war|ist|waren|sind|was"
    r"|is|était|est|був|была|был)\b[^:]{0,20}",
    re.I,
)
# "I am Thandiwe and", "Ben Gülizar, ": a single capitalised word where no other is due.
AM: Final = re.compile(
    r"(?<!\w)(?:i am|i['’]m|ben|je suis|jestem|soy)[ ](?P<it>(?-i:[A-ZÀ-ÖØ-Þİ])[^\W\d_]{2,20})"
    r"(?=[ ]?(?:[,.!\n(]|$)|[ ](?:and|from|et|ve|i|y|de)[ ])",
    re.I,
)
# What else one is, as an ending or whole.
NATION: Final = re.compile(
    r"(?:ian|ean|[rcgb]an|ish|ese|ench|dutch|swiss|greek|iraqi|pakistani|ukrain\w+|muslim|catholic|jewish|retired"
    r"|disabled"
    r"|(?:fran[cç]|portug|pol[ou]n|angl|ir?land|holland|hongr|chin|jap[ou]n)\w+|ais(?:e)?|ois(?:e)?|ien(?:ne)?"
    r"|ain(?:e)?"
    r"|turc|turque|turk|türk|kürt|alman\w*|arap|russe|suisse|belge|serbe|sofor\w*|[ıiuü]y[ıiuü]m|l[ıiuü]y?[ıiuü]m"
    r"|polk[ai]|polakiem"
    r"|ukrai\w+|niem\w+|afghan\w*|german\w*|deutsch\w*)$",
    re.I,
)
# A small word between "mein baby" and its verb, where a letter is written without capitals.
SMALL_KIN: Final = re.compile(
    r"(?<!\w)(?:mein|unser|my|our)(?:e[rnms]?)?[ ](?:kleiner?|kleines|neues|große[rs]?|little|new"
    r"|eldest)?[ ]?(?-i:baby|sohn"
    r"|kind|tochter|mann|frau|bruder|schwester|mutter|vater|oma|opa|freund|freundin|nachbar|nachbarin|hund|enkel"
    r"|enkelin"
    r"|son|daughter|wife|husband|brother|sister|mother|father|friend)[ ](?P<it>[^\W\d_]{3,20})"
    r"(?=[ ](?:ist|hat|wird|war|braucht|möchte|will|kann|soll|muss|kommt|geht|zieht|wurde|bekommt|needs|has|is|wants"
    r"|lost|was"
    r"|will)[ ])",
    re.I,
)
# "Weil mein Kind krank ist": there it is none.
CLAUSE: Final = re.compile(
    r"(?<!\w)(?:weil|wenn|dass|ob|da|nachdem|obwohl|als|falls|damit|bis|sobald|solange|if|because|that"
    r"|when|until)[ ][^.,;!?\n]{0,40}$",
    re.I,
)
# "Eine frau", "der herr": nobody is called.
OF_ONE: Final = re.compile(
    r"(?<!\w)(?:(?:mein|dein|sein|ihr|unser|euer|ein|kein|jed|dies|welch|manch|ander|alt|jung)(?:e[rnms]?)?"
    r"|d(?:ie|er|en|em|as))[ ](?:\w{2,12}e[nrs]?[ ])?$|(?<!\w)(?:als|zur|zum|pro|my|the|a)[ ]$",
    re.I,
)
