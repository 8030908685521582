"""Number plates drawn from their geometry: German and other ones, of cars and motorcycles, new and old.

What is written on them is drawn by chance; none is copied from a photo.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from PIL import Image, ImageDraw

from infra.plates.glyphs import LETTERS, width, write

Colour = tuple[int, int, int]

BLACK: Final[Colour] = (18, 18, 20)
WHITE: Final[Colour] = (238, 238, 236)
_BLUE: Final[Colour] = (20, 55, 150)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a kind of plate has in common."""

    ground: Colour = WHITE
    ink: Colour = BLACK
    band: bool = True  # blue, at the left, with the country's letter
    second_band: bool = False
    border: bool = True
    seals: bool = False


def plate(chance: Random, *, shape: str | None = None) -> Image.Image:
    """One plate, upright, a pixel a millimetre (RGB). ``shape``: ``line``, ``two``, ``motorcycle`` or ``foreign``."""
    shape = shape or chance.choices(("line", "two", "motorcycle", "foreign"), (0.62, 0.13, 0.09, 0.16))[0]
    german = chance.random() < 0.5
    if shape == "line":
        return _one_line(chance, *_german(chance) if german else _european(chance))
    if shape == "foreign":
        return _american(chance)
    size = (chance.choice((280, 320, 340)), 200) if shape == "two" else (chance.choice((180, 200, 220, 240)), 200)
    return _two_lines(chance, size, german=german)


def _digits(chance: Random, least: int, most: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(chance.randint(least, most)))


def _letters(chance: Random, least: int, most: int) -> str:
    return "".join(chance.choice(LETTERS) for _ in range(chance.randint(least, most)))


def _german(chance: Random) -> tuple[_Look, list[str], str]:
    """The look, the groups of the text (the seals stand after the first) and the season or a letter after them."""
    ink = chance.choices((BLACK, (20, 110, 60), (170, 25, 35)), (0.9, 0.05, 0.05))[0]
    last = chance.choices(("", "H", "E"), (0.86, 0.07, 0.07))[0]
    season = f"{chance.randint(1, 12):02d}/{chance.randint(1, 12):02d}" if chance.random() < 0.08 else ""
    look = _Look(ink=ink, seals=True, band=chance.random() < 0.93)
    return look, [_letters(chance, 1, 3), f"{_letters(chance, 1, 2)} {_digits(chance, 1, 4)}{last}"], season


def _european(chance: Random) -> tuple[_Look, list[str], str]:
    kind = chance.choices(("ro", "fr", "nl", "uk", "be", "pl", "ch", "old"), (6, 2, 2, 1, 1, 2, 1, 1))[0]
    yellow = (242, 196, 28)
    match kind:
        case "fr":
            text = f"{_letters(chance, 2, 2)}-{_digits(chance, 3, 3)}-{_letters(chance, 2, 2)}"
            return _Look(second_band=True, border=False), [text], ""
        case "nl":
            text = f"{_digits(chance, 1, 2)}-{_letters(chance, 3, 3)}-{_digits(chance, 1, 2)}"
            return _Look(ground=yellow), [text], ""
        case "uk":
            text = f"{_letters(chance, 2, 2)}{_digits(chance, 2, 2)} {_letters(chance, 3, 3)}"
            ground = chance.choice((WHITE, yellow))
            return _Look(ground=ground, band=chance.random() < 0.4, border=False), [text], ""
        case "be":
            text = f"1-{_letters(chance, 3, 3)}-{_digits(chance, 3, 3)}"
            return _Look(ink=(150, 25, 35)), [text], ""
        case "ch":
            return _Look(band=False, border=False), [f"{_letters(chance, 2, 2)} {_digits(chance, 3, 6)}"], ""
        case "old":
            text = f"{_letters(chance, 1, 3)} {_digits(chance, 3, 5)}"
            return _Look(ground=BLACK, ink=WHITE, band=False, border=chance.random() < 0.5), [text], ""
        case "pl":
            return _Look(), [f"{_letters(chance, 2, 3)} {_digits(chance, 4, 5)}"], ""
    return _Look(), [f"{_letters(chance, 1, 2)} {_digits(chance, 2, 3)} {_letters(chance, 3, 3)}"], ""


def _blank(size: tuple[int, int], look: _Look, chance: Random) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, look.ground)
    draw = ImageDraw.Draw(image)
    if look.border:
        draw.rectangle((2, 2, size[0] - 3, size[1] - 3), outline=look.ink, width=chance.choice((3, 4, 5)))
    return image, draw


