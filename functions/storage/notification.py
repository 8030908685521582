"""What a storage publishes on NATS by itself: MinIO's target, or a bridge from a cloud's queue."""

from events.storage import NotificationReceived, ObjectStored
from shared.aside import BUCKET, Aside
from shared.backends import Backends
from shared.function import on
from shared.notifications import look_all, read, wanted


@on(NotificationReceived)
async def take_notification(told: NotificationReceived, use: Backends) -> list[ObjectStored]:
    """Tell of the objects that a notification names and a function wants to know of.

    Raises:
        Reject: it has none of the known shapes.
    """
    notices = wanted(read(told.model_extra or {}), use.catalogue.watches())
    return await look_all(notices, use.objects, Aside(use.state.bucket(BUCKET), use.objects).put)
