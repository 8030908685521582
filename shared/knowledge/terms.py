"""Which words of a German text tell its subject, and whether another text has them, in a compound or as a verb."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shared.knowledge import german, polarity, values
from shared.knowledge.values import Value


@dataclass(frozen=True, slots=True)
class Term:
    text: str
    stem: str  # folded
    noun: bool
    attribute: bool  # an adjective right before a noun


# Words that carry no subject of their own: verbs of having and costing, adverbs, units.
_WEAK_WORDS = """
ab alt alter andere anderem anderen anderer angabe anzahl art auch ausgenommen befreit beginnen beginnt bekommen
benutzen benutzt benötigen benötigt bereits betrag betragen betrug beträgt bezahlen binnen bis bitte bleiben bleibt
brauchen braucht breite bringen bürger bürgerin cent circa dafür danach darf dauer dauern dauert dazu direkt drohen
droht dürfen ebenfalls einfach enden endet erforderlich erhalten erhält erlaubt erreichen etwa euro fall finden
findet form frist frühestens fällig gebe geben gebühr gebührenfrei gebührenpflichtig gehen geht gelten gern gerne
geschlossen gestattet gewicht geöffnet gibt gilt gratis grundsätzlich größe gültig gültigkeit haben hat hierfür
hinweis höchstens höhe ihnen innerhalb insgesamt ist jahr je jedoch jeweils jährlich kosten kostenfrei kostenlos
kostenpflichtig kostet lang lassen leute liegen liegt länge läßt machen maximal maximum mehr menschen mindestens
minute monat monatlich möglich möglichkeit nehmen nichts niemand nimmt normalerweise notwendig nummer nutzen nötig
offen person personen pflicht preis pro prozent rechne rechnen regel ruf rufen rund schließen schließt schluss schon
selber selbst sich sie sind sogar solche solchen solcher sollten solltest sowie spätestens starten stehen steht
stunde tag telefon telefonisch täglich uhr umfang ungefähr unter untersagt verboten vergehen verwenden weise weniger
woche zahlen zahlt zeit zeitraum zulässig zusätzlich zuvor zwar zwischen öffnen öffnet über üblicherweise
"""
_WEAK = frozenset(german.stem(word) for word in _WEAK_WORDS.split())


def content(text: str, stated: Iterable[Value] = ()) -> list[Term]:
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
            found.append(Term(word.text, stem(word.text), noun, not noun and bool(_NOUN.match(folded.cased, word.end))))
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
    "platz",
    "stelle",
    "verfahren",
    "unterlagen",
    "möglichkeit",
)  # say how a compound is told


def stem(word: str) -> str:
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


class Terms:
    """The content words of a German text, to be asked whether they hold another."""

    def __init__(self, text: str, stated: Iterable[Value] = ()) -> None:
        self.content = content(text, stated)
        self.full = {german.folded(word.text) for word in self.content}
        self.stems = {word.stem for word in self.content}

    def has(self, word: Term) -> bool:
        """Like ``hold``; short stems such as that of "Rasen" are looked for as whole words."""
        full = german.folded(word.text)
        return (
            self.hold(word.stem)
            or (len(full) >= 4 and any(full in own for own in self.full))
            or _made_of(full, self.full)
        )

    def hold(self, stem: str) -> bool:
        """The same stem, inside a compound here, or a compound made of words here."""
        if stem in self.stems:
            return True
        for own in self.stems:
            if len(stem) >= 4 and (stem in own or akin(stem, own)):
                return True
        return _made_of(stem, self.stems)

    def narrowed(self, word: Term, around: "Terms") -> bool:
        """A compound of a word here with one of the text around: "Wahlumschlag" of "Umschlag", where "Wahl" is near."""
        full = german.folded(word.text)
        for own in self.full:
            rest = full.removesuffix(own)
            if len(own) >= 5 and rest != full and len(rest) >= 3 and not polarity.poles(word.text[: len(rest)]):
                return around.hold(rest) or around.hold(rest.removesuffix("s"))
        return False


def _made_of(word: str, parts: Collection[str]) -> bool:
    rest = word
    for own in sorted(parts, key=len, reverse=True):
        if len(own) >= 4 and own in rest:
            rest = rest.replace(own, "", 1)
    return rest != word and len(rest) <= 3


def akin(one: str, other: str) -> bool:
    """Long words with nearly the same beginning: "übertragbar" and "übertragen"."""
    short = min(len(one), len(other))
    common = 0
    while common < short and one[common] == other[common]:
        common += 1
    return common >= 6 and common >= max(len(one), len(other)) - 4


def held(stem: str, stems: Collection[str]) -> bool:
    return stem in stems or any(len(stem) >= 4 and (stem in own or akin(stem, own)) for own in stems)
