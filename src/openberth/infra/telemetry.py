"""What the service tells about itself: structured logs with a trace id, metrics in one registry, health in one list.

Logs hold no personal data. Values under keys that name such data are replaced before anything is written; plates print
themselves masked; lines of libraries that quote addresses (where secrets and plates may stand) are kept out. Metrics
are made through ``counter``, ``gauge`` and ``histogram`` here, so ``/metrics`` shows them all.
"""

import logging
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, Literal, TextIO, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from openberth.kernel.errors import Problem
from openberth.kernel.persons import masked_words

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

HIDDEN = "[hidden]"
_PERSONAL = frozenset(
    (
        *("plate", "plates", "license", "name", "phone", "mobile", "email", "openid", "unionid", "vin", "passport"),
        *("card", "identity", "secret", "secrets", "token", "tokens", "password", "passwd", "pass", "authorization"),
        *("cookie", "cookies"),
    )
)
_HARMLESS = frozenset(("logger_name", "file_name", "metric_name", "event_name", "task_name", "thread_name"))
_WORDS = re.compile(r"[a-z0-9]+")
_DEPTH = 4

# Their lines of level "info" quote whole addresses.
_QUOTE_ADDRESSES = ("uvicorn.access", "httpx", "httpx2", "urllib3")

_trace: ContextVar[str | None] = ContextVar("openberth_trace", default=None)


def trace_id() -> str | None:
    """Return the trace id of the present task, None outside a trace."""
    return _trace.get()


@contextmanager
def traced(trace: str | None = None) -> Iterator[str]:
    """Run a block under a trace id: the one that came in (32 hexadecimal digits) or a new one."""
    chosen = trace if trace is not None and re.fullmatch(r"[0-9a-f]{32}", trace) else secrets.token_hex(16)
    mark = _trace.set(chosen)
    try:
        yield chosen
    finally:
        _trace.reset(mark)


def trace_of(traceparent: str | None) -> str | None:
    """Return the trace id of a W3C ``traceparent`` header, None when it is absent or malformed."""
    match = re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", (traceparent or "")[:256])
    return match[1] if match and match[1] != "0" * 32 else None


def hide_personal(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that name personal data or secrets, also inside mappings and lists (a processor)."""
    for key, value in event.items():
        if key != "event":
            event[key] = HIDDEN if is_personal(key) else _without_personal(value, _DEPTH)
    return event


def is_personal(key: str) -> bool:
    """Tell whether a key names personal data: one of its words does, as in ``driver_phone`` or ``plateNo``."""
    lowered = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
    return lowered not in _HARMLESS and not _PERSONAL.isdisjoint(_WORDS.findall(lowered))


def _without_personal(value: object, depth: int) -> object:
    if isinstance(value, str | int | float | bool | bytes) or value is None:
        return value
    if isinstance(value, Mapping):
        if depth == 0:
            return HIDDEN
        return {
            str(key): HIDDEN if is_personal(str(key)) else _without_personal(inner, depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return HIDDEN if depth == 0 else [_without_personal(inner, depth - 1) for inner in value]
    return value


def _masked(_logger: object, _method: str, line: Any) -> str:
    """Mask plates and numbers that stand in a line all the same: in the message of an error, in its traceback."""
    return masked_words(str(line))


def _add_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace = _trace.get()
    if trace is not None:
        event["trace"] = trace
    return event


class _Handler(logging.StreamHandler[TextIO]):
    """The handler of ``setup_logging``, known by its class when it is called again."""


def setup_logging(level: LogLevel = "info", form: LogFormat = "auto", stream: TextIO | None = None) -> None:
    """Send the logs of OpenBerth and of its libraries to one stream (standard error), as JSON lines or for people.

    ``auto`` writes for people when the stream is a terminal. May be called again: the last call counts.
    """
    target = sys.stderr if stream is None else stream
    console = form == "console" or (form == "auto" and target.isatty())
    # Not the console's default traceback: it shows local variables, and those hold plates.
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        hide_personal,
    ]
    if not console:
        shared.append(structlog.processors.format_exc_info)
    handler = _Handler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, _masked],
        )
    )
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for library in _QUOTE_ADDRESSES:
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


REGISTRY = CollectorRegistry()
# Seconds; the middle of the range is where the lane's promise (p99 <= 50 ms) is decided.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.2, 0.4, 0.8, 2.0, 5.0, 10.0)

Metric = TypeVar("Metric", Counter, Gauge, Histogram)
_metrics: dict[str, Counter | Gauge | Histogram] = {}
_metrics_lock = Lock()


def counter(name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    """Return the counter of a name (``openberth_…_total``); asked again it is the same one.

    Labels take few, known values: codes and kinds, never ids, addresses or anything a stranger sends.
    """
    return _metric(name, Counter, lambda: Counter(name, documentation, labels, registry=REGISTRY))


def gauge(name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
    """Return the gauge of a name; see ``counter``."""
    return _metric(name, Gauge, lambda: Gauge(name, documentation, labels, registry=REGISTRY))


def histogram(
    name: str, documentation: str, labels: Sequence[str] = (), buckets: Sequence[float] = LATENCY_BUCKETS
) -> Histogram:
    """Return the histogram of a name, by default of seconds (``openberth_…_seconds``); see ``counter``."""
    return _metric(name, Histogram, lambda: Histogram(name, documentation, labels, buckets=buckets, registry=REGISTRY))


def _metric(name: str, kind: type[Metric], make: Callable[[], Metric]) -> Metric:
    with _metrics_lock:
        known = _metrics.get(name)
        if known is None:
            known = _metrics[name] = make()
    if not isinstance(known, kind):
        raise TypeError(f"{name} is already a {type(known).__name__.lower()}")
    return known


def metrics_page() -> tuple[bytes, str]:
    """Return the body and the content type of ``/metrics``."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


class Probe(StrEnum):
    """Which question a check belongs to."""

    LIVE = "live"  # failing, the process should be restarted
    READY = "ready"  # failing, it should get no requests for now


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``reason`` is a stable code, None when all is well."""

    name: str
    ok: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The answer of ``/health/live`` or ``/health/ready``."""

    ok: bool
    findings: tuple[Finding, ...]


Check = Callable[[], str | None]


class Health:
    """The named checks of a process.

    A check returns None when all is well and a code otherwise; it must not wait for anything.
    """

    def __init__(self) -> None:
        self._checks: dict[str, tuple[Probe, Check]] = {}

    def add(self, name: str, check: Check, probe: Probe = Probe.READY) -> None:
        """Register a check; a name stands for one check."""
        if name in self._checks:
            raise ValueError(f"there is a health check {name} already")
        self._checks[name] = (probe, check)

    def remove(self, name: str) -> None:
        """Forget a check, for instance of a role that has ended."""
        self._checks.pop(name, None)

    def live(self) -> HealthReport:
        """Tell whether the process works at all."""
        return self._asked(Probe.LIVE)

    def ready(self) -> HealthReport:
        """Tell whether the process can serve now; what is not alive is not ready."""
        return self._asked(Probe.LIVE, Probe.READY)

    def _asked(self, *probes: Probe) -> HealthReport:
        findings = tuple(
            _found(name, check) for name, (probe, check) in sorted(self._checks.items()) if probe in probes
        )
        return HealthReport(all(finding.ok for finding in findings), findings)


def _found(name: str, check: Check) -> Finding:
    try:
        reason = check()
    except Problem as problem:
        reason = problem.code
    except Exception:  # a check that breaks is a check that fails
        structlog.get_logger().exception("health check broke", check=name)
        reason = "health.check_broke"
    return Finding(name, reason is None, reason)
