"""Which words are given names, and which capitalised words are none."""

import re
from functools import cache
from importlib import import_module
from typing import Final

from shared.privacy.spelling import key


def words(text: str) -> frozenset[str]:
    """The words of a list, as ``casefold`` writes them."""
    return frozenset(text.casefold().split())


LOCALES: Final = """
ar_AA ar_SA az_AZ bg_BG cs_CZ de_AT de_CH de_DE el_GR en_GB en_US es_ES fa_IR fr_FR hr_HR hu_HU it_IT nl_NL pl_PL
pt_PT ro_RO ru_RU sl_SI tr_TR uk_UA
"""
# Given names that are words, months or places, too: alone they say nothing.
_AMBIGUOUS: Final = words(
    """
    abend achtung alba alle alp amber amt angel april art august azur beste bahar bergen berlin bill bis blake
    bonnie can cole coy daisy dean dost dünya ernst eve faith fay florence forest friede georgia glen grace grant
    grün hak hale heather heide hope ivory ivy iyi jade job joy june kerman kiraz lang laurel lee line linde lou
    love mai malta mark mars may mehr melody merit mies mille mine nur oral orient pan paris peer pier polen rain
    ray rosa rose ruby said salut savaş sen senin sierra silvester solange summer sunny tür ulm van venus
    victoria von will wolf yaz віра надія любов зоря мир воля сонце світ роза март май август лев die der
    das und für bitte danke ich wir sie mein meine dein ihr hat ist war
    """
)
_FURTHER: Final = words(
    """
    anneliese baris finja jette oksana olha quirin svitlana theo yusuf
    levke lotta jonte fiete enno ilvy mats tjark tjorven smilla ronja malea mailo liam lenni leano milan kian
    emilio matteo mathilda leni lina romy ella elli thea juna alma carlotta annika swantje wiebke solveig ottilie frieda
    bodo egon wieland jendrik levin malte uschi moni steffi kalle manni babsi gabi biggi hansi berti conny
    klausi heini
    kerem emir gülizar gülbahar defne ecrin elif zeynep ayşe fatma hatice emine eymen ömer yiğit asaf miran çınar aras
    zehra hiranur asel nehir ebrar elvan cemile songül nurcan hüseyin ümit cihan serkan volkan tolga
    соломія марійка софійка оксана тимофій назар злата мілана єва орест дарина зульфия гульнара рустам тимур айгуль
    алина артём камила ильдар милана арина
    ليلى محمد أحمد محمود فاطمة مريم خديجة عائشة زينب سارة نور هدى سلمى ياسمين رنا ريم دانا لينا علي عمر عثمان خالد يوسف
    إبراهيم إسماعيل حسن حسين مصطفى سامر سمير كريم طارق زياد باسم وليد ماهر رامي فادي أنس بلال حمزة آدم جميلة نادية سعاد
    رغد شهد جنى تالا ميرا عبدالله عبدالرحمن
    بسام باسل بشير بشرى بيان بتول براء بهاء بدر برهان تامر تيسير توفيق تمارا تسنيم تقى نبيل نزار ناصر نادر نوال نسرين
    نجلاء نهى نورا نضال نعيم نايف نوف نبراس لمى لبنى لؤي لطيفة لجين ليان ليث لارا لمياء يحيى يزن يارا ياسر ياسين يعقوب
    يونس يامن وائل وسام وفاء وسيم ولاء وردة وجدان هاني هشام هيثم هبة هالة هناء هند هاجر رانيا رولا ريما رهف روان رأفت
    رائد رامز رشا رضوان سوسن سهى سهير سليم سلوى سوزان سيف شادي شيماء شيرين صلاح ضحى عماد عصام عدنان عامر عمار غسان
    غادة فراس فيصل فرح قاسم قصي كمال كنان مازن مأمون مجد محسن مروان معاذ منى منذر مهند مؤيد ميس ميساء جمال جهاد جواد
    جود حازم حسام حنان حيدر خلود خليل دعاء ديما ربى أيمن أسامة أكرم أمجد أشرف إياد إيمان إسراء آلاء أحلام أسماء
    layla leyla mohammad mohammed muhammad ahmed ahmad fatima khadija aisha zainab maryam omar othman khaled ibrahim
    hassan hussein mustafa samer karim tarek ziad walid rami fadi anas bilal hamza amal rania noor huda
    thandiwe chidinma oluwaseun fatoumata aïssatou aminata mamadou ousmane ibrahima abdoulaye kwame kofi akosua ama
    chukwuemeka ngozi adaeze chioma ifeoma emeka tendai tatenda themba sipho nomvula zanele amina abebe tesfaye
    mehret dawit yohannes priya ravi anjali arjun deepak lakshmi sanjay sunita rajesh kavya ananya thuy linh nguyen
    jiho minjun haruto yuki wei xiaoming
    jaqueline jacqueline chantal justin kevin mandy cindy ronny maik rico
    bożena grażyna zosia krzysztof zdzisława małgorzata agnieszka kacper szymon wojciech stanisław zbigniew
    """
)
# Arabic given names that are no words: there are no capitals to tell a name by, and "hope" and "light" are names, too.
_UNMISTAKABLE: Final = words(
    """
    محمد أحمد محمود مصطفى يوسف إبراهيم إسماعيل عثمان حمزة بلال فاطمة خديجة عائشة زينب مريم ياسمين
    رانيا رولا ريما رنا دانا لينا تالا تمارا لبنى لمى سامر سمير زياد باسل بسام مازن مروان معاذ فراس
    غسان عدنان لؤي قصي نزار هيثم وائل ياسر ياسين يزن يعقوب يونس شيرين سوزان نسرين نجلاء عبدالله
    عبدالرحمن حيدر حسام حازم أيمن أسامة أكرم أمجد أشرف إياد إسراء شيماء سهير بشير تامر وليد رامي
    فادي أنس خلود سوسن سلمى نادية
    """
)
# What may follow "Frau", "Hallo", "mein Kind" or stand in a signature and is no name.
_NOUNS: Final = words(
    """
    abend abends abholung abmeldung abteilung adresse akte allerseits alle alles amt angebot anfrage angaben
    angehörige anhang anlage anliegen anmeldung anruf anschrift ansprechpartner ansprechpartnerin antrag antragsteller
    antwort anwohner anwalt anwältin arbeit arbeitgeber arzt auskunft ausland ausnahme ausweis auto autos bad bank
    baby beamte beamter beamtin bearbeiter bearbeiterin bearbeitung behörde bekannte beleg bescheid bescheinigung
    beschwerde besuch betreff betreuer betreuerin bewohner bild bitte brief briefe bruder buch bundesrepublik bus
    bußgeld büro bürger bürgerbüro bürgergeld bürgerin bürgermeister bürgermeisterin bürgerservice chef chefin damen
    dank danke datei daten dauer deutsch deutsche deutscher deutschland dienst dienstag direktor doktor dokument
    dokumente donnerstag ehe ehefrau ehemann ehrenamt ei eigentümer einwohnermeldeamt einzug eltern email mail empfang
    ende england enkel entscheidung ergebnis erlaubnis ersatz erst euro europa fahrer fahrerlaubnis fahrrad fahrzeug
    fall familie farbe fehler feiertag ferien firma form formular foto frage fragen frankreich frau frauen freitag
    freund freunde freundin freundliche freundlichen frist fundbüro führerschein führerscheinstelle fürsorge garten
    gast gebühr gebühren geburt geburtsdatum geburtsort geburtstag geburtsurkunde geld gemeinde gericht gesetz
    gesundheit grund gruß grüße grüßen gäste haus haushalt hausverwaltung heim heimat heirat herr herren hilfe hinweis
    hochzeit hund hunde hundesteuer immobilien info information informationen inhaber internet jahr jahre jahren
    januar februar märz juni juli september oktober november dezember junge kanzlei karte katze kfz kennzeichen kind
    kinder kindergarten kirche kita klasse klinik klinikum kollege kollegen kolleginnen kollegin komma kontakt konto
    kopie kopien kosten krankenhaus krankenkasse kunde kunden kundin kündigung land landratsamt leben leute liebe
    lieben linie liste leitung mal mama mann mannschaft marke meister meldebescheinigung meldung mensch menschen miete
    mieter mietvertrag ministerium mitarbeiter mitarbeiterin mittag mitte mittwoch moin monat monate montag morgen
    mutter nachbar nachbarin nachmittag nachname nachricht nachweis nacht name namen nr nummer oberbürgermeister
    oberbürgermeisterin oma opa ordnungsamt original ort papa papiere park partei partner partnerin pass passbild
    pauschale perso person personal personalausweis personen pflege pin plakette platz polizei post problem projekt
    präsident quittung rathaus rat rathauses raum rechnung recht referat regel reise reisepass rente rentner rückfrage
    rückmeldung sache sachbearbeiter sachbearbeiterin samstag satz schalter schein schild schilder schluss schreiben
    schule schwester seite sekretariat senior senioren service sohn sonntag sorge sozialamt spende sperrmüll stadt
    stadtrat stadträtin stadtverwaltung standesamt stelle steuer steuern straße strafe stunde stunden super tag tage
    tagen tante tausch team teil teilnehmer telefon termin termine tochter tod tür tüv uhr umtausch umzug unterlagen
    unternehmen unterschrift untermieter urkunde urlaub vater verein verfahren verlust verlängerung vermieter
    versicherung vertrag verwaltung viele vollmacht vorfahrt vorgang vormittag vorname vorsitzende vorsitzender wagen
    wahl weg welpe wert woche wochen wochenende wohngeld wohnsitz wohnung wohnungsgeber wort wunsch zahlung zahn zeit
    zeitung zentrum zeugnis zimmer zone zulassung zulassungsstelle zusammen zusendung zustellung zweite montags
    amtsleiter amtsleiterin ausländerbehörde jugendamt heimatmuseum gott schatz ihr ihre ihnen sie du euch dich mich
    wir er es ich der die das den dem ein eine mein meine mit und oder von für am im in an auf zu zum zur bei nach bis
    seit wenn dass ob wie was wo wer wann warum data services system delivery admin administrator support office
    customer postmaster newsletter sir madam sirs colleague colleagues everyone everybody all there officer clerk
    council city hall department question questions help dear hello good morning afternoon evening day thanks thank
    regards best kindest yours sincerely faithfully the this that these i my we our you your please it is what when
    where how can could may would do does monsieur madame messieurs mesdames bonjour bonsoir merci cordialement
    salutations mairie équipe tous toutes maire préfet préfecture je vous nous mon ma mes le la les un une et ou
    yetkili yetkililer bey hanım merhaba merhabalar selam selamlar teşekkürler teşekkür saygılar saygılarımla ekip
    müdür müdürlük memur ilgili makam belediye iyi günler çalışmalar lütfen ben bir bu ve iban bic swift hause sayın
    sayin anne baba reis german germany anschluss добрий день доброго дня вітаю привіт шановні шановний шановна пане
    пані команда колеги дякую повагою канцелярія бюро управління мерія я ми ви це і та або чи здравствуйте добрый
    уважаемые спасибо уважением
    """
)
_SUFFIXES: Final = re.compile(
    r"(?:..(?:ungs?|ungen|heit|heiten|keit|keiten|schaft|schaften|tion|tionen|ismus|tät|täten|ment|age)"
    r"|(?:ausweise?s?|scheine?s?|pass|pässe|passes|ämter|amte?s?|büros?|stellen?|antr[aä]ge?s?|urkunden?"
    r"|steuern?|gebühr|gebühren"
    r"|kennzeichens?|karten?|nummern?|gelde?s?|kosten|zeiten?|zeugnis|zeugnisse|nachweise?s?|bescheide?s?"
    r"|gesetze?s?|(?<!b)recht|rechte"
    r"|strasse|strassen|verwaltung|behörden?|formulare?|unterlagen|dokumente?|termine?s?|fragen?|wohnung"
    r"|fahrzeuge?s?|erlaubnis|erlaubnisse"
    r"|versicherung|vertr[aä]ge?s?|plakette|registers?|verein|vereine|kasse|gericht|gerichte|frist|fristen"
    r"|meldung|parken))$"
)
# Callings are surnames, too: after a given name they are one.
_CALLINGS: Final = re.compile(
    r".(?:beamter?|beamtin|leiter|leiterin|meister|meisterin|bearbeiter|bearbeiterin"
    r"|rätin|kolleg\w{1,5})$"
)
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
_VOWELS: Final = re.compile("[aeiouyäöüаеєиіїоуюя]")
_PLACES: Final = words(
    """
    auenfurt hohenaune brenkau deutschland germany allemagne almanya німеччина німеччині україна україни україну
    ukraine türkei türkiye syrien syria berlin hamburg münchen munich köln frankfurt stuttgart leipzig dresden bremen
    kassel europa european europe london paris wien dublin glasgow spanien italien japan usa florida
    """
)


