"""Whether a statement may be shown: its quote stands in the passage, and backs what it says.

Strict by design: what cannot be decided is dropped, because a citizen acts on what she reads. Values are looked for
in the quoted clauses alone, never elsewhere in the passage, where the same number may belong to another case.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from shared.knowledge import german, polarity, quotes, values
from shared.knowledge.injection import instructs
from shared.knowledge.quotes import Span
from shared.knowledge.values import Value

Reason = Literal[
    "supported",
    "short quote",  # fewer than five words
    "length",  # statement or quote is longer than any sentence
    "invented quote",  # stands nowhere in the passage
    "instruction",  # speaks to the model, not to the citizen
    "value",  # a number, date, amount … that the quote does not state
    "swapped",  # a value of the quote, but of another of its cases
    "contradicted",  # negation, opposite, stricter or wider than the quote
    "unrelated",  # about something else, or too little known to say
]

_LONGEST = 1500  # characters; the work grows with the square of the values stated
_SIMILAR = 0.843  # cosine from which a foreign statement is about its quote (multilingual e5, both as queries)
_COVERED = 0.5  # share of a German clause's content words that its quote must hold


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one statement."""

    ok: bool
    reason: Reason
    quote: Span | None = None  # where the quote stands in the passage, in code points


def verify(
    statement: str,
    quote: str,
    passage: str,
    *,
    language: str = "de",
    passage_language: str = "de",
    similarity: float | None = None,
) -> Verdict:
    """Judge one statement of an answer by the quote it cites.

    ``language`` and ``passage_language`` are BCP 47 tags. ``similarity`` is the cosine of the embeddings of
    statement and quote, both embedded as queries; it is needed unless both are German.
    """
    if quotes.word_count(quote) < quotes.LEAST_WORDS:
        return Verdict(False, "short quote")
    if max(len(statement), len(quote)) > _LONGEST:
        return Verdict(False, "length")
    span = quotes.find(quote, passage)
    if span is None:
        return Verdict(False, "invented quote")
    reason = _judged(statement, passage, span, (language[:2].lower(), passage_language[:2].lower()), similarity)
    return Verdict(reason == "supported", reason, span)


def best_quote(statement: str, passage: str) -> Span | None:
    """The clause of a passage, of five words or more, that backs a German statement; None when none does."""
    wanted = {word.stem for word in _content(statement)}
    ranked = []
    for clause in quotes.clauses(passage):
        if quotes.word_count(clause.of(passage)) < quotes.LEAST_WORDS:
            continue
        given = _Words(clause.of(passage))
        share = sum(given.hold(stem) for stem in wanted)
        ranked.append((-share, clause.start, clause))
    for share, _, clause in sorted(ranked):
        if share and _judged(statement, passage, clause, ("de", "de"), None) == "supported":
            return clause
    return None


def _judged(statement: str, passage: str, span: Span, languages: tuple[str, str], similarity: float | None) -> Reason:
    language, own = languages
    support = _support(passage, span)
    text = support.of(passage)
    if instructs(statement) or instructs(_sentences(passage, span)):
        return "instruction"
    if quotes.find(text, statement) == Span(0, len(statement.rstrip(" .!?…"))) or quotes.unify(text) == quotes.unify(
        statement
    ):
        return "supported"
    said = _Side(statement, language)
    given = _Side(text, own)
    for reason in (_values(said, given), _swapped(said, given), _turned(said, given)):
        if reason is not None:
            return reason
    if language == own == "de":
        related = _covered(said, given, passage)
    else:
        related = similarity is not None and similarity >= _SIMILAR and _same_subject(said, given, passage)
    return "supported" if related else "unrelated"


# What a text says ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    stem: str  # folded
    noun: bool
    attribute: bool  # an adjective right before a noun


