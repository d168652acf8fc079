"""Which cameras may be called, and what their answers mean."""

from dataclasses import replace

import pytest

from openberth.contexts.facility import CommandKind, DeviceKind
from openberth.contexts.facility.api.logins import CallLoginForm, DeviceLoginForm
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.facility.service.presence import Call, OldSecret
from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras import dahua_calling, hikvision_calling
from openberth.gateways.cameras.calling import _may_be_called
from openberth.gateways.cameras.calls import ACCEPTED, UNSUPPORTED, Ask, Found, Heard, Told
from openberth.gateways.cameras.families import CALLED
from openberth.gateways.cameras.pushes import Boom
from openberth.infra.http.limits import AddressRange
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period


def entry(endpoint: str | None, *networks: str, kind: DeviceKind = DeviceKind.HIKVISION) -> DeviceEntry:
    call = None if endpoint is None else Call(endpoint, None, "admin", "hunter2")
    some = Id(int=1)
    return DeviceEntry(some, some, some, "lot", some, "cam", kind, None, AddressRange.parse(networks), None, call=call)


@pytest.mark.parametrize(
    ("endpoint", "network", "may"),
    [
        ("http://192.168.1.64", "192.168.1.0/24", True),
        ("http://192.168.2.64", "192.168.1.0/24", False),
        ("http://169.254.169.254", "192.168.1.0/24", False),
        ("http://[fd00::7]", "fd00::/8", True),
        ("http://localhost", "127.0.0.0/8", False),
        (None, "127.0.0.0/8", False),
    ],
)
def test_only_what_lies_inside_of_its_own_networks_is_called(endpoint: str | None, network: str, may: bool) -> None:
    assert _may_be_called(entry(endpoint, network), at_home=False) is may


@pytest.mark.parametrize(
    ("endpoint", "at_home", "may"),
    [
        ("http://127.0.0.1:8420", False, False),
        ("http://[::1]:5432", False, False),
        ("http://127.0.0.1:8420", True, True),
        ("http://169.254.169.254", True, False),
        ("http://0.0.0.0", True, False),
        ("http://224.0.0.1", True, False),
        ("http://[::ffff:127.0.0.1]", False, False),
        ("http://[::ffff:169.254.169.254]", True, False),
    ],
)
def test_nobody_makes_the_server_call_itself(endpoint: str, at_home: bool, may: bool) -> None:
    assert _may_be_called(entry(endpoint, "0.0.0.0/0", "::/0"), at_home=at_home) is may


def test_no_other_kind_is_called() -> None:
    assert not _may_be_called(entry("http://127.0.0.1", "127.0.0.0/8", kind=DeviceKind.VZENITH_HTTP), at_home=True)
    assert "hunter2" not in repr(entry("http://127.0.0.1", "127.0.0.0/8"))


def test_neither_plates_nor_secrets_stand_in_what_may_be_logged() -> None:
    word = "粤B12345"
    camera = replace(entry(None), secret=word.encode(), old_secret=word.encode())
    kept = [
        ListedCar(word, Period(Instant(0))), Found(((word, None),), 1), OldSecret("f", Instant(0), word),
        DeviceLoginForm(user="admin", password=word), CallLoginForm(user="admin", password=word), camera,
    ]  # fmt: skip
    for one in kept:
        assert word not in repr(one)
        assert "xe7" not in repr(one)


def test_every_kind_with_gates_can_be_called() -> None:
    assert set(CALLED) == {kind for kind in DeviceKind if kind.wire.gates}
    for kind, family in CALLED.items():
        assert set(family.WAYS) <= set(kind.wire.gates)
        for way in kind.wire.gates:
            assert family.gate(way, CommandKind.OPEN) is not None
        assert family.gate("nobody's", CommandKind.OPEN) is None


