"""A text as clauses with what each states, denies and is about, and which clause of a quote another one is about."""

import re
from dataclasses import dataclass, replace

from shared.knowledge import german, polarity, quotes, values
from shared.knowledge.quotes import Span
from shared.knowledge.reading import parse
from shared.knowledge.terms import Terms, content, stem
from shared.knowledge.values import Value


def identity(value: Value) -> tuple[object, ...]:
    return (value.kind, value.key, direction(value))


def direction(value: Value) -> str:
    return value.bound if value.bound in ("up", "down") else ""


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a text with what it states."""

    text: str  # folded
    original: str
    values: tuple[Value, ...]
    negative: bool
    odd: bool  # the same where "ohne" counts, as it must where words cannot be compared
    words: Terms
    poles: frozenset[tuple[int, int]]
    marks: frozenset[polarity.Mark]
    lacking: frozenset[str]  # stems of what it says to be absent: "ohne Termin", "ungenehmigt"
    denied: frozenset[str]  # stems of what its negation is about

    @property
    def keys(self) -> frozenset[object]:
        """What tells this clause from another: stems, opposite words, bounded values."""
        return frozenset(
            (*self.words.stems, *self.poles, *(identity(value) for value in self.values if value.kind != "rate"))
        )


class Text:
    """A statement, or the clauses quoted for it."""

    def __init__(self, text: str, language: str) -> None:
        self.language = language
        self.text = text
        self.values = parse(text, language)
        self.clauses = [self._clause(part) for part in _parts(text, self.values)]
        self.segments = [self._clause(part) for part in _segments(text, self.values)]
        whole = values.fold(text).text
        self.folded = whole
        self.poles = polarity.poles(whole)
        self.marks = polarity.marks(whole)

    def _clause(self, part: Span) -> Clause:
        original = part.of(self.text)
        stated = tuple(value for value in self.values if part.start <= value.start < part.end)
        bare = list(original)
        for value in stated:  # "nicht mehr als" belongs to its value
            for at in (*range(max(value.begin, part.start), value.start), *range(value.end, min(value.last, part.end))):
                bare[at - part.start] = " "
        folded = values.fold("".join(bare))
        timed = any(kind == "time" for value in stated for kind, _ in value.meanings())
        negations = polarity.negations(folded.text, self.language, timed=timed)
        odd = (negations + len(_OHNE.findall(folded.text)) - len(_AGAIN.findall(folded.text))) % 2 == 1
        negations -= len(_AGAIN.findall(folded.text))
        without = list(_WITHOUT.finditer(folded.cased)) if self.language == "de" else []
        # "ohne Gebühr" is "gebührenfrei", and "ohne sie zu zahlen" denies the paying: both turn the clause.
        scoped = [one for one in without if content(one[1].capitalize())]
        negations += len(_OHNE.findall(folded.text)) - len(scoped)
        without = scoped
        if negations and without:  # "ohne Termin nicht" is as positive as "nur mit Termin"
            negations += len(without)
            without = []
        words = Terms(original, [_moved(value, part.start) for value in stated])
        lacking = {stem(one[1].lower()) for one in without} | {
            german.folded(german.stem(word.text[2:]))
            for word in words.content
            if word.text.startswith("un") and len(word.text) > 6 and not word.noun
        }
        text = values.fold(original).text
        return Clause(
            text,
            original,
            stated,
            negations % 2 == 1,
            odd,
            words,
            polarity.poles(text),
            polarity.marks(folded.text),
            frozenset(lacking),
            _denied(folded.text, words) if negations % 2 and self.language == "de" else frozenset(),
        )


_WITHOUT = re.compile(r"\b[Oo]hne (?!weiteres)(?:[^\W\dA-ZÄÖÜ]\w* ){0,3}([A-ZÄÖÜ]\w+)")
_OHNE = re.compile(r"\bohne\b(?! weiteres)")
_AGAIN = re.compile(r"\b(?:und|oder|sowie) (?:auch )?nicht\b")  # "nicht hier und nicht dort" denies once
_FREE = re.compile(r"kosten(?:los|frei)|\w{3,}frei|gratis|umsonst|unentgeltlich")
_DENYING = re.compile(r"(?:nicht|nie|niemals|kein\w*|weder|nirgends)(?!\w)")


def _denied(folded: str, words: "Terms") -> frozenset[str]:
    """What stands after "nicht" or "kein"; where nothing does, or another word negates, all of the clause."""
    denials = list(_DENYING.finditer(folded))
    if not denials:
        return frozenset() if _FREE.search(folded) else frozenset(words.stems)
    return frozenset(word.stem for word in content(folded[denials[-1].end() :])) & words.stems or frozenset(words.stems)


def _moved(value: Value, start: int) -> Value:
    return replace(
        value,
        begin=max(value.begin - start, 0),
        start=value.start - start,
        end=value.end - start,
        last=value.last - start,
    )


_SUBORDINATE = ("dass ", "daß ", "ob ")


def sentences_of(passage: str, span: Span) -> str:
    touched = [other for other in quotes.sentence_spans(passage) if other.start < span.end and span.start < other.end]
    return passage[touched[0].start : touched[-1].end] if touched else span.of(passage)


def support(passage: str, span: Span) -> Span:
    """The quote with its clauses whole, so that no "nicht" and no decimal is cut off; with "dass", the sentence."""
    start, end = span
    for sentence in quotes.sentence_spans(passage):
        if not (sentence.start < span.end and span.start < sentence.end):
            continue
        for piece in quotes.pieces(passage, sentence):
            if piece.start < span.end and span.start < piece.end:
                start, end = min(start, piece.start), max(end, piece.end)
        if sentence.start < start and passage[start:end].lower().startswith(_SUBORDINATE):
            start = sentence.start
    return Span(start, end)


def _parts(text: str, stated: list[Value]) -> list[Span]:
    """Clauses: between commas and the like, and at conjunctions with enough on both sides."""
    found: list[Span] = []
    for sentence in quotes.sentence_spans(text):
        for part in split(text, stated, within=sentence, least=2):
            if (found and part.of(text).lower().startswith(_SUBORDINATE)) or (
                found and (_EXCEPTING.match(part.of(text)) or _mere(text, part, stated, sentence))
            ):  # "es stimmt nicht, dass …" denies all of it
                found[-1] = Span(found[-1].start, part.end)
            else:
                found.append(part)
    return found


def _mere(text: str, part: Span, stated: list[Value], sentence: Span) -> bool:
    """Whether a part of a sentence adds a value to the part before it, and nothing else: "…, bis drei Tage vorher"."""
    here = [value for value in stated if part.start <= value.start < part.end]
    if not here or part.start == sentence.start:
        return False
    bare = list(part.of(text))
    for value in here:
        for at in range(max(value.begin - part.start, 0), min(value.last, part.end) - part.start):
            bare[at] = " "
    return quotes.word_count("".join(bare)) <= _ADDED and not polarity.negations(values.fold("".join(bare)).text, "")


_ADDED = 2  # words besides its value
_EXCEPTING = re.compile(r"(?:außer|ausgenommen|mit ausnahme|except|apart from|кроме|крім|sauf)\b", re.IGNORECASE)


def _segments(text: str, stated: list[Value]) -> list[Span]:
    """Cases: a part opens a new one where it states a kind of value that the case already has."""
    found: list[Span] = []
    for sentence in quotes.sentence_spans(text):
        kinds: set[str] = set()
        opened = False
        for part in split(text, stated, within=sentence, least=0):
            here = {kind for value in stated if part.start <= value.start < part.end for kind, _ in value.meanings()}
            if opened and not kinds & here:
                found[-1] = Span(found[-1].start, part.end)
            else:
                found.append(part)
                kinds = set()
            kinds |= here
            opened = True
    return found


def split(text: str, stated: list[Value], *, within: Span, least: int) -> list[Span]:
    """What stands between commas and the like, and at conjunctions with at least so many words on both sides."""
    found: list[Span] = []
    for piece in quotes.pieces(text, within):
        start = piece.start
        for mark in values.conjunctions(text, piece.start, piece.end):
            if any(one.start < mark.end and mark.start < one.end for one in stated) or _listed(stated, mark):
                continue
            sides = (text[start : mark.start], text[mark.end : piece.end])
            if sides[0].endswith("-"):  # "Sonn- und Feiertage"
                continue
            if min(map(quotes.word_count, sides)) >= max(least, 1):
                found.append(Span(start, mark.start))
                start = mark.end
        found.append(Span(start, piece.end))
    return found


def _listed(stated: list[Value], mark: Span) -> bool:
    """Whether a conjunction stands right between two values of one kind, or inside a range."""
    before = [value for value in stated if value.end <= mark.start]
    after = [value for value in stated if value.start >= mark.end]
    if not before or not after:
        return False
    one, two = max(before, key=lambda value: value.end), min(after, key=lambda value: value.start)
    near = mark.start - one.end <= 6 and two.start - mark.end <= 2
    return one.kind == two.kind and ((near and one.kind == "weekday") or (one.range >= 0 and one.range == two.range))


def near(clause: Clause, given: list[Clause], language: str) -> list[Clause]:
    """The quoted clauses that a clause may be about: the best, or several that are as good."""
    scores = _scores(clause, given, language)
    best = max(scores)
    return [own for own, score in zip(given, scores, strict=True) if score == best]


def nearest(clause: Clause, given: list[Clause], language: str) -> int | None:
    """The quoted clause that a clause is about; None when that cannot be told."""
    scores = _scores(clause, given, language)
    best = max(scores)
    return scores.index(best) if scores.count(best) == 1 else None


def _scores(clause: Clause, given: list[Clause], language: str) -> list[int]:
    scores = []
    for own in given:
        score = sum(4 for value in clause.values if any(values.matches(value, other) for other in own.values))
        score += len(clause.poles & own.poles) - (bool(own.values) and not clause.values)
        if language == "de":
            score += sum(own.words.hold(stem) for stem in clause.words.stems)
        scores.append(score)
    return scores