# Words that carry no subject of their own: verbs of having and costing, adverbs, units.
_WEAK_WORDS = """
ab alt andere anderem anderen anderer angabe art auch beginnen beginnt bekommen benutzen benutzt benötigen benötigt
bereits betrag betragen betrug beträgt bezahlen binnen bis bitte bleiben bleibt brauchen braucht bringen bürger
bürgerin cent circa dafür danach darf dauer dauern dauert dazu direkt drohen droht dürfen ebenfalls einfach enden
endet erforderlich erhalten erhält erlaubt erreichen etwa euro fall finden findet form frist frühestens fällig gebe
geben gebühr gebührenfrei gebührenpflichtig gehen geht gelten gern gerne geschlossen gestattet geöffnet gibt gilt
gratis grundsätzlich haben hat hierfür hinweis höchstens höhe ihnen innerhalb insgesamt ist jahr je jeweils jährlich
kosten kostenfrei kostenlos kostenpflichtig kostet lassen leute liegen liegt läßt machen maximal mehr menschen
mindestens minute monat monatlich möglich möglichkeit nehmen nichts niemand nimmt normalerweise notwendig nummer
nutzen nötig offen person personen pflicht preis pro prozent rechne rechnen regel ruf rufen rund schließen schließt
schluss schon selber selbst sich sie sind sowie spätestens starten stehen steht stunde tag telefon telefonisch
täglich uhr ungefähr unter untersagt verboten vergehen verwenden weise weniger woche zahlen zahlt zeit zeitraum
zusätzlich zuvor zwar zwischen öffnen öffnet über üblicherweise
"""
_WEAK = frozenset(german.stem(word) for word in _WEAK_WORDS.split())


def _content(text: str, stated: Iterable[Value] = ()) -> list[_Word]:
    """The words that tell a subject; what values state is no such word."""
    letters = list(text)
    for value in stated:
        letters[value.start : value.end] = " " * (value.end - value.start)
    found = []
    folded = values.fold("".join(letters))
    first = True
    for word in german.words(folded.text):
        cased = folded.cased[word.start : word.end]
        if word.text in german.FUNCTION_WORDS or word.text.isdigit():
            first = False
            continue
        if first and _verb_first(folded.cased, word):
            cased = cased.lower()
        if german.stem(word.text) not in _WEAK:
            noun = cased[:1].isupper()
            found.append(
                _Word(word.text, _stem(word.text), noun, not noun and bool(_NOUN.match(folded.cased, word.end)))
            )
        first = False
    return found


_SEPARABLE = re.compile(
    r"(an|ab|auf|aus|bei|ein|mit|nach|vor|um|zurück|weiter|wieder|durch|her|hin|fest|los|dar|vorbei|teil)(?:zu|ge)(\w{4,})"
)
_PARTICIPLE = re.compile(r"ge(\w{4,})t")
_NOUN = re.compile(r"\s+[A-ZÄÖÜ]")
_MEASURES = (
    "zeitraum",
    "zeit",
    "dauer",
    "pflicht",
    "gebühr",
    "kosten",
    "frist",
    "betrag",
)  # say how a compound is told


def _stem(word: str) -> str:
    """The stem by which words are compared: "anzumelden", "angemeldet" and "anmelden" alike."""
    for measure in _MEASURES:
        if word.endswith(measure) and len(word) - len(measure) >= 5:
            word = word[: -len(measure)].removesuffix("s")
    if parted := _SEPARABLE.fullmatch(word):
        word = parted[1] + parted[2]
    elif participle := _PARTICIPLE.fullmatch(word):
        word = participle[1]
    return german.folded(german.stem(word))


_FOLLOWED = re.compile(r"\s+(?:Sie\b|[A-ZÄÖÜ])")


def _verb_first(cased: str, word: german.Word) -> bool:
    """Whether the capital of a sentence's first word says nothing: "Reichen Sie …", "Gewählt wird …"."""
    return _FOLLOWED.match(cased, word.end) is not None or (word.text.startswith("ge") and word.text.endswith("t"))


class _Words:
    """The content words of a German text, to be asked whether they hold another."""

    def __init__(self, text: str, stated: Iterable[Value] = ()) -> None:
        self.content = _content(text, stated)
        self._full = {german.folded(word.text) for word in self.content}
        self.stems = {word.stem for word in self.content}

    def has(self, word: _Word) -> bool:
        """Like ``hold``; short stems such as that of "Rasen" are looked for as whole words."""
        full = german.folded(word.text)
        return self.hold(word.stem) or (len(full) >= 4 and any(full in own for own in self._full))

    def hold(self, stem: str) -> bool:
        """The same stem, inside a compound here, or a compound made of words here."""
        if stem in self.stems:
            return True
        for own in self.stems:
            if len(stem) >= 4 and (stem in own or _akin(stem, own)):
                return True
        rest = stem
        for own in sorted(self.stems, key=len, reverse=True):
            if len(own) >= 4 and own in rest:
                rest = rest.replace(own, "", 1)
        return rest != stem and len(rest) <= 3


