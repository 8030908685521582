"""What the file of a page says: read once, then kept beside it, so that a citation opens what was indexed."""

from hashlib import sha256

from pydantic import TypeAdapter

from functions.xnext.page import File
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.knowledge import documents
from shared.knowledge.markup import Block
from shared.objects import ObjectMissing

_READING = 1  # raised when files are read better: then they are read again as they are indexed
_BLOCKS: TypeAdapter[tuple[Block, ...]] = TypeAdapter(tuple[Block, ...])


def text_key(file: File) -> str:
    """The object that keeps what was read of a file."""
    return f"texts/{_READING}/{file.content_hash}.json"


async def blocks_of(file: File, use: Backends) -> tuple[Block, ...]:
    """What a stored file says, with its pages.

    Raises:
        Reject: it cannot be read, or its bytes are not those that the page names.
        Retry: it is not there (yet).
    """
    bucket = use.settings.xnext.bucket
    key = text_key(file)
    try:
        return _BLOCKS.validate_json(await use.objects.get(bucket, key))
    except ObjectMissing:
        pass
    try:
        content = await use.objects.get(bucket, file.object_key)
    except ObjectMissing as error:
        raise Retry(str(error)) from None
    if sha256(content).hexdigest() != file.content_hash:
        raise Reject(f"object '{file.object_key}' is not the file that the page names: its hash is another")
    found = (await documents.read(content, file.media_type)).blocks
    await use.objects.put(bucket, key, _BLOCKS.dump_json(found), "application/json")
    return found
