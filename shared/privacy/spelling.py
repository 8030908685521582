"""Texts and names in one spelling: invisible and look-alike letters undone, accents, umlauts and scripts folded."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_BLANKS: Final = re.compile(r"[^\S\n\r\t ]")
_INVISIBLE: Final = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
                               "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]")  # fmt: skip
_WIDE: Final = re.compile("[\uff01-\uff5e\u2460-\u24ff\U0001d400-\U0001d7ff\U0001f100-\U0001f1aa]")
_LOOKALIKES: Final = str.maketrans(
    "АВЕКМНОРСТУХІЈЅаеорсухіјѕԁһѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρ‐‑‒–—―−﹣·．。",
    "ABEKMHOPCTYXIJSaeopcyxijsdhvABEZHIKMNOPTYXoavp--------...",
)
_LETTERS: Final = str.maketrans(
    {
        "ß": "ss",
        "ı": "i",
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "æ": "ae",
        "œ": "oe",
        "ð": "d",
        "þ": "th",
        "ə": "e",
        "’": "'",
        "ة": "ه",
        "ى": "ي",
    }
)
_TWO_FOR_ONE: Final = re.compile(r"(?<=[aou])e")
_CYRILLIC: Final = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh", "з": "z", "и": "y",
        "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s",
        "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ю": "iu",
        "я": "ia", "ы": "y", "э": "e", "ъ": "", "ё": "e", "ў": "u", "'": "", "’": "", "ʼ": "",
    }
)  # fmt: skip
_GREEK: Final = str.maketrans("αβγδεζηικλμνξοπρστυφχω", "avgdeziiklmnxoprstyfho") | {ord("θ"): "th", ord("ψ"): "ps"}
_ARABIC: Final = str.maketrans(
    {
        "ب": "b", "ت": "t", "ث": "t", "ج": "j", "ح": "h", "خ": "k", "د": "d", "ذ": "d", "ر": "r", "ز": "z", "س": "s",
        "ش": "s", "ص": "s", "ض": "d", "ط": "t", "ظ": "z", "غ": "g", "ف": "f", "ق": "k", "ك": "k", "ل": "l", "م": "m",
        "ن": "n", "ه": "h", "پ": "b", "چ": "s", "ژ": "z", "گ": "g", "ک": "k",
    }
)  # fmt: skip
_SOUNDS: Final = (
    ("shch", "s"), ("sch", "s"), ("tsch", "s"), ("kh", "k"), ("gh", "g"), ("sh", "s"), ("ch", "s"), ("zh", "z"),
    ("th", "t"), ("dh", "d"), ("ph", "f"), ("ts", "s"), ("ck", "k"), ("q", "k"), ("x", "ks"), ("c", "k"), ("w", "v"),
    ("p", "b"), ("v", "f"),
)  # fmt: skip
_MUTE: Final = re.compile(r"[^bdfghjklmnrstz]")
_TWICE: Final = re.compile(r"(.)\1+")


def plain(text: str) -> str:
    """The text as it is read: composed (NFC), without invisible characters, with plain blanks, letters and digits."""
    shown = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n"))
    shown = _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), _BLANKS.sub(" ", shown))
    if shown.isascii():
        return shown
    digits = {ord(c): str(unicodedata.decimal(c)) for c in set(shown) if c.isdecimal() and not c.isascii()}
    return shown.translate(digits)


def latin(text: str) -> str:
    """The text with Latin letters for Cyrillic and Greek ones that look alike, hyphens for dashes; equally long."""
    return text.translate(_LOOKALIKES)


@lru_cache(maxsize=65_536)
def key(word: str) -> str:
    """What is the same in all spellings of a word: "Müller", "MUELLER" and "muller"; "Олена" and "Olena"."""
    letters = unicodedata.normalize("NFD", word.casefold().translate(_LETTERS).replace("й", "и"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    bare = bare.translate(_LETTERS).translate(_CYRILLIC).translate(_GREEK)
    return _TWO_FOR_ONE.sub("", bare)


@lru_cache(maxsize=65_536)
def sound(word: str) -> str:
    """The consonants of a word, roughly, for names in another script ("Haddadin", "حدادين")."""
    letters = key(word).translate(_ARABIC)
    for written, heard in _SOUNDS:
        letters = letters.replace(written, heard)
    return _TWICE.sub(r"\1", _MUTE.sub("", letters))
