"""Small pieces of commands: moments, addresses, ports, keys, the doctor's judgement, the demo's lines."""

import io
import socket
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import pytest
from rich.console import Console

from openberth.entrypoints.cli.client import checked_url, local_url, problem_of, read_token
from openberth.entrypoints.cli.demo.place import Place, Ports, choose_ports, is_free, opening_time, prepare
from openberth.entrypoints.cli.demo.show import line_of, print_balance, town_line
from openberth.entrypoints.cli.devices import last_seen_text
from openberth.entrypoints.cli.doctor import Health, disk_finding, look_at_clock
from openberth.entrypoints.cli.files import find_examples, read_text
from openberth.entrypoints.cli.lots import applied_text
from openberth.entrypoints.cli.mistakes import Answered
from openberth.entrypoints.cli.service import missing_options
from openberth.entrypoints.cli.session import Session
from openberth.infra.settings import load_settings
from openberth.kernel.errors import Problem, Refused
from openberth.kernel.time import from_iso, to_iso
from openberth.simulator import Counters, Report
from openberth.simulator.balance import Line
from tests.unit.entrypoints.cli.boards import board

ZONE = ZoneInfo("Asia/Shanghai")


def test_addresses_of_servers() -> None:
    assert checked_url("http://host:1/") == "http://host:1"
    for wrong in ("host:8420", "ftp://host", "http://"):
        with pytest.raises(Refused, match=r"cli\.url"):
            checked_url(wrong)
    assert local_url("0.0.0.0", 1) == "http://127.0.0.1:1"
    assert local_url("::1", 2) == "http://[::1]:2"


def test_a_token_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"token\.unreadable.*No such file"):
        read_token(tmp_path / "operator.token")
    (tmp_path / "t").write_bytes(b"\xff\xfe")
    with pytest.raises(Refused, match="not a token"):
        read_token(tmp_path / "t")


def answer(status: int, content: object) -> httpx2.Response:
    return (
        httpx2.Response(status, json=content) if isinstance(content, dict) else httpx2.Response(status, text="<html>")
    )


def test_problems_of_the_server_are_understood() -> None:
    told = answer(422, {"code": "document.mistakes", "title": "Wrong.", "params": {"name": "mall", "count": 1},
                        "errors": [{"line": 3, "place": "a", "text": "a: no"}]})  # fmt: skip
    problem = problem_of(told, "lots/mall.yaml", "http://x")
    assert isinstance(problem, Answered)
    assert problem.lines == ("lots/mall.yaml:3: a: no",)
    assert problem.params["count"] == 1
    places = answer(422, {"code": "request.malformed", "errors": [{"place": "body.x", "problem": "missing"}]})
    problem = problem_of(places, "", "http://x")
    assert isinstance(problem, Answered)
    assert problem.lines == ("body.x: missing",)
    assert problem_of(answer(502, "no json"), "", "http://x").code == "cli.not_understood"
    assert problem_of(answer(401, {"code": "auth.required"}), "", "http://x").code == "cli.token_refused"


def test_files_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "lot.yaml"
    path.write_bytes("lot: 一\nname: ".encode() + b"\xb0\xa1")
    with pytest.raises(Problem) as refused:
        read_text(path)
    assert (refused.value.code, refused.value.params["line"]) == ("cli.file_encoding", 2)
    with pytest.raises(Refused, match=r"cli\.file"):
        read_text(tmp_path)


def test_the_examples_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = find_examples()
    assert {path.stem for path in examples.lots} >= {"mall", "community", "office"}
    assert [path.name for path in examples.permits] == ["community.permits.yaml"]
    assert [path.stem for path in examples.tariffs] == ["community", "mall", "office", "vip"]  # of many in the folder


def test_taken_ports_are_replaced_and_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        ports = choose_ports(
            {
                "http": port,
                "barrier": 0,
                "mqtt": 0,
                "sensor": 0,
                "sandpay": port,
                "wechatpay": port,
                "alipay": port,
                "sms": port,
            }
        )
    assert ports.moved[0] == "http"
    assert port not in (ports.http, ports.sandpay, ports.wechatpay, ports.alipay)
    assert len({ports.http, ports.sandpay, ports.wechatpay, ports.alipay, ports.sms}) == 5


def test_a_demo_never_touches_other_data(tmp_path: Path) -> None:
    place = Place(tmp_path, Ports(1, 2, 3, 4, 5, 6, 7, 8, ()))
    ours = {"OPENBERTH_DATABASE": "postgresql://real", "OPENBERTH_S3__BUCKET": "real", "PATH": "/bin"}
    made = place.environment(ours, speed=60, language="en", now=from_iso("2026-11-20T10:00:00Z"))
    assert "OPENBERTH_DATABASE" not in made
    assert "OPENBERTH_S3__BUCKET" not in made
    assert made["PATH"] == "/bin"
    assert made["OPENBERTH_CLOCK__ANCHOR_BUSINESS"] == "2026-11-19T23:00:00.000000Z"


def test_its_settings_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, Ports(1, 2, 3, 4, 5, 6, 7, 8, ()))
    for name, value in place.environment({}, speed=60, language="en", now=from_iso("2026-11-20T10:00:00Z")).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.public_base == place.url
    assert settings.sandpay is not None
    assert settings.sms is not None
    assert place.sms_arguments()[0] == "openberth.sandbox.sms"
    assert (tmp_path / "sms.secret").read_text("ascii") == settings.sms.access_key_secret.get_secret_value()


