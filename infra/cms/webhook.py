"""The word of the CMS that a page changed: Standard Webhooks, as a real one sends it.

Body: ``{"type": "page.changed", "timestamp": RFC 3339, "data": {"source": "befi"|"magnolia", "id": "<id>"}}``.
"""

import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
from standardwebhooks.webhooks import Webhook

from infra.cms.city import Page

ATTEMPTS = 3
SOURCES = {"service": "befi", "info": "magnolia"}


class Notifier:
    """Sends a notice a change and remembers the outcome of the last one (a status, or an error's type)."""

    def __init__(self, url: str, secret: str, timeout_s: float = 5.0) -> None:
        self._url = url
        self._sign = Webhook(secret).sign
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self.last: str | None = None

    async def changed(self, page: Page) -> str:
        """Tell that this page changed, three times at most; returns what came of it, e.g. "202"."""
        at = datetime.now(UTC)
        body = json.dumps(
            {
                "type": "page.changed",
                "timestamp": at.isoformat(),
                "data": {"source": SOURCES[page.kind], "id": page.id},
            }
        )
        id = f"msg_{uuid4().hex}"
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._sign(id, at, body),
        }
        self.last = await self._deliver(body, headers)
        return self.last

    async def _deliver(self, body: str, headers: dict[str, str]) -> str:
        outcome = ""
        async with aiohttp.ClientSession(timeout=self._timeout) as session:
            for attempt in range(ATTEMPTS):
                if attempt:
                    await asyncio.sleep(0.2 * 2**attempt)
                try:
                    async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                        outcome = str(answer.status)
                        if answer.status < 500 and answer.status != 429:
                            break
                except (aiohttp.ClientError, TimeoutError) as error:
                    outcome = type(error).__name__
        return outcome
