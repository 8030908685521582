"""HEIC pictures, decoded by a process of their own: a damaged file makes the decoder's C++ end whatever runs it.

``python -m functions.photos.heif`` reads a file from standard input and writes a line of JSON and the pixels.
"""

import io
import json
import resource
import subprocess
import sys
from base64 import b64decode, b64encode
from typing import Final

from PIL import Image

_TIMEOUT_S: Final = 120.0
_MEMORY: Final = 4 * 2**30  # bytes of addresses, threads and copies of the picture among them


def is_heif(data: bytes) -> bool:
    """Whether a file says that it is of the family of HEIC."""
    return data[4:8] == b"ftyp" and data[8:12] not in (b"avif", b"avis", b"mp42", b"isom", b"qt  ")


def opened(data: bytes, most: int) -> Image.Image | None:
    """The main picture, upright already, with ``exif`` and ``icc_profile``; None: it has over ``most`` pixels.

    Raises:
        ValueError: it cannot be decoded, or not in time.
    """
    command = (sys.executable, "-m", "functions.photos.heif", str(most))
    try:
        # Without our environment: a secret may stand in it.
        ended = subprocess.run(command, input=data, capture_output=True, timeout=_TIMEOUT_S, check=False, env={})
    except subprocess.TimeoutExpired:
        raise ValueError("slow") from None
    line, _, pixels = ended.stdout.partition(b"\n")
    if ended.returncode or not line:
        raise ValueError("broken")
    about = json.loads(line)
    if about["size"] is None:
        return None
    image = Image.frombytes(about["mode"], tuple(about["size"]), pixels)
    image.info.update({key: b64decode(value) for key, value in about["info"].items()})
    return image


def _main(most: int) -> None:
    import pi_heif

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    image = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("HEIF",))
    out = sys.stdout.buffer
    if image.width * image.height > most:
        out.write(json.dumps({"size": None}).encode() + b"\n")
        return
    image.load()
    kept = {key: image.info.get(key) for key in ("exif", "icc_profile")}
    info = {key: b64encode(value).decode() for key, value in kept.items() if isinstance(value, bytes)}
    out.write(json.dumps({"mode": image.mode, "size": image.size, "info": info}).encode() + b"\n")
    out.write(image.tobytes())


if __name__ == "__main__":
    _main(int(sys.argv[1]))
