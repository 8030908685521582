"""Letters and digits as strokes on a grid of 4 x 8, drawn by ourselves, so that no font decides what a plate is."""

from collections.abc import Iterator, Mapping
from typing import Final

from PIL import ImageDraw

Point = tuple[float, float]

# Lines apart by spaces, points as pairs of digits: x 0 to 4, y 0 to 8 from the top.
_STROKES: Final[Mapping[str, str]] = {
    "0": "10 30 41 47 38 18 07 01 10",
    "1": "02 20 28",
    "2": "02 01 10 30 41 43 08 48",
    "3": "01 10 30 41 43 34 14/34 45 47 38 18 07",
    "4": "30 05 45/33 38",
    "5": "40 00 03 33 44 47 38 18 07",
    "6": "41 30 10 01 07 18 38 47 45 34 14 05",
    "7": "00 40 18",
    "8": "10 30 41 43 34 14 03 01 10/14 05 07 18 38 47 45 34",
    "9": "07 18 38 47 41 30 10 01 03 14 34 43",
    "A": "08 20 48/15 35",
    "B": "08 00 30 41 43 34 04/34 45 47 38 08",
    "C": "41 30 10 01 07 18 38 47",
    "D": "00 30 41 47 38 08 00",
    "E": "40 00 08 48/04 34",
    "F": "40 00 08/04 34",
    "G": "41 30 10 01 07 18 38 47 44 24",
    "H": "00 08/40 48/04 44",
    "I": "20 28",
    "J": "40 47 38 18 07 06",
    "K": "00 08/40 04 48",
    "L": "00 08 48",
    "M": "08 00 24 40 48",
    "N": "08 00 48 40",
    "O": "10 30 41 47 38 18 07 01 10",
    "P": "08 00 30 41 43 34 04",
    "Q": "10 30 41 47 38 18 07 01 10/25 48",
    "R": "08 00 30 41 43 34 04/24 48",
    "S": "41 30 10 01 03 14 34 45 47 38 18 07",
    "T": "00 40/20 28",
    "U": "00 07 18 38 47 40",
    "V": "00 28 40",
    "W": "00 18 23 38 40",
    "X": "00 48/40 08",
    "Y": "00 24 40/24 28",
    "Z": "00 40 08 48",
    "-": "14 34",
}
LETTERS: Final = "".join(sign for sign in _STROKES if sign.isalpha())


def width(text: str, height: float, *, narrow: float = 0.5, gap: float = 0.14) -> float:
    """How wide the text becomes; ``narrow`` is a letter's width and ``gap`` the space after it, of its height."""
    return sum(height * ((narrow * 0.7 if sign == " " else narrow) + gap) for sign in text) - height * gap


def write(
    draw: ImageDraw.ImageDraw,
    corner: Point,
    text: str,
    height: float,
    ink: tuple[int, int, int],
    *,
    narrow: float = 0.5,
    gap: float = 0.14,
    weight: float = 0.13,
) -> None:
    """Draw the text with its upper left corner there; ``weight`` is a stroke's width, of the height."""
    x, y = corner
    thick = max(1, round(height * weight))
    for sign in text:
        if sign != " ":
            for line in _lines(sign):
                points = [
                    (x + thick / 2 + a * (height * narrow - thick) / 4, y + thick / 2 + b * (height - thick) / 8)
                    for a, b in line
                ]
                draw.line(points, fill=ink, width=thick, joint="curve")
        x += height * ((narrow * 0.7 if sign == " " else narrow) + gap)


def _lines(sign: str) -> Iterator[list[Point]]:
    for line in _STROKES[sign].split("/"):
        yield [(int(point[0]), int(point[1])) for point in line.split()]
