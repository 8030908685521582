"""Logs, trace context, spans and timed backend calls, the same in worker and host, free of personal data.

A log line is one JSON object. Its ``event`` is a fixed phrase in the code; all that varies stands in keys
of ``LOG_KEYS``, anything else is dropped. An exception is logged by type and place, never by its text,
which may quote a page, a query or a person. Spans leave only where an OTLP collector is set.
"""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import structlog

from shared.metrics import BACKEND_FAILED, BACKEND_SECONDS
from shared.settings import TelemetrySettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

LOG_KEYS: Final = frozenset(
    {
        "event", "level", "time", "logger", "trace_id", "span_id", "event_id", "event_type", "function", "error",
        "place", "method", "route", "status", "seconds", "attempt", "attempts", "delay_s", "stream", "consumer",
        "partition", "backend", "call", "bucket", "collection", "count", "expected", "found", "size", "limit", "rule",
        "schedule", "source", "run_id", "revision", "passages", "page_id", "server", "port", "pid", "signal", "version",
        "process", "exit_code", "state", "reason", "system", "model", "cause",
    }
)  # fmt: skip
"""Keys a log line may have: names of ours, numbers and ids; none for text of a person or a page."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_USUAL = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")  # read without taking it apart
_LONGEST = 200  # characters of one logged value
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_HERE = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class Trace:
    """A W3C trace context: who caused this."""

    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    sampled: bool = True

    @classmethod
    def parse(cls, traceparent: str | None) -> "Trace | None":
        """Read a ``traceparent`` header; None for anything that is not one (all zeros included)."""
        if traceparent is not None and _USUAL.fullmatch(traceparent):
            return cls(traceparent[3:35], traceparent[36:52], traceparent[54] in "13579bdf")
        match = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent and len(traceparent) < 512 else None
        if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
            return None
        if match[2] == "0" * 32 or match[3] == "0" * 16:
            return None
        return cls(match[2], match[3], bool(int(match[4], 16) & 1))

    @classmethod
    def new(cls) -> "Trace":
        """The start of a trace nobody began before us."""
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    @property
    def header(self) -> str:
        """The ``traceparent`` header."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""The trace context of the work at hand; follow-up events and backend calls carry it on."""

EVENT_ID: ContextVar[str | None] = ContextVar("event_id", default=None)
"""The id of the event at hand, for log lines."""


class _Exporting:
    """Set by ``setup`` where spans leave this process."""

    tracer: "Tracer | None" = None
    provider: "TracerProvider | None" = None


def setup(settings: TelemetrySettings, service: str) -> None:
    """Configure logs and, where a collector is set, traces of this process. Call once at start."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, _stamped, _narrowed, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.log_level]),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Foreign()]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"  # its lines hold query strings
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)
    if settings.otlp_endpoint is not None:
        _export(settings.otlp_endpoint, service)


def shutdown() -> None:
    """Send what spans are left and stop; without a collector nothing happens."""
    if _Exporting.provider is not None:
        _Exporting.provider.shutdown()
        _Exporting.provider = _Exporting.tracer = None


def describe(error: BaseException) -> dict[str, str]:
    """Keys for a log line about an exception: its type and the innermost place of ours, not its text."""
    place, step = "", error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not place or (code.co_filename.startswith(_HERE) and "site-packages" not in code.co_filename):
            place = f"{code.co_filename.removeprefix(_HERE).lstrip('/')}:{step.tb_lineno} {code.co_name}"
        step = step.tb_next
    return {"error": type(error).__name__, "place": place}


@contextmanager
def span(name: str, *, parent: Trace | None = None, kind: str = "internal", **attributes: str | int) -> Iterator[Trace]:
    """Do work as one span, child of ``parent`` or of the trace at hand; yields the context to carry on.

    ``name`` and ``attributes`` are names and ids of ours. Without a collector no span is made: the
    caller's context is carried on (or a new one started), so that logs still hang together.
    """
    before = parent or TRACE.get()
    tracer = _Exporting.tracer
    if tracer is None:
        token = TRACE.set(before or Trace.new())
        try:
            yield TRACE.get() or Trace.new()
        finally:
            TRACE.reset(token)
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    made = tracer.start_span(
        name, context=_context(before), kind=SpanKind[kind.upper()], attributes=attributes, record_exception=False
    )
    ids = made.get_span_context()
    trace = Trace(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", bool(ids.trace_flags & 1))
    token = TRACE.set(trace)
    try:
        yield trace
    except BaseException as error:
        made.set_attribute("error.type", type(error).__name__)
        made.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        # A generator that is closed from another task has another context; there is nothing to reset there.
        with suppress(ValueError):
            TRACE.reset(token)
        made.end()


class backend_call:  # read as a statement: with backend_call("vectors", "search")
    """Time a call of a backend and count its failure by error type; a span where spans are exported.

    ``backend`` and ``call`` are fixed names in the code, as they become metric labels.
    """

    __slots__ = ("_backend", "_call", "_span", "_start")

    def __init__(self, backend: str, call: str) -> None:
        self._backend = backend
        self._call = call
        self._span: Any = None

    def __enter__(self) -> None:
        if _Exporting.tracer is not None:
            self._span = span(f"{self._backend} {self._call}", kind="client")
            self._span.__enter__()
        self._start = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        BACKEND_SECONDS.labels(self._backend, self._call).observe(time.perf_counter() - self._start)
        # A caller that goes away is no failure of the backend; neither is a consumer that stops a stream.
        if kind is not None and issubclass(kind, Exception):
            BACKEND_FAILED.labels(self._backend, self._call, kind.__name__).inc()
        if self._span is not None:
            self._span.__exit__(kind, error, trace)


def _export(endpoint: str, service: str) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _Exporting.provider, _Exporting.tracer = provider, provider.get_tracer("stadtfunk")


def _context(parent: Trace | None) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if parent is None:
        return Context()
    ids = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, TraceFlags(int(parent.sampled)))
    return set_span_in_context(NonRecordingSpan(ids), Context())


def _stamped(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace, event_id = TRACE.get(), EVENT_ID.get()
    line["time"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(time.time() % 1 * 1000):03d}Z"
    if trace is not None:
        line.setdefault("trace_id", trace.trace_id)
        line.setdefault("span_id", trace.span_id)
    if event_id is not None:
        line.setdefault("event_id", event_id)
    return line


def _narrowed(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line.update(describe(error))
    return {key: _plain(value) for key, value in line.items() if key in LOG_KEYS}


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, BaseException):
        return type(value).__name__
    return str(value)[:_LONGEST] if isinstance(value, (str, Path)) else type(value).__name__


class _Lines:
    """Writes lines to what standard error is at that moment (a supervisor or a test may put another there)."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = log = msg


class _Foreign(logging.Handler):
    """Lines of libraries: the message as it stands in their code, without the values put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.msg if isinstance(record.msg, str) else ""
        # Without arguments the text was put together before, values included; uvicorn's own are known to be plain.
        known = bool(record.args) or record.name == "uvicorn.error"
        line = structlog.get_logger().bind(logger=record.name, place=f"{record.module}:{record.lineno}")
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line = line.bind(**describe(error))
        if "\x1b" in message or not known:
            message = "line of a library"
        line.log(record.levelno, message.splitlines()[0] if message.strip() else "line of a library")
