"""A mail's text parted: the new words, what they answer or forward, and the signature."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_FROM: Final = r"(?:von|from|de|kimden|gönderen|від|от|من|da|od|expéditeur|absender)"
_HEADER: Final = re.compile(
    rf"[\s>*_]{{0,8}}(?:{_FROM}|gesendet|datum|date|sent|envoyé(?: le)?|gönderildi|gönderme tarihi|tarih"
    rf"|надіслано|дата|отправлено|تاريخ الإرسال|التاريخ"
    r"|تم الإرسال|تاريخ|inviato|data|wysłano|an|to|à|kime|кому|إلى|a|do|cc|kopie|bilgi|копія|нسخة|betreff"
    r"|subject|objet|konu|тема|الموضوع|oggetto|temat"
    r"|antwort an|reply-to|priorität|wichtigkeit)[*_]{0,2}\s?:[*_]{0,2}\s?(?P<value>.{0,400})$",
    re.I,
)
_FIRST: Final = re.compile(rf"[\s>*_]{{0,8}}{_FROM}[*_]{{0,2}}\s?:[*_]{{0,2}}\s?\S", re.I)
_SUBJECT: Final = re.compile(r"[\s>*_]{0,8}(?:betreff|subject|objet|konu|тема|الموضوع|oggetto|temat)", re.I)
_PERSON: Final = re.compile(
    rf"[\s>*_]{{0,8}}(?:{_FROM}|an|to|à|kime|кому|إلى|cc|kopie|bilgi"
    rf"|копія)[*_]{{0,2}}\s?:",
    re.I,
)
_RULE: Final = re.compile(
    r"\s{0,4}[>\s]{0,6}(?:[-_=*—–]{2,40}\s?)?(?:ursprüngliche (?:nachricht|mail)|original[- ]?(?:nachricht"
    r"|message|mail)|weitergeleitete (?:nachricht|mail)|forwarded message"
    r"|begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|message d['’]origine"
    r"|message original|message transféré|début du message (?:transféré|réexpédié)"
    r"|özgün ileti|orijinal mesaj|iletilen (?:ileti|mesaj)|iletilmiş mesaj|исходное сообщение"
    r"|пересылаемое сообщение|(?:початкове|оригінальне|переслане|пересилане) повідомлення"
    r"|الرسالة الأصلية|(?:ال)?رسالة (?:المعاد توجيهها|معاد توجيهها|محولة)|messaggio (?:originale|inoltrato)"
    r"|mensaje (?:original|reenviado)|wiadomość (?:oryginalna|przekazana)|mesajul? original)"
    r"\s?:?\s?(?:[-_=*—–]{2,40})?\s*$",
    re.I,
)
_WROTE: Final = re.compile(
    r"[\s>]{0,6}(?:(?:am|on|le|el|il|op|dnia|w dniu|în|den|den)\s.{4,240}(?:schrieb|wrote|a écrit|écrivait"
    r"|escribió|ha scritto|napisał\w?|schreef|a scris)\b.{0,200}"
    r"|.{4,240}\b(?:tarihinde|günü)\b.{0,200}(?:yazdı|yazmış|wrote)?.{0,40}|.{4,240}(?:писа(?:в|ла|ли)"
    r"|написа(?:в|ла|ли|л)|пише|пишет)\b.{0,200}"
    r"|(?:في|بتاريخ)\s.{4,240}كتبت?.{0,200}|.{2,120}\s<[^<>\s]{3,120}>\s(?:schrieb(?: am)?|wrote|a écrit|yazdı"
    r"|пише).{0,120})\s?:\s*$",
    re.I,
)
_WRITER: Final = re.compile(r"(?:schrieb|كتبت?)\s(?P<name>[^\d:<]{2,80})")
_BEFORE_WROTE: Final = re.compile(
    r"(?P<name>[^\d,:<>]{2,80})\s?[<>]{0,2}\s?(?:wrote|a écrit|şunu yazdı|yazdı|писа\w{1,3}|написа\w{1,3}|пише)"
)
_ADDRESS: Final = re.compile(r"[^\s<>\"'(\[,;:]{1,64}@[\w.-]{1,200}\w")
_DELIMITER: Final = re.compile(r"(?:-- ?|—|__+|--{1,3}|={3,})\s*$")
_CLOSING: Final = re.compile(
    r"\s{0,4}(?:(?:mit\s)?(?:freundlich|viel|lieb|best|herzlich|schön|sonnig|nett)\w{0,3}\sgr(?:ü|u|ue)(?:ß"
    r"|ss)e?n?\b|(?:vielen |besten |lieben |herzlichen )?dank(?:e|eschön)?\b|mfg\b|lg\b|vg\b"
    r"|gruß\b|gruss\b|grüße\b|hochachtungsvoll|alles liebe|(?:kind(?:est)?|best|warm(?:est)?"
    r"|with kind)?\s?regards\b|best wishes|yours (?:sincerely|faithfully|truly)|sincerely|(?:many )?thanks\b"
    r"|thank you\b"
    r"|cheers\b|cordialement|bien à vous|bien cordialement|(?:mes |meilleures |sincères )*salutations|merci\b"
    r"|respectueusement|saygılar\w*|saygıyla|(?:çok )?teşekkür\w*|selamlar|sevgiler|iyi çalışmalar"
    r"|з повагою|(?:щиро |дуже )?дякую|с уважением|спасибо|مع (?:ال)?شكر|و?شكرا|(?:مع )?(?:خالص )?(?:ال)?تحي"
    r"|un saludo|saludos|cordiali saluti|distinti saluti|pozdrawiam|z poważaniem|cu stimă)"
    r"[^.!?؟]{0,60}[.!,;]{0,3}\s*$",
    re.I,
)
_POSTSCRIPT: Final = re.compile(r"\s{0,4}(?:p\.?\s?-?\s?s\.?|nb|n\.b\.|ps)\b[\s:.]", re.I)
_FOOTER: Final = re.compile(
    r"\s{0,4}(?:gesendet (?:von|mit|über)\b|von meinem (?:iphone|ipad|handy|smartphone|android|samsung|mobil)"
    r"|diese (?:nachricht|e-?mail|mail) wurde (?:von|mit|automatisch)\b|von outlook für|outlook für (?:ios"
    r"|android)|holen sie sich outlook"
    r"|sent (?:from|with|via)\b|get outlook for|envoyé (?:de|depuis|à partir)|télécharger outlook"
    r"|iphone['’]?\w{0,20} gönderildi|\w{1,40}['’]?\w{0,20} (?:üzerinden|telefonumdan) gönderildi"
    r"|надіслано з|отправлено с"
    r"|أُ?رسلت? من|مرسل من|inviato da|enviado desde|wysłane z"
    r"|virenfrei|virus-free|diese e-?mail (?:enthält|und (?:etwaige|alle) anlagen|ist vertraulich"
    r"|kann vertraulich)|der inhalt dieser e-?mail|this (?:e-?mail|message)(?:,? and any| is| may| contains| \(and)"
    r"|the information (?:contained )?in this (?:e-?mail|message)|ce (?:message|courriel"
    r"|courrier)(?: électronique)? (?:est|et|peut)|bu e-?posta|цей (?:лист|електронний)|هذه الرسالة"
    r"|(?:bitte )?denken sie an die umwelt|please consider the environment|think before you print"
    r"|bitte prüfen sie,? ob diese mail|confidentiality notice|disclaimer\b|haftungsausschluss"
    r"|geschäftsführ(?:er|ung|erin)\s?:|amtsgericht\b.{0,40}\bhr[ab]\b|ust\.?-?id|sitz der gesellschaft)",
    re.I,
)
_SIGNED: Final = 14  # lines below a greeting that are its signature, at most
_LONG_SIGNED: Final = 40  # lines below "-- "
_WIDE: Final = 90  # characters of its lines


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mail's text holds."""

    body: str
    quoted: str
    signature: str
    people: tuple[str, ...]  # of the quoted headers


