"""Logs without personal data, metrics in one registry, health by name."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from openberth.infra import telemetry
from openberth.infra.telemetry import (
    HIDDEN,
    Health,
    Probe,
    counter,
    gauge,
    hide_personal,
    histogram,
    is_personal,
    metrics_page,
    setup_logging,
    trace_id,
    trace_of,
    traced,
)
from openberth.kernel.errors import Overloaded
from openberth.kernel.plates import Plate


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "key",
    ["plate", "plates", "Plate", "plate_text", "driver_phone", "plateNo", "openid", "name", "owner-name", "pass",
     "phone", "device_secret", "api.token", "accessToken", "password", "Authorization"],
)  # fmt: skip
def test_personal_keys(key: str) -> None:
    assert is_personal(key)


@pytest.mark.parametrize("key", ["lane", "lot", "code", "passage", "template", "logger_name", "event", "filename"])
def test_harmless_keys(key: str) -> None:
    assert not is_personal(key)


def test_values_are_hidden_wherever_they_stand() -> None:
    event: dict[str, Any] = {
        "event": "plate seen",
        "plate": "粤B12345",
        "lane": "in-1",
        "body": {"openid": "o-1", "cars": [{"plateNo": "粤B12345", "lane": "in-1"}], "n": 1},
        "deep": {"a": {"b": {"c": {"d": {"plate": "粤B12345"}}}}},
    }
    clean = hide_personal(None, "info", event)
    assert clean["event"] == "plate seen"
    assert clean["plate"] == HIDDEN
    assert clean["lane"] == "in-1"
    assert clean["body"] == {"openid": HIDDEN, "cars": [{"plateNo": HIDDEN, "lane": "in-1"}], "n": 1}
    assert "粤B12345" not in repr(clean)


def test_a_log_line_is_json_without_personal_data(stream: io.StringIO) -> None:
    setup_logging("info", "json", stream)
    log = structlog.get_logger("openberth.stays")
    with traced("0af7651916cd43dd8448eb211c80319c"):
        log.info("passage", lane="in-1", plate="粤B12345", car=Plate.read("粤B12345"), secret="hush", text="中文")
    log.debug("not this one")
    (line,) = lines(stream)
    assert line["event"] == "passage"
    assert line["level"] == "info"
    assert line["logger"] == "openberth.stays"
    assert line["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["plate"] == line["secret"] == HIDDEN
    assert line["car"] == "Plate(粤B·**345)"
    assert line["timestamp"].endswith("Z")
    assert "中文" in stream.getvalue()
    assert "12345" not in stream.getvalue()


def test_lines_of_libraries_take_the_same_way(stream: io.StringIO) -> None:
    setup_logging("info", "json", stream)
    with traced() as trace:
        logging.getLogger("sqlalchemy.pool").warning("pool of %s", "five", extra={"plate": "粤B12345"})
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["trace"]) == ("pool of five", "sqlalchemy.pool", trace)
    assert "12345" not in stream.getvalue()


def test_addresses_of_requests_are_not_logged(stream: io.StringIO) -> None:
    setup_logging("debug", "json", stream)
    logging.getLogger("uvicorn.access").info("GET /devices/vzenith/SECRET")
    logging.getLogger("httpx").info("POST https://x/?token=SECRET")
    logging.getLogger("uvicorn.error").info("started")
    assert [line["event"] for line in lines(stream)] == ["started"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_variables(stream: io.StringIO, form: Any) -> None:
    setup_logging("info", form, stream)
    car = "粤B" + str(6173 * 2)
    try:
        raise RuntimeError("broke")
    except RuntimeError:
        structlog.get_logger().exception("defect")
    assert "RuntimeError: broke" in stream.getvalue()
    assert car[2:] not in stream.getvalue()


def test_setting_up_again_does_not_double_lines(stream: io.StringIO) -> None:
    setup_logging("info", "json", io.StringIO())
    setup_logging("warning", "json", stream)
    structlog.get_logger().warning("once")
    structlog.get_logger().info("never")
    assert len(lines(stream)) == 1


def test_a_pipe_gets_json_by_itself(stream: io.StringIO) -> None:
    setup_logging("info", "auto", stream)
    structlog.get_logger().info("x")
    assert lines(stream)[0]["event"] == "x"


def test_traces_nest_and_end() -> None:
    assert trace_id() is None
    with traced() as outer:
        assert trace_id() == outer
        assert len(outer) == 32
        with traced() as inner:
            assert trace_id() == inner != outer
        assert trace_id() == outer
    assert trace_id() is None
    with traced("../../not a trace") as fresh:
        assert len(fresh) == 32


def test_tasks_have_traces_of_their_own() -> None:
    async def task() -> tuple[str, str | None]:
        with traced() as trace:
            await asyncio.sleep(0)
            return trace, trace_id()

    async def both() -> list[tuple[str, str | None]]:
        return list(await asyncio.gather(task(), task()))

    (one, seen_one), (two, seen_two) = asyncio.run(both())
    assert one == seen_one != two == seen_two


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", None),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", None),
        ("rubbish", None),
        ("", None),
        (None, None),
    ],
)
def test_the_trace_of_a_w3c_header(header: str | None, trace: str | None) -> None:
    assert trace_of(header) == trace


def test_metrics_are_made_once_and_shown() -> None:
    one = counter("openberth_test_total", "For this test.", ("kind",))
    assert counter("openberth_test_total", "For this test.", ("kind",)) is one
    one.labels("x").inc()
    gauge("openberth_test_level", "For this test.").set(3)
    histogram("openberth_test_seconds", "For this test.").observe(0.049)
    body, content_type = metrics_page()
    page = body.decode()
    assert 'openberth_test_total{kind="x"} 1.0' in page
    assert "openberth_test_level 3.0" in page
    assert 'openberth_test_seconds_bucket{le="0.05"} 1.0' in page
    assert 'openberth_test_seconds_bucket{le="0.035"} 0.0' in page
    assert content_type.startswith("text/plain")
    with pytest.raises(TypeError, match="already a counter"):
        gauge("openberth_test_total", "Something else.")


def test_health() -> None:
    health = Health()
    assert health.ready().ok
    state: dict[str, str | None] = {"database": None, "loop": None}
    health.add("database", lambda: state["database"])
    health.add("loop", lambda: state["loop"], Probe.LIVE)
    assert health.live().ok
    assert health.ready().ok
    assert [finding.name for finding in health.live().findings] == ["loop"]
    state["database"] = "database.unreachable"
    assert health.live().ok
    report = health.ready()
    assert not report.ok
    assert [(finding.name, finding.ok, finding.reason) for finding in report.findings] == [
        ("database", False, "database.unreachable"),
        ("loop", True, None),
    ]
    state["database"], state["loop"] = None, "loop.stuck"
    assert not health.live().ok
    assert not health.ready().ok
    health.remove("loop")
    assert health.ready().ok
    with pytest.raises(ValueError, match="already"):
        health.add("database", lambda: None)


def test_a_check_that_raises_fails(stream: io.StringIO) -> None:
    setup_logging("info", "json", stream)
    health = Health()

    def refusing() -> None:
        raise Overloaded("queue.full", queue="normal")

    def breaking() -> None:
        raise ZeroDivisionError

    health.add("queue", refusing)
    health.add("broken", breaking)
    assert [finding.reason for finding in health.ready().findings] == ["health.check_broke", "queue.full"]
    assert lines(stream)[0]["check"] == "broken"


def test_every_hidden_word_is_one_word() -> None:
    assert all(word.isalpha() and word.islower() for word in telemetry._PERSONAL)
