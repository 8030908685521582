"""Photos on their way to being anonymised. Ids and figures only: no name that somebody gave a file, nothing seen."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from events.event import Event

PHOTO_ID = r"^[0-9a-f]{32}$"


class Wishes(BaseModel):
    """What is to be made of a photo."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kinds: tuple[Literal["face", "plate", "person"], ...] = Field(default=("face", "plate"), min_length=1, max_length=3)
    mode: Literal["accurate", "fast"] = "accurate"
    fill: Literal["solid", "blur"] = "solid"  # of faces and persons; plates are always solid
    panorama: bool | None = None  # a whole turn whose sides meet; None: a photo twice as wide as high is one


class PhotoUploaded(Event):
    """A photo lies in the storage and is to be anonymised."""

    type: ClassVar[str] = "photos.photo.uploaded"
    key: ClassVar[str | None] = "photo_id"
    identity: ClassVar[tuple[str, ...]] = ("photo_id",)
    once: ClassVar[bool] = True

    photo_id: str = Field(pattern=PHOTO_ID)  # who has it may see what became of the photo: it is nowhere logged
    bucket: str = Field(max_length=255)
    object_key: str = Field(max_length=1024)
    version: str = Field(max_length=1024)  # of the object: its version id, or its etag
    wishes: Wishes = Wishes()


class PhotoAnonymised(Event):
    """A photo was anonymised, has passed the check of the written file, and lies in the bucket of finished photos."""

    type: ClassVar[str] = "photos.photo.anonymised"
    key: ClassVar[str | None] = "photo_id"
    identity: ClassVar[tuple[str, ...]] = ("photo_id",)
    once: ClassVar[bool] = True

    photo_id: str = Field(pattern=PHOTO_ID)
    bucket: str = Field(max_length=255)
    object_key: str = Field(max_length=1024)
    report_key: str = Field(max_length=1024)
    media_type: str = Field(max_length=64)
    reviewed: bool = False  # a person looked at it before


class PhotoHeld(Event):
    """A photo needs a person's look before it may leave; only its masked candidate is kept."""

    type: ClassVar[str] = "photos.photo.held"
    key: ClassVar[str | None] = "photo_id"
    identity: ClassVar[tuple[str, ...]] = ("photo_id",)
    once: ClassVar[bool] = True

    photo_id: str = Field(pattern=PHOTO_ID)
    reason: str = Field(max_length=200)  # of a fixed list; no word of the photo


class PhotoRefused(Event):
    """A file is no photo that can be anonymised; nothing was made of it."""

    type: ClassVar[str] = "photos.photo.refused"
    key: ClassVar[str | None] = "photo_id"
    identity: ClassVar[tuple[str, ...]] = ("photo_id",)
    once: ClassVar[bool] = True

    photo_id: str = Field(pattern=PHOTO_ID)


class AddedBox(BaseModel):
    """What a reviewer saw and the models did not, in pixels of the upright photo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: int = Field(ge=0, le=65_500)
    top: int = Field(ge=0, le=65_500)
    right: int = Field(ge=1, le=65_500)  # just outside
    bottom: int = Field(ge=1, le=65_500)
    kind: Literal["face", "plate", "person"] = "face"
    frame: int | None = Field(default=None, ge=0, le=10_000)  # of an animation or a file of pages; None: in each


class PhotoReviewed(Event):
    """A person, or the end of the time for it, decided on a held photo or on a sampled one. It does not say who."""

    type: ClassVar[str] = "photos.photo.reviewed"
    key: ClassVar[str | None] = "photo_id"
    identity: ClassVar[tuple[str, ...]] = ("photo_id",)
    once: ClassVar[bool] = True

    photo_id: str = Field(pattern=PHOTO_ID)
    kind: Literal["held", "sample"]
    decision: Literal["approved", "rejected", "expired"]
    boxes: tuple[AddedBox, ...] = Field(default=(), max_length=200)  # masked before the photo leaves
    found: int = Field(default=0, ge=0)  # things that the models had found and nobody had to mask further
    missed: int = Field(default=0, ge=0)  # things that a person masked


class ExpiryAsked(Event):
    """Let go of what was not reviewed in time. Fired by schedule, or by hand."""

    type: ClassVar[str] = "photos.expiry.asked"
