"""What citizens tell the house about its search."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from events.event import Event


class FeedbackGiven(Event):
    """A thumb, and a reason from a fixed list: nothing in it says who, and nobody can write into it."""

    type: ClassVar[str] = "xnext.feedback.given"

    feedback_id: str = Field(pattern=r"^[0-9a-f]{32}$")  # random; counted once, however often it is delivered
    day: date  # Europe/Berlin; the time of day is nobody's business
    about: Literal["search", "answer"]
    kind: Literal["up", "down"]
    reason: (
        Literal["helpful", "wrong_page", "wrong", "outdated", "incomplete", "unclear", "not_found", "other"] | None
    ) = None
    page_id: str | None = Field(default=None, max_length=128)  # what it is about, as far as that is one page
