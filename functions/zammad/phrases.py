"""What a draft says by itself, in the citizen's language: ``phrases.yaml``."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from shared.knowledge.language import GERMAN

_FILE = Path(__file__).with_name("phrases.yaml")
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur"))


class Phrases(BaseModel):
    """One language's wordings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hello: str
    to: str
    thanks: str
    plain: str
    matter: str
    open: str
    quotes: str
    sources: str
    bye: str


@cache
def known() -> dict[str, Phrases]:
    """All languages in which a draft can be framed."""
    read = YAML(typ="safe").load(_FILE)
    return {language: Phrases.model_validate(words) for language, words in read.items()}


def phrases(language: str) -> Phrases:
    """A language's wordings; German ones where there are none."""
    return known().get(language, known()[GERMAN])


def direction(language: str) -> str:
    """As HTML's ``dir`` has it."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