def parted(text: str, *, quoted: bool = False) -> Parts:
    """The parts of a plain text; ``quoted``: all of it is known to be quoted."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = 0 if quoted else _start(lines)
    own, below = lines[:start], lines[start:]
    marked = [line for line in own if _marked(line)]
    kept = [line for line in own if not _marked(line)]
    people: list[str] = []
    rest = _unheaded([*marked, *below], people)
    own, signature = _unsigned(_unheaded_wrote(kept, people))
    return Parts(_joined(own), _joined(rest), _joined(signature), tuple(people))


def _start(lines: Sequence[str]) -> int:
    """The line from which on everything is a thread or a forwarded letter; the number of lines where there is none."""
    for at, line in enumerate(lines):
        if _marked(line):
            continue
        if _RULE.match(line):
            return at
        if _FIRST.match(line) and sum(_HEADER.match(one) is not None for one in lines[at : at + 8]) >= 2:
            return at
        if _wrote(lines, at) and not any(_own(one) for one in _after_marks(lines, at + 1)):
            return at
    return len(lines)


def _wrote(lines: Sequence[str], at: int) -> int:
    """How many lines from here on are an attribution ("Am … schrieb Ada:"), which mail programs wrap; 0 for none."""
    whole = ""
    for size, line in enumerate(lines[at : at + 3], 1):
        if not line.strip() or _marked(line) != _marked(lines[at]) or len(whole) + len(line) > 500:
            return 0
        whole = f"{whole} {line.strip()}".strip()
        if _WROTE.match(whole):
            return size
    return 0


def _after_marks(lines: Sequence[str], at: int) -> Iterator[str]:
    """What follows the marked lines of a quote: an answer between its lines is own words."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at < len(lines) and _marked(lines[at]):
        yield from (line for line in lines[at:] if not _marked(line))


