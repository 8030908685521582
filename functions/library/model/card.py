"""The model card: what a model was made of, how good it is beside simpler ones, and what it must not be used for."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict


class Card(BaseModel):
    """Facts of one model, as JSON; ``text`` is the same for people."""

    model_config = ConfigDict(frozen=True)

    first_day: date
    last_day: date  # the newest day of loans that the model has seen
    readers: int  # pseudonyms; a reader whose key rotated counts twice
    titles: int
    loans: int
    pairs: int  # of titles that five or more readers connect
    content: tuple[str, ...]  # what of the catalogue it reads
    # Method -> figure, on loans held back and by models fitted to the others.
    figures: Mapping[str, Mapping[str, float]]
    held_back: str  # how
    choice: Mapping[str, Any]  # what tuning decided
    beside_running: Mapping[str, float | int | str] | None = None  # the decision to go live

    privacy: str = (
        "No pair of titles is shown, explained or counted that fewer than five distinct readers connect. "
        "The strength of a pair above that still depends on individual loans, as the weights are fitted to all. "
        "The model holds no reader, no pseudonym and no loan; an erased reader's part leaves it with the next training."
    )
    limits: str = (
        "Made to suggest titles to people. It says nothing of a person, and must not be used to judge readers, "
        "to order stock alone, or with loans of other libraries. It knows what was borrowed, not what was liked."
    )

    def text(self, version: str = "") -> str:
        """The card for people, Markdown."""
        names = list(next(iter(self.figures.values()), {}))
        lines = [
            f"# Model {version}".rstrip(),
            "",
            f"Loans from {self.first_day} to {self.last_day}: {self.loans} of {self.titles} titles by {self.readers} "
            f"pseudonyms; {self.pairs} pairs of titles share five readers or more.",
            f"Content: {', '.join(self.content) or 'none'}.",
            "",
            f"Judged on {self.held_back}.",
            "",
            f"| | {' | '.join(names)} |",
            f"|---|{'---|' * len(names)}",
            *(
                f"| {method} | {' | '.join(f'{one.get(name, 0.0):.4f}' for name in names)} |"
                for method, one in self.figures.items()
            ),
            "",
            self.privacy,
            "",
            self.limits,
        ]
        return "\n".join(lines) + "\n"