def _akin(one: str, other: str) -> bool:
    """Long words with nearly the same beginning: "übertragbar" and "übertragen"."""
    short = min(len(one), len(other))
    common = 0
    while common < short and one[common] == other[common]:
        common += 1
    return common >= 6 and common >= max(len(one), len(other)) - 4


@dataclass(frozen=True, slots=True)
class _Clause:
    """A part of a text with what it states."""

    text: str  # folded
    original: str
    values: tuple[Value, ...]
    negative: bool
    words: _Words
    poles: frozenset[tuple[int, int]]
    marks: frozenset[polarity.Mark]

    @property
    def keys(self) -> frozenset[object]:
        """What tells this clause from another: stems, opposite words, bounded values."""
        return frozenset(
            (*self.words.stems, *self.poles, *(_identity(value) for value in self.values if value.kind != "rate"))
        )


class _Side:
    """A statement, or the clauses quoted for it."""

    def __init__(self, text: str, language: str) -> None:
        self.language = language
        self.text = text
        self.values = values.parse(text, language)
        self.clauses = [self._clause(part) for part in _parts(text, self.values)]
        self.segments = [self._clause(part) for part in _segments(text, self.values)]
        whole = values.fold(text).text
        self.poles = polarity.poles(whole)
        self.marks = polarity.marks(whole)

    def _clause(self, part: Span) -> _Clause:
        original = part.of(self.text)
        stated = tuple(value for value in self.values if part.start <= value.start < part.end)
        bare = list(original)
        for value in stated:  # "nicht mehr als" belongs to its value
            for at in (*range(max(value.begin, part.start), value.start), *range(value.end, min(value.last, part.end))):
                bare[at - part.start] = " "
        folded = values.fold("".join(bare)).text
        negative = (
            polarity.negations(
                folded, self.language, timed=any(kind == "time" for value in stated for kind, _ in value.meanings())
            )
            % 2
            == 1
        )
        text = values.fold(original).text
        return _Clause(
            text,
            original,
            stated,
            negative,
            _Words(original, [_moved(value, part.start) for value in stated]),
            polarity.poles(text),
            polarity.marks(folded),
        )


def _moved(value: Value, start: int) -> Value:
    return replace(
        value,
        begin=max(value.begin - start, 0),
        start=value.start - start,
        end=value.end - start,
        last=value.last - start,
    )


_SUBORDINATE = ("dass ", "daß ", "ob ")


def _sentences(passage: str, span: Span) -> str:
    touched = [other for other in quotes.sentence_spans(passage) if other.start < span.end and span.start < other.end]
    return passage[touched[0].start : touched[-1].end] if touched else span.of(passage)


def _support(passage: str, span: Span) -> Span:
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
        for part in _split(text, stated, within=sentence, least=2):
            if found and part.of(text).lower().startswith(_SUBORDINATE):  # "es stimmt nicht, dass …" denies all of it
                found[-1] = Span(found[-1].start, part.end)
            else:
                found.append(part)
    return found


def _segments(text: str, stated: list[Value]) -> list[Span]:
    """Cases: a part opens a new one where it states a kind of value that the case already has."""
    found: list[Span] = []
    for sentence in quotes.sentence_spans(text):
        kinds: set[str] = set()
        opened = False
        for part in _split(text, stated, within=sentence, least=0):
            here = {kind for value in stated if part.start <= value.start < part.end for kind, _ in value.meanings()}
            if opened and not kinds & here:
                found[-1] = Span(found[-1].start, part.end)
            else:
                found.append(part)
                kinds = set()
            kinds |= here
            opened = True
    return found


def _split(text: str, stated: list[Value], *, within: Span, least: int) -> list[Span]:
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


# Values -------------------------------------------------------------------------------------------------------------

_EXACT_IN_RANGE = ("money", "percent", "duration", "measure", "number")


def _identity(value: Value) -> tuple[object, ...]:
    return (value.kind, value.key, _direction(value))


def _direction(value: Value) -> str:
    return value.bound if value.bound in ("up", "down") else ""


def _values(said: _Side, given: _Side) -> Reason | None:
    for value in said.values:
        same = [other for other in given.values if values.matches(value, other)]
        if not same:
            return "value"
        if not any(_bounds_agree(value, other) for other in same):
            return "contradicted"
    return None


