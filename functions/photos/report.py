"""What was done to a photo, for whoever must account for it: no crops, no digests of pixels, nothing of its file."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.photos.masking import Box, Fill, Kind, Region

SCHEMA_VERSION: Final = 1

Mode = Literal["accurate", "fast"]
Decision = Literal["released", "held"]
Reason = Literal["still_found"]


class Part(BaseModel):
    """Base of a report's parts: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Masked(Part):
    """One thing that was found and masked."""

    kind: Kind
    box: tuple[int, int, int, int]  # left, top, right, bottom in pixels of the upright photo, as it is masked
    score: float = Field(ge=0, le=1)
    model: str
    frame: int = 0  # of an animation, from 0
    round: int = 1  # 1: found in the photo, 2 and 3: found again in the masked photo

    @classmethod
    def of(cls, region: Region, box: Box, count: int) -> "Masked":
        """A region that is masked because of a box that was found in that round."""
        corners = (region.left, region.top, region.right, region.bottom)
        return cls(kind=box.kind, box=corners, score=round(box.score, 3), model=box.model, frame=box.frame, round=count)


class Looked(Part):
    """One way in which the photo was looked at."""

    model: str
    side: int  # pixels of the longer side; 0: as it is, in tiles
    mirrored: bool
    threshold: float  # what scores less is not masked


class Position(Part):
    """Where a photo was taken, rounded to about a kilometre."""

    latitude: float
    longitude: float


class Report(Part):
    """Of one photo; stored beside the output."""

    schema_version: int = SCHEMA_VERSION
    decision: Decision
    reason: Reason | None = None  # of being held
    kinds: tuple[Kind, ...]
    mode: Mode
    fills: dict[Kind, Fill]
    read_as: str  # as the file's bytes say
    written_as: str
    width: int
    height: int
    frames: int
    panorama: bool  # looked at across the seam of a whole turn
    counts: dict[Kind, int]
    masked: tuple[Masked, ...]
    masked_share: float  # of all frames' pixels, 0 to 1
    rounds: int  # of looking
    looked: tuple[Looked, ...]
    report_threshold: dict[str, float]  # by model; what scores more after the last round holds the photo back
    models: dict[str, str]  # name -> SHA-256 of the file that answered
    duration_ms: int
    energy_j: float | None = None  # None: nothing measures it here
    captured_at: str | None = None  # only where asked for
    position: Position | None = None  # the same
