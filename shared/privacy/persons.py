"""Names of people nobody told us of: after "Frau", "mein Sohn", "ich heiße"; in greetings, signatures, headers."""

import re
from collections.abc import Iterator
from typing import Final

from shared.knowledge.german import FUNCTION_WORDS
from shared.privacy.cues import (
    ADDRESSED,
    ADJECTIVE,
    ALONE,
    AM,
    AND,
    BESIDE,
    BEY,
    CLAUSE,
    CLOSING,
    GREETING,
    HEADER,
    HONORED,
    KIN,
    LABEL,
    LAST,
    MAIDEN,
    MINE,
    MYSELF,
    NATION,
    OF_ONE,
    PLURAL,
    SHY,
    SMALL_KIN,
    SURNAMED,
    TOLD,
    WROTE,
)
from shared.privacy.dates import MONTH
from shared.privacy.families import family, nameable
from shared.privacy.kinds import Span
from shared.privacy.lexicon import common, given, inflected, initials, unmistakable, words

_TOKEN: Final = re.compile(
    r"[ \t]{0,3}(?:(?:Dr|Prof|Dipl|Ing|Mag|RA|med|jur|rer|nat|phil"
    r"|h\.c)\.[ ]?-?){0,5}[ ]?(?:(?P<link>von und zu|بن|ابن|بنت|أبو|عبد|آل|von der|van der|van den|van|von|zu"
    r"|de la|de|del|di|da|du"
    r"|dos|la|le|el-"
    r"|el|al-|al|bin|bint|ben|abu|abd|ibn|O['’]|D['’])(?:[ ]|(?<=[-'’])))?"
    r"(?P<word>[^\W\d_]{2,40}(?:['’-][^\W\d_]{2,40}){0,3}|[^\W\d_]\.)",
    re.I,
)
_WORD: Final = re.compile(r"[^\W\d_]{4,40}")
_VERB: Final = re.compile("(?=[\u0600-\u077f])(?:[يتنلبو]|ال|في|من|على|هو|هي|عمر|مع|لا|لم|قد|كان|..?(?!\\w))")
_SMALL: Final = re.compile(r"[^\W\d_]{3,30}(?:-[^\W\d_]{3,30})?(?!\w)")
_MONTH: Final = re.compile(MONTH, re.I)
_DAY: Final = re.compile(r"\d\.?[ ]$")
_CALLED: Final = re.compile(r"bevollm|vollmacht|sorgeb|verstorb|halter|fahrer|eigent|versicherte", re.I)
_SURNAME: Final = re.compile(r"мо[єя] ", re.I)  # "моє прізвище змінилося"
_HEARD: Final = re.compile(r"(?:heißt|heisst|heißen|namens|named|called)\W{1,3}$", re.I)
_BARE: Final = re.compile(r"(?:ich|hier) bin|jestem", re.I)
_STATES: Final = words(
    "مريض مريضة صغير صغيرة كبير كبيرة متزوج متزوجة طالب طالبة حامل عاطل جديد جديدة هنا أيضا كذلك حاليا"
)
_SMALL_PAIR: Final = re.compile(
    r"(?<![\w-])(?P<one>(?-i:[a-zäöüßа-яіїєґğışçœàâéèêîôû]{4,20}))[ ](?=(?P<two>[^\W\d_]{4,30})(?!\w))"
)
_PARTICLES: Final = words("على في لكم لك من و عن الى إلى مقدما سلفا جزيلا شكرا وشكرا شكراً تحياتي مع السلام سلام")
_HONORS: Final = words(
    "frau herr herrn hr. fr. mr mr. mrs mrs. ms ms. madame mme mme. sayın bay bayan familie dr. prof. пан пані"
)
_REST: Final = re.compile(r"[^\n]{0,120}")
_ARABIC: Final = re.compile("[\u0600-\u077f]")
_ARABIC_WORD: Final = re.compile("[\u0620-\u065f]{2,20}")
_MONTHS: Final = words(
    """
    januar februar märz april mai juni juli august september oktober november dezember january february march may june
    july october december
    """
)


