"""The files of the topics that citizens write about: ``topics.d``, one a category."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from shared.errors import StadtfunkError

FOLDER: Final = Path(__file__).with_name("topics.d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """What citizens write about."""

    category: str
    names: tuple[str, ...]  # the usual one first, in any language
    asked: tuple[str, ...] = ()  # as citizens write
    part_of: str = ""  # the first name of the topic whose pages answer it, too

    @property
    def wordings(self) -> tuple[str, ...]:
        """All of them."""
        return self.names + self.asked


@cache
def read(folder: Path = FOLDER) -> tuple[Topic, ...]:
    """The topics of a folder; a file is called by its category.

    Raises:
        StadtfunkError: a file is not as ``topics.d/README.md`` says; names it.
    """
    found = []
    for file in sorted(folder.glob("*.yaml")):
        for entry in YAML(typ="safe").load(file) or ():
            if not isinstance(entry, dict) or set(entry) - {"names", "asked", "part_of"} or not entry.get("names"):
                raise StadtfunkError(
                    f"{file}: a topic has `names` and may have `asked` and `part_of`, and not {entry!r:.80}"
                )
            found.append(
                Topic(
                    category=file.stem,
                    names=_stripped(str(entry["names"]).split(";")),
                    asked=_stripped(str(entry.get("asked", "")).split("\n")),
                    part_of=str(entry.get("part_of", "")).strip(),
                )
            )
    whole = {topic.names[0] for topic in found if not topic.part_of}
    for topic in found:
        if topic.part_of and topic.part_of not in whole:
            raise StadtfunkError(
                f"{folder}: {topic.names[0]!r} is part of {topic.part_of!r}, which is the first name of no topic"
            )
    return tuple(found)


def _stripped(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())
