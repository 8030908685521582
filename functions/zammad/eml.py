"""A mail within the mail, read by a process of its own: headers and parts within parts can be made to take for ever.

Nothing of Python's parser of mails bounds its time, and a thread cannot be ended.
"""

import asyncio
import resource
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from email import message_from_bytes, policy
from typing import Final

from functions.zammad.seen import text_of_html
from shared.errors import Reject, Retry
from shared.knowledge.documents import environment

_SECONDS: Final = 10  # of CPU
_WAIT_S: Final = 30.0  # for them, on a busy machine
_MEMORY: Final = 2**29
_CHARACTERS: Final = 200_000


async def read(content: bytes, seconds: int = _SECONDS) -> str:
    """Subject and text of a mail.

    Raises:
        Reject: it is broken, or takes too long.
        Retry: the process that reads was ended from outside.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, str(seconds), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment()
    )
    try:
        async with asyncio.timeout(_WAIT_S):
            text, _ = await process.communicate(content)
    except TimeoutError:
        raise Reject("the mail needs too long") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == -signal.SIGXCPU:
        raise Reject("the mail needs too long")
    if process.returncode in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
        raise Retry("the process that reads mails was ended from outside")
    if process.returncode:
        raise Reject("the mail is broken")
    return text.decode("utf-8", "replace")


def text_of(content: bytes) -> str:
    """Subject and text of a mail, within this process."""
    message = message_from_bytes(content, policy=policy.default)
    part = message.get_body(("plain", "html"))
    text = str(part.get_content()) if part is not None else ""
    if part is not None and part.get_content_subtype() == "html":
        text = "\n".join(text_of_html(text))
    return f"{message.get('Subject', '')}\n{text}"[:_CHARACTERS]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1]) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(text_of(sys.stdin.buffer.read()).encode("utf-8", "replace"))