def _bands(draw: ImageDraw.ImageDraw, look: _Look, size: tuple[int, int], chance: Random) -> tuple[int, int]:
    """Draw the blue bands; where the text may begin and end."""
    wide, start, end = chance.randint(38, 46), 12, size[0] - 12
    for shown, left in ((look.band, 0), (look.second_band, size[0] - wide)):
        if shown:
            draw.rectangle((left, 0, left + wide, size[1]), fill=_BLUE)
            middle = left + wide / 2
            draw.ellipse((middle - 12, 14, middle + 12, 38), outline=(230, 200, 40), width=3)
            write(draw, (middle - 8, size[1] * 0.62), chance.choice("DFIEBLP"), 30, WHITE)
    if look.band:
        start += wide
    if look.second_band:
        end -= wide
    return start, end


def _one_line(chance: Random, look: _Look, groups: list[str], season: str) -> Image.Image:
    size = (chance.choice((440, 460, 480, 520, 520, 520)), chance.randint(106, 114))
    image, draw = _blank(size, look, chance)
    start, end = _bands(draw, look, size, chance)
    if season:
        end -= 44
        draw.line((end, 18, end, size[1] - 18), fill=look.ink, width=2)
        for place, month in enumerate(season.split("/")):
            write(draw, (end + 8, 20 + place * 42), month, 30, look.ink)
    height, weight = chance.uniform(68, 80), chance.uniform(0.11, 0.17)
    narrow = chance.uniform(0.5, 0.62)
    seal = 48.0 if look.seals else 0.0
    needed = sum(width(group, height, narrow=narrow) for group in groups) + seal + 10 * len(groups)
    if needed > end - start:
        narrow *= (end - start) / needed * 0.92
        needed = sum(width(group, height, narrow=narrow) for group in groups) + seal + 10 * len(groups)
    x, top = start + max(0.0, (end - start - needed) / 2), (size[1] - height) / 2
    for place, group in enumerate(groups):
        write(draw, (x, top), group, height, look.ink, narrow=narrow, weight=weight)
        x += width(group, height, narrow=narrow) + 10
        if place == 0 and look.seals:
            _seals(draw, (x + 18, top), height, chance)
            x += seal
    return image


def _seals(draw: ImageDraw.ImageDraw, corner: tuple[float, float], height: float, chance: Random) -> None:
    """The round stickers of inspection (coloured) and of the office, one above the other."""
    x, y = corner
    colour = chance.choice(
        ((200, 90, 40), (60, 120, 190), (220, 190, 40), (110, 80, 50), (200, 120, 150), (60, 140, 80))
    )
    draw.ellipse((x - 16, y, x + 16, y + 32), fill=colour)
    draw.ellipse((x - 20, y + height - 38, x + 20, y + height + 2), fill=(205, 205, 200), outline=(150, 150, 150))


def _two_lines(chance: Random, size: tuple[int, int], *, german: bool) -> Image.Image:
    look, groups, _ = _german(chance) if german else _european(chance)
    words = " ".join(groups).replace("-", " ").split()
    upper, lower = words[0], " ".join(words[1:]) or _digits(chance, 3, 4)
    image, draw = _blank(size, look, chance)
    start, end = _bands(draw, look, (size[0], size[1] // 2), chance)
    end = size[0] - 12
    height, weight = chance.uniform(62, 76), chance.uniform(0.12, 0.17)
    seal = 46 if look.seals else 0
    for text, left, top in ((upper, start, 16.0), (lower, 12, size[1] - height - 16)):
        room = end - left - (seal if text is upper else 0)
        narrow = min(0.58, 0.56 * room / max(1.0, width(text, height, narrow=0.56)))
        write(draw, (left, top), text, height, look.ink, narrow=narrow, weight=weight)
    if look.seals:
        _seals(draw, (end - 24, 14), 78, chance)
    return image


def _american(chance: Random) -> Image.Image:
    """Short and coloured, with a line of small letters above."""
    ground = chance.choice((WHITE, (235, 220, 160), (40, 70, 140), (190, 215, 235), (245, 200, 60)))
    ink = WHITE if sum(ground) < 300 else chance.choice(((30, 40, 110), BLACK, (20, 90, 60), (150, 30, 40)))
    look = _Look(ground=ground, ink=ink, band=False, border=chance.random() < 0.4)
    image, draw = _blank((305, 152), look, chance)
    text = f"{_letters(chance, 2, 3)} {_digits(chance, 3, 4)}"
    small = _letters(chance, 5, 9)
    write(draw, ((305 - width(small, 20)) / 2, 12), small, 20, look.ink)
    narrow = min(0.56, 0.56 * 275 / width(text, 70, narrow=0.56))
    write(draw, ((305 - width(text, 70, narrow=narrow)) / 2, 52), text, 70, look.ink, narrow=narrow)
    return image