def _bounds_agree(stated: Value, given: Value) -> bool:
    if stated.side and given.side and stated.side != given.side:
        return False
    if stated.kind in ("date", "time"):
        return (
            not (stated.bound and given.bound) or stated.bound == given.bound or "within" in (stated.bound, given.bound)
        )
    if given.range >= 0 and stated.range < 0 and not stated.bound and stated.kind in _EXACT_IN_RANGE:
        return False
    if not stated.bound or stated.bound == given.bound:
        return True
    if not given.bound:
        return stated.bound == "within" or stated.loose
    return "up" not in (stated.bound, given.bound)


def _swapped(said: _Side, given: _Side) -> Reason | None:
    """Values and words of different cases of the quote, stated as one: "unter 24 Jahren 37 Euro"."""
    cases = given.segments
    for segment in said.segments:
        own = [value for value in segment.values if value.kind != "rate"]  # "im Jahr" holds for later cases too
        if not own or len(cases) < 2:
            continue
        stated = [value for value in own if _alternatives(value.kind, cases) > 1]
        fitting = [at for at, case in enumerate(cases) if all(_given(value, case) for value in stated or own)]
        if not stated:
            if fitting and said.language == "de" and all(_of_sibling(segment, at, cases) for at in fitting):
                return "swapped"
        elif not any(_told_apart(segment, stated, at, cases, said.language) for at in fitting):
            return "swapped"
    return None


def _given(value: Value, case: _Clause) -> bool:
    return any(values.matches(value, own) and _bounds_agree(value, own) for own in case.values)


def _of_sibling(segment: _Clause, at: int, cases: list[_Clause]) -> bool:
    """Whether words are those of a like case, not of the one that has the value: "die graue Tonne" for the yellow."""
    mine = cases[at].words
    for number, case in enumerate(cases):
        if number == at or not mine.stems & case.words.stems:
            continue
        if any(segment.words.hold(stem) for stem in case.words.stems if not mine.hold(stem)):
            return True
    return False


def _alternatives(kind: str, cases: list[_Clause]) -> int:
    """How many cases state different values of a kind."""
    found = {frozenset(_identity(value) for value in case.values if value.kind == kind) for case in cases}
    return len(found - {frozenset()})


def _rates(case: _Clause) -> frozenset[object]:
    return frozenset(_identity(value) for value in case.values if value.kind == "rate")


def _told_apart(segment: _Clause, stated: list[Value], at: int, cases: list[_Clause], language: str) -> bool:
    """Whether the statement's words belong to this case and to no other one."""
    rated = len({_rates(case) for case in cases} - {frozenset()}) > 1  # else "im Jahr" holds for every case
    keys = [case.keys | _rates(case) if rated else case.keys for case in cases]
    mine = keys[at]
    elsewhere = frozenset(key for number, case in enumerate(keys) if number != at for key in case)
    # What the first case says holds for the later ones too ("kostet für Erwachsene 5 Euro, für Kinder 2 Euro").
    later = frozenset(key for number, case in enumerate(keys) if number not in (0, at) for key in case) - mine
    first: frozenset[object] = frozenset()
    if at:
        opposite = {(pair, 1 - side) for pair, side in cases[at].poles}
        values_of_first = {_identity(value) for value in cases[0].values if value.kind != "rate" or rated}
        first = (cases[0].poles & opposite) | (values_of_first - mine)
    if _hits(segment, later | first, language):
        return False
    # Two values of one case tell it; one needs the words that go with it.
    if len(stated) > 1 or (at == 0 and language == "de"):
        return True
    answers = {_identity(own) for own in cases[at].values if any(values.matches(value, own) for value in stated)}
    return _hits(segment, mine - elsewhere - answers, language)


def _hits(segment: _Clause, keys: Collection[object], language: str) -> bool:
    poles = segment.poles | {(*meaning, _direction(value)) for value in segment.values for meaning in value.meanings()}
    if any(key in poles for key in keys):
        return True
    if language != "de":
        return False
    return any(isinstance(key, str) and segment.words.hold(key) for key in keys)


# Negation and opposites ---------------------------------------------------------------------------------------------


