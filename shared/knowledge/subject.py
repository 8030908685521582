"""Whether a statement is about what its quote is about."""

from shared.knowledge import polarity, values
from shared.knowledge.clauses import Clause, Text, nearest
from shared.knowledge.german import folded
from shared.knowledge.terms import Term, Terms, akin, held, stem

_COVERED = 0.5  # share of a German clause's content words that its quote must hold


def same_subject(said: Text, given: Text, passage: str) -> bool:
    """Whether the things of city life that a statement names are those of its quote, or of the passage around it."""
    named = polarity.subjects(values.fold(said.text).text)
    quoted = polarity.subjects(values.fold(given.text).text)
    if not named <= polarity.subjects(values.fold(passage).text):
        return False
    return not named or not quoted or bool(named & quoted)


def _mixed(content: list[Term], at: int | None, clauses: list[Clause]) -> bool:
    """Whether the subject of one clause of the quote is stated with what another clause says."""
    if at is None:
        return False
    mine = [word for word in clauses[at].words.content if word.noun]
    stems = {word.stem for word in content}
    if not mine or all(held(word.stem, stems) for word in mine):
        return False
    stated = [word for word in content if word.noun and not clauses[at].words.has(word)]
    if not held(mine[0].stem, stems) and any(own.words.has(word) for own in clauses for word in stated):
        return True
    for number, own in enumerate(clauses):
        if number == at or len(own.words.content) < 3:
            continue
        taken = [word for word in content if word.noun and own.words.has(word) and not clauses[at].words.has(word)]
        kept = [word for word in own.words.content if word.noun and not held(word.stem, stems)]
        if taken and len(kept) >= 2:
            return True
    return False


def _named(word: Term, whole: Terms) -> bool:
    """Whether a text names a thing itself: "Mutterschaftsgeld" does not name the mother."""
    full = folded(word.text)
    return word.stem in whole.stems or any(
        own.endswith(full) or full.endswith(own) or akin(word.stem, stem(own)) for own in whole.full
    )


def covered(said: Text, given: Text, passage: str) -> bool:
    """Whether a German statement speaks of what its quote speaks of, clause by clause."""
    quoted = Terms(given.text, given.values)
    whole = Terms(said.text, said.values)
    around = Terms(passage)
    # Whether the statement names nothing of what its quote names.
    opening = Terms(given.clauses[0].original, given.clauses[0].values).content if given.clauses else []
    named = [word for word in quoted.content if word.noun]
    lost = any(word.noun for word in opening) and not any(word.noun and whole.has(word) for word in quoted.content)
    for clause in said.clauses:
        content = clause.words.content
        nouns = [word for word in content if word.noun]
        held = [word for word in nouns if quoted.has(word)]
        near = [word for word in nouns if word not in held and (around.has(word) or quoted.narrowed(word, around))]
        strange = len(nouns) - len(held) - len(near)
        # A noun of its own in place of one that the quote names: another subject.
        at = nearest(clause, given.clauses, "de")
        scope = quoted if at is None else given.clauses[at].words
        unnamed = [word for word in scope.content if word.noun and not whole.has(word)]
        other = [word for word in content if word.attribute and not quoted.has(word)]
        if other and any(word.attribute and not whole.has(word) for word in scope.content):
            return False  # "die blaue Tonne" for "die gelbe Tonne"
        if _mixed(content, at, given.clauses) or (near and unnamed):
            return False
        if strange and (any(not _named(word, whole) for word in named) or (named and named[0].stem not in whole.stems)):
            return False
        if strange > min(1, len(held) + len(near)) or (near and not held and lost):
            return False
        share = sum(quoted.has(word) for word in content) + len(near)
        if content and share < _COVERED * len(content):
            return False
    return True
