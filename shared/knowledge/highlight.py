"""What of a passage matched the query by word: the same stem, or one inside the other (compounds)."""

from typing import Literal, NamedTuple

from shared.knowledge import german

Kind = Literal["word", "part"]
_PART = 4  # letters of a stem that may count inside a compound


class Span(NamedTuple):
    """A matched part of a text; ``start`` and ``end`` count code points."""

    start: int
    end: int
    kind: Kind  # the word itself, or a part of a compound


def spans(query: str, text: str) -> list[Span]:
    """Matched words of the text, in order, without overlap."""
    wanted = {word.text for word in german.words(query)} - german.FUNCTION_WORDS
    stems = {german.stem(word) for word in wanted}
    parts = sorted((stem for stem in stems if len(stem) >= _PART), key=len, reverse=True)
    judged: dict[str, tuple[Kind, int, int] | None] = {}  # a text repeats its words
    found = []
    for word in german.words(text):
        if word.text not in judged:
            judged[word.text] = _judge(word.text, stems, parts)
        match = judged[word.text]
        if match is None:
            continue
        kind, start, end = match
        # Lower-casing can change the length of a word; then the place of a part is not known.
        if end > start and len(word.text) == word.end - word.start:
            found.append(Span(word.start + start, word.start + end, kind))
        else:
            found.append(Span(word.start, word.end, kind))
    return found


def _judge(word: str, stems: set[str], parts: list[str]) -> tuple[Kind, int, int] | None:
    """How a word of the text matches, and where inside it (0, 0: all of it)."""
    if word in german.FUNCTION_WORDS:
        return None
    stem = german.stem(word)
    if stem in stems:
        return "word", 0, 0
    folded = german.folded(word)
    for part in parts:
        if part in folded:
            start = folded.index(part)
            return ("part", start, start + len(part)) if len(folded) == len(word) else ("part", 0, 0)
        if len(stem) >= _PART and stem in part:
            return "part", 0, 0
    return None
