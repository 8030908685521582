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
_TURNED = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")  # ROT13
_DIGITS = str.maketrans("013457@$", "oieastas")
_MIXED = re.compile(r"(?<![a-z0-9@$])(?=[a-z0-9@$]*[a-z]{2})(?=[a-z0-9@$]*[0-9@$])[a-z0-9@$]+")
_SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_*|]{1,2}){5,}\w(?!\w)")
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){16,}")
_TAGS = range(0xE0020, 0xE007F)  # invisible twins of ASCII


def _any(*parts: str) -> str:
    """An expression for any of blank-separated ones; "~" in one stands for blanks."""
    return "(?:" + "|".join(" ".join(parts).split()).replace("~", r"\s+") + ")"


# Everything is matched in lower case without umlauts and accents. What throws away what was said before, and
# what it throws away, is found inside words, too: letters may be written with blanks between them.
_DISCARD = _any(
    r"ignor[aei] (?<!n't\x20)(?<!not\x20)(?<!nt\x20)(?<!never\x20)forget disregard overrid over-?rul(?:e|ing)",
    "(?:drop|abandon)~(?:all|your) bypass change~your deviat(?:e|ing)~from abweichend",
    "vergiss vergesst vergessen~sie(?!~(?:bitte~)?nicht) missachte ubergeh lasse?n?~sie~alle lass~alle verwirf",
    "olvid(?:a|e) olvidar oubli(?:e|ez|er) dimentica scorda esquec[ea] zapomni zignoruj pomin zaborav vergeet negeer",
    "забуд игнорир проигнор unut yoksay gormezden تجاهل انس 忽略 忘记 忽視 無視 忘れ",
)
_BEFORE = _any(
    "instruction instruccion istruzion instrucoes instruct previous~ prior~ preceding above before~(?:that|this)",
    "everything all~(?:the~|your~)?(?:orders|rules|tasks|thoughts|documents|commands) every~rule",
    "prompt guideline your~rules (?:the~)?articles (?:the~)?passages documents~provided",
    "anweisung anordnung instruktion vorherig bisherig vorangegangen obige vorgaben auftrage? aufgaben? alles regeln",
    "todo todas~las que~sabes tout~ toutes~les consignes tutt[eoi]~ polecen wszystk instruk[ct]i?j",
    "инструкц указани предыдущ все~ talimat komut onceki ustteki التعليمات السابق 指令 之前 以上 上面 指示",
)
_OWN = _any(
    "your~(?:answer|response|reply|replies|output|message|instructions|prompt|system~prompt|training)",
    "(?:deine[nrm]?|eure)~(?:antwort|ausgabe|anweisungen|nachricht|prompt|aufgabe|neue~aufgabe)",
    "ihre[nr]?~(?:systemanweisung|prompt|gesamten~prompt)",
    "tu~respuesta votre~reponse ta~reponse twoja~odpowiedz твои~ответ ваш~ответ",
)
_SHAPING = _any(
    "add include integrate encode encrypt render provide translate modify augment enhance reverse invert convert",
    "replace use~ misspell scramble rearrange remove group introduce apply express format show~ reveal repeat print",
    "say~ output write begin~ start~ end~ in~ make~ display reply answer mention",
    "schreib gib~ fuge zeig nenn verschlussel ubersetz wiederhol kodier beginne beende formulier",
    "escribe traduce ecris traduis napisz напиши ответь",
)
_MAKE = _any(
    "write compose provide generate produce create draft tell~me give~me print output say~ repeat reply answer respond",
    "schreib verfass formulier erstelle generier dichte erzahl sag~ gib~ wiederhol drucke antworte beantwort",
    "escribe di~lo escrib ecris dites scrivi napisz powiedz напиши скажи yaz soyle اكتب قل 写 说",
)
_WORKS = _any(
    r"essay poem story song joke python c\+\+ javascript sql~ shell~ html~code source~code function~to reason~why",
    "swear slur hate headline manifesto speech~ password letter~to",
    "aufsatz gedicht plado?a?e?yer manifest unwahre roman liebesgedicht witz schimpf beleidig python begrundung~warum",
    "poema cancion poeme wiersz стих siir قصيدة 诗",
)
_PLAY = _any(
    "you~are~now you~will~now~act now~you~(?:are|act) act~as~(?:a|an|the|if)~ want~you~to~act",
    "pretend~(?:to~be|you|that~you)",
    "imagine~you~are role-?play~as from~now~on~you stay~in~(?:your~|their~)?(?:character|role)",
    "du~bist~(?:jetzt|nun|ab~sofort|kein|keine|ein|eine)~ bist~du~(?:jetzt|nun|ab~sofort) (?:jetzt|nun)~bist~du",
    "stell~dir~vor,?~du tu~so,?~als spiel~die~rolle ab~jetzt~bist mochte,?~dass~sie~als fungieren~sie~als fungiere~als",
    "im~stil~ein in~deiner~rolle in~ihren~rollen",
    "agis~comme actua~como comportati~come udawaj zachowuj~sie~jak представь,?~что~ты ты~теперь gibi~davran 扮演",
)
_TALK = _any(
    "(?:hello|hallo|hey|hi|dear|liebe)~(?:chat)?(?:gpt|ki|ai|bot|claude|gemini|llama|assistant)",
    "system~?prompt prompt-?texte? your~prompt full~prompt (?:this|the)~prompt~above jailbreak developer~mode dan~mode",
    "do~anything~now as~an~ai~(?:language~)?model bose~ki evil~ai ki-system~e ai~system~e language~model sprachmodell",
    "repeat~after~me new~instructions? additional~instruction neue~anweisung neuen?~aufgabe new~task next~task~is",
    "(?:another|following)~task (?:weiteren?|folgender)~aufgabe weitere~aufgaben neue~herausforderung haha~pwned",
    r"begin~system end~of~(?:system|context|document) say\s*that\s*you\s*(?:hate|love) state~that~\w+~is",
    "alle~(?:bisherigen|vorherigen)~informationen all~(?:the~)?previous~information",
    r"(?:richtige|korrekte)~antwort~\W (?:correct|right)~answer~is~\W \d~sentences~before",
    "schreibe?~mir~ tell~me~what~you",
)
# Who is meant, where a text for citizens speaks to a machine; and what it is told.
_MACHINE = _any(
    "(?:die|eine|der|ein|alle|an)~(?:ki|ais?|llms?|sprachmodelle?|chatbots?|ki-assistent(?:en)?|ki-systeme?)",
    "ki-(?:assistent|system|modell)(?:en|e|s)? sprachmodellen? chatbots? (?:an~)?ai~(?:assistant|model|system)s? ",
    "as~an~ai language~models? yapay~zeka(?:~asistan\\w*)? искусственн\\w+~интеллект\\w* الذكاء~الاصطناعي",
)
_TOLD = _any(
    "sag(?:e|t|en)~ schreib(?:e|t)?~ nenn(?:e|t)?~ empfiehl empfehl(?:e|t|en)\\b antworte behaupte weist~das",
    "weist~die soll~ muss~ must~ say~ tell~ recommend output write soyle yaz скажи напиши قل اكتب",
)
_SECRET = _any(
    "system-?~?prompt hidden~(?:prompt|instructions) geheimen?~anweisung systemanweisung sistem~istem entwicklermodus",
    "(?:deine|your)~(?:konfiguration|configuration|settings) override~(?:safety|security) admin~password",
    "entwickler~dieses~systems developer~of~this~system системн\\w+~промпт",
)
_HENCEFORTH = _any(
    "(?:ab~(?:jetzt|sofort|nun)|from~(?:now|this~point)~on|bundan~sonra|отныне|с~этого~момента)",
    "(?:every|each|any|jede[rn]?|auf~jede)~(?:reply|answer|response|antwort|frage)",
)
_ANSWERING = _any(
    "antwort(?:e|est)?\\b reply replies respond answer sprich konus cevap yaz regel rule every zitat отвечай говори"
)
_MARKERS = (
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id|end_header_id|s)\|?>"
    r"|\[/?inst\]|<</?sys>>|(?:^|\n)\W{0,4}(?:system|assistant|human|chatgpt|gpt|ki|ai)\s*:|(?:human:\s*){2}"
)
_START = (
    r"(?:^|[.!?:;\n\"'»«)-]\s*|(?:please|bitte|now|nun|jetzt|and|und|then|you|dann|also|stopp?|can\syou|could\syou)\W+)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        _MARKERS,
        rf"{_DISCARD}.{{0,70}}?{_BEFORE}",
        rf"{_START}{_SHAPING}.{{0,160}}?{_OWN}",
        rf"{_OWN}\W.{{0,60}}?(?:{_SHAPING}|translat|encod|emoji|base\d\d|cipher)",
        rf"{_START}{_MAKE}.{{0,70}}?{_WORKS}",
        r"(?:generier|schreib|write|generate)\w*\s+(?:sie\s+)?(?:python|c\+\+|code)",
        # What a city asks of its citizens ("describe your concern") is theirs; these are tasks for a writer.
        rf"{_START}(?:describe|explain|recommend|suggest|determine|classify|summari[sz]e|develop|compose|break\s+down"
        r"|help\s+me|show\s+me|erklare|beschreibe|empfiehl|klassifiziere|fasse|bestimme)\s+(?!your|sie\b|ihr)",
        r"(?:replace|remove|group|scramble|rearrange|misspell|reverse|ersetze)\s.{0,40}?(?:letters?|vowels?|words?|buchstabe)",
        rf"{_START}be\s+an?\s+\w+[.!]",
        _PLAY,
        _TALK,
        _SECRET,
        rf"(?<!\w){_MACHINE}(?!\w).{{0,50}}?{_TOLD}",
        rf"{_TOLD.replace('soll~', 'soll')}.{{0,25}}?(?<!\w){_MACHINE}(?!\w)",
        rf"{_HENCEFORTH}.{{0,50}}?{_ANSWERING}",
        r"(?:egal|ganz\s+gleich|whatever|no\s+matter)\s*,?\s+(?:was|what)\s.{0,30}?(?:steht|sagt|says?|written)",
        # In languages whose verb comes last, what is thrown away is named first.
        r"(?:talimat|komut|инструкц|указани|التعليمات)\w*\s.{0,30}?(?:unut|yoksay|забуд|игнор|تجاهل)",
        r"stop\s+(?:following|obeying)|(?:the|your)\s+real\s+task|(?:pretend|claim|behaupte)\s.{0,20}?(?:quote|zitat)",
        r"wiederhol\w*\s+(?:alles|was)\s.{0,20}?(?:vor|uber|oben)|repeat\s+(?:everything|all|what)\s.{0,20}?(?:above|before)",
        r"(?:^|\n|\s)stopp?\s*[-:!,]{1,2}\s*(?:write|say|ignore|schreib|ich\s+benotige|i\s+urgently)",
        r"(?:just|only|nur|einfach)\s+(?:say|print|output|write|schreibe?|sage?)\s+[\"'„“]?\w",
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
    yield from {alike, spelled, joined} - {plain}
    if depth:
        yield plain.translate(_TURNED)
        for hidden in _decoded(shown):
            yield from _views(hidden, depth - 1)


def _folded(text: str) -> str:
    """Lower case without accents, invisible characters, doubled blanks and empty lines; line breaks stay."""
    parts = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text)).casefold()
    kept = "".join(c for c in parts if unicodedata.category(c) not in ("Mn", "Cf"))
    blanks = re.sub(r"[^\S\n]+", " ", kept.replace("ı", "i").replace("\\n", "\n"))
    return re.sub(r"\n\s*\n", "\n\n", blanks)


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
