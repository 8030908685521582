"""Requests on schedule, whatever becomes of them: an open loop, as citizens do not wait for one another."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

import aiohttp

_LONGEST_S: Final = 30.0  # an answer that takes longer is an error
CLIENTS: Final = 1000  # addresses that ask in turn
# No proxy stands between here: the host is told to believe this machine's word on who asks.
TRUSTED: Final = {"STADTFUNK_HOST__TRUSTED_PROXIES": '["127.0.0.1"]'}


@dataclass
class Outcome:
    """What became of the requests; seconds count from when each was due, so that a late start is in them."""

    served: list[float] = field(default_factory=list)  # 200
    shed: list[float] = field(default_factory=list)  # 429 as a problem document with Retry-After
    degraded: int = 0  # of those served: found by words alone
    errors: Counter[str] = field(default_factory=Counter)  # anything else, by status or kind
    late: float = 0.0  # longest start behind schedule

    @property
    def offered(self) -> int:
        """All of them."""
        return len(self.served) + len(self.shed) + self.errors.total()


async def offer(url: str, queries: Sequence[str], per_second: float, seconds: float) -> Outcome:
    """Ask ``url`` for each query in turn, every one from the next of 1000 addresses, and wait for the last answer."""
    outcome = Outcome()
    limits = aiohttp.TCPConnector(limit=0, keepalive_timeout=10)
    timeout = aiohttp.ClientTimeout(total=_LONGEST_S)
    async with aiohttp.ClientSession(connector=limits, timeout=timeout) as session, asyncio.TaskGroup() as asking:
        start = time.perf_counter()
        for number in range(round(per_second * seconds)):
            due = start + number / per_second
            await asyncio.sleep(due - time.perf_counter())
            outcome.late = max(outcome.late, time.perf_counter() - due)
            # 1000 addresses of the range for benchmarks take turns.
            headers = {"x-forwarded-for": f"198.18.{number % CLIENTS >> 8}.{number % CLIENTS & 255}"}
            request = session.get(url, params={"q": queries[number % len(queries)]}, headers=headers)
            asking.create_task(_ask(request, due, outcome))
    return outcome


async def _ask(request: AbstractAsyncContextManager[aiohttp.ClientResponse], due: float, outcome: Outcome) -> None:
    try:
        async with request as answer:
            body = await answer.read()
            kind, retry = answer.content_type, answer.headers.get("retry-after", "")
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome.errors[type(error).__name__] += 1
        return
    took = time.perf_counter() - due
    if answer.status == 200:
        outcome.served.append(took)
        outcome.degraded += b'"degraded":true' in body
    elif answer.status == 429 and kind == "application/problem+json" and retry.isdigit():
        outcome.shed.append(took)
    else:
        outcome.errors[str(answer.status)] += 1
