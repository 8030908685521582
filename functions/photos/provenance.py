"""When and about where a photo was taken, for its report where that is asked for; the photo itself keeps neither."""

import re
from typing import Any, Final

from PIL import Image

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TAKEN, _CHANGED = 0x9003, 0x0132
_MOMENT: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_PLACES: Final = 2  # decimals of a degree: about a kilometre


def captured_at(exif: Image.Exif) -> str | None:
    """ISO 8601 without a zone, as the camera's clock said; None: it does not say, or not as EXIF writes it."""
    stated = exif.get_ifd(_EXIF_IFD).get(_TAKEN) or exif.get(_CHANGED)
    found = _MOMENT.fullmatch(stated.strip("\0 ")) if isinstance(stated, str) else None
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}" if found else None


def position(exif: Image.Exif) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, rounded; None: it does not say, or nothing on earth."""
    place = exif.get_ifd(_GPS_IFD)
    latitude, longitude = _degrees(place.get(2), place.get(1)), _degrees(place.get(4), place.get(3))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return round(latitude, _PLACES), round(longitude, _PLACES)


def _degrees(parts: Any, side: Any) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60 + seconds / 3600
    if not 0 <= found <= 180:  # and no NaN: EXIF writes 0/0 for what is not known
        return None
    return -found if str(side).strip("\0 ").upper() in ("S", "W") else found
