"""Letters with what is expected of their drafts: the format that ``evaluate zammad`` reads.

A file is JSONL, UTF-8, one letter a line; empty lines are skipped. The least a letter needs::

    {"id": "a1", "language": "de", "subject": "Umtausch", "from": {"name": "Ada Muster", "email": "ada@muster.example"},
     "body": "Was kostet der Umtausch? Ada Muster", "group": "Führerscheinstelle",
     "expected": {"category": "fuehrerschein-umtausch", "abstain": false,
                  "concerns": [{"about": "Kosten des Umtauschs", "sources": ["2006"]}],
                  "personal": [{"kind": "name", "text": "Ada Muster"}, {"kind": "email", "text": "ada@muster.example"}],
                  "language": "de"}}

Sources are ids of pages at their source (``2006``, not ``auenfurt:2006``), as in the judged queries of XNEXT.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import StadtfunkError
from shared.knowledge.markup import blocks

PersonalKind = Literal[
    "name",  # of the sender, whole or in part
    "other_name",  # of anybody else: a child, a neighbour, a clerk
    "email",
    "phone",
    "iban",
    "tax_id",
    "plate",
    "id_card",  # number of an identity card or passport
    "birth_date",
    "street",  # with number, or with postcode and town
    "case_number",
]
Flag = Literal["threat", "complaint", "deadline", "wants_human"]
_LANGUAGE: Final = r"^[a-z]{2,3}$"  # ISO 639


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Sender(_Frozen):
    """Whom the mail comes from, as its header says."""

    name: str = ""
    email: str = Field(pattern=r"^\S+@\S+$")


class Attachment(_Frozen):
    """A file of the mail: its name, and the text that can be read in it."""

    name: str = Field(min_length=1)
    text: str


class Concern(_Frozen):
    """One thing that is asked or wanted, and the pages that answer it; no page where none does."""

    about: str = Field(min_length=3)
    sources: tuple[str, ...] = ()  # any one of them answers


class Personal(_Frozen):
    """A personal datum, verbatim as a reader sees it in the letter; no model may see it.

    A name can be part of a common word ("Lea" of "Leasing"): look for it as whole words.
    """

    kind: PersonalKind
    text: str = Field(min_length=2)


class Expected(_Frozen):
    """What a good outcome is.

    ``abstain``: no draft, since no concern has a source. ``skip``: neither draft nor note, by the loop rules alone.
    Where some concerns have a source and some have none, the draft answers the ones and the note names the others.
    """

    category: str = Field(min_length=1)
    concerns: tuple[Concern, ...] = ()
    abstain: bool
    skip: bool = False
    personal: tuple[Personal, ...] = ()
    language: str = Field(pattern=_LANGUAGE)  # of the draft
    human: frozenset[Flag] = frozenset()  # what the agent's note must point out
    forbidden: tuple[str, ...] = ()  # stands in no draft and no note: what an injection wants to see there

    @property
    def sources(self) -> frozenset[str]:
        """Every page that answers one of the concerns."""
        return frozenset(source for concern in self.concerns for source in concern.sources)

    @model_validator(mode="after")
    def _consistent(self) -> "Expected":
        if self.abstain and self.sources:
            raise ValueError("'abstain' is true, but a concern has sources")
        if not self.abstain and not self.sources:
            raise ValueError("'abstain' is false, but no concern has a source")
        if self.skip and not self.abstain:
            raise ValueError("a letter with 'skip' has no draft: 'abstain' must be true")
        return self


class Letter(_Frozen):
    """A citizen's mail as Zammad would have it, with what is expected of it."""

    id: str = Field(pattern=r"^[\w.-]+$")
    language: str = Field(pattern=_LANGUAGE)  # of what the sender wrote
    subject: str = ""
    sender: Sender = Field(alias="from")
    body: str
    html: bool = False  # else plain text
    attachments: tuple[Attachment, ...] = ()
    auto_response: bool = False  # the article's preference `is-auto-response`, set by Zammad from the mail's headers
    group: str = Field(min_length=1)
    kinds: tuple[str, ...] = ()  # what the letter tests, for figures by kind; any words
    expected: Expected

    def words(self) -> str:
        """All that a reader of the mail sees, without markup."""
        body = "\n".join(block.text for block in blocks(self.body)) if self.html else self.body
        files = [f"{file.name}\n{file.text}" for file in self.attachments]
        return "\n".join([self.subject, self.sender.name, self.sender.email, body, *files])

    @model_validator(mode="after")
    def _personal_stands_in_it(self) -> "Letter":
        words = self.words()
        for number, one in enumerate(self.expected.personal):
            if one.text not in words:  # the text itself is not said: a letter may be a real one
                raise ValueError(f"expected.personal.{number} ({one.kind}) does not stand in the letter")
        return self


def load(path: Path) -> list[Letter]:
    """The letters of a file.

    Raises:
        StadtfunkError: the file cannot be read, has no letter, or a line is wrong; names file, line and field.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise StadtfunkError(f"{path}: cannot be read ({reason})") from None
    letters: dict[str, Letter] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            letter = Letter.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise StadtfunkError(f"{path}:{number}: {_place(first['loc'])}: {first['msg']}") from None
        if letter.id in letters:
            raise StadtfunkError(f"{path}:{number}: id: '{letter.id}' is taken by a letter above")
        letters[letter.id] = letter
    if not letters:
        raise StadtfunkError(f"{path}: holds no letter; a line is a JSON object with id, from, body and expected")
    return list(letters.values())


def _place(location: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in location) or "line"