def persons(text: str) -> Iterator[Span]:
    """Each name of a text that a word beside it, its place in the letter or a list of given names tells."""
    for found in HONORED.finditer(text):
        before = text[max(0, found.start() - 24) : found.start()]
        greeted = not before or before.endswith("\n") or GREETING.search(f"{before}X") is not None
        small = greeted and found.group().strip().lower() in ("frau", "herr", "herrn")
        yield from _read(text, found.end(), small=small, sure=found.group().strip().lower() in _HONORS)
        if (honor := found.group().strip().lower()) in _HONORS:
            yield from _small(text, found.end(), sure=honor == "familie" or OF_ONE.search(before) is None)
    for found in KIN.finditer(text):
        yield from _listed(text, found)
        if _HEARD.search(found.group()):
            yield from _small(text, found.end(), sure=True)
    for found in MINE.finditer(text):
        if (word := _WORD.match(text, found.end())) and given(word.group()):
            yield Span(*word.span(), "name")
    for found in SMALL_KIN.finditer(text):
        if nameable(found["it"]) and not CLAUSE.search(text, max(0, found.start() - 50), found.start()):
            yield Span(*found.span("it"), "name")
    for found in AM.finditer(text):
        if not common(found["it"]) and not NATION.search(found["it"]):
            yield Span(*found.span("it"), "name")
    for found in TOLD.finditer(text):
        alone = ALONE.fullmatch(found.group()) is not None
        yield from (
            span for span in _read(text, found.end(), given_small=True) if not alone or _sure(text, span, families=True)
        )
    for found in MYSELF.finditer(text):
        spans = list(_read(text, found.end(), given_small=True))
        bare = _BARE.match(found.group()) is not None
        shy = bare or SHY.fullmatch(found.group()) is not None
        yield from (span for span in spans if not shy or _sure(text, span, words=not bare))
        if not shy:
            yield from _small(text, found.end(), sure=_SURNAME.match(found.group()) is None)
    for pattern in (LABEL, HEADER, WROTE):
        for found in pattern.finditer(text):
            told = pattern is not LABEL or found.group().rstrip()[-1] in ":=."
            for span in _read(
                text, found.end(), commas=pattern is not WROTE, small=pattern is LABEL and ":" in found.group()
            ):
                if told or _sure(text, span, words=_CALLED.match(found.group()) is not None, families=True):
                    yield span
    for found in MAIDEN.finditer(text):
        yield from _read(text, found.end(), most=1)
    for found in GREETING.finditer(text):
        for span in _read(text, found.end()):
            if re.match(r"\s*(?:[,!.:;–-]|\n|$)", text[span.end : span.end + 8]) or _sure(text, span):
                yield span
    for found in CLOSING.finditer(text):
        yield from _signed(text, found.end())
    for found in LAST.finditer(text):
        # Below a letter without a closing that is known; in Arabic, which has no capitals, it may be any word.
        if _ARABIC.search(found["one"]) or given(found["one"]):
            yield from _signed(text, found.end())
    for found in BEY.finditer(text):
        if found["it"][0].isupper() and not common(found["it"]):
            yield Span(*found.span("it"), "name")
    for found in ADDRESSED.finditer(text):
        if not any(common(word) for word in re.findall(r"[^\W\d_]+", found["it"])):
            yield Span(found.start("it"), found.end("it") - 1, "name")
    yield from _by_list(text)


def _read(
    text: str,
    at: int,
    *,
    most: int = 4,
    small: bool = False,
    given_small: bool = False,
    commas: bool = False,
    sure: bool = False,
) -> Iterator[Span]:
    """The name that begins here, if one does: capitalised words that are no others.

    ``small``: lower case will do at the end of a line; ``given_small``: for given names.
    """
    start = end = -1
    before = False  # a given name stands before
    for _ in range(most):
        token = _TOKEN.match(text, at if end < 0 else end)
        if token is None:
            break
        word = token["word"]
        if not _named(word, text, token, small=small, given_small=given_small, first=end < 0, after=before, sure=sure):
            break
        before = given(word)
        start, end = (token.start("link") if token["link"] else token.start("word")) if end < 0 else start, token.end()
        if commas and text[end : end + 2] == ", ":
            follow = _TOKEN.match(text, end + 1)
            if follow and _named(follow["word"], text, follow):
                end = follow.end()
                break
    if end > start >= 0 and len(text[start:end].strip(". ")) > 1:
        yield Span(start, end, "name")


def _named(
    word: str,
    text: str,
    token: re.Match[str],
    *,
    small: bool = False,
    given_small: bool = False,
    first: bool = False,
    after: bool = False,
    sure: bool = False,
) -> bool:
    if word.endswith("."):
        return word[0].isupper()
    whole = re.split(r"['’-]", word)[0] if not given(word) else word
    if common(word, after=after, listed=sure) or common(whole, after=after, listed=sure) or initials(word):
        return False
    if word.casefold() in FUNCTION_WORDS | _MONTHS:
        return False
    if _MONTH.fullmatch(word) and _DAY.search(text, max(0, token.start("word") - 5), token.start("word")):
        return False  # "15 Mart"
    if _ARABIC.search(word):
        if first or given(word) or word.startswith("ال"):
            return True
        return after and not _VERB.match(word) and word not in _STATES
    if word[0].isupper():
        return True
    if given_small and given(word) and len(word) >= 4 and (first or after):
        return True
    if given_small and after and family(word):
        return True
    return small and re.match(r"[ \t]*(?:[,!.:]?[ \t]*(?:\n|$)|,)", text[token.end() : token.end() + 6]) is not None


