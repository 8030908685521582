"""Names of people nobody told us of: after "Frau", "mein Sohn", "ich heiße"; in greetings, signatures, headers."""

import re
from collections.abc import Iterator
from typing import Final

from shared.knowledge.german import FUNCTION_WORDS
from shared.privacy.kinds import Span
from shared.privacy.lexicon import common, given, initials, words

_TOKEN: Final = re.compile(
    r"[ \t]{0,3}(?:(?P<link>von und zu|von der|van der|van den|van|von|zu|de la|de|del|di|da|du|dos|la|le|el-"
    r"|el|al-|al|bin|bint|ben|abu|abd|ibn|O['’]|D['’])(?:[ ]|(?<=[-'’])))?"
    r"(?P<word>[^\W\d_]{2,40}(?:['’-][^\W\d_]{2,40}){0,3}|[^\W\d_]\.)",
    re.I,
)
_ARABIC: Final = re.compile("[\u0600-\u077f]")
_MONTHS: Final = words(
    """
    januar februar märz april mai juni juli august september oktober november dezember january february march may june
    july october december
    """
)
_HONORED: Final = re.compile(
    r"(?<!\w)(?:(?:Frau|Herrn?|Hr\.|Fr\.|Frl\.|Fräulein|Familie|Fam\.|Eheleuten?|Ehepaar|Mrs?\.?|Ms\.?|Miss"
    r"|Mx\.|Madame|Mme\.?|Mlle\.?|Monsieur|Sayın|Bay|Bayan"
    r"|пан(?:ові|ом|і|а|у|е|ею|єю)?|г-жа|г-н|господин\w?|госпож\w|Se[ñn]ora?|Sra?\.|Signora?|Sig\.(?:ra)?|Pan"
    r"|Pani|Panu|Domnul|Doamna|Sachbearbeiter(?:in)?|Kollegin)"
    r"[ \t]{1,3}(?:(?:Dr|Prof|Dipl|Ing|med|jur|Mag)\.[ -]?(?:-?Ing\.[ ])?){0,4}|(?:Dr|Prof)\.[ ](?:(?:Dr|med"
    r"|jur|rer|nat|phil|h\.c)\.[ ]){0,3})"
    r"|(?<!\w)(?:ال)?(?:سيد|سيدة|دكتور|دكتورة|أستاذ|أستاذة|آنسة)[ ]|(?<!\w)ل(?:ل)?سيدة?[ ]",
    re.I,
)
_BEY: Final = re.compile(r"(?P<it>[^\W\d_]{2,30})(?=[ ](?:Bey|Hanım|Hanim|Hoca|Abi|Abla|Amca|Teyze)(?!\w))")
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
_KIN: Final = re.compile(
    rf"(?<!\w)(?:{_KIN_DE}"
    r"|(?:my|our|his|her|the|their)[ ](?:late |older |younger |eldest |youngest |little |twin |newborn "
    r"|\w{1,3}-year-old )?(?:sons?|daughters?|wife|husband|mother|father|mum|mom|dad|brother|sister|partner"
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
    r"|(?:mi|mio|mia|mój|moja|mojego|mojej|mojemu|meu|fiul|fiica|soțul|soția)[ ](?:meu|mea|hijo|hija|esposo"
    r"|esposa|marido|mujer|madre|padre|figlio|figlia|marito|moglie|syn\w{0,4}|córk\w|mąż|męża|żon\w|brat\w?"
    r"|siostr\w)?)"
    r"(?:[ ](?:namens|heißt|hört auf|mit (?:dem )?Namen|genannt|named|called|is called|nommée?|appelée?"
    r"|qui s'appelle|adında(?:ki)?|adlı|isimli|на ім['’ʼ]я|по имени))?"
    r"[ \t]{0,2}[,:(\[\"„]?[ \t]{0,2}(?=[^\W\d_])",
    re.I,
)
_AND: Final = re.compile(r"(?:\s?,\s?|\s(?:und|u\.|and|et|ve|та|і|й|и|sowie|&|\+|y|e|i|și)\s)(?=[^\W\d_])")
_MYSELF: Final = re.compile(
    r"(?<!\w)(?:ich heiße|ich heisse|heiße|heisse|heißt|mein name ist|mein name lautet|meines namens"
    r"|my name is|name is|i am called|i am|i['’]m|this is|je m['’]appelle|je me nomme|mon nom est|je suis"
    r"|s['’]appelle"
    r"|benim adım|adım|ismim|adı|ben|мене звати|мене звуть|звати|звуть|моє ім['’ʼ]я|меня зовут|зовут|я,?|اسمي"
    r"|اسمه|اسمها|يدعى|تدعى|أنا|me llamo|mi nombre es|soy|mi chiamo|nazywam się|mă numesc|numele meu este"
    r"|hier ist|hier schreibt|es schreibt|spreche mit)"
    r"[ \t]{0,2}[:,—–-]?[ \t]{1,2}(?=[^\W\d_])",
    re.I,
)
_SHY: Final = re.compile(
    r"(?:i am|i['’]m|this is|je suis|ben|я,?|أنا|soy|hier ist|heißt|heiße)[ \t]{0,2}[:,—–-]?[ \t]{1,2}", re.I
)
_LABEL: Final = re.compile(
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
    r"[ \t]{0,2}(?:[:=][ \t]{0,3}|(?<=\.)[ ]|[ ](?=[^\W\d_a-zäöü]{2}))(?=[^\W\d_])",
    re.I,
)
_MAIDEN: Final = re.compile(
    r"(?<!\w)(?:geb\.|geborene[rn]?|verw\.|gesch\.|née|kızlık soyadı\w*:?|уроджен\w{2}|дівоче прізвище:?"
    r"|di nascita)[ ]{1,2}(?=[^\W\d_a-zäöü])"
)
_GREETING: Final = re.compile(
    r"(?m:^|(?<=[.!?] ))[ \t>]{0,8}(?:sehr (?:geehrte[rs]?|verehrte[rs]?)|liebe[rs]?|hallo|halli hallo|huhu|hi"
    r"|hey|moin(?: moin)?|servus|grüß gott|grüezi|guten (?:tag|morgen|abend)|dear|hello|good (?:morning"
    r"|afternoon|evening|day)|bonjour|bonsoir"
    r"|chère?s?|salut|merhaba(?:lar)?|selam|sayın|değerli|шановн\w{1,3}|добрий день|доброго дня|добрий вечір"
    r"|привіт|вітаю|здравствуйте|уважаем\w{2}|привет|مرحبا|عزيزي|عزيزتي|حضرة|hola|estimad[oa]|ciao|buongiorno"
    r"|gentile|cześć|dzień dobry|bună ziua)"
    r"[ \t]?,?[ \t]{1,3}(?=[^\W\d_])",
    re.I,
)
_CLOSING: Final = re.compile(
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
    r"(?!\w)[ \t]{0,3}[,.!:–-]{0,3}[ \t]{0,3}(?:\n\s{0,6})?(?=[^\W\d_])",
    re.I,
)
_WROTE: Final = re.compile(
    r"(?<!\w)(?:schrieb|a écrit|yazdı|wrote|написа\w{1,3}|пи(?:ше|сав|сала)|كتبت?|scrisse"
    r"|escribió)[ \t]{1,2}(?=[^\W\d_])",
    re.I,
)
_HEADER: Final = re.compile(
    r"(?m:^)[ \t>*]{0,8}(?:von|from|de|kimden|gönderen|від|от|من|an|to|cc|bcc|à|kime|bilgi|кому|копія|إلى"
    r"|absender|expéditeur|da|da parte di|para|od|do)[ \t]{0,2}:[*]?[ \t]{0,3}[\"'„]?(?=[^\W\d_])",
    re.I,
)
_ADDRESSED: Final = re.compile(
    r"(?<!\w)(?P<it>(?:[^\W\d_]{2,40}(?:[-'’][^\W\d_]{2,40})?,?[ ]){1,4})(?=[\"']?\s?[<(\[](?:mailto:)?"
    r"[^\s<>@\[\]]{1,64}(?:@|\[E-Mail\]))"
)
_PLURAL: Final = re.compile(r"(?:kinder|söhne|töchter|eltern|geschwister|zwillinge|brüder|schwestern|children"
            r"|kids|sons|daughters|enfants|filles|çocuklarım|діти|дітей)\W*$", re.I)  # fmt: skip