def test_the_town_wakes_up_at_seven() -> None:
    assert to_iso(opening_time(from_iso("2026-11-20T10:00:00Z"))) == "2026-11-19T23:00:00.000000Z"
    assert to_iso(opening_time(from_iso("2026-11-20T16:30:00Z"))) == "2026-11-20T23:00:00.000000Z"  # the 21st there


def test_the_keys_of_the_demo_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openberth.entrypoints.cli.demo.place.checkout", lambda: tmp_path)
    place = prepare(from_iso("2026-11-20T10:00:00Z"))
    assert place.folder.parent == tmp_path / "var" / "demo"
    assert (place.folder / "merchant.key").stat().st_mode & 0o777 == 0o600
    assert place.folder.stat().st_mode & 0o077 == 0
    place.remove()
    assert not place.folder.exists()


def test_the_doctor_judges_disks_and_clocks() -> None:
    gib = 1024**3
    assert disk_finding(50 * gib, 100 * gib).health is Health.WELL
    assert disk_finding(gib - 1, 10 * gib).health is Health.ILL
    assert disk_finding(40 * gib, 1_000 * gib).health is Health.ILL  # 4 %
    assert next(look_at_clock(from_iso("1970-01-01T00:10:00Z"))).health is Health.ILL
    assert next(look_at_clock(from_iso("2026-11-20T00:00:00Z"))).health is Health.WELL


def test_when_a_device_was_heard() -> None:
    clock, session = {"machine_now": "2026-11-20T10:00:00Z"}, Session("en")
    assert last_seen_text({"last_seen": None}, clock, session).plain == "never heard"
    seen = {"last_seen": "2026-11-20T09:59:48Z", "online": True}
    assert last_seen_text(seen, clock, session).plain == "12 s ago"
    assert last_seen_text({**seen, "online": False}, clock, session).plain == "silent for 12 s"


def test_what_applying_a_lot_did_is_said() -> None:
    session = Session("en")
    created = {"created": True, "counts": {"area.added": 1, "lane.added": 2}, "fields": []}
    assert applied_text(created, "m", session) == "lot m created: areas 1, lanes 2"
    assert "nothing changed" in applied_text({"created": False, "counts": {}, "fields": []}, "m", session)
    changed = {"created": False, "counts": {"lane.retired": 1}, "fields": ["capacity"]}
    assert applied_text(changed, "m", session) == "lot m changed: its capacity, retired lanes 1"


def test_the_simulator_gets_what_its_line_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(data=tmp_path / "data", keys=tmp_path / "keys.json")
    monkeypatch.setattr(
        "openberth.entrypoints.cli.service.place_of", lambda _: {"pid": 1, "port": 5, "barrier_port": 6}
    )
    line = missing_options(["--lots", "x.yaml"], settings)
    assert line[:6] == ["--url", "http://127.0.0.1:5", "--barrier-port", "6", "--token-file",
                        str(settings.data / "operator.token")]  # fmt: skip
    assert "--tariffs" in line
    assert "--lots" not in line
    given = ["--url=http://h", "--token-file", "t", "--lots", "l", "--tariffs", "t"]
    assert missing_options(given, settings) == []


def test_the_line_of_a_demo_without_a_terminal() -> None:
    counters = Counters(admitted=7, left=3)
    line = line_of(board(at_s=100.0), counters, Session("en"), 5.0, 101.0)
    assert line == "09:30:00  inside 148  passages 10  received ¥1,240.50  exceptions 1  p99 0.0 ms"
    assert "no answer" in line_of(board(at_s=100.0), counters, Session("en"), 5.0, 110.0)


def test_the_line_of_the_town() -> None:
    counters = Counters(arrived=9, inside=4, left=3, refused=1, balked=1, queues={"a": 2, "b": 1})
    assert town_line(counters, Session("en"), closing=False).plain == (
        "town 9 came · 4 inside · 3 left · 2 turned away · 3 queueing · p99 0.0 ms"
    )
    assert town_line(counters, Session("zh"), closing=True).plain.startswith("小镇收尾中")


def balance(*, theirs: int = 500, differences: tuple[str, ...] = ()) -> Report:
    lines = [Line("mall", "left", 3, 3), Line("mall", "sandpay", 500, theirs, "CNY")]
    return Report(
        seed=42, faults="none", cars=3, left=3, inside=0, received={}, lines=lines, differences=list(differences),
        troubles=[], counters={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("books", "agrees"),
    [(balance(), True), (balance(theirs=501), False), (balance(differences=("mall car 1: left twice",)), False)],
)
def test_the_balance_is_printed_as_it_is(books: Report, agrees: bool) -> None:
    out = io.StringIO()
    print_balance(books, Session("en", out=Console(file=out, width=100)))
    said = out.getvalue()
    assert books.balanced is agrees
    assert ("the books agree: 3 cars" in said) is agrees
    assert ("do not agree" in said) is not agrees
    assert "seed 42" in said
    assert "¥5.00" in said
    assert all(words in said for words in books.differences)
