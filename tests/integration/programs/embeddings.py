"""A second embedding model: an OpenAI server whose vectors are words counted by hash, 96 numbers long.

``python -m tests.integration.programs.embeddings --port P [--delay S]``; ``GET /texts`` says how many passages it read,
``PUT /most`` with a number lets those beyond it wait, until a larger number comes.
"""

import argparse
import json
import math
import re
import threading
import time
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMENSION = 96
MODEL = "words/counted-96"


def vector(text: str) -> list[float]:
    """A text as a unit vector; alike where words are shared."""
    counts = [0.001] * DIMENSION
    for word in re.findall(r"\w+", text.casefold()):
        counts[blake2b(word[:6].encode(), digest_size=2).digest()[0] % DIMENSION] += 1
    length = math.sqrt(sum(count * count for count in counts))
    return [count / length for count in counts]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    delay_s = 0.0
    texts = 0
    most = math.inf
    counting = threading.Condition()

    def do_GET(self) -> None:
        """How many texts were embedded as passages."""
        self._answer({"texts": Handler.texts})

    def do_POST(self) -> None:
        """Embed."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        passages = [text for text in body["input"] if text.startswith("passage: ")]
        if passages:
            time.sleep(self.delay_s * len(passages))
            with self.counting:
                self.counting.wait_for(lambda: Handler.texts + len(passages) <= Handler.most)
                Handler.texts += len(passages)
        rows = [
            {"index": number, "embedding": vector(text.partition(": ")[2])} for number, text in enumerate(body["input"])
        ]
        self._answer({"object": "list", "data": rows, "model": MODEL})

    def do_PUT(self) -> None:
        """Set how many passages may be read."""
        with self.counting:
            Handler.most = float(self.rfile.read(int(self.headers["Content-Length"])))
            self.counting.notify_all()
        self._answer({})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, answer: object) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    Handler.delay_s = options.delay
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
