"""Whether a German statement can be followed word by word to its quote, so that it may be shown in its own words.

Everything it says must stand in the quoted sentences, in the same roles, and nothing may be left out that a sentence
says in one breath: who drops "sofern …" or "einzelne" says more than the page. What is missed here costs little: the
sentence is then shown as it stands.
"""

import itertools
import re
from collections.abc import Callable, Sequence

from shared.knowledge import german, quotes
from shared.knowledge.clauses import sentences_of, split
from shared.knowledge.quotes import Span
from shared.knowledge.reading import parse
from shared.knowledge.tokens import AMOUNT, COST, NEED, Token, same, tokens

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
# Words that act on the next one, as they are compared.
_ACTING = frozenset(
    "nicht nur auch erst noch fast höchstens mindestens gerad allein mehr sehr selb sogar etwa kaum all jed beid viel"  # noqa: SIM905
    " meist einig einzeln wenig".split()
)
_EITHER = re.compile(r"\boder\b")
# A second thing said of the same: "… und gilt ab dem 1. April".
_SECOND = re.compile(r"(?:gilt|gelten|kostet|kosten|dauert|endet|beginnt|enthält|hat|haben|ist|sind|wird|werden)\b")


def followed(statement: str, passage: str, span: Span, title: str = "") -> bool:
    """Whether each word of a statement stands in the sentences that a quote touches, and no narrowing one is lost."""
    sentences = [other for other in quotes.sentence_spans(passage) if other.start < span.end and span.start < other.end]
    if not sentences or _leans(passage, sentences):
        return False
    given = sentences_of(passage, span)
    named = [german.folded(word.text) for word in german.words(title)]
    small = frozenset(re.findall(r"\b[^\W\dA-ZÄÖÜ]\w*", f"{statement} {given}"))
    said = [tokens(statement, part, named, small) for unit in _units(statement) for part in unit]
    backing: list[list[Token]] = []  # pieces of the quote that are said whole, each with what the first case names
    either = False
    for unit in _units(given):
        pieces = [tokens(given, part, named, small) for part in unit]
        full = [any(_holds(one, piece) for one in said) for piece in pieces]
        whole = [piece for piece, held in zip(pieces, full, strict=True) if held]
        if not whole:
            continue
        for part, piece, held in zip(unit, pieces, full, strict=True):
            apart = _sibling(piece, whole) or _SECOND.match(part.of(given))
            if not held and (not apart or _CONDITIONS.match(part.of(given))):
                return False
        head = [] if full[0] else [token for token in pieces[0] if token.value is None]
        backing += [head + piece for piece in whole]
        either |= _EITHER.search(given[unit[0].start : unit[-1].end]) is not None
    if not backing or either != (_EITHER.search(statement) is not None):
        return False
    reader = any(token.person for piece in backing for token in piece)
    checked = [[token for token in piece if reader or not _addressed(token, piece)] for piece in said]
    if not all(any(_holds(one, piece) for one in backing) for piece in checked) or not _scopes(checked) <= _scopes(
        backing
    ):
        return False
    return _ordered([token for piece in checked for token in piece], [token for piece in backing for token in piece])


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


def _sibling(piece: Sequence[Token], full: Sequence[Sequence[Token]]) -> bool:
    """Whether a piece states another case of what is stated: a value of a kind that one of those has."""
    kinds = {token.value.kind for token in piece if token.value is not None} - {"rate"}
    return any(token.value is not None and token.value.kind in kinds for one in full for token in one)


def _neutral(token: Token, others: Sequence[Token]) -> bool:
    """Whether a verb says no more than the value it stands with: "beträgt 37 Euro"."""
    return token.key == AMOUNT and any(one.value is not None for one in others)


def _addressed(token: Token, said: Sequence[Token]) -> bool:
    """The reader, in "Sie brauchen …" and "Sie zahlen …": who else is meant by "ist nötig" and "kostet"."""
    return token.key == "reader" and any(one.key in (COST, NEED) for one in said)


def _holds(piece: Sequence[Token], wanted: Sequence[Token]) -> bool:
    """Whether one piece says all that another says."""
    return all(_neutral(token, piece) or any(same(token, other) for other in piece) for token in wanted)


def _scopes(pieces: Sequence[Sequence[Token]]) -> set[tuple[str, str]]:
    """What each word that acts on the next one acts on: "keine gerade Linie" is not "gerade keine Linie"."""
    return {
        (one.key, other.key)
        for piece in pieces
        for one, other in itertools.zip_longest(piece, piece[1:], fillvalue=Token(""))
        if one.key in _ACTING
    }


def _ordered(said: Sequence[Token], given: Sequence[Token]) -> bool:
    """Whether who does what to whom is told alike: bare nouns, persons and values in one order, attributes in place."""
    pairs = {(token.attribute, token.key) for token in given if token.attribute}
    keys = {attribute for attribute, _ in pairs}
    if any(token.attribute in keys and (token.attribute, token.key) not in pairs for token in said if token.noun):
        return False
    kinds: tuple[Callable[[Token], bool], ...] = (
        lambda token: token.noun and not token.preposition,
        lambda token: token.person,
        lambda token: token.value is not None and token.value.kind != "rate",
    )
    for kind in kinds:
        theirs = [token for token in given if kind(token)]
        at = -1
        for token in filter(kind, said):
            found = [place for place, other in enumerate(theirs) if place > at and same(token, other)]
            if not found:
                return False
            at = found[0]
    return True
