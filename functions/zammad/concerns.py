"""The questions and wishes of a letter, each with what it is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from functions.zammad.mail import Mail
from functions.zammad.wording import Wording
from shared.knowledge import quotes
from shared.knowledge.injection import instructs
from shared.knowledge.sentences import sentences
from shared.privacy import Harmless

NOTHING: Final = "?"  # what a model sees of a text without a harmless word
MOST: Final = 8  # concerns of a letter; further ones are left to the agent
_CONTEXT: Final = 300  # characters of what was said before a question
_LONGEST: Final = 400  # characters of a concern
_LEAST: Final = 2  # words of a question ("Wie lange?")
_WRAPPED: Final = 58  # characters from which a line may have been broken by a mail program
_ASKED: Final = re.compile(
    r"(?<![?？؟;])[?？؟;]++[\"'”“»)]*+\s*+$"
)  # Greek asks with a semicolon, and so does a hurried writer
_MARK: Final = re.compile(r"(?<![?？؟])([?？؟]++[\"'”“»)]*+)\s++")
_ITEM: Final = re.compile(r"^\s*(?:[-–•*]|\(?\d{1,2}[.)]|\(?[a-h]\))\s+")
# Says that the letter is another one, below or in a file.
_POINTS: Final = re.compile(
    r"(?<!\w)(?:unten|weiter(?:ge)?leit|anbei|anhang|angehängt|beigefügt|below|forward|attach|enclos|aşağıda|ekte|ekli"
    r"|iletiyorum|нижче|перес[иы]ла|додат|вкладен|ниже|прилож|ci-dessous|ci-joint|pièce jointe|transf|أدناه|مرفق"
    r"|adjunt|reenv|allegat|inoltr|poniżej|załącz|przesyłam)",
    re.IGNORECASE,
)
_AND: Final = re.compile(
    r"(?:,|;|\s[–-])?\s+(?:und|oder|sowie|and|or|ve|veya|ya da|та|і|й|або|и|или|et|ou|y|o|e|oraz|i|lub)\s+|,\s+|\s+و",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(r"\[[A-ZÄÖÜ][\w-]+\]")
_GREETED: Final = re.compile(r"[^,!:.\n]{0,60}(?:[,!:،.]+\s*|$)")
_STOP: Final = re.compile(r"(?<=\w\w)[.!]+\s+(?=[a-zà-ÿа-яієїґ])")


def unmarked(text: str) -> str:
    """A text without placeholders: "[Kennzeichen]" makes no letter one about number plates."""
    return _PLACEHOLDER.sub("", text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """One thing that is asked or wanted, in the citizen's words without personal data."""

    text: str  # the sentence
    parts: tuple[str, ...]  # the questions in it; itself where it is one, or a wish
    context: str = ""  # what was said before it, as far as it belongs to it
    subject: str = ""  # of the letter

    @property
    def query(self) -> str:
        """What is searched: the sentence with what it is about."""
        return "\n".join(part for part in (self.subject, self.context, self.text) if part)

    def shown(self, harmless: Harmless, language: str) -> "Concern":
        """As a model may see it: harmless words only."""

        def only(text: str) -> str:
            return harmless.text(text, language)

        return replace(
            self,
            text=only(self.text) or NOTHING,
            parts=tuple(only(part) or NOTHING for part in self.parts),
            context=only(self.context),
            subject=only(self.subject),
        )


def concerns_of(mail: Mail, words: Wording) -> tuple[Concern, ...]:
    """What a letter asks, in its order; nothing of an absence note.

    Where the sender asks nothing of their own but points to a forwarded letter or a file, that counts.
    """
    if words.has("away", f"{mail.subject}\n{mail.body}"):
        return ()
    others = [mail.quoted, *(file.text for file in mail.files if file.text)]
    for text in (mail.body, *(others if _POINTS.search(mail.body) or not mail.body.strip() else ())):
        if found := _concerns(text, mail.subject, words):
            return found
    return ()


def _concerns(text: str, subject: str, words: Wording) -> tuple[Concern, ...]:
    asked: list[Concern] = []
    wished: list[Concern] = []
    context: list[str] = []
    used = True  # what the context says belongs to a concern by now
    for sentence in _sentences(text, words):
        if instructs(sentence):
            continue
        if words.begins("again", sentence) or used:
            context = [] if words.begins("again", sentence) else context[-1:]
        question = _question(sentence, words)
        wish = not question and words.has("wish", sentence) and not words.has("plea", sentence)
        human = words.has("human", sentence)
        if (question or wish) and not human:
            said, short = " ".join(context)[-_CONTEXT:], sentence[:_LONGEST]
            parts = tuple(_parts(short, words)) if question else (short,)
            # An order to a model may be spread over sentences, and over the subject.
            about = ("", "") if instructs(f"{subject}\n{said}\n{short}") else (said, subject)
            (asked if question else wished).append(Concern(text=short, parts=parts, context=about[0], subject=about[1]))
        used = question
        if not human:
            context.append(sentence)
    # A wish in a letter that asks says what the questions are about.
    return tuple((asked or wished)[:MOST])


def _question(sentence: str, words: Wording) -> bool:
    bare = _PLACEHOLDER.sub("", sentence)
    if quotes.word_count(bare) < _LEAST:
        return False
    return _ASKED.search(sentence) is not None or words.begins("asks", sentence)


def _parts(sentence: str, words: Wording) -> list[str]:
    """The questions that a sentence strings together; the sentence alone where it is one."""
    found: list[str] = []
    start = 0
    for mark in _AND.finditer(sentence):
        before, after = sentence[start : mark.start()], sentence[mark.end() :]
        if (
            words.begins("asks", after)
            and (words.begins("asks", before) or mark.group().strip(" ,;–-") != "")
            and not words.has("wish", before)
            and quotes.word_count(before) > _LEAST
            and quotes.word_count(after) > _LEAST
        ):
            found.append(before.strip())
            start = mark.end()
    return [*found, sentence[start:].strip()]


def _sentences(text: str, words: Wording) -> Iterator[str]:
    """The sentences of a letter, without greetings and the marks of lists."""
    for line in _lines(text):
        bare = _ITEM.sub("", line).strip()
        if after := words.after("hello", bare):
            end = _GREETED.match(bare, after)
            bare = bare[end.end() :] if end else bare
        for part in _MARK.sub("\\1\n", bare).split("\n"):
            for sentence in sentences(part):
                yield from (one for one in _begun(sentence, words) if quotes.word_count(one))


def _begun(sentence: str, words: Wording) -> Iterator[str]:
    """A sentence, cut where a question begins in small letters after a full stop."""
    start = 0
    for stop in _STOP.finditer(sentence):
        if words.begins("asks", sentence[stop.end() :]):
            yield sentence[start : stop.end()].strip()
            start = stop.end()
    yield sentence[start:].strip()


def _lines(text: str) -> Iterator[str]:
    """Lines as they were written, before a mail program broke them."""
    held = ""
    for line in text.split("\n"):
        goes_on = len(held) >= _WRAPPED and not held.rstrip().endswith((".", "!", "?", ":", ";")) and line.strip()
        if held and goes_on and not _ITEM.match(line):
            held = f"{held.rstrip()} {line.strip()}"
            continue
        if held.strip():
            yield held
        held = line
    if held.strip():
        yield held
