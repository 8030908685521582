"""Whether a German statement can be followed word by word to its quote, so that it may be shown in its own words.

Everything it says must stand in the quoted sentences, in the same roles, and nothing may be left out that a sentence
says in one breath: who drops "sofern …" or "einzelne" says more than the page. What is missed here costs little: the
sentence is then shown as it stands.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.knowledge import german, quotes, values
from shared.knowledge.clauses import sentences_of, split
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
    sind ihr ihre ihren ihrem ihrer ihres euro
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
_PERSONS = {"Sie": "reader", "Ihnen": "reader", "wir": "city", "uns": "city"}
_PARTICLES = _words("an ab auf aus bei ein mit nach vor um zurück weiter her hin fest los vorbei teil frei")
_COST, _NEED, _AMOUNT = "kosten", "benötigen", "betragen"
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
_LIMITING = re.compile(
    r"\W*(?:(?:das|dies|dieses?|er|sie|es) (?:gilt|gelten|betrifft) nicht|ausgenommen|ausnahmen?|nicht|nur|außer|jedoch"
    r"|allerdings|aber|doch|sonst|davon|hiervon|andernfalls|anders|voraussetzung|vorausgesetzt|dafür|dazu|dabei"
    r"|dann|danach|erst|es sei denn|abweichend|bedingung)\b",
    re.IGNORECASE,
)
_LEANING = re.compile(
    r"\W*(?:er|es|sie|dies\w*|jene\w*|dort|da\w*|hier\w*|deshalb|deren|dessen|denn|aber|sonst|auch|außerdem|zudem"
    r"|beide\w*|ja|nein|nur|nicht|doch|das)\s",
)
_CONDITIONS = re.compile(
    r"\W*(?:sofern|wenn|falls|soweit|solange|außer|ausgenommen|es sei denn|nur|aber|jedoch|sondern|auch|ohne|mit)\b",
    re.IGNORECASE,
)


# A second thing said of the same: "… und gilt ab dem 1. April".
_SECOND = re.compile(r"(?:gilt|gelten|kostet|kosten|dauert|endet|beginnt|enthält|hat|haben|ist|sind|wird|werden)\b")


@dataclass(frozen=True, slots=True)
class _Token:
    """A word that must be the same on both sides, or a value."""

    key: str
    noun: bool = False
    preposition: str = ""  # that governs a noun
    attribute: str = ""  # key of the word right before a noun
    value: Value | None = None


def followed(statement: str, passage: str, span: Span, title: str = "") -> bool:
    """Whether each word of a statement stands in the sentences that a quote touches, and no narrowing one is lost."""
    sentences = [other for other in quotes.sentence_spans(passage) if other.start < span.end and span.start < other.end]
    if not sentences or _leans(passage, sentences):
        return False
    given = sentences_of(passage, span)
    named = [german.folded(word.text) for word in german.words(title)]
    said = _tokens(statement, named)
    backing: list[_Token] = []
    for unit in _units(given):
        pieces = [_tokens(part.of(given), named) for part in unit]
        full = [all(_neutral(token, said) or _among(token, said) for token in piece) for piece in pieces]
        whole = [piece for piece, held in zip(pieces, full, strict=True) if held]
        if not any(whole):
            continue
        for part, piece, held in zip(unit, pieces, full, strict=True):
            apart = _sibling(piece, whole) or _SECOND.match(part.of(given))
            if not held and (not apart or _CONDITIONS.match(part.of(given))):
                return False
        if not full[0]:  # what the first case names holds for the later ones
            backing += [token for token in pieces[0] if token.value is None]
        backing += [token for piece in whole for token in piece]
    if not backing:
        return False
    reader = any(token.key in _PERSONS.values() for token in backing)
    checked = [token for token in said if not (_neutral(token, backing) or (not reader and _addressed(token, said)))]
    return all(_among(token, backing) for token in checked) and _ordered(checked, backing)


def _leans(passage: str, sentences: Sequence[Span]) -> bool:
    """Whether a sentence says little without the one before it, or is limited by the one after it."""
    after = passage[sentences[-1].end :].lstrip()
    return _LIMITING.match(after) is not None or _LEANING.match(sentences[0].of(passage)) is not None


def _units(text: str) -> list[list[Span]]:
    """What is said in one breath, as its pieces: sentences, and their parts between semicolons."""
    stated = parse(text, "de")
    found: list[list[Span]] = []
    for sentence in quotes.sentence_spans(text):
        parts: list[Span] = []
        for piece in split(text, stated, within=sentence, least=1):
            if parts and ";" in text[parts[-1].end : piece.start]:
                found.append(parts)
                parts = []
            parts.append(piece)
        found.append(parts)
    return found


def _sibling(piece: Sequence[_Token], full: Sequence[Sequence[_Token]]) -> bool:
    """Whether a piece states another case of what is stated: a value of a kind that one of those has."""
    kinds = {token.value.kind for token in piece if token.value is not None} - {"rate"}
    return any(token.value is not None and token.value.kind in kinds for one in full for token in one)


def _neutral(token: _Token, others: Sequence[_Token]) -> bool:
    """Whether a verb says no more than the value it stands with: "beträgt 37 Euro"."""
    return token.key == _AMOUNT and any(one.value is not None for one in others)


def _addressed(token: _Token, said: Sequence[_Token]) -> bool:
    """The reader, in "Sie brauchen …" and "Sie zahlen …": who else is meant by "ist nötig" and "kostet"."""
    return token.key == "reader" and any(one.key in (_COST, _NEED) for one in said)


def _among(token: _Token, others: Sequence[_Token]) -> bool:
    return any(_same(token, other) for other in others)


def _same(one: _Token, other: _Token) -> bool:
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
        return one.key == other.key and one.preposition == other.preposition
    return one.key == other.key or (one.noun != other.noun and akin(one.key, other.key))


def _ordered(said: Sequence[_Token], given: Sequence[_Token]) -> bool:
    """Whether who does what to whom is told alike: bare nouns, persons and values in one order, attributes in place."""
    pairs = {(token.attribute, token.key) for token in given if token.attribute}
    keys = {attribute for attribute, _ in pairs}
    if any(token.attribute in keys and (token.attribute, token.key) not in pairs for token in said if token.noun):
        return False
    kinds: tuple[Callable[[_Token], bool], ...] = (
        lambda token: token.noun and not token.preposition,
        lambda token: token.key in _PERSONS.values(),
        lambda token: token.value is not None and token.value.kind != "rate",
    )
    for kind in kinds:
        theirs = [token for token in given if kind(token)]
        at = -1
        for token in filter(kind, said):
            found = [place for place, other in enumerate(theirs) if place > at and _same(token, other)]
            if not found:
                return False
            at = found[0]
    return True


def _tokens(text: str, named: Sequence[str]) -> list[_Token]:
    """The words and values of a text; ``named`` are the words of its page's title."""
    stated = parse(text, "de")
    letters = list(text)
    for value in stated:
        letters[value.begin : value.last] = " " * (value.last - value.begin)
    plain = _FREE_OF_CHARGE.sub(lambda one: "kostenlos".ljust(len(one.group())), "".join(letters))
    folded = values.fold(plain)
    found = [(value.start, _Token(value.kind, value=value)) for value in stated]
    words = list(german.words(folded.text))
    verb, particle = _parted(words, folded.cased)
    preposition, attribute = "", ""
    for at, word in enumerate(words):
        cased = folded.cased[word.start : word.end]
        start = folded.starts[word.start]
        if cased in _PERSONS and not (at == 0 and not _reader(words)):
            found.append((start, _Token(_PERSONS[cased])))
        elif at == particle or word.text in _FREE:
            attribute = ""
        elif word.text in _PREPOSITIONS and at != len(words) - 1:
            preposition, attribute = _PREPOSITIONS[word.text], ""
        else:
            noun = cased[:1].isupper() and not (at == 0 and _lower(folded.cased, word))
            key = stem(words[particle].text + word.text) if at == verb else _key(word.text, named if noun else ())
            found.append((start, _Token(key, noun, preposition if noun else "", attribute if noun else "")))
            preposition, attribute = ("", "") if noun else (preposition, key)
    tokens = [token for _, token in sorted(found, key=lambda one: one[0])]
    if any(token.key == _COST for token in tokens):  # "für den Ausweis zahlen Sie", "der Ausweis kostet"
        tokens = [replace(token, preposition="") if token.preposition == "für" else token for token in tokens]
    return tokens


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
            if lower and word.text not in german.FUNCTION_WORDS and word.text.endswith(("en", "t", "e", "n")):
                return at, len(words) - 1
    return -1, -1