def common(word: str, *, after: bool = False, listed: bool = False) -> bool:
    """Whether a word is one of many uses, so that its capital makes no name of it.

    ``after`` a given name fewer are; ``listed``: where a name is certain, only
    what stands in the list.
    """
    small = word.casefold()
    if small in _NOUNS or small in _PLACES:
        return True
    if listed:
        return False
    return _SUFFIXES.search(small) is not None or (not after and _CALLINGS.search(small) is not None)


def given(word: str) -> bool:
    """Whether a word is a given name and hardly anything else."""
    small = word.casefold().replace("i\u0307", "i")
    return small not in _AMBIGUOUS and small not in _NOUNS and key(word) in given_names()


def unmistakable(word: str) -> int:
    """How many letters of an Arabic word are a given name that is no word: all, or all but an article; else 0."""
    for start in (0, 1):
        if word[start:] in _UNMISTAKABLE and (not start or word[0] in "وفلبك"):
            return len(word) - start
    return 0


def given_name(word: str) -> bool:
    """Whether somebody is called so, even where it is a word, too ("Ernst")."""
    return key(word) in given_names()


def inflected(word: str) -> bool:
    """The same for a Slavic name in any case, too ("Людмили", "Остапа")."""
    if given(word) or len(word) < 5 or not _CYRILLIC.match(word):
        return given(word)
    if word.casefold() in _AMBIGUOUS | _NOUNS:
        return False
    bare = key(word)
    stems = {bare[:-1], bare[:-1] + "a", bare[:-1] + "o", bare[:-2], bare[:-2] + "a", bare[:-2] + "ia", bare[:-3]}
    return any(len(stem) >= 4 and stem in given_names() for stem in stems)


def initials(word: str) -> bool:
    """Whether a word is none that can be spoken, as "GmbH" or "TV"."""
    return len(word) <= 4 and word.isupper() and _VOWELS.search(word.casefold()) is None


@cache
def given_names() -> frozenset[str]:
    """Given names of 25 countries as ``key`` writes them, three letters or longer; from the lists of ``faker``."""
    found = set(map(key, _FURTHER))
    for locale in LOCALES.split():
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for attribute in dir(provider):
            if attribute.startswith("first_names"):
                for name in getattr(provider, attribute):
                    found.update(key(part) for part in re.split(r"[\s-]+", name) if len(part) >= 3)
    return frozenset(found)
