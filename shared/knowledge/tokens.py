"""The words of a German text with the roles they have: what governs a noun, whom a pronoun addresses.

A verb and its particle are one word ("melden Sie … an"), and words that say the same wherever they stand are alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.knowledge import german, values
from shared.knowledge.quotes import Span
from shared.knowledge.reading import parse
from shared.knowledge.terms import akin, stem
from shared.knowledge.values import Value


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that may be added or left out: articles, "is", and words of politeness.
_FREE = _words(
    """
    der die das den dem des ein eine einen einem einer eines und bitte gern gerne einfach übrigens es sich zu so ist
    sind ihr ihre ihren ihrem ihrer ihres euro oder
    """
)
_APART = _words(
    """
    auf aus mit nach vor für gegen durch über unter ab bis während ohne außerhalb wegen trotz statt neben hinter
    zwischen um seit pro je
    """
)
_PREPOSITIONS = {
    word: group.split()[0]
    for group in (
        "an am ans",
        "in im ins binnen innerhalb",
        "zu zum zur",
        "bei beim",
        "von vom",
        *_APART,
    )
    for word in group.split()
}
_PERSONS = {"Sie": "reader", "Ihnen": "to reader", "wir": "city", "Wir": "city", "uns": "to city", "Uns": "to city"}
_PARTICLES = _words("an ab auf aus bei ein mit nach vor um zurück weiter her hin fest los vorbei teil frei")
_CHANGING = _words("um auf über unter mit ohne gegen statt pro je")  # before a value: "um zwei Wochen" is not "auf"
COST, NEED, AMOUNT = "kosten", "benötigen", "betragen"
# Words that say the same wherever they stand, by the first of them.
_ALIKE = {
    german.folded(german.stem(word)): group.split()[0]
    for group in (
        "kosten kostet kostete zahlen zahlt bezahlen bezahlt",
        "betragen beträgt",
        "dauern dauert dauer",
        "gelten gilt gültig gültigkeit",
        "erhalten erhält bekommen bekommt",
        "benötigen benötigt brauchen braucht nötig erforderlich notwendig",
        "kostenlos kostenfrei gebührenfrei gratis unentgeltlich",
        "höchstens maximal",
        "mindestens wenigstens",
        "etwa ungefähr circa rund",
        "erlaubt gestattet zulässig",
        "verboten untersagt",
        "rufnummer telefonnummer",
        "können kann könnt kannst",
        "dürfen darf dürft darfst",
        "müssen muss müsst musst",
        "haben hat",
        "werden wird",
        "nicht kein keine keinen keinem keiner keines",
        "stets immer",
        "bereits schon",
    )
    for word in group.split()
}
_FREE_OF_CHARGE = re.compile(
    r"kostet nichts|kosten nichts|(?:zahlen sie|sie zahlen)(?: \w+)? nichts|wird keine gebühr (?:fällig|erhoben)"
    r"|keine gebühr (?:wird|fällt an)|ist (?:gebühren|kosten)frei"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word that must be the same on both sides, or a value."""

    key: str
    noun: bool = False
    preposition: str = ""  # that governs a noun
    attribute: str = ""  # key of the word right before a noun
    value: Value | None = None
    person: bool = False  # the reader or the city, with the preposition that governs it
    form: str = ""  # of a noun, as written


