"""E-mail addresses, however they are disguised, links that lead to a person, names of user accounts."""

import re
from collections.abc import Iterator
from typing import Final

from shared.privacy.kinds import Span

_LOCAL: Final = r"(?<![\w.+%-])[\w][\w.+%'-]{0,63}"
_EMAIL: Final = re.compile(rf"{_LOCAL}@(?:[\w-]{{1,63}}\.){{1,8}}[\w-]{{2,63}}")
_OPEN, _SHUT = r"[\[({<]", r"[\])}>]"
# As in: ada (at) muster.example, ada [ät] muster punkt example, ada @ muster . example
_AT: Final = (
    rf"\s{{0,3}}(?:{_OPEN}\s?(?:at|ät|a|@|et|arroba|klammeraffe|собака)\s?{_SHUT}"
    r"|\s@\s?|@\s|[-_]at[-_]|\sät\s)\s{0,3}"
)
_DOT: Final = (
    rf"\s{{0,3}}(?:\.|{_OPEN}\s?(?:dot|punkt|point|punto|nokta|\.)\s?{_SHUT}"
    r"|\s(?:dot|punkt|point|punto|nokta|крапка)\s)\s{0,3}"
)
_DISGUISED: Final = re.compile(rf"{_LOCAL}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{2,63}}){{1,5}}", re.I)
_SPOKEN: Final = re.compile(
    rf"{_LOCAL}(?:{_DOT}[\w-]{{1,63}}){{0,3}}\s(?:at|ät)\s[\w-]{{1,63}}(?:"
    rf"\s{{0,3}}(?:\s(?:dot|punkt|point|nokta)\s|{_OPEN}\s?(?:dot|punkt|point)\s?{_SHUT})\s{{0,3}}[\w-]{{2,63}}"
    r"|\.(?:de|com|net|org|eu|at|ch|info|fr|ua|tr|example)\b)+",
    re.I,
)
_LINK: Final = re.compile(r"(?:\bhttps?://|\bwww\.)[^\s<>\"'»«]{1,2000}", re.I)
_TELLING: Final = re.compile(r"[?#=@~]|\d{4}|[\w-]{20}|/(?:u|user|users|profile?|in|people|members?)/", re.I)
_PROFILE: Final = re.compile(
    r"\b(?:wa|t|m|fb)\.me/[^\s]{1,200}"
    r"|\b(?:facebook|instagram|linkedin|twitter|x|tiktok|xing|telegram|vk|youtube)\.(?:com|me|org)/[^\s]{2,200}",
    re.I,
)
_HANDLE: Final = re.compile(r"(?<![\w@.])@[A-Za-z_][\w.]{2,29}")
_ACCOUNT: Final = re.compile(
    r"\b(?:benutzer(?:name|kennung|konto)|nutzer(?:name|kennung)|anmeldename|user\s?-?(?:name|id)"
    r"|login(?:name)?|nickname"
    r"|account(?:name)?|insta(?:gram)?|telegram|skype|discord|signal|whatsapp|snapchat|tiktok|kullanıcı\s?adı(?:m)?"
    r"|логін|нік|логин|identifiant|pseudo|اسم\sالمستخدم|passwor[dt]|kennwort|şifre(?:m)?|пароль|mot\sde\spasse)"
    r"(?:\s?[:=]\s?|\s(?:ist|lautet|is|est|war|name)\s:?\s?)[\"'„»]?(?P<it>[^\s\"'“«,;]{2,60})",
    re.I,
)


def contacts(text: str, seen: str) -> Iterator[Span]:
    """Each address, link and account of a text; ``seen`` is the text in Latin letters."""
    for pattern in (_EMAIL, _DISGUISED, _SPOKEN):
        for found in pattern.finditer(seen):
            if "@" in found.group() or not _plain_at(found.group()):
                yield Span(found.start(), _trimmed(seen, found.start(), found.end()), "email")
    for found in _LINK.finditer(text):
        end = _trimmed(text, found.start(), found.end())
        if _TELLING.search(text, found.start() + 8, end):
            yield Span(found.start(), end, "link")
    for pattern in (_PROFILE, _HANDLE):
        for found in pattern.finditer(text):
            yield Span(found.start(), _trimmed(text, found.start(), found.end()), "link")
    for found in _ACCOUNT.finditer(text):
        yield Span(found.start("it"), _trimmed(text, found.start("it"), found.end("it")), "link")


def _plain_at(words: str) -> bool:
    """Whether it is an English sentence: "at" without a domain after it."""
    return re.search(r"\.\w{2,}|\W(?:dot|punkt|point|nokta|punto|крапка)\W", words, re.I) is None


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1] in ".,;:!?)]}>'’\"“”_-":
        end -= 1
    return end
