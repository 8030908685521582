"""The CloudEvents 1.0 envelope, in binary mode (``ce-*`` headers) and structured mode (one JSON).

Source: CloudEvents 1.0.2 core, its NATS binding and its JSON format. A slots class, not a model: it is
built once an event on the worker's hottest path.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, unquote

STRUCTURED: Final = "application/cloudevents+json"
JSON_TYPE: Final = "application/json"
_REQUIRED: Final = ("id", "source", "type")
_KNOWN: Final = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data", "data_base64"}
)
_ATTRIBUTES: Final = frozenset(
    {
        *("ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-dataschema"),
        *("content-type", "Content-Type", "Nats-Msg-Id"),
    }
)


class EnvelopeError(ValueError):
    """The message is no CloudEvent; the text names the attribute that is missing or wrong."""


class CloudEvent:
    """One event as it travels: attributes as text, ``data`` as the raw bytes of the content type."""

    __slots__ = ("data", "datacontenttype", "dataschema", "extensions", "id", "source", "subject", "time", "type")

    def __init__(
        self,
        *,
        id: str,
        source: str,
        type: str,
        data: bytes = b"",
        subject: str | None = None,
        time: str | None = None,
        dataschema: str | None = None,
        datacontenttype: str = JSON_TYPE,
        extensions: dict[str, str] | None = None,
    ) -> None:
        self.id = id
        self.source = source
        self.type = type
        self.data = data
        self.subject = subject  # the key of the thing the event is about, in clear; see events.subjects
        self.time = time  # RFC 3339
        self.dataschema = dataschema
        self.datacontenttype = datacontenttype
        self.extensions = extensions  # traceparent, tracestate and whatever else came along

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context the event carries, unchecked."""
        return None if self.extensions is None else self.extensions.get("traceparent")

    @classmethod
    def from_message(cls, headers: Mapping[str, str] | None, body: bytes) -> "CloudEvent":
        """Read a message in either mode.

        Raises:
            EnvelopeError: a required attribute is missing, empty, or the version is not 1.x.
        """
        if headers is None or "ce-id" not in headers:
            content_type = "" if headers is None else _header(headers, "content-type")
            if content_type.startswith(STRUCTURED):
                return cls.from_structured(body)
            raise EnvelopeError("no CloudEvent: header 'ce-id' is missing and the content type is not " + STRUCTURED)
        if not headers.get("ce-specversion", "").startswith("1."):
            raise EnvelopeError(f"attribute 'specversion' is {headers.get('ce-specversion')!r}, not 1.0")
        event = cls.__new__(cls)
        get = headers.get
        event.id = _plain(headers["ce-id"])
        event.source = _plain(get("ce-source", ""))
        event.type = _plain(get("ce-type", ""))
        event.data = body
        event.time = get("ce-time")
        subject, schema = get("ce-subject"), get("ce-dataschema")
        event.subject = None if subject is None else _plain(subject)
        event.dataschema = None if schema is None else _plain(schema)
        event.datacontenttype = get("content-type") or get("Content-Type") or JSON_TYPE
        event.extensions = None
        for name in headers.keys() - _ATTRIBUTES:
            if name in ("traceparent", "tracestate"):
                event._extend(name, headers[name])
            elif name[:3] == "ce-":
                event._extend(name[3:], _plain(headers[name]))
        if not (event.id and event.source and event.type):
            empty = next(name for name in _REQUIRED if not getattr(event, name))
            raise EnvelopeError(f"attribute '{empty}' is missing or empty")
        return event

    @classmethod
    def from_structured(cls, body: bytes) -> "CloudEvent":
        """Read structured mode: one JSON object with the attributes and ``data`` or ``data_base64``."""
        try:
            fields = json.loads(body)
        except ValueError as error:
            raise EnvelopeError(f"the structured event is no JSON: {error}") from None
        except RecursionError:
            raise EnvelopeError("the structured event is nested too deeply") from None
        if not isinstance(fields, dict):
            raise EnvelopeError("the structured event is no JSON object")
        if not str(fields.get("specversion", "")).startswith("1."):
            raise EnvelopeError(f"attribute 'specversion' is {fields.get('specversion')!r}, not 1.0")
        for name in _REQUIRED:
            if not isinstance(fields.get(name), str) or not fields[name]:
                raise EnvelopeError(f"attribute '{name}' is missing or no text")
        try:
            data = _structured_data(fields)
        except ValueError as error:
            raise EnvelopeError(f"attribute 'data_base64' is no base64: {error}") from None
        extensions = {name: str(value) for name, value in fields.items() if name not in _KNOWN}
        return cls(
            id=fields["id"],
            source=fields["source"],
            type=fields["type"],
            data=data,
            subject=_text(fields, "subject"),
            time=_text(fields, "time"),
            dataschema=_text(fields, "dataschema"),
            datacontenttype=_text(fields, "datacontenttype") or JSON_TYPE,
            extensions=extensions or None,
        )

    def headers(self) -> dict[str, str]:
        """The headers of binary mode, values percent-encoded as the binding asks."""
        headers = {
            "ce-specversion": "1.0",
            "ce-id": _encoded(self.id),
            "ce-source": _encoded(self.source),
            "ce-type": _encoded(self.type),
            "content-type": self.datacontenttype,
        }
        if self.subject is not None:
            headers["ce-subject"] = _encoded(self.subject)
        if self.time is not None:
            headers["ce-time"] = self.time
        if self.dataschema is not None:
            headers["ce-dataschema"] = _encoded(self.dataschema)
        for name, value in (self.extensions or {}).items():
            # The trace context goes under its own W3C names, so that any tracer finds it.
            headers[name if name in ("traceparent", "tracestate") else f"ce-{name}"] = _encoded(value)
        return headers

    def structured(self) -> bytes:
        """Structured mode: the whole event as one JSON document."""
        fields: dict[str, Any] = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type}
        for name in ("subject", "time", "dataschema", "datacontenttype"):
            if getattr(self, name) is not None:
                fields[name] = getattr(self, name)
        fields.update(self.extensions or {})
        if self.datacontenttype.startswith(JSON_TYPE):
            fields["data"] = json.loads(self.data or b"null")
        else:
            fields["data_base64"] = base64.b64encode(self.data).decode()
        return json.dumps(fields, ensure_ascii=False).encode()

    def _extend(self, name: str, value: str) -> None:
        if self.extensions is None:
            self.extensions = {}
        self.extensions[name] = value

    def __repr__(self) -> str:
        # No data: it may be personal, and reprs end up in logs.
        return f"CloudEvent(id={self.id!r}, source={self.source!r}, type={self.type!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CloudEvent) and all(getattr(self, s) == getattr(other, s) for s in self.__slots__)

    __hash__ = None  # type: ignore[assignment]


def now() -> str:
    """The present moment as RFC 3339 with milliseconds, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: str) -> str:
    return unquote(value) if "%" in value else value


def _encoded(value: str) -> str:
    # Printable ASCII but space, quote and percent passes as it is; the usual value needs no work.
    if value.isascii() and value.isprintable() and not (" " in value or '"' in value or "%" in value):
        return value
    return quote(value, safe="!#$&'()*+,/:;=?@[]<>^`{|}~\\")


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name) or headers.get(name.title()) or ""


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise EnvelopeError(f"attribute '{name}' is no text")
    return value


def _structured_data(fields: dict[str, Any]) -> bytes:
    if "data_base64" in fields:
        return base64.b64decode(str(fields["data_base64"]), validate=True)
    if "data" not in fields:
        return b""
    kind = str(fields.get("datacontenttype") or JSON_TYPE)
    if isinstance(fields["data"], str) and "json" not in kind:
        return fields["data"].encode()
    return json.dumps(fields["data"], ensure_ascii=False).encode()