def persons(text: str) -> Iterator[Span]:
    """Each name of a text that a word beside it, its place in the letter or a list of given names tells."""
    for found in _HONORED.finditer(text):
        before = text[max(0, found.start() - 24) : found.start()]
        greeted = not before or before.endswith("\n") or _GREETING.search(f"{before}X") is not None
        yield from _read(text, found.end(), small=greeted)
    for found in _KIN.finditer(text):
        yield from _listed(text, found)
    for found in _MYSELF.finditer(text):
        spans = list(_read(text, found.end(), given_small=True))
        shy = _SHY.fullmatch(found.group()) is not None
        yield from (span for span in spans if not shy or _sure(text, span))
    for pattern in (_LABEL, _HEADER, _WROTE):
        for found in pattern.finditer(text):
            yield from _read(
                text, found.end(), commas=pattern is not _WROTE, small=pattern is _LABEL and ":" in found.group()
            )
    for found in _MAIDEN.finditer(text):
        yield from _read(text, found.end(), most=1)
    for found in _GREETING.finditer(text):
        for span in _read(text, found.end()):
            if re.match(r"\s*(?:[,!.:;–-]|\n|$)", text[span.end : span.end + 8]) or _sure(text, span):
                yield span
    for found in _CLOSING.finditer(text):
        yield from _signed(text, found.end())
    for found in _BEY.finditer(text):
        if found["it"][0].isupper() and not common(found["it"]):
            yield Span(*found.span("it"), "name")
    for found in _ADDRESSED.finditer(text):
        if not any(common(word) for word in re.findall(r"[^\W\d_]+", found["it"])):
            yield Span(found.start("it"), found.end("it") - 1, "name")
    yield from _by_list(text)


