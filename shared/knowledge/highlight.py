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
    wanted = [word.text for word in german.words(query)]
    wanted = [word for word in wanted if word not in german.FUNCTION_WORDS]
    stems = {german.stem(word) for word in wanted}
    parts = sorted((stem for stem in stems if len(stem) >= _PART), key=len, reverse=True)
    found = []
    for word in german.words(text):
        stem = german.stem(word.text)
        if stem in stems:
            found.append(Span(word.start, word.end, "word"))
        elif word.text not in german.FUNCTION_WORDS:
            folded = german.folded(word.text)
            inside = next((part for part in parts if part in folded), None)
            # Lower-casing can change the length of a word; then the place of the part is not known.
            if inside is not None and len(folded) == word.end - word.start:
                start = word.start + folded.index(inside)
                found.append(Span(start, start + len(inside), "part"))
            elif inside is not None or any(len(stem) >= _PART and stem in part for part in parts):
                found.append(Span(word.start, word.end, "part"))
    return found
