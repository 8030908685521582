"""Texts that speak to a language model instead of a citizen: "ignore all previous instructions", in many shapes.

A passage that does is no source of an answer. What stands here is one fence of several: a model's statement
still needs a verbatim quote that backs it. Nothing here judges what a citizen asks.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

_DEEPEST = 2  # encodings within encodings that are opened
_LOOKALIKES = str.maketrans(
    "авсԁеԍһіјӏмпоԛрѕтиԝхузкоΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεικνορτυχγı",
    "abcdeghijlmnoqpstuwxyzkoabezhikmnoptyxabeiknoptuxyi",
)
_DIGITS = str.maketrans("013457@$!", "oieastasi")
_MIXED = re.compile(r"[a-z013457@$!]*(?:[a-z][013457@$!]|[013457@$!][a-z])[a-z013457@$!]*[a-z]")
_SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_*|]{1,2}){5,}\w(?!\w)")
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){16,}")
_TAGS = range(0xE0020, 0xE007F)  # invisible twins of ASCII


def _any(*parts: str) -> str:
    return "(?:" + "|".join(" ".join(parts).split()).replace("~", r"\s+") + ")"


# Verbs that throw away what was said before, and what they throw away. Matched inside words: letters may be
# written with blanks between them. "~" stands for blanks; umlauts and accents are folded.
_DISCARD = _any(
    """
    ignor[ei] (?<!n't\\x20)(?<!not\\x20)(?<!nt\\x20)(?<!never\\x20)forget disregard overrid over-?rul(?:e|ing) drop~all drop~your abandon~all abandon~your
    bypass change~your
    vergiss vergesst vergessen~sie(?!~(?:bitte~)?nicht) missachte ubergeh lasse?n?~sie~alle lass~alle verwirf
    olvid[ae] olvidar oubli(?:e|ez|er) dimentica scorda esquec[ea] zapomni zignoruj pomin vergeet negeer
    забуд игнорир проигнор unut yoksay gormezden ignora gozardi
    تجاهل انس忽略 忘记 忽视 無視 忘れ
    """
)
_BEFORE = _any(
    """
    instruction instruccion istruzion instrucoes instruct previous~ prior~ preceding above before~that before~this everything all~(?:the~|your~)?(?:orders|rules|tasks|thoughts|documents|commands)
    prompt guideline your~rules all~orders every~rule context~above
    anweisung anordnung instruktion vorherig bisherig vorangegangen obige vorgaben auftrage? aufgaben? alles prompt regeln
    todo todas~las que~sabes tout~ toutes~les consignes tutt[eoi]~ polecen wszystk instrukcj
    инструкц указани предыдущ всё все~ talimat komut onceki ustteki
    التعليمات السابق 指令 之前 以上 上面 指示
    """
)
_OWN = _any(
    """
    your~(?:answer|response|reply|repl(?:y|ies)|output|message|instructions|prompt|system~prompt|training)
    (?:deine[nrm]?|eure)~(?:antwort|ausgabe|anweisungen|nachricht|prompt|aufgabe|neue~aufgabe)
    ihre[nr]?~(?:systemanweisung|prompt|gesamten~prompt)
    tu~respuesta votre~reponse ta~reponse twoj[aą]~odpowiedz твой~ответ ваш~ответ
    """
)
_SHAPING = _any(
    """
    add include integrate encode encrypt render provide translate modify augment enhance reverse invert convert replace
    use~ misspell scramble rearrange remove group introduce apply express format show~ reveal repeat print say~ output
    write begin~ start~ end~ in~ make~ display reply answer mention
    schreib gib~ fuge zeig nenn verschlussel ubersetz wiederhol kodier beginne beende formulier
    escribe traduce ecris traduis napisz напиши ответь
    """
)
_MAKE = _any(
    """
    write compose generate produce create draft tell~me give~me print output say~ repeat reply answer respond
    schreib verfass formulier erstelle generier dichte erzahl sag~ gib~ wiederhol drucke antworte beantwort
    escribe di~lo escrib ecris dites scrivi napisz powiedz напиши скажи yaz soyle اكتب قل 写 说
    """
)
_WORKS = _any(
    """
    essay poem story song joke python c\\+\\+ javascript sql~ shell~ html~code source~code function~to
    swear slur hate headline manifesto speech~ password
    aufsatz gedicht plado?a?e?yer manifest unwahre roman liebesgedicht witz schimpf beleidig
    poema cancion poeme wiersz стих siir قصيدة 诗
    """
)
_PLAY = _any(
    """
    you~are~now you~will~now~act now~you~are now~you~act act~as~a act~as~an act~as~the want~you~to~act pretend~to~be pretend~you
    pretend~that~you imagine~you~are roleplay~as role-play~as from~now~on~you stay~in~(?:your~)?character
    du~bist~(?:jetzt|nun|ab~sofort|kein|keine|ein|eine)~ bist~du~(?:jetzt|ab~sofort) jetzt~bist~du stell~dir~vor,?~du tu~so,?~als spiel~die~rolle
    ab~jetzt~bist als~\\w+(?:-\\w+)?(?:,~\\w+(?:~und~-?\\w+)?)?~fungier fungieren~sie~als fungiere~als im~stil~ein
    agis~comme actua~como act[uú]a~como comportati~come udawaj zachowuj~sie~jak представь,?~что~ты ты~теперь gibi~davran تصرف~ك 扮演 你现在是
    """
)
_TALK = _any(
    """
    (?:hello|hallo|hey|hi|dear|liebe)~(?:chat)?(?:gpt|ki|ai|bot|claude|gemini|llama|assistant) system~?prompt prompt-?texte? prompttext your~prompt
    full~prompt text~above~prompt (?:this|the)~prompt~above jailbreak developer~mode dan~mode do~anything~now
    as~an~ai~(?:language~)?model boese?~ki bose~ki evil~ai ki-system ai~system language~model sprachmodell
    repeat~after~me new~instructions? additional~instruction neue~anweisung neue~aufgabe new~task next~task~is neue~herausforderung
    haha~pwned begin~system end~of~(?:system|context|document) ende~(?:des~kontext|der~dokumente)
    """
)
_MARKERS = (
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id|end_header_id|s)\|?>"
    r"|\[/?inst\]|<</?sys>>|(?:^|\n)\W{0,4}(?:system|assistant|human|chatgpt|gpt|ki|ai)\s*:|\$\$\$|(?:human:\s*){2}"
)
_START = r"(?:^|[.!?:;\n\"'»«)-]\s*|(?:please|bitte|now|nun|jetzt|and|und|then|you|dann|also|stopp?)\W+)"
_GAP = r".{0,70}?"
_PATTERNS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        _MARKERS,
        rf"{_DISCARD}{_GAP}{_BEFORE}",
        rf"{_START}{_SHAPING}{_GAP}{_OWN}",
        rf"{_OWN}\W.{{0,40}}?(?:{_SHAPING}|translat|encod|emoji|base\d\d|cipher)",
        rf"(?:can|could|would)~you~.{{0,60}}?{_OWN}".replace("~", r"\s+"),
        rf"{_START}{_MAKE}{_GAP}{_WORKS}",
        _PLAY,
        _TALK,
        r"(?:^|\n|\s)stopp?\s*[-:!,]{1,2}\s*(?:write|say|ignore|schreib|ich\s+benotige|i\s+urgently)",
        r"(?:just|only|and|nur|einfach|und)\s+(?:say|print|output|write|schreibe?|sage?)\s+[\"'„“]?\w",
        r"context\W{1,3}[\"{\w].{0,300}question|kontext\s.{0,200}\sfrage\s",
    )
)


def instructs(text: str) -> bool:
    """Whether a text holds an instruction to a language model, plain or hidden in an encoding."""
    return any(pattern.search(view) for view in _views(text, _DEEPEST) for pattern in _PATTERNS)


def _views(text: str, depth: int) -> Iterator[str]:
    """The text as it is read: folded, look-alikes undone, letters joined, blobs decoded."""
    shown = "".join(chr(ord(c) - 0xE0000) if ord(c) in _TAGS else c for c in text)
    plain = _folded(shown)
    yield plain
    alike = _folded(shown.translate(_LOOKALIKES))
    spelled = _MIXED.sub(lambda found: found.group().translate(_DIGITS), alike)
    joined = _SPACED.sub(lambda found: re.sub(r"[\W_]+", "", found.group()), spelled)
    for view in (alike, spelled, joined):
        if view != plain:
            yield view
    if depth:
        for hidden in _decoded(shown):
            yield from _views(hidden, depth - 1)


def _folded(text: str) -> str:
    """Lower case without accents, invisible characters and doubled blanks; line breaks stay."""
    parts = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text)).casefold()
    kept = "".join(c for c in parts if unicodedata.category(c) not in ("Mn", "Cf") and c != "\u00ad")
    return re.sub(r"[^\S\n]+", " ", kept.replace("ı", "i").replace("\\n", "\n"))


def _decoded(text: str) -> Iterator[str]:
    """What base64 and hexadecimal runs say, where they say text."""
    for found in _BLOB.finditer(text):
        raw = found.group().rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            yield from _readable(base64.b64decode(raw[: len(raw) - (len(raw) % 4 == 1)] + "=" * (-len(raw) % 4)))
        except binascii.Error:
            continue
    for found in _HEX.finditer(text):
        digits = re.sub(r"[ :]", "", found.group())
        yield from _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _readable(raw: bytes) -> Iterator[str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    if sum(c.isprintable() or c.isspace() for c in text) >= 0.95 * len(text):
        yield text