def _read(
    text: str, at: int, *, most: int = 4, small: bool = False, given_small: bool = False, commas: bool = False
) -> Iterator[Span]:
    """The name that begins here, if one does: capitalised words that are no others.

    ``small``: lower case will do at the end of a line; ``given_small``: for given names.
    """
    start = end = -1
    for _ in range(most):
        token = _TOKEN.match(text, at if end < 0 else end)
        if token is None:
            break
        word = token["word"]
        if not _named(word, text, token, small=small, given_small=given_small, first=end < 0):
            break
        start, end = (token.start("link") if token["link"] else token.start("word")) if end < 0 else start, token.end()
        if commas and text[end : end + 2] == ", ":
            follow = _TOKEN.match(text, end + 1)
            if follow and _named(follow["word"], text, follow, small=False, given_small=False, first=False):
                end = follow.end()
                break
    if end > start >= 0 and len(text[start:end].strip(". ")) > 1:
        yield Span(start, end, "name")


def _named(word: str, text: str, token: re.Match[str], *, small: bool, given_small: bool, first: bool) -> bool:
    if word.endswith("."):
        return word[0].isupper()
    whole = re.split(r"['’-]", word)[0] if not given(word) else word
    if (
        common(word)
        or common(whole)
        or word.casefold() in FUNCTION_WORDS
        or word.casefold() in _MONTHS
        or initials(word)
    ):
        return False
    if _ARABIC.search(word):
        return first or given(word) or word.startswith("ال")
    if word[0].isupper():
        return True
    if given_small and given(word) and len(word) >= 4:
        return True
    return small and re.match(r"[ \t]*(?:[,!.:]?[ \t]*(?:\n|$)|,)", text[token.end() : token.end() + 6]) is not None


def _listed(text: str, found: re.Match[str]) -> Iterator[Span]:
    """Names after a relation: "meine Kinder Lea, Ben und Ida"."""
    plural = _PLURAL.search(found.group().rstrip(" ,:(")) is not None
    spans = list(_read(text, found.end(), most=3, given_small=True))
    if spans and _ARABIC.search(text[spans[0].start : spans[0].end]) and not _sure(text, spans[0]):
        return
    if spans and "," in found.group() and not _sure(text, spans[0]):
        return  # "mein Sohn, Personen über 18 …"
    for _ in range(8):
        if not spans:
            return
        yield spans[0]
        more = _AND.match(text, spans[0].end)
        if more is None:
            return
        spans = [span for span in _read(text, more.end(), most=3, given_small=True) if plural or _sure(text, span)]


def _sure(text: str, span: Span) -> bool:
    """Whether there is a given name in it, or two words."""
    words = re.findall(r"[^\W\d_]{2,}", text[span.start : span.end])
    return any(given(word) for word in words) or len(words) >= 2


def _signed(text: str, at: int) -> Iterator[Span]:
    """The name below "Mit freundlichen Grüßen": the rest of a line, of up to four words, and nothing but a name."""
    line = re.match(r"[^\n]{0,120}", text[at:])
    rest = line.group() if line else ""
    head = re.split(r"[,;|/()\d<\[]|\s[-–]\s|\.\s|\.$", rest)[0].strip(" \t-–_*")
    words = head.split()
    if not 1 <= len(words) <= 4 or not all(re.fullmatch(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?", word) for word in words):
        return
    plainly = [word for word in words if word.casefold() in FUNCTION_WORDS or (common(word) and not given(word))]
    capital = all(word[0].isupper() or _ARABIC.search(word) for word in words if len(word) > 3)
    after = at + len(rest)
    last = not re.search(r"[^\W\d_]{2}[^\n]{30}", text[after : after + 400])
    if plainly or not (capital or (last and len(words) <= 3) or any(given(word) for word in words)):
        return
    start = at + rest.index(head)
    yield Span(start, start + len(head), "name")


def _by_list(text: str) -> Iterator[Span]:
    """Given names with what follows them."""
    until = 0
    for word in re.finditer(r"(?<!\w)[^\W\d_]{3,40}", text):
        if word.start() < until or not word.group()[0].isupper() or not given(word.group()):
            continue
        for span in _read(text, word.start(), most=3):
            until = span.end
            yield span
