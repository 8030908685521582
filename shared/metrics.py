"""The Prometheus metrics every process exports: one set for functions, one for backend calls.

Labels hold names from the catalogue only, never anything of an event or a person.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

HANDLED = Counter("stadtfunk_function_handled_total", "Events and requests done", ["function"])
FAILED = Counter("stadtfunk_function_failed_total", "Attempts that raised, by error type", ["function", "error"])
RETRIED = Counter("stadtfunk_function_retried_total", "Attempts put back for later", ["function"])
DEAD = Counter("stadtfunk_function_dead_total", "Events stored as dead letters", ["function"])
SKIPPED = Counter("stadtfunk_function_skipped_total", "Events a rule left out, by rule", ["function", "rule"])
IN_FLIGHT = Gauge("stadtfunk_function_in_flight", "Events and requests being worked on", ["function"])
LAG = Gauge("stadtfunk_function_lag", "Events waiting in the stream", ["function"])
SECONDS = Histogram("stadtfunk_function_seconds", "Time in the function", ["function"], buckets=_SECONDS)

BACKEND_SECONDS = Histogram("stadtfunk_backend_seconds", "Time of a call", ["backend", "call"], buckets=_SECONDS)
BACKEND_FAILED = Counter("stadtfunk_backend_failed_total", "Calls that failed", ["backend", "call", "error"])
