"""Where somebody lives: street with number, town with postcode, post-office box, a point on the map.

A house number is found first, then the words before it are read backwards: that is linear in any text.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from shared.privacy.dates import MONTH
from shared.privacy.kinds import Span

_CAP: Final = r"[^\W\d_a-zäöüßа-яіїєґ][\w'’-]{1,40}"
_HOUSE: Final = re.compile(
    r"(?:(?<=[\w.])[ \t]{1,2}|(?<=[Ss]tr\.)|(?<=[Ss]traße)|(?<=[Ss]trasse))"
    r"(?:(?i:nr\.?|nummer|hausnr\.?|hausnummer|no\.?)\s?)?"
    r"(?P<n>[1-9]\d{0,3}(?:\s?[a-zA-Z](?!\w|\.\w))?(?:\s?[-/+–]\s?\d{1,4}(?:\s?[a-zA-Z](?!\w|\.\w))?)?)(?!\w)"
    r"(?i:(?!\s?(?:uhr|€|euro?\b|eur\b|tage?n?\b|jahre?n?\b|monate?n?\b|wochen?\b|stunden?\b|minuten\b|prozent"
    r"|%|km\b|kg\b|cm\b|mal\b|personen|kinder\b"
    rf"|\.\s?\d|[.]?\s?{MONTH}\b|[:,]\d|years?\b|days?\b|weeks?\b|hours?\b|months?\b|ans\b|jours?\b|gün\b"
    rf"|yıl\b|yaş|рок|дні|днів)))"
)
_SPELLED: Final = re.compile(
    r"(?<=[\w.])[ \t]{1,2}(?i:(?:nr\.?|nummer|hausnummer)\s)?"
    r"(?P<n>(?i:eins|(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und\w{4,8}ßig|(?:\w{3,6}und)?\w{3,6}zig|zwei"
    r"|drei|vier"
    r"|fünf|sechs|sieben|acht|neun|(?:drei|vier|fünf|sech|sieb|acht|neun)zehn|zehn|elf"
    r"|zwölf)(?:\s[a-d])?)(?=\s*(?:[.,;:)\n]|$))"
)
# A line of a form, and what says a house number or a postcode without its street.
_FORM: Final = re.compile(
    r"(?<![\w-])(?:wohn)?(?i:straße|strasse|str|anschrift|adresse|street|rue|sokak|вулиця|улица|ulica|الشارع"
    r"|العنوان)(?: und (?i:haus)\S{2,8})?"
    r"[ \t]{0,3}:[ \t]{0,3}(?P<it>(?=[^\W_a-zäöüß])[\w.'’-]{3,40}(?:[ ][\w.'’/-]{1,30}){0,4})(?=[ \t]*(?:[,;\n(|]"
    r"|\.\s|\.?$))"
)
_PART: Final = re.compile(
    r"(?<!\w)(?:haus-? ?(?:nummer|nr\.?)|house (?:number|no\.?)|hnr\.?|plz|postleitzahl|post ?code|zip(?: ?code)?"
    r"|code postal|posta kodu"
    r"|kapı no|індекс|индекс|будинок|дом №|kod pocztowy|الرمز البريدي|رقم البيت)[ \t]{0,2}(?:[:=][ \t]{0,3}|ist "
    r"|lautet |is )?"
    r"(?P<it>\d[\dA-Z/-]{0,9}(?:[ ][A-Z](?!\w))?(?:[ ]\d[A-Z]{2}(?!\w))?)(?![\w.]\d)",
    re.I,
)
_TURNED: Final = re.compile(
    r"(?i:wohn\w{0,6}|lebe|adresse|anschrift)\W{1,3}(?:(?:ist|in|im|an|der|die|am)\W{1,2}){0,3}"
    r"(?P<it>[1-9]\d{0,2}[a-z]?\s[A-ZÄÖÜ][\w-]{2,30}(?:straße|strasse|str\.?|weg|gasse|allee|platz|ring))(?!\w)"
    r"|(?i:\b(?:live|living|lives|lived|reside|address(?: is)?)\b:?(?: at| now at)?)\s"
    r"(?P<at>(?i:\d{1,5}[a-z]?,?\s(?:[a-z'’-]{2,20}\s){1,3}"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|square|terrace|way|place|gardens|crescent|hill|row"
    r"|grove|mews)\b))"
)
_ENDS: Final = re.compile(
    r"(?:stra(?:ss|ß)en?|str|weg|wege|gasse|gässchen|gässle|gassl|platz|plätzchen|allee|ring|damm|ufer|steig"
    r"|stieg|steg|pfad|chaussee|markt|berg|hof|höfe"
    r"|winkel|graben|tor|wall|brücke|bahn|hammer|felde?|wiesen?|garten|gärten|höhe|grund|tal|bach|born|brunnen"
    r"|kamp|twiete|redder|stiege|kai|zeile"
    r"|promenade|park|anger|aue?|rain|halde|hang|leiten?|reihe|ecke?|siedlung|bogen|terrasse|treppe|deich"
    r"|horst|busch|heide|moor|see|mühle|haus"
    r"|schanze|kuhle|lohe?|quelle|linde|eiche|wende|gang|kehre|breite|worth|lände|furt|fleet|wurt|acker|äcker"
    r"|schlag|holz|wald|wäldchen|kirche|stein"
    r"|burg|hütten?|teich|weiher|insel|werder|warft|dorf|hagen|ofen|werk|speicher|freiheit|bleichen?|steinweg"
    r"|straat|laan|plein|gracht)$",
    re.I,
)
_TOWN: Final = (
    r"(?:[A-Z]{1,2}[- ])?(?P<code>\d{5})[ \t]{1,2}(?:(?:Bad|Sankt|St\.|Markt|Burg|Neu|Alt|Groß|Hohen)\s)?"
    rf"{_CAP}(?:[ /-](?:am|an der|im|in der|bei|ob der|vor der|a\.\s?d\.)\s{_CAP}|[/-]{_CAP}|\s\({_CAP}\))?"
)
_AFTER: Final = re.compile(rf"\s*[,;/|·–-]?\s*\n?\s*{_TOWN}")
_BEFORE: Final = re.compile(rf"(?<![\w.-]){_TOWN}\s*[,;–-]?\s*\n?\s*$")
_ALONE: Final = re.compile(rf"(?<![\w.-]){_TOWN}")
_UNITS: Final = re.compile(
    r"\d\s{1,2}(?:euro?|eur|km|kg|uhr|jahre?n?|personen|stück|tl|meter|menschen|einwohner|seiten|punkte|kinder"
    r"|tage|usd|chf|cm|kw|ps|ccm|bürger)\b",
    re.I,
)
_ARTICLE: Final = (
    r"(?:Am|An d\.|An der|An den|An dem|Auf der|Auf dem|Auf den|Im|In der|In den|In dem|Zum|Zur|Zu den|Unter den"
    r"|Unter der|Unterm|Hinter der|Hinter dem"
    r"|Hinterm|Vor dem|Vor der|Vorm|Beim|Bei der|Bei den|Über der|Alter?|Altes|Neuer?|Neues|Große[rs]?"
    r"|Kleine[rs]?|Obere[rs]?|Untere[rs]?|Hohe[rs]?|Lange[rs]?"
    r"|Sankt|St\.|Achter|Op de[rn]?)"
)
_OLD: Final = re.compile(rf"(?<!\w)(?:{_ARTICLE}[ ])+$")
_BARE: Final = re.compile(
    rf"(?<![\w-])(?:{_CAP}[ -]){{1,3}}$|(?<![\w-])(?:{_CAP}[ ])?(?i:zur?|zum|am|an der|an den|auf der|auf dem"
    rf"|beim|hinter der|vor dem)[ ]$"
)
_PLACED: Final = re.compile(
    rf"(?<!\w){_ARTICLE}[ ](?:[a-zäöü]\w{{1,15}}[ ])?{_CAP}(?:[ ]{_CAP})?$|(?<!\w)(?:{_ARTICLE}[ ])+{_CAP}$"
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_CAPS: Final = re.compile(rf"(?<![\w-])(?:{_CAP}[ -]){{0,2}}{_CAP}\.?$")
_NO_STREET: Final = re.compile(
    r"(?:^|\W)(?:linie|zimmer|schalter|klasse|gebäude|raum|stock|etage|absatz|abs|artikel|art|teil|punkt"
    r"|nummer|nr|ziffer|alter|wert|jahr|monat|woche|tag"
    r"|haus|gleis|bus|tarif|gruppe|kategorie|stufe|typ|frage|version|seite|kapitel|formular|antrag|anlage|zone"
    r"|tor|halle|bahnhof|januar|februar|märz|april|mai"
    r"|juni|juli|august|september|oktober|november|dezember|montag|dienstag|mittwoch|donnerstag|freitag"
    r"|samstag|sonntag|anhang|zeitung|umzug|jahrgang|zugang"
    r"|euro|kosten|paragraph|paragraf|band|auflage|ausgabe|platz|sommer|winter|ende|anfang|mitte|weihnachten"
    r"|ostern|block|gang|wohnung|aus|raus|sgb|stvo"
    r"|schritt|code|pin|windows|nach|vor|seit|bis|um|ab|oder|und|ca|circa|etwa|noch|nur|mit|zu|für|kind|kinder"
    r"|person|tür|jg|room|class|line|page|part|step"
    r"|madde|sınıf|salle|ligne|classe|article|кабінет|клас|стаття|лінія|see|park|tal|au|ring|hof|berg|wald"
    r"|dorf|insel|holz|stein|burg|heide|anfangs|ungefähr|baujahr)$"
    r"|(?:parkplatz|stellplatz|spielplatz|arbeitsplatz|studienplatz|bahnhof|friedhof|parkhaus|krankenhaus"
    r"|rathaus|hochhaus|gebäude|durchgang|vorgang|ausgang"
    r"|eingang|lehrgang|jahrgang|führerschein|ausweis|projekt|antrag|linie|nummer|klasse)$",
    re.I,
)
_TELLS: Final = re.compile(
    r"(?:wohn\w*|lebe[nt]?|adresse\w*|anschrift\w*|zuhause|daheim|umgezogen|gezogen|ziehe\w*|gemeldet|früher|objekt"
    r"|address\w*|lives?|living|moved|residing|resident|flat|apartment|habite\w*|domicilié\w*|demeurant"
    r"|adres\w*|oturuyor\w*|ikamet\w*|taşın\w*"
    r"|адрес\w*|мешка\w*|прожива\w*|живу|живемо|عنوان\w*|العنوان|أسكن|أعيش)"
    r"\W{1,3}(?:(?:ist|in|im|am|is|at|an|der|die|das|den|dem|yeni|у|на|sind|noch|lautet|seit|derzeit|zurzeit"
    r"|jetzt|nun|aktuell|weiterhin"
    r"|von|bei|mir)\W{1,2}){0,3}$",
    re.I,
)
_CLOSED: Final = re.compile(r"\s*(?:$|\n|[,;)|]|\.(?:\s|$))")
_OPENED: Final = re.compile(r"(?:^|[\n,(|;:])\s*$")
_FOREIGN: Final = tuple(
    re.compile(pattern, re.I if small else 0)
    for pattern, small in (
        (r"\b\d{1,5}[a-z]?,?\s(?:[A-Z][\w'’.-]{1,30}\s){1,4}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr"
         r"|Close|Court|Square|Terrace|Way|Place|Gardens"
         r"|Crescent|Blvd|Boulevard|Hill|Row|Grove|Mews)\b\.?", False),
        (r"\b(?:Flat|Apartment|Apt\.?|Unit)\s\d{1,4}[A-Za-z]?\b,?", False),
        (r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b", False),
        (r"\b\d{1,4}(?:\s?(?:bis|ter|quater|[a-z]))?,?\s(?:rue|r\.|avenue|av\.|boulevard|bd|place|impasse|chemin"
         r"|allée|quai|route|cours|square|sentier|villa"
         rf"|faubourg)\s(?:(?:de|du|des|la|le|les|d'|l'|saint"
         rf"|sainte)\s?){{0,3}}[^\s,;\n]{{2,40}}(?-i:(?:[ -]{_CAP}){{0,4}})", True),
        (rf"\b(?:rue|avenue|boulevard|place|impasse|chemin|allée)\s(?:(?:de|du|des|la|le"
         rf"|les)\s){{0,2}}{_CAP}(?:[ -]{_CAP}){{0,3}},?\s(?:n°\s?)?\d{{1,4}}\b", False),
        (r"(?<!\w)(?:вул(?:\.|иц\w{1,2})|просп(?:\.|ект\w{0,2})|пров(?:\.|улок|улку)|бульв(?:\.|ар\w{0,2})"
         r"|бул\.|ул(?:\.|иц\w{1,2})|пл(?:\.|ощ\w{1,2})|пер(?:\.|еулок)"
         r"|набережн\w{1,2}|шосе)\s?[\w'’.-]{2,40}(?:\s[\w'’.-]{2,40}){0,2}?,?\s(?:(?:буд|будинок|д|дом"
         r"|№)\.?\s?)?\d{1,4}\s?[а-яa-z]?(?!\w)(?:,?\s(?:кв|квартира|оф)\.?\s?\d{1,4})?", True),
        (r"(?<!\w)(?:شارع|طريق|حي|زقاق)\s(?:[\w.'-]{1,30}\s){0,3}[\w.'-]{1,30}[،,]?\s(?:(?:رقم|بناية|عمارة|بيت"
         r"|منزل)\s?)?\d{1,4}", False),
        (r"\b(?:via|viale|piazza|corso|vicolo|calle|c/|avenida|avda\.?|plaza|paseo|rua|travessa|praça|ul\."
         r"|ulica|ulicy|al\.|os\.|pl\.|str\.|strada|bulevardul|bd\.|aleea)\s"
         rf"(?:(?:de|del|della|dei|la|las|los|di)\s){{0,2}}(?-i:{_CAP}(?:\s{_CAP}){{0,3}}),?\s(?:(?:nr|n|no|nº"
         rf"|br)\.?\s?)?\d{{1,4}}\w?(?:/\d{{1,4}})?", True),
        (r"\b(?:Postfach|P\.?\s?O\.?\s?Box|B\.?P\.|Boîte postale|Posta Kutusu|PK|а/с|ص\.?\s?ب\.?"
         r"|Apartado)\s(?:Nr\.?\s?|No\.?\s?)?\d[\d ]{1,9}\d?", True),
        (r"(?<![\d.,])[-+]?\d{1,3}[.,]\d{4,12}\s?°?\s?[NSns]?\s?[,;/ ]\s?[-+]?\d{1,3}[.,]\d{4,12}(?:\s?°?\s?"
         r"[EWOeo]\b)?", False),
        (r"\b\d{1,3}\s?°\s?\d{1,2}\s?['′’]\s?(?:\d{1,2}(?:[.,]\d{1,4})?\s?[\"″”]\s?)?[NSEWO]\b", False),
        (r"\bStra(?:ß|ss)e des \d{1,2}\. \w{3,12} \d{1,4}\w?", False),
    )
)  # fmt: skip
_TURKISH: Final = re.compile(
    r"(?<=[\w.]\s)(?:(?i:mahallesi|caddesi|sokağı|sokak|bulvarı)|Mahallesi|Mah\b\.?|Caddesi|Cad\b\.?|Sokağı|Sokak"
    r"|Sok\b\.?|Sk\b\.?|Bulvarı|Blv\b\.?"
    r"|Apartmanı|Sitesi)[^\n;!?]{0,60}?(?:(?:No|Nr|Numara)\s?[:.]?\s?|\s)\d{1,4}"
    r"(?:/\d{1,3})?(?:,?\s?(?:D|Daire|Kat|K)\s?[:.]?\s?\d{1,3}){0,2}"
)
_TAIL: Final = 100  # characters before a house number that are read


def addresses(text: str) -> Iterator[Span]:
    """Each address of a text."""
    for house in chain(_HOUSE.finditer(text), _SPELLED.finditer(text)):
        start = _street(text, house)
        if start is None:
            continue
        end = house.end("n")
        if town := _AFTER.match(text, end):
            end = town.end()
        elif before := _BEFORE.search(text[max(0, start - _TAIL) : start]):
            start = max(0, start - _TAIL) + before.start()
        yield Span(start, end, "address")
    for pattern in (_FORM, _PART, _TURNED):
        for found in pattern.finditer(text):
            yield Span(*found.span(found.lastgroup or 0), "address")
    for pattern in _FOREIGN:
        for found in pattern.finditer(text):
            town = _AFTER.match(text, found.end())
            yield Span(found.start(), town.end() if town else found.end(), "address")
    for found in _TURKISH.finditer(text):
        back = text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2]
        words = back.split()[-2:]
        yield Span(found.start() - len(" ".join(words)) - 1, found.end(), "address")
    for found in _ALONE.finditer(text):
        if not _UNITS.search(found.group()):
            yield Span(*found.span(), "address")


def _street(text: str, house: re.Match[str]) -> int | None:
    """Where the street begins whose number was found, if it is one."""
    at = max(0, house.start() - _TAIL)
    tail = text[at : house.start()].rpartition("\n")[2]
    at = house.start() - len(tail)
    words = tail.rstrip(".").split(" ")
    last = re.split(r"[(\[,;:/|]", words[-1])[-1]
    placed = _PLACED.search(tail)
    if not last:
        return None
    if _NO_STREET.search(last):
        lived = placed is not None and _TELLS.search(text[max(0, at + placed.start() - 60) : at + placed.start()])
        return at + placed.start() if placed and lived else None
    if placed and not _YEAR.fullmatch(house["n"]):
        return at + placed.start()
    if _ENDS.search(last) and (last[0].isupper() or len(last) >= 6):
        start = house.start() - len(tail) + len(tail.rstrip(".")) - len(last)
        bare = _ENDS.fullmatch(last) is not None
        prefix = (_BARE if bare else _OLD).search(text[at:start])
        return at + prefix.start() if prefix else None if bare else start
    if not last[0].isupper() or (last.isupper() and len(last) <= 6):  # as of a plate
        return None
    caps = _CAPS.search(tail)
    start = at + caps.start() if caps else house.start() - len(last)
    whole = text[start : house.start()]
    if _AFTER.match(text, house.end("n")) or _BEFORE.search(text[max(0, start - _TAIL) : start]):
        return start
    closed = _CLOSED.match(text, house.end("n")) is not None and "\n" not in whole
    if _TELLS.search(text[max(0, start - 60) : start]):
        return start
    return start if closed and len(last) >= 4 and _OPENED.search(text[max(0, start - 4) : start]) else None
