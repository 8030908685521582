"""The content management system's word that a page changed (signature, time and replay are the host's work)."""

import json
from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from events.cms import PageNotified
from functions.xnext.sources import is_id, page_id
from shared.backends import Backends
from shared.function import Reply, http
from shared.http import Problem


class NoticeData(BaseModel):
    """Which page; whatever else the notice says of it is ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    source: str = Field(max_length=64)
    id: str | int


class Notice(BaseModel):
    """The body, in the shape that Standard Webhooks recommends."""

    model_config = ConfigDict(extra="ignore", strict=True)

    type: Literal["page.changed"]
    data: NoticeData


class Taken(BaseModel):
    """What the CMS is told."""

    page_id: str


@http
async def webhook(request: Request, use: Backends) -> Reply:
    """Take note that a page changed; its content is read from the source, never from the notice.

    Raises:
        Problem: 422 with the field that is wrong.
    """
    try:
        notice = Notice.model_validate(json.loads(await request.body()))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _refused(".".join(str(part) for part in first["loc"][:2]) or "body", first["msg"]) from None
    except (ValueError, RecursionError):
        raise _refused("body", "is no JSON") from None
    if notice.data.source not in {source.name for source in use.settings.xnext.sources}:
        raise _refused("data.source", "is no configured source")
    id = str(notice.data.id)
    if not is_id(id):
        raise _refused("data.id", "is no id of a page")
    taken = PageNotified(source=notice.data.source, page_id=page_id(notice.data.source, id))
    return Reply(response=Taken(page_id=taken.page_id), events=[taken], status=HTTPStatus.ACCEPTED)


def _refused(field: str, message: str) -> Problem:
    errors = [{"field": field, "message": message}]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The notice is not understood: {field}", errors=errors)