def _own(line: str) -> bool:
    return bool(line.strip()) and not _DELIMITER.match(line)


def _marked(line: str) -> bool:
    return line.lstrip(" \t").startswith((">", "|>"))


def _unheaded_wrote(lines: Sequence[str], people: list[str]) -> list[str]:
    """Own lines without attributions between them."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        size = _wrote(lines, at)
        if size:
            _told(" ".join(lines[at : at + size]), people)
            at += size
            continue
        kept.append(lines[at])
        at += 1
    return kept


def _unheaded(lines: Sequence[str], people: list[str]) -> list[str]:
    """Quoted lines without their marks, rules, attributions and headers; a subject stays."""
    plain = [re.sub(r"^[ \t]*(?:\|?>[ \t]?)+", "", line) for line in lines]
    kept: list[str] = []
    at = 0
    while at < len(plain):
        line = plain[at]
        size = _wrote(plain, at)
        header = _HEADER.match(line)
        if size:
            _told(" ".join(plain[at : at + size]), people)
            at += size
        elif _RULE.match(line):
            at += 1
        elif header is not None and (_FIRST.match(line) or (at and _HEADER.match(plain[at - 1]))):
            if _PERSON.match(line):
                _told(header["value"], people)
            if _SUBJECT.match(line):
                kept.append(header["value"])
            at += 1
        else:
            kept.append(line)
            at += 1
    return kept


def _told(header: str, people: list[str]) -> None:
    """Names and addresses of a header or an attribution."""
    people += _ADDRESS.findall(header)
    plain = _ADDRESS.sub("", header)
    name = _WRITER.search(plain) or _BEFORE_WROTE.search(plain) or re.match(r"(?P<name>[^\d<:]{2,80})", plain)
    if name is not None and (told := name["name"].strip(" ,;*\"'<>[]()")):
        people.append(told)


def _unsigned(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Own words and the signature; a postscript or a question below the greeting is own words."""
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    for at in range(max(first + 1, len(lines) - _LONG_SIGNED), len(lines)):
        if _DELIMITER.match(lines[at]):
            return _unsigned_greeting(lines[:at], list(lines[at + 1 :]))
    return _unsigned_greeting(lines, [])


def _unsigned_greeting(lines: Sequence[str], signature: list[str]) -> tuple[list[str], list[str]]:
    own = list(lines)
    asked = max((at for at, line in enumerate(own) if "?" in line or "؟" in line), default=-1)
    for at in range(asked + 1, len(own)):
        if _FOOTER.match(own[at]):
            signature = own[at:] + signature
            own = own[:at]
            break
    for at in range(len(own) - 1, -1, -1):
        if not _CLOSING.match(own[at]):
            continue
        rest = own[at + 1 :]
        end = next((n for n, one in enumerate(rest) if _POSTSCRIPT.match(one) or "?" in one or "؟" in one), len(rest))
        signed, after = rest[:end], rest[end:]
        if sum(bool(one.strip()) for one in signed) <= _SIGNED and all(len(one) <= _WIDE for one in signed) and signed:
            return [*own[:at], *after], [own[at], *signed, *signature]
        break
    return own, signature


def _joined(lines: Sequence[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