def tokens(whole: str, part: Span, named: Sequence[str], small: frozenset[str]) -> list[Token]:
    """The words and values of a part of a text; ``named`` are those of its page's title, ``small`` are no nouns."""
    text = part.of(whole)
    opens = part.start == 0 or whole[: part.start].rstrip()[-1:] in ".!?:"
    stated = [
        replace(value, **{at: getattr(value, at) - part.start for at in ("begin", "start", "end", "last")})
        for value in parse(whole, "de")
        if part.start <= value.start < part.end
    ]
    letters = list(text)
    for value in stated:
        begin, last = max(value.begin, 0), min(value.last, len(letters))
        letters[begin:last] = " " * (last - begin)
    plain = _FREE_OF_CHARGE.sub(lambda one: "kostenlos".ljust(len(one.group())), "".join(letters))
    folded = values.fold(plain)
    found = [(value.start, Token(value.kind, value=value)) for value in stated]
    words = list(german.words(folded.text))
    verb, particle = _parted(words, folded.cased)
    preposition, attribute, governed = "", "", 0
    for at, word in enumerate(words):
        cased = folded.cased[word.start : word.end]
        start = folded.starts[word.start]
        if any(governed < value.start < start for value in stated):  # "von 14 bis 18 Uhr" governs no later noun
            if preposition in _CHANGING:
                found.append((governed, Token(preposition)))
            preposition = ""
        if cased in _PERSONS and not (at == 0 and not _reader(words)):
            found.append((start, Token(f"{preposition} {_PERSONS[cased]}".strip(), person=True)))
            preposition, attribute = "", ""
        elif at == particle or word.text in _FREE:
            attribute = ""
        elif word.text in _PREPOSITIONS and at != len(words) - 1:
            preposition, attribute, governed = _PREPOSITIONS[word.text], "", start
        else:
            noun = cased[:1].isupper() and not (
                at == 0 and opens and (word.text in small or _lower(folded.cased, word))
            )
            key = stem(words[particle].text + word.text) if at == verb else _key(word.text, named if noun else ())
            called = any(german.folded(word.text) in name for name in named)  # by the page's title
            governing, before, form = (preposition, attribute, "" if called else word.text) if noun else ("", "", "")
            found.append((start, Token(key, noun, governing, before, form=form)))
            preposition, attribute = ("", "") if noun else (preposition, key)
    if preposition in _CHANGING:
        found.append((governed, Token(preposition)))
    read = [token for _, token in sorted(found, key=lambda one: one[0])]
    if any(token.key == COST for token in read):  # "für den Ausweis zahlen Sie", "der Ausweis kostet"
        read = [replace(token, preposition="") if token.preposition == "für" else token for token in read]
    return read


def _key(word: str, named: Sequence[str]) -> str:
    """What a word is compared as; on a page about the "Reisepass", "Pass" is that."""
    full = german.folded(word)
    for name in named:
        if len(full) >= 4 and name.endswith(full):
            return stem(name)
    return _ALIKE.get(german.folded(german.stem(word)), stem(word))


def _reader(words: Sequence[german.Word]) -> bool:
    """Whether "Sie" at the beginning addresses the reader, as far as the verb tells."""
    return len(words) > 1 and words[1].text.endswith("n")


def _lower(cased: str, word: german.Word) -> bool:
    """Whether the capital of a first word says nothing: a verb or an adverb stands before its subject."""
    rest = cased[word.end :]
    return re.match(r"\s+(?:Sie\b|wir\b|[A-ZÄÖÜ]|der\b|die\b|das\b|ein|sich\b)", rest) is not None or (
        word.text.endswith(("lich", "ig", "isch", "ens", "mals"))
    )


def _parted(words: Sequence[german.Word], cased: str) -> tuple[int, int]:
    """Where a parted verb and its particle stand ("melden Sie … an"); (-1, -1) where there is none."""
    if len(words) >= 3 and words[-1].text in _PARTICLES and not cased[words[-1].end :].startswith(" "):
        for at, word in enumerate(words[:-1]):
            lower = cased[word.start].islower() or at == 0
            after = cased[words[at + 1].start : words[at + 1].end]
            if after[:1].isupper() and after not in _PERSONS and at:  # "vorläufigen Ausweis"
                continue
            if lower and word.text not in german.FUNCTION_WORDS and word.text.endswith(("en", "t", "e", "n")):
                return at, len(words) - 1
    return -1, -1


def same(one: Token, other: Token) -> bool:
    """Whether two words say the same in the same role."""
    if one.value is not None and other.value is not None:
        return (
            values.matches(one.value, other.value)
            and values.matches(other.value, one.value)
            and one.value.bound == other.value.bound
            and one.value.side == other.value.side
        )
    if one.value is not None or other.value is not None:
        return False
    if one.noun and other.noun:
        return one.key == other.key and one.preposition == other.preposition and _one_form(one.form, other.form)
    return one.key == other.key or (one.noun != other.noun and akin(one.key, other.key))


def _one_form(one: str, other: str) -> bool:
    """Whether two forms of a noun can be of one number: "Raum" and "Raums", not "Räume"."""
    short, long = sorted((one, other), key=len)
    ending = long.removeprefix(short)
    return not short or ending in ("", "s", "es") or (ending == "n" and short.endswith(("er", "el")))
