"""Names that are known, found again in every spelling: whole, in parts, inflected, in another script, with initials."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from typing import Final

from shared.knowledge.german import FUNCTION_WORDS
from shared.privacy.kinds import Span
from shared.privacy.lexicon import common, given, words
from shared.privacy.spelling import key, sound

WORD: Final = re.compile(r"[^\W\d_]{2,60}")
_LETTERS: Final = re.compile(r"[^\W\d_]{2,60}")
_FOREIGN: Final = re.compile("[\u0370-\u052f\u0590-\u077f]")
_ARABIC: Final = re.compile("[\u0600-\u077f]")
_AFFIX: Final = re.compile("^(?:و|ف)?(?:ال|لل|ل|ب|ك)?")
# Endings of German, English, Turkish and Slavic names, as ``key`` writes them.
_ENDINGS: Final = words(
    """
    s es ens n en sche schen scher sches chen lein i u e a in un nin nun ni nu na ne yi yu ye ya de da te ta den dan
    ten tan nde nda nden ndan le la yle yla ler lar lara lere leri lari lerin larin gil dir om em ou oi ym im ykh ikh
    ymy imy ovi evi iu ia iei oiu eiu ami iam ogo omu oho
    """
)
_SLAVIC_END: Final = re.compile(r"(?:ii|ia|a|o|i|y|u|e)$")
_ADJECTIVES: Final = words(
    """
    alt arm best blau black brand braun brown frank ernst fest fink freund fuchs green groß gross grün gut hoch hope
    jung kann kalt kind king klein koch kurz lang lieb long mark may mut neu reich rosa rose rot roth schwarz sommer
    stark still weiss weiß white will winter wolf young can deniz barış savaş umut güneş bahar
    """
)
_PUBLIC: Final = words(
    """
    info office mail email kontakt contact post service team verwaltung buero office admin support hello hallo privat
    web buchhaltung rechnung bewerbung anfrage vertrieb sekretariat praxis kanzlei hausverwaltung verein vorstand shop
    noreply reply mailer daemon postmaster newsletter news hotmail gmail amt stadt gmbh firma bestellung data services
    """
)
_INITIAL_BEFORE: Final = re.compile(r"(?<!\w)(?:[^\W\d_a-zäöüа-яії]{1,2}\.[ -]?){1,3}\Z")
_CALLED: Final = re.compile(r"(?:^|\n)[ \t]*(?P<it>[^\W\d_]{3,14})[ ]\Z")  # "Darek" for "Dariusz" in a signature
_INITIAL_AFTER: Final = re.compile(r",?[ ](?:[^\W\d_a-zäöüа-яії]\.[ -]?){1,3}(?!\w)")
_TURKISH_END: Final = re.compile(r"['’ʼ][^\W\d_]{1,6}")
_BETWEEN: Final = re.compile(r"(?:[ \t]{0,3},?[ \t]{0,3}|[ \t]?-[ \t]?|[ \t]*\n?[ \t]*|[ ](?:von|van|de|zu|al"
            r"|el|bin|ben|der|den|da|di|du)[ ])$", re.I)  # fmt: skip
_PARTS: Final = 6  # of a name that are looked for written as one word: "AdaMuster"


class Names:
    """What is known of the people of a ticket."""

    def __init__(self, names: Iterable[str] = (), emails: Iterable[str] = ()) -> None:
        self._parts: set[str] = set()
        self._stems: set[str] = set()
        self._sounds: set[str] = set()
        self._phrases: set[str] = set()
        self._emails = {email.strip().casefold() for email in emails if len(email.strip()) > 3}
        for name in names:
            self.add(name)
        for email in self._emails:
            for part in _of_email(email):
                self.add(part, phrase=False)

    def add(self, name: str, *, phrase: bool = True) -> None:
        """A name that is to be found from now on."""
        words = WORD.findall(name)
        if phrase and words and len(name.strip()) >= 2:
            self._phrases.add(" ".join(name.split()))
        for word in words:
            part = key(word)
            if common(word, listed=phrase) or len(part) < 2 or word.casefold() in FUNCTION_WORDS:
                continue
            self._parts.add(part)
            if len(stem := _SLAVIC_END.sub("", part)) >= 4:
                self._stems.add(stem)
            if len(heard := sound(word)) >= 2:
                self._sounds.add(heard)
        self.add_joined(words)

    def add_joined(self, words: Sequence[str]) -> None:
        """Two words of a name that are found written as one, too: "AdaMuster"."""
        parts = [key(word) for word in words[:_PARTS]]
        self._parts.update(one + other for one, other in permutations(parts, 2) if len(one + other) >= 6)

    def find(self, text: str) -> Iterator[Span]:
        """Each place where one of them stands; a first name, last name and what is between them are one."""
        for phrase in self._phrases | self._emails:
            kind = "email" if phrase in self._emails else "name"
            pattern = r"\s+".join(map(re.escape, phrase.split()))
            for found in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.I):
                yield Span(*found.span(), kind)  # type: ignore[arg-type]
        if not self._parts:
            return
        weak: list[tuple[int, int]] = []
        found_at: list[tuple[int, int]] = []
        for word in _LETTERS.finditer(text):
            match self._how(word.group()):
                case "sure":
                    found_at.append(word.span())
                case "near":
                    weak.append(word.span())
        for start, end in weak:
            if any(0 <= start - to <= 2 or 0 <= since - end <= 2 for since, to in found_at):
                found_at.append((start, end))
        yield from _joined(text, sorted(found_at))

    def _how(self, word: str) -> str:
        """Whether a word is one of the names: "sure", "near" (beside another one), or "" for no."""
        spelled = key(word)
        if spelled in self._parts:
            small = word.casefold()
            if word.islower() and (small in _ADJECTIVES or small in FUNCTION_WORDS):
                return "near"
            return "near" if len(word) == 2 and not word[0].isupper() else "sure"
        for cut in range(1, 6):
            stem, ending = spelled[:-cut], spelled[-cut:]
            if len(stem) < 3 or (word.islower() and len(stem) < 5):
                break
            if stem in self._parts and ending in _ENDINGS and stem not in _ADJECTIVES:
                return "sure"
        if _FOREIGN.search(word):
            return self._foreign(word, spelled)
        return ""

    def _foreign(self, word: str, spelled: str) -> str:
        if not _ARABIC.search(word):
            if not word[0].isupper():
                return ""
            if any(spelled[: -cut or None] in self._stems for cut in range(5)):
                return "sure"
        heard = {sound(word), sound(_AFFIX.sub("", word))} & self._sounds
        if not heard:
            return ""
        return "sure" if max(map(len, heard)) >= 3 else "near"


def _of_email(email: str) -> Iterator[str]:
    """Names in an address: "ada.muster77@…" has two; a single word is one if it is a given name."""
    parts = [part for part in WORD.findall(re.split(r"[@(\[]", email)[0]) if len(part) >= 3]
    for part in parts:
        if part in _PUBLIC or common(part):
            continue
        if len(parts) > 1 or given(part):
            yield part


def _joined(text: str, places: list[tuple[int, int]]) -> Iterator[Span]:
    start, end = -1, -1
    for since, to in places:
        if end >= 0 and since - end <= 8 and _BETWEEN.fullmatch(text[end:since]):
            end = to
            continue
        if end >= 0:
            yield _extended(text, start, end)
        start, end = since, to
    if end >= 0:
        yield _extended(text, start, end)


def _name_like(word: str) -> bool:
    return word[0].isupper() and not common(word) and word.casefold() not in FUNCTION_WORDS


def _extended(text: str, start: int, end: int) -> Span:
    if initial := _INITIAL_BEFORE.search(text, max(0, start - 12), start):
        start = initial.start()
    elif (first := _CALLED.search(text, max(0, start - 20), start)) and _name_like(first["it"]):
        start = first.start("it")
    if ending := _TURKISH_END.match(text, end):
        end = ending.end()
    elif (initial := _INITIAL_AFTER.match(text, end)) and "," in initial.group():
        end = initial.end()
    return Span(start, end, "name")