def _turned(said: _Side, given: _Side) -> Reason | None:
    if "only" in said.marks and "only" not in given.marks:
        return "contradicted"
    if "all" in said.marks and "all" not in given.marks:
        return "contradicted"
    if "except" in given.marks and "except" not in said.marks:
        return "contradicted"
    backing: dict[int, list[_Clause]] = {}
    for clause in said.clauses:
        at = _nearest(clause, given.clauses, said.language)
        if at is not None:
            backing.setdefault(at, []).append(clause)
        elif len({own.negative for own in given.clauses}) > 1:
            return "contradicted"
        else:
            backing.setdefault(0, []).append(clause)
    for at, clauses in backing.items():
        own = given.clauses[at]
        if own.negative != any(clause.negative for clause in clauses):
            return "contradicted"
        modal = {mark for clause in clauses for mark in clause.marks} & {"must", "may"}
        if modal == {"must"} and own.marks & {"must", "may"} == {"may"}:
            return "contradicted"
        if said.language == "de" and modal == {"may"} and own.marks & {"must", "may"} == {"must"} and not own.negative:
            return "contradicted"
    if said.language == "de" and not any(clause.negative for clause in said.clauses) and _excepted(said, given):
        return "contradicted"
    return "contradicted" if polarity.opposed(said.poles, given.poles) else None


_CONDITIONS = ("sofern ", "wenn ", "falls ", "soweit ", "solange ", "außer ", "es sei denn")


def _excepted(said: _Side, given: _Side) -> bool:
    """Whether a positive statement names what the quote only denies: "sofern sie nicht vorgemerkt sind"."""
    for at, clause in enumerate(given.clauses):
        others = [other for number, other in enumerate(given.clauses) if number != at]
        if not clause.negative or not others or not clause.text.startswith(_CONDITIONS):
            continue
        denied = {stem for stem in clause.words.stems if not any(other.words.hold(stem) for other in others)}
        if any(own.words.hold(stem) for own in said.clauses for stem in denied):
            return True
    return False


def _nearest(clause: _Clause, given: list[_Clause], language: str) -> int | None:
    """The quoted clause that a clause is about; None when that cannot be told."""
    scores = []
    for own in given:
        score = sum(4 for value in clause.values if any(values.matches(value, other) for other in own.values))
        score += len(clause.poles & own.poles) - (bool(own.values) and not clause.values)
        if language == "de":
            score += sum(own.words.hold(stem) for stem in clause.words.stems)
        scores.append(score)
    best = max(scores)
    return scores.index(best) if scores.count(best) == 1 else None


# Subject ------------------------------------------------------------------------------------------------------------


def _same_subject(said: _Side, given: _Side, passage: str) -> bool:
    """Whether the things of city life that a statement names are those of its quote, or of the passage around it."""
    named = polarity.subjects(values.fold(said.text).text)
    quoted = polarity.subjects(values.fold(given.text).text)
    if not named <= polarity.subjects(values.fold(passage).text):
        return False
    return not named or not quoted or bool(named & quoted)


def _covered(said: _Side, given: _Side, passage: str) -> bool:
    """Whether a German statement speaks of what its quote speaks of, clause by clause."""
    quoted = _Words(given.text, given.values)
    whole = _Words(said.text, said.values)
    around = _Words(passage)
    # Whether the statement names nothing of what its quote names.
    opening = _Words(given.clauses[0].original, given.clauses[0].values).content if given.clauses else []
    named = [word for word in quoted.content if word.noun]
    lost = any(word.noun for word in opening) and not any(word.noun and whole.has(word) for word in quoted.content)
    for clause in said.clauses:
        content = clause.words.content
        nouns = [word for word in content if word.noun]
        held = [word for word in nouns if quoted.has(word)]
        near = [word for word in nouns if word not in held and around.has(word)]
        strange = len(nouns) - len(held) - len(near)
        # A noun of its own in place of one that the quote names: another subject.
        at = _nearest(clause, given.clauses, "de")
        scope = quoted if at is None else given.clauses[at].words
        unnamed = [word for word in scope.content if word.noun and not whole.has(word)]
        other = [word for word in content if word.attribute and not quoted.has(word)]
        if other and any(word.attribute and not whole.has(word) for word in scope.content):
            return False  # "die blaue Tonne" for "die gelbe Tonne"
        if strange and (unnamed or (named and named[0].stem not in whole.stems)):
            return False
        if strange > min(1, len(held) + len(near)) or (near and not held and lost):
            return False
        share = sum(quoted.has(word) for word in content) + len(near)
        if content and share < _COVERED * len(content):
            return False
    return True
