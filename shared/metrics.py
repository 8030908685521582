"""The Prometheus metrics every process exports: one set for functions, one for backend calls.

Labels hold names from the catalogue only, never anything of an event or a person.
"""

from bisect import bisect_left

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

HANDLED = Counter("stadtfunk_function_handled_total", "Events and requests done", ["function"])
FAILED = Counter("stadtfunk_function_failed_total", "Attempts that raised, by error type", ["function", "error"])
RETRIED = Counter("stadtfunk_function_retried_total", "Attempts put back for later", ["function"])
DEAD = Counter("stadtfunk_function_dead_total", "Events stored as dead letters", ["function"])
REFUSED = Counter(
    "stadtfunk_function_refused_total", "Requests refused as more came than can be answered", ["function"]
)
SKIPPED = Counter("stadtfunk_function_skipped_total", "Firings of schedules that came too late to run", ["function"])
NOT_PROPOSED = Counter("stadtfunk_zammad_not_proposed_total", "Articles without a proposal, by the rule", ["reason"])
OBJECTS_REFUSED = Counter("stadtfunk_storage_refused_total", "Objects told of that the storage refuses to show")
IN_FLIGHT = Gauge("stadtfunk_function_in_flight", "Events and requests being worked on", ["function"])
LAG = Gauge("stadtfunk_function_lag", "Events waiting in the stream", ["function"])
SECONDS = Histogram("stadtfunk_function_seconds", "Time in the function", ["function"], buckets=_SECONDS)

BACKEND_SECONDS = Histogram("stadtfunk_backend_seconds", "Time of a call", ["backend", "call"], buckets=_SECONDS)
BACKEND_FAILED = Counter("stadtfunk_backend_failed_total", "Calls that failed", ["backend", "call", "error"])

# Read from NATS and the backends by the host, whatever workers run.
BACKEND_UP = Gauge("stadtfunk_backend_up", "1: the backend answers", ["backend"])
DEAD_LETTERS = Gauge("stadtfunk_dead_letters", "Dead letters that nobody replayed or dropped", ["function"])
STREAM_FILL = Gauge("stadtfunk_stream_fill_ratio", "Share of the stream's room in use", ["stream"])
STREAM_AGE = Gauge("stadtfunk_stream_age_ratio", "Waiting of the oldest undone event, share of max_age", ["stream"])
TAIL_BEHIND = Gauge("stadtfunk_storage_tail_seconds", "Since the object storage's filer was followed last")
ALARM_AT = Gauge("stadtfunk_alarm_timestamp_seconds", "When an event asked for a person last", ["type"])


class Tally:
    """Observations of one histogram child, kept in plain numbers until ``flush``.

    Where thousands of events a second are timed, each call into the library is felt.
    """

    def __init__(self, child: Histogram) -> None:
        self._child = child
        self._bounds = [float(bound) for bound in child._upper_bounds]
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """Note one observation."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def flush(self) -> None:
        """Hand everything over to the histogram."""
        self._child._sum.inc(self._sum)
        self._sum = 0.0
        for index, count in enumerate(self._counts):
            if count:
                self._child._buckets[index].inc(count)
                self._counts[index] = 0
