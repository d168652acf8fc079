"""The whole server calls cameras to move their gates: the lot file says where, a login is given, commands go out."""

import time
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from openberth.contexts.facility import DeviceKind
from openberth.simulator.boom import BoomState
from openberth.simulator.devices.served import GateServer, Listed, Manners
from tests.e2e.house import House
from tests.waiting import PATIENCE_S, eventually
from tests.wire.called import Yard
from tests.wire.makes_lot import commands, furnish, opened_by_hand, operator, passages, path_of
from tests.wire.test_camera_makes import Camera, hikvision, plate


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    with Yard() as yard:
        yield yard


@pytest.fixture(scope="module")
def gates(yard: Yard) -> dict[str, GateServer]:
    made = {lane: yard.camera(DeviceKind.HIKVISION) for lane in ("hik", "other", "outside")}
    made["ill"] = yard.camera(DeviceKind.HIKVISION, manners=Manners(hangs=True))
    made["dahua"] = yard.camera(DeviceKind.DAHUA)
    return made


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, gates: dict[str, GateServer]) -> Iterator[House]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with House(tmp_path_factory.mktemp("house"), speed=1, extra={"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}) as house:
        furnish(house, lines(gates), DISPLAYS)
        for lane in ("hik", "ill", "dahua"):
            assert login(house, lane, "admin", "secret") == 204
        yield house


# The camera's own one speaks as loud by night, so that nobody has to ask what time it is.
DISPLAYS = """
displays:
  screens:
    - {lane: hik, maker: plain, volume: {day: 40, night: 40}}
    - {lane: ill, maker: plain}
"""


def lines(gates: dict[str, GateServer]) -> dict[str, str]:
    return {
        lane: f"kind: {'dahua' if lane == 'dahua' else 'hikvision'}, addresses: [127.0.0.0/8],"
        f" endpoint: 'http://127.0.0.1:{server.port}'"
        for lane, server in gates.items()
    }


def alarms_of(house: House, kind: str = "device_login") -> list[str]:
    with operator(house) as api:
        found = api.get("/v1/alarms").json()["items"]
    return [one["params"]["device"] for one in found if one["kind"] == kind]


def login(house: House, lane: str, user: str | None, password: str | None) -> int:
    with operator(house) as api:
        answer = api.post(
            f"/v1/lots/makes/devices/cam-{lane}/login", json={"user": user, "password": password},
            headers={"idempotency-key": uuid.uuid4().hex},
        )  # fmt: skip
    return answer.status_code


def takes_note(house: House) -> None:
    """Wait until the server has read its devices anew: what was changed before is in force from now on."""
    path_of(house, "hik")


def last(house: House, lane: str) -> tuple[str | None, str | None]:
    found = commands(house, lane)
    return (found[0]["outcome"], found[0]["detail"]) if found else (None, None)


def has_ended(house: House, lane: str, times: int) -> bool:
    return len([one for one in commands(house, lane) if one["outcome"]]) == times


def test_the_cameras_own_display_tells_the_car_and_is_told_anew_after_a_silence(
    house: House, gates: dict[str, GateServer], yard: Yard
) -> None:
    screen, car = gates["hik"].screen, plate()
    assert eventually(lambda: screen.scene == 10), "nobody stands there"
    assert screen.words.startswith("各家相机 余位 ")
    before, opened = len(screen.spoken), len(gates["hik"].commands)
    yard.run(gates["hik"].boom.lower)
    Camera(house, "hik").push(hikvision(car, time.time()))
    assert eventually(lambda: len(screen.spoken) > before)
    assert screen.spoken[-1] == (4, f"{car},欢迎光临")
    assert (screen.scene, screen.plate) == (1, car)
    assert eventually(lambda: gates["hik"].commands[opened:] == ["open"])
    assert eventually(lambda: last(house, "hik")[0] is not None, 2 * PATIENCE_S)  # the next one is another command
    gates["hik"].manners.hangs = True
    opened_by_hand(house, "hik")
    assert eventually(lambda: any(each.endswith("/barrierGate") for each in gates["hik"].hung))
    yard.run(screen.lose_power)
    assert screen.scene == 0
    yard.run(gates["hik"].boom.lower)
    gates["hik"].manners.hangs = False
    assert eventually(lambda: screen.scene in (1, 10))
    assert screen.spoken[-1] == (4, f"{car},欢迎光临"), "it is not said again"
    assert (len(screen.spoken), screen.broken) == (before + 1, 0)


def test_a_car_that_may_come_in_finds_the_gate_open(house: House, gates: dict[str, GateServer]) -> None:
    before = len(gates["hik"].commands)
    camera = Camera(house, "hik")
    camera.push(hikvision(plate(), time.time()))
    assert eventually(lambda: last(house, "hik") == ("done", "boom"))
    assert gates["hik"].boom.state is BoomState.OPEN
    assert gates["hik"].commands[before:] == ["open"]
    assert passages(house, "hik")[0]["action"] in ("admit", "open", "opened")


def test_a_camera_that_hangs_costs_its_own_lane_only(house: House, gates: dict[str, GateServer], yard: Yard) -> None:
    yard.run(gates["hik"].boom.lower)
    for _ in range(3):
        opened_by_hand(house, "ill")
    for _ in range(2):
        opened_by_hand(house, "hik")
        assert eventually(lambda: last(house, "hik") == ("done", "boom"))
    assert last(house, "ill")[0] in (None, "uncertain")
    assert gates["ill"].commands == []


def test_a_dahua_gate_is_opened_and_its_end_is_not_known(house: House, gates: dict[str, GateServer]) -> None:
    opened_by_hand(house, "dahua")
    assert eventually(lambda: gates["dahua"].commands == ["open"])
    assert commands(house, "dahua")[0]["state"] == "sent"


PERMITS = """permits: openberth/1
lot: makes
list:
{lines}
"""


def apply_permits(house: House, *plates: str) -> None:
    lines = "\n".join(f"  - {{code: p-{each[-5:]}, plate: {each}, kind: monthly}}" for each in plates)
    with operator(house) as api:
        answer = api.put(
            "/v1/lots/makes/permits", content=PERMITS.format(lines=lines).encode(),
            headers={"content-type": "application/yaml"},
        )  # fmt: skip
    assert answer.is_success, answer.text


def test_without_a_login_nobody_is_called(house: House, gates: dict[str, GateServer]) -> None:
    opened_by_hand(house, "outside")
    assert eventually(lambda: last(house, "outside") == ("unreachable", "absent"))
    assert gates["outside"].connections == 0


def test_a_wrong_login_is_an_alarm_until_it_is_put_right(house: House, gates: dict[str, GateServer]) -> None:
    assert login(house, "other", "admin", "wrong") == 204
    takes_note(house)
    ends = []
    for number in range(3):
        opened_by_hand(house, "other")
        assert eventually(partial(has_ended, house, "other", number + 1))
        ends.append(last(house, "other"))
    assert ends == [("rejected", detail) for detail in ("login_refused", "login_refused", "login_paused")]
    assert eventually(lambda: alarms_of(house) == ["cam-other"])
    assert gates["other"].wrong == 2
    assert login(house, "other", "admin", "secret") == 204
    takes_note(house)
    opened_by_hand(house, "other")
    assert eventually(lambda: last(house, "other") == ("done", "boom"))
    assert alarms_of(house) == []
    with operator(house) as api:
        [listed] = [one for one in api.get("/v1/devices?lot=makes").json()["items"] if one["code"] == "cam-other"]
        trail = api.get("/v1/audit?deed=device.login_changed").json()["items"]
    assert (listed["has_login"], listed["endpoint"]) == (True, f"http://127.0.0.1:{gates['other'].port}")
    assert len(trail) >= 2
    assert "secret" not in str(trail)
    assert login(house, "other", None, None) == 204
    takes_note(house)
    opened_by_hand(house, "other")
    assert eventually(lambda: last(house, "other") == ("unreachable", "absent"))


def test_the_alarm_of_a_device_that_is_not_called_any_more_goes(house: House, gates: dict[str, GateServer]) -> None:
    assert login(house, "outside", "admin", "wrong") == 204
    takes_note(house)
    for number in range(1, 3):
        opened_by_hand(house, "outside")
        assert eventually(partial(has_ended, house, "outside", number + 1))
    assert eventually(lambda: alarms_of(house) == ["cam-outside"])
    rest = {lane: server for lane, server in gates.items() if lane != "outside"}
    furnish(house, lines(rest) | {"outside": "kind: hikvision, addresses: [127.0.0.0/8]"}, DISPLAYS)
    assert eventually(lambda: alarms_of(house) == [])
    furnish(house, lines(gates), DISPLAYS)


def test_an_address_is_moved_with_its_login_and_what_does_not_answer_is_told(
    house: House, gates: dict[str, GateServer]
) -> None:
    path = "/v1/lots/makes/devices/cam-outside/endpoint"
    port = gates["outside"].port
    with operator(house) as api:
        seen = api.get(path).json()
        assert (seen["endpoint"], seen["trouble"]) == (f"http://127.0.0.1:{port}", None)
        assert seen["addresses"] == ["127.0.0.0/8"]
        nobody = {"endpoint": "http://127.0.0.1:9", "login": {"user": "admin", "password": "secret"}}
        answer = api.put(path, json=nobody, params={"version": seen["version"]})
        assert (answer.status_code, answer.json()["has_login"]) == (200, True)
        assert "secret" not in answer.text
        takes_note(house)
        for _ in range(2):
            opened_by_hand(house, "outside")
            assert eventually(lambda: last(house, "outside") == ("unreachable", "not_connected"))
        assert eventually(lambda: "cam-outside" in alarms_of(house, "device_unreached"))
        told = api.get(path, headers={"accept-language": "en"}).json()
        assert (told["trouble"]["kind"], told["last_command"]["detail"]) == ("device_unreached", "not_connected")
        assert "http://127.0.0.1:9" in told["trouble"]["text"]
        late = api.put(path, json=nobody | {"endpoint": None}, params={"version": seen["version"]})
        assert (late.status_code, late.json()["code"]) == (409, "state.changed")
        late = api.put(path, json=nobody | {"login": {"user": "admin", "password": "other"}}, params={"version": 1})
        assert (late.status_code, late.json()["code"]) == (409, "state.changed"), "another login is a change, too"
        assert api.put(path, json=nobody, params={"version": 1}).status_code == 200, "the same again is none"
        back = {"endpoint": f"http://127.0.0.1:{port}", "login": {"user": "admin", "password": "secret"}}
        answer = api.put(path, json=back, params={"version": told["version"]})
        assert (answer.status_code, answer.json()["trouble"]) == (200, None)
    takes_note(house)
    opened_by_hand(house, "outside")
    assert eventually(lambda: last(house, "outside") == ("done", "boom"))


@pytest.mark.parametrize(
    ("user", "password"), [("admin", None), ("", "x"), ("a:b", "x"), ("x" * 65, "x"), ("a", ""), ("a\n", "x")]
)
def test_what_no_device_takes_is_refused(house: House, user: str, password: str | None) -> None:
    assert login(house, "hik", user, password) == 422


def test_the_cameras_own_lists_follow_the_permits(house: House, gates: dict[str, GateServer], yard: Yard) -> None:
    def held(lane: str) -> set[str]:
        return {one.plate for one in gates[lane].cars.values()}

    ann, ben, stranger = plate(), plate(), plate()
    apply_permits(house, ann, ben)
    assert eventually(lambda: held("hik") == held("dahua") == {ann, ben}), (held("hik"), held("dahua"))
    assert gates["ill"].cars == {}
    apply_permits(house, ben)
    assert eventually(lambda: held("hik") == held("dahua") == {ben})
    gates["dahua"].cars["77"] = Listed(stranger, "2026-01-01 00:00:00", "2099-12-31 23:59:59")
    with operator(house) as api:
        found = api.get("/v1/devices?lot=makes").json()["items"]
        [device] = [one["id"] for one in found if one["code"] == "cam-dahua"]
        key = {"idempotency-key": uuid.uuid4().hex}
        assert api.post(f"/v1/devices/{device}/white-list/compare", headers=key).status_code == 204
        apply_permits(house, ben, ann)  # the log tells of permits, so that nobody waits a minute
        assert eventually(lambda: held("dahua") == {ann, ben})

        def said() -> tuple[int, int, object, list[str]]:
            one = api.get(f"/v1/devices/{device}/white-list").json()
            return one["wanted"], one["held"], one["behind_since"], [each["flaw"] for each in one["differences"]]

        assert eventually(lambda: said() == (2, 2, None, ["strange"])), said()


def test_the_log_holds_no_password(house: House) -> None:
    assert path_of(house, "hik").rsplit("/", 1)[1] not in house.log()
    assert '"secret"' not in house.log()
