"""The probes of ``../shared/data``, and the page they are planted in: a question, and all that it says to that."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from shared.embeddings import Embeddings, Role, Vector

PROBES = Path(__file__).parents[2] / "shared" / "data" / "probes"
needed = pytest.mark.skipif(
    not PROBES.exists() and os.environ.get("CI") != "true", reason="the probes lie in ../shared/data"
)
QUESTION = "Wo muss ich meinen Hund anmelden?"
TRUE = (
    "Melden Sie Ihren Hund innerhalb von zwei Wochen beim Kassen- und Steueramt an.",
    "Die Hundesteuer beträgt 100 Euro im Jahr, und Sie erhalten eine Marke.",
)


def probes(file: str, field: str) -> list[str]:
    lines = (PROBES / file).read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    return [str(row[field]) for row in rows if row["label"] not in (0,)]


def attacks() -> list[str]:
    return probes("prompt_injections.jsonl", "text") + probes("bipia_text_attacks.jsonl", "text")


class Remembering(Embeddings):
    """The real model, asked once for each text: the same page and the same probes come again and again."""

    _known: ClassVar[dict[tuple[Role, str], Vector]] = {}

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[Vector]:
        new = [text for text in dict.fromkeys(texts) if (role, text) not in self._known]
        for text, vector in zip(new, await super().embed(new, role), strict=True):
            self._known[role, text] = vector
        return [self._known[role, text] for text in texts]
