"""What `stadtfunk xnext remove --erase` takes from the object storage: a file, what was read of it, and its revisions.

That a page was removed stays noted, by its id alone: an index that is built anew must know.
"""

from typing import NamedTuple

from functions.xnext.files import text_key
from functions.xnext.page import Page
from functions.xnext.revisions import Kept, notes
from shared.backends import Backends
from shared.objects import ObjectMissing


class Erased(NamedTuple):
    """What one erasure did."""

    revisions: int
    objects: int  # pages, files, and texts read of them, in every version that the storage kept
    shared: tuple[str, ...]  # ids of other files with the same content, which stays for them


async def erase(id: str, use: Backends) -> Erased:
    """Remove every revision of an uploaded file; content that another one shares stays.

    A repeat finishes what was begun: the notes of the revisions go last.
    """
    bucket = use.settings.xnext.bucket
    uploads = [note async for note in notes(use, id.partition(":")[0] + ":")]
    own = [key for page_id, key in uploads if page_id == id]
    objects: dict[str, None] = {}  # in order: the page last, as it names the others
    for key in own:
        objects |= dict.fromkeys(await _named(key, use))
    shared: set[str] = set()
    for page_id, key in uploads:
        if page_id != id and (common := objects.keys() & await _named(key, use)):
            objects = {key: None for key in objects if key not in common}
            shared.add(page_id)
    for key in (*objects, *own):
        await use.objects.erase(bucket, key)
    return Erased(len(own), len(objects), tuple(sorted(shared)))


async def _named(note: str, use: Backends) -> list[str]:
    """The objects of a revision: what was read of its file, the file, and its page."""
    bucket = use.settings.xnext.bucket
    try:
        kept = Kept.model_validate_json(await use.objects.get(bucket, note))
    except ObjectMissing:
        return []
    try:
        page = Page.model_validate_json(await use.objects.get(bucket, kept.object_key))
    except ObjectMissing:
        return [kept.object_key]
    return [*([text_key(page.file), page.file.object_key] if page.file is not None else []), kept.object_key]
