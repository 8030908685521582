"""Figures of a system for the status page: an HTTP function that answers with ``Figures`` is shown there."""

from pydantic import BaseModel, ConfigDict

from shared.catalogue import Text


class Figures(BaseModel):
    """A small table; no cell holds anything of a person."""

    model_config = ConfigDict(frozen=True)

    title: Text
    columns: list[Text]
    rows: list[list[str | int | float]]
