"""Keyed digests of a text's word groups: enough to say how much of a draft was sent, with no word of either kept.

Without the key nobody can try words against them; with it, only who already has a text can tell that it is the same.
"""

import hmac
import re
import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from shared.backends import Backends
from shared.errors import SettingsError

MASTER: Final = "zammad-rating"  # the secret; it signs the thumbs' links, too
_SHORTEST: Final = 12  # characters; by an empty one everybody could make our links
_GROUP: Final = 3  # words; two stand alike in many a letter, more break at every small change
_WORD: Final = re.compile(r"\w+")
_NUMBER: Final = re.compile(r"\[\d{1,3}\]")  # of a source, which an agent may take out


def key_of(use: Backends, purpose: str) -> bytes:
    """A key for one purpose, made of the one secret.

    Raises:
        SettingsError: the secret is not set, or so short that it could be guessed.
    """
    secret = use.secrets.get(MASTER)
    if len(secret) < _SHORTEST:
        raise SettingsError(MASTER, f"the secret has at least {_SHORTEST} characters")
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")


def fingerprint(text: str, key: bytes) -> tuple[int, ...]:
    """Keyed digests (63 bits) of each three words in a row of a plain text, in its order; none of a text without words.

    Case, punctuation, line breaks and sources' numbers say nothing. A text of fewer words is one group.
    """
    plain = unicodedata.normalize("NFKC", _NUMBER.sub(" ", text)).replace("\N{SOFT HYPHEN}", "")
    words = _WORD.findall(plain.casefold())
    groups = [words[at : at + _GROUP] for at in range(max(1, len(words) - _GROUP + 1))] if words else []
    return tuple(_digest(" ".join(group), key) for group in groups)


def share(draft: Sequence[int], sent: Sequence[int]) -> float:
    """Share of the draft's words (0 to 1) that stand in what was sent, at least three in a row.

    Both are fingerprints of one key. An empty draft has no words that could have been sent.
    """
    if not draft:
        return 0.0
    there = set(sent)
    words = len(draft) + _GROUP - 1
    kept = {at + offset for at, group in enumerate(draft) if group in there for offset in range(_GROUP)}
    return len(kept) / words


def _digest(group: str, key: bytes) -> int:
    return int.from_bytes(hmac.digest(key, group.encode(), sha256)[:8]) >> 1
