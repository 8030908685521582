"""What may be known of a text by everybody: its ordinary words. The last gate before a model, after ``Redactor``.

``Redactor`` looks for what is personal, and may overlook a rare name or an odd number. Here it is the other way
round: what is not known to be harmless goes. A word has to be one of the language or of the office's own words, and
no name; a number has to be short and to count something. A misspelled word becomes the one of the office that it is
nearest to, a compound those of its parts that are such words: what a model reads is never a letter's own rarity.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from shared.knowledge.german import FUNCTION_WORDS
from shared.privacy.dictionary import COMPLETE, LONGEST, named, ordinary
from shared.privacy.families import nameable
from shared.privacy.lexicon import common, words
from shared.privacy.spelling import plain

_TOKEN: Final = re.compile(
    r"(?P<placeholder>\[[A-ZÄÖÜ][\w-]{1,20}\])"
    r"|(?P<address>[^\s@]{0,64}@[^\s@]{1,200}|(?:https?://|www\.)\S{1,2000})"
    r"|(?P<number>(?<![^\W_])\(?\+?\(?\d(?:[\d./:,()–-]|(?<=\d)[  ](?=[\d(]))*(?![^\W\d_]))"
    r"|(?P<word>[^\W_]+(?:['’ʼ][^\W\d_]+)*)"
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"\d")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_PLAIN_NUMBER: Final = re.compile(r"\d{1,3}|(?:19|20)\d\d|\d{1,2}[.:]\d\d|\d{1,2}[.,]\d{1,2}|\d{1,2}\.|\d{1,3}[.,:)]")
_CLASS: Final = re.compile(r"[A-Za-z]{1,2}\d{1,3}[A-Za-z]?|\d{1,3}[A-Za-z]{0,3}")  # "C1E", "B96", "30er", "2x"
_AMOUNT: Final = re.compile(r"\s?(?:€|%|euro?\b|eur\b|prozent\b|km\b|kg\b|cm\b|m\b|kw\b|ccm\b|uhr\b|tl\b|грн|лв)", re.I)
_MONTH: Final = re.compile(r"\s*(?:de |of )?[^\W\d_]{3,12}\.?,?\s(?:de |of )?(?P<age>19|20)?\d\d(?!\d)")
_DAY: Final = 3  # characters of a day ("14.")
_MOST_DIGITS: Final = 4
# What a number may stand behind that is written large: it is counted or named by it, and lives nowhere.
_COUNTED: Final = words(
    """
    klasse klassen linie zone jahrgang jahr jahre baujahr alter grad pflegegrad gdb stufe absatz artikel paragraf
    paragraph nummer nr punkt frage seite uhr ich wir sie er und oder euro eur class line zone age year page classe
    ligne année ans clase año classe anno klasa rok klas клас клас рік лінія sgb stvo fev linia sınıf mindestens
    höchstens bis ab seit im in vor nach für mit meine mein unsere zwischen über unter
    """
)
# Behind these stands a name, be it a word as well ("opa manne", "Kumpel Hagedorn", "mein Nachbar Kranich").
_PERSON: Final = re.compile(
    r"(?:ur|schwieger|groß|stief|paten|ex)?(?:opa|oma|omi|opi|papa|mama|onkel|tante|cousine?|neffe|nichte|vetter"
    r"|bruder|schwester|vater|mutter|sohn|tochter|enkel(?:in)?|mann|frau|ehemann|ehefrau)"
    r"|herrn?|familie|kumpel|freund(?:in)?|nachbar(?:in|n)?|kolleg(?:e|en|in)|chef(?:in)?|schwager|schwägerin"
    r"|mitbewohner(?:in)?|vermieter(?:in)?|mieter(?:in)?|partner(?:in)?|verlobte[rn]?|notar(?:in)?|doktor|dr|prof"
    r"|و?(?:ابني|ابنتي|بنتي|زوجي|زوجتي|أخي|أختي|والدي|والدتي|أمي|أبي|جدي|جدتي|صديقي|صديقتي|جاري|جارتي|طفلي|طفلتي"
    r"|خطيبي|خطيبتي|عمي|خالي|عمتي|خالتي|اسمه|اسمها|اسمي)"
)
_STREET: Final = re.compile(
    r"(?:stra(?:ss|ß)e|str|weg|gasse|platz|allee|ring|damm|ufer|steig|pfad|chaussee|graben|gang|winkel|hof|berg|hang"
    r"|park|anger|grund|tal|bach|brunnen|kamp|zeile|wiese|feld|garten|höhe|tor|markt|siedlung|strada|ulica|sokak"
    r"|caddesi|street|road|lane|avenue|rue|вулиця|улица)\.?$"
)
_PART: Final = 4  # letters of a part of a compound
_NEAR: Final = 6  # letters from which a word may be a misspelling


class Harmless:
    """Lets a text's ordinary words through; ``own`` are the office's, in any spelling and language.

    ``own`` has to come from published texts: it is what a model may see in any case. So has ``everyday``, whose words
    are let through as they are, and meant by no misspelling.
    """

    def __init__(self, own: Iterable[str], everyday: Iterable[str] = ()) -> None:
        office = frozenset(word.casefold() for text in own for word in _LETTERS.findall(plain(text)))
        self._own = office.union(word.casefold() for text in everyday for word in _LETTERS.findall(plain(text)))
        self._near: dict[str, set[str]] = {}
        for word in office:
            if len(word) >= _NEAR:
                for less in _shortened(word):
                    self._near.setdefault(less, set()).add(word)

    def text(self, text: str, language: str) -> str:
        """The text without what is not known to be harmless; ``language`` as ISO 639 has it."""
        shown = plain(text)
        parts: list[str] = []
        at = 0
        before = ""  # the word before
        for found in _TOKEN.finditer(shown):
            parts.append(shown[at : found.start()])
            at = found.end()
            if found["placeholder"]:
                parts.append(found.group())
            elif found["address"]:
                pass
            elif found["number"]:
                parts.append(self._number(found.group(), before, shown[at : at + 24]))
            else:
                first = not before or parts[-1].strip(" \t") != ""
                due = parts[-1:] == [" "] and _PERSON.fullmatch(before.casefold()) is not None
                parts.append(
                    "" if due and self._name(found.group()) else self._word(found.group(), language, first=first)
                )
            before = found.group()
        parts.append(shown[at:])
        return re.sub(r"[ \t]{2,}", " ", "".join(parts)).strip()

    def _name(self, word: str) -> bool:
        """Whether a word is a name where one is due."""
        if word.casefold() in self._own or word.casefold() in FUNCTION_WORDS:
            return False
        return nameable(word) if word.islower() else not common(word, after=True)

    def _number(self, number: str, before: str, after: str) -> str:
        digits = len(_DIGITS.findall(number))
        if digits > _MOST_DIGITS and not (_AMOUNT.match(after) and number[0] not in "+(" and "/" not in number):
            return " ".join(_YEAR.findall(number)[:1])  # of a date the year
        month = _MONTH.match(after)
        if month and len(number) <= _DAY and (month["age"] or number.endswith(".")):
            return ""
        if _AMOUNT.match(after) or (_YEAR.fullmatch(number.rstrip(".,:)")) and not before.isupper()):
            return number
        if _PLAIN_NUMBER.fullmatch(number) is None:
            return ""
        if before[:1].isupper() and before.casefold() not in _COUNTED:
            return ""  # as of a house, or a plate
        return "" if _STREET.search(before.casefold()) else number

    def _word(self, word: str, language: str, *, first: bool) -> str:
        """The word, the words of the office that are meant by it, or nothing."""
        if any(letter.isdigit() for letter in word):
            return word if _CLASS.fullmatch(word) else ""
        small = word.casefold()
        if len(small) > LONGEST:
            return ""
        if small in self._own and (len(small) > 2 or word == small):  # "Bo" may be somebody
            return word
        whole = re.split(r"['’ʼ]", word)
        # But for German, what is written large within a sentence is somebody or some place.
        tongues = {"de"} if word != small and not first else {"de", language}
        if any(ordinary(word, tongue) for tongue in tongues):
            return word
        if len(whole) > 1:  # "l'amende", "Türkiye'de"
            return " ".join(part for part in (self._word(one, language, first=first) for one in whole) if part)
        if len(small) <= 2:
            return word if word == small else ""
        if language not in COMPLETE and _may_be_small(word) and not named(word):
            return word
        return " ".join(self._meant(small)) if word == small or language == "de" else ""

    def _meant(self, small: str) -> Iterator[str]:
        """Words of the office in a word that is none, or nearest to it."""
        if len(small) >= _NEAR:
            near = {word for less in _shortened(small) for word in self._near.get(less, ())}
            if near:
                yield min(near, key=lambda word: (abs(len(word) - len(small)), word))
                return
        at = 0
        while at <= len(small) - _PART:
            for end in range(len(small), at + _PART - 1, -1):
                if small[at:end] in self._own:
                    yield small[at:end]
                    at = end
                    break
            else:
                at += 1


def _shortened(word: str) -> Iterator[str]:
    """The word, and all that one letter less makes of it: two that are one slip apart have one of these in common."""
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _may_be_small(word: str) -> bool:
    """Whether it is written small, or in a script that knows no capitals."""
    return not any(unicodedata.category(letter) in ("Lu", "Lt") for letter in word)
