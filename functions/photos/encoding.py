"""Freshly encoded pixels: same size, same colour profile, same quality, and nothing else of the file."""

import io
from typing import Any, Final

from PIL import Image

from functions.photos.decoding import Photo

_QUALITY: Final = 97  # of a JPEG whose own tables cannot be kept; on another grid 95 came down to 45 dB
_PLAIN: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
_SUFFIX: Final = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif"}


def media_type(photo: Photo) -> str:
    """Of the file that is written."""
    return _PLAIN[photo.format]


def suffix(photo: Photo) -> str:
    """The end of the written file's name."""
    return _SUFFIX[photo.format]


def encode(photo: Photo) -> bytes:
    """The photo as a file of its format; a HEIC as JPEG."""
    images = [_bare(frame.image) for frame in photo.frames]
    options: dict[str, Any] = {}
    if photo.icc:
        options["icc_profile"] = photo.icc
    if photo.format == "JPEG":
        options |= _jpeg(photo)
    elif photo.format == "PNG":
        options |= {"compress_level": 6}
    elif photo.format == "WEBP":
        options |= {"lossless": True, "quality": 20} if photo.lossless else {"quality": 100, "method": 4}
    else:
        options |= {"compression": "tiff_adobe_deflate"}
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:]}
        if photo.format in ("PNG", "WEBP"):
            durations = [frame.duration_ms for frame in photo.frames]
            options |= {"duration": durations, "loop": photo.loop}
    out = io.BytesIO()
    images[0].save(out, photo.format, **options)
    return out.getvalue()


def _jpeg(photo: Photo) -> dict[str, Any]:
    if photo.quantization is not None:
        # The same tables on the same grid change next to nothing outside the masks, whatever the quality was.
        kept: dict[str, Any] = {"qtables": photo.quantization}
        return kept | ({"subsampling": photo.subsampling} if photo.subsampling in (0, 1, 2) else {})
    return {"quality": _QUALITY, "subsampling": 0}


def _bare(image: Image.Image) -> Image.Image:
    """The picture without what Pillow remembers of its file and might write again."""
    image.info = {}
    image.getexif().clear()
    return image