def test_the_published_request_byte_for_byte() -> None:
    assert hikvision_calling.gate("parking", CommandKind.OPEN) == Ask(
        "PUT",
        "/ISAPI/Parking/channels/1/barrierGate",
        b'<?xml version="1.0" encoding="UTF-8"?><BarrierGate><ctrlMode>open</ctrlMode></BarrierGate>',
        "application/xml",
    )
    assert hikvision_calling.gate("output", CommandKind.CLOSE) is None
    assert hikvision_calling.status("output") is None
    opened = dahua_calling.gate("strobe", CommandKind.OPEN)
    assert opened == Ask("GET", "/cgi-bin/trafficSnap.cgi?action=openStrobe&channel=1&info.openType=Normal")


def status(code: int, sub: str = "") -> bytes:
    said = f"<statusCode>{code}</statusCode><subStatusCode>{sub}</subStatusCode>"
    return f"<ns1:ResponseStatus xmlns:ns1='x'>{said}</ns1:ResponseStatus>".encode()


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        (Told(200, status(1, "ok")), ACCEPTED),
        (Told(200), ACCEPTED),
        (Told(200, b"not XML"), ACCEPTED),
        (Told(404), UNSUPPORTED),
        (Told(403, status(4, "notSupport")), UNSUPPORTED),
        (Told(200, status(4)), UNSUPPORTED),
        (Told(403, status(4, "lowPrivilege")), Heard(False, detail="forbidden")),
        (Told(200, status(2)), Heard(False, detail="busy")),
        (Told(503), Heard(False, detail="busy")),
        (Told(200, status(3)), Heard(False, detail="refused")),
        (Told(500, status(6)), Heard(False, detail="refused")),
        (Told(302), Heard(False, detail="refused")),
    ],
)
def test_what_a_hikvision_answer_means(told: Told, heard: Heard) -> None:
    assert hikvision_calling.heard(told) == heard


@pytest.mark.parametrize(
    ("body", "boom"),
    [
        (b"<BarrierGateStatus><barrierGateStatus>2</barrierGateStatus></BarrierGateStatus>", Boom.OPEN),
        (
            b"<x:BarrierGateStatus xmlns:x='y'><x:barrierGateStatus> 1 </x:barrierGateStatus></x:BarrierGateStatus>",
            Boom.CLOSED,
        ),
        (b"<barrierGateStatus>1</barrierGateStatus>", Boom.CLOSED),
        (b"<BarrierGateStatus><barrierGateStatus>0</barrierGateStatus></BarrierGateStatus>", Boom.UNKNOWN),
        (b"{}", Boom.UNKNOWN),
        (b"<!DOCTYPE x><barrierGateStatus>2</barrierGateStatus>", Boom.UNKNOWN),
    ],
)
def test_where_a_hikvision_boom_is(body: bytes, boom: Boom) -> None:
    assert hikvision_calling.boom(Told(200, body)) is boom
    assert hikvision_calling.boom(Told(401, body)) is Boom.UNKNOWN


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        (Told(200, b"OK\r\n"), ACCEPTED),
        (Told(200, b"Error\r\nBad Request!"), Heard(False, detail="refused")),
        (Told(400, b"Error"), Heard(False, detail="refused")),
        (Told(404), UNSUPPORTED),
        (Told(501), UNSUPPORTED),
        (Told(403), Heard(False, detail="forbidden")),
        (Told(503), Heard(False, detail="busy")),
    ],
)
def test_what_a_dahua_answer_means(told: Told, heard: Heard) -> None:
    assert dahua_calling.heard(told) == heard
    assert dahua_calling.boom(told) is Boom.UNKNOWN
    assert dahua_calling.status("strobe") is None


def test_clocks_are_set_to_the_lots_time() -> None:
    at = Instant(1_795_305_600_000_000)
    asked = hikvision_calling.clock(at, "Asia/Shanghai")
    assert asked is not None
    assert b"<localTime>2026-11-22T08:00:00+08:00</localTime>" in asked.body
