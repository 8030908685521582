"""The base of every event: a frozen model that knows its type, its key and what makes two equal."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every event class by its type, filled as the modules of this package are imported."""


class Event(BaseModel):
    """Data of one CloudEvent.

    A subclass names its ``type`` (``domain.thing.happened``, past tense, with ``.v2`` appended when
    the schema changes incompatibly). Unknown fields are ignored, so that a newer producer may add one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    # The field whose value orders events of one thing; it becomes the (hashed) key of the subject.
    key: ClassVar[str | None] = None
    # Fields that tell follow-ups of one cause apart whatever their position; empty: the position does.
    identity: ClassVar[tuple[str, ...]] = ()
    # Whether they alone make the event's id: then whoever tells it, and why, it is the same event.
    once: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" not in cls.__dict__:
            raise TypeError(f"event {cls.__qualname__} has no 'type'")
        for name in (*cls.identity, *((cls.key,) if cls.key else ())):
            if name not in cls.model_fields:
                raise TypeError(f"event {cls.type}: '{name}' is no field of {cls.__qualname__}")
        if cls.once and not cls.identity:
            raise TypeError(f"event {cls.type}: 'once' needs 'identity'")
        known = EVENT_TYPES.get(cls.type)
        # functions-framework loads a file a second time under its bare name: same class, same place.
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"event type {cls.type} is declared by {known.__qualname__} and {cls.__qualname__}")
        EVENT_TYPES[cls.type] = cls

    @property
    def key_value(self) -> str | None:
        """The value of the key field as text, or None where the type has no key."""
        return None if self.key is None else str(getattr(self, self.key))