def _listed(text: str, found: re.Match[str]) -> Iterator[Span]:
    """Names after a relation: "meine Kinder Lea, Ben und Ida"."""
    plural = PLURAL.search(found.group().rstrip(" ,:(")) is not None
    spans = list(_read(text, found.end(), most=3, given_small=True))
    if spans and _VERB.match(text[spans[0].start : spans[0].end]) and not _sure(text, spans[0], words=False):
        return  # "my wife wants", in a script without capitals
    if spans and "," in found.group() and not _sure(text, spans[0]):
        return  # "mein Sohn, Personen über 18 …"
    for _ in range(8):
        if not spans:
            return
        yield spans[0]
        more = AND.match(text, spans[0].end)
        if more is None:
            return
        latin = _ARABIC.match(text, more.end()) is None
        follow = _read(text, more.end(), most=3 if latin else 1, given_small=True)
        spans = [span for span in follow if plural or _sure(text, span, words=latin)]


def _small(text: str, at: int, *, sure: bool) -> Iterator[Span]:
    """A name without a capital where one is due; ``sure``: one that no list knows, too."""
    end = -1
    for word in _SMALL.finditer(text, at, at + 100):
        known = family(word.group()) or given(word.group())
        if word.start() != (at if end < 0 else end + 1) or not word.group().islower():
            break
        if not (known or (sure and end < 0 and nameable(word.group()))):
            break
        end = word.end()
    if end > at:
        yield Span(at, end, "name")


def _sure(text: str, span: Span, *, words: bool = True, families: bool = False) -> bool:
    """Whether there is a given name in it, or (where ``words`` count) two words, or one of the ``families``."""
    parts = re.findall(r"[^\W\d_]{2,}", text[span.start : span.end])
    if any(given(word) or (families and family(word)) for word in parts):
        return True
    return words and len(parts) >= 2


def _signed(text: str, at: int) -> Iterator[Span]:
    """The name below "Mit freundlichen Grüßen": the rest of a line, of up to four words, and nothing but a name."""
    rest = _REST.match(text, at)[0]  # type: ignore[index]  # it matches anything
    head = re.split(r"[,;|/()\d<\[]|\s[-–]\s|(?<=\w\w)\.\s|\.$", rest)[0].strip(" \t-–_*")
    words = head.split()
    if not 1 <= len(words) <= 4 or not all(re.fullmatch(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?", word) for word in words):
        return
    plainly = [word for word in words if word.casefold() in FUNCTION_WORDS or (common(word) and not given(word))]
    capital = all(word[0].isupper() or _ARABIC.search(word) for word in words if len(word) > 3)
    after = at + len(rest)
    last = not re.search(r"[^\W\d_]{2}[^\n]{30}", text[after : after + 400])
    alone = last and len(words) <= 2 and not re.search(r"[^\W\d_]", rest[rest.index(head) + len(head) :])
    if plainly or words[0] in _PARTICLES or not (capital or alone or any(given(word) for word in words)):
        return
    start = at + rest.index(head)
    yield Span(start, start + len(head), "name")


def _by_list(text: str) -> Iterator[Span]:
    """Given names with what follows them, and pairs of words that are no others."""
    until = 0
    for pair in _SMALL_PAIR.finditer(text):
        if given(pair["one"]) and family(pair["two"]):
            yield Span(pair.start(), pair.end("two"), "name")
    for word in re.finditer(r"(?<!\w)[^\W\d_]{3,40}", text):
        if word.start() < until or not word.group()[0].isupper() or not inflected(word.group()):
            continue
        until = word.end()
        for span in _read(text, word.start(), most=3):
            until = span.end
            yield span
        if (ahead := SURNAMED.search(text, max(0, word.start() - 34), word.start())) and not common(ahead["it"]):
            yield Span(ahead.start("it"), until, "name")
    for word in _ARABIC_WORD.finditer(text):
        if letters := unmistakable(word.group()):
            yield Span(word.end() - letters, word.end(), "name")
    for pair in BESIDE.finditer(text):
        first, last = pair["it"].split()
        if not (
            common(first) or common(last) or ADJECTIVE.search(first) or {first.lower(), last.lower()} & FUNCTION_WORDS
        ):
            yield Span(*pair.span("it"), "name")
