"""Exceptions: listed, looked at with similar plates, resolved with a reason."""

import secrets
from typing import Any

import httpx2
import pytest

from tests.wire.api.house import CAR, House

NOWHERE = "01900000-0000-7000-8000-000000000000"


def only_case(house: House) -> Any:
    [case] = house.get("/v1/exceptions", lot="mall")["items"]
    return case


def resolve(house: House, case: Any, **form: object) -> httpx2.Response:
    return house.post(f"/v1/exceptions/{case['id']}/resolve", form, key=secrets.token_hex(8))


@pytest.fixture
def misread(house: House) -> House:
    """A car came in as 粤B12345 and is read as 粤B12346 at the exit."""
    house.arrive("in-1", CAR)
    house.pass_minutes(31)
    house.arrive("out-1", "粤B12346")
    return house


def test_an_exception_shows_who_it_may_be(misread: House) -> None:
    case = only_case(misread)
    assert (case["kind"], case["lane"], case["plate"], case["state"]) == (
        "exit_without_entry", "out-1", "粤B·**346", "open",
    )  # fmt: skip
    assert case["text"] == "exit without an entry"
    stay = misread.get("/v1/stays", lot="mall", state="open")["items"][0]["id"]
    detail = misread.get(f"/v1/exceptions/{case['id']}")
    [found] = detail["candidates"]
    assert (found["stay"], found["plate"], found["pictures"]) == (stay, "粤B·**345", [])
    assert detail["others"] == []


def test_matching_a_stay_asks_for_its_money(misread: House) -> None:
    case = only_case(misread)
    stay = misread.get(f"/v1/exceptions/{case['id']}")["candidates"][0]["stay"]
    assert resolve(misread, case, action="match_stay", reason="seen").json()["code"] == "exception.stay_missing"
    gone = resolve(misread, case, action="match_stay", reason="seen", stay=NOWHERE)
    assert (gone.status_code, gone.json()["code"]) == (404, "stay.not_found")
    done = resolve(misread, case, action="match_stay", reason="one digit was misread", stay=stay)
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["state"], told["resolution"], told["reason"]) == ("resolved", "matched", "one digit was misread")
    assert told["resolved_by"] == "person:operator"
    assert misread.waiting("out-1")["ask"] == "pay"
    assert misread.waiting("out-1")["stay"] == stay
    assert misread.get("/v1/exceptions", lot="mall")["items"] == []
    assert [each["id"] for each in misread.get("/v1/exceptions", lot="mall", state="resolved")["items"]] == [case["id"]]


def test_correcting_the_plate_decides_again(misread: House) -> None:
    case = only_case(misread)
    assert resolve(misread, case, action="correct_plate", reason="x").json()["code"] == "exception.plate_missing"
    wrong = resolve(misread, case, action="correct_plate", reason="x", plate="粤B1234O")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "plate.malformed")
    assert "1 and 0" in wrong.json()["title"]
    stranger = resolve(misread, case, action="correct_plate", reason="x", plate="京A11111")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "stay.not_found")
    assert only_case(misread)["state"] == "open"  # nothing of a refused action stays
    done = resolve(misread, case, action="correct_plate", reason="read it myself", plate="粤 B-12345").json()
    assert (done["resolution"], done["plate"]) == ("corrected", "粤B·**345")
    assert misread.waiting("out-1")["plate"] == "粤B·**345"
    assert misread.waiting("out-1")["bill"]["due"]["minor"] == 500


def test_opening_lets_the_car_of_the_exception_through(misread: House) -> None:
    case = only_case(misread)
    assert resolve(misread, case, action="open", reason=" ").json()["code"] == "reason.missing"
    done = resolve(misread, case, action="open", reason="a delivery").json()
    assert (done["resolution"], done["reason"]) == ("opened", "a delivery")
    assert misread.waiting("out-1") is None
    again = resolve(misread, case, action="open", reason="a delivery")
    assert (again.status_code, again.json()["code"]) == (409, "exception.resolved")
    assert [command["lane"] for command in misread.get("/v1/commands", lot="mall")["items"]] == ["out-1", "in-1"]


def test_dismissing_changes_nothing_at_the_lane(misread: House) -> None:
    case = only_case(misread)
    assert resolve(misread, case, action="dismiss", reason="nothing to do").json()["resolution"] == "dismissed"
    assert misread.waiting("out-1")["ask"] == "nothing"


def test_an_exception_does_not_open_for_the_next_car(house: House) -> None:
    """The case's car has gone and another one stands there: opening would let a stranger through."""
    house.post("/v1/lots/mall/lanes/out-1/open", {"reason": "test"}, key="1")
    by_hand = only_case(house)
    assert resolve(house, by_hand, action="open", reason="x").json()["code"] == "exception.action"
    house.arrive("in-1", CAR, captured_at=house.business.now() + 10**10)  # a clock that is far off: a case of its own
    skewed = next(case for case in house.get("/v1/exceptions", lot="mall")["items"] if case["kind"] == "clock_skew")
    passed = resolve(house, skewed, action="open", reason="x")
    assert (passed.status_code, passed.json()["code"]) == (409, "lane.nobody_waiting")
    house.pass_minutes(1)
    house.arrive("in-1", None)
    later = resolve(house, skewed, action="open", reason="x")
    assert (later.status_code, later.json()["code"]) == (409, "lane.nobody_waiting")
    corrected = resolve(house, skewed, action="correct_plate", reason="x", plate=CAR)
    assert (corrected.status_code, corrected.json()["code"]) == (409, "lane.nobody_waiting")
    assert house.waiting("in-1")["ask"] == "enter"


def test_unknown_exceptions_and_actions_are_refused(house: House) -> None:
    assert house.operator.get(f"/v1/exceptions/{NOWHERE}").json()["code"] == "exception.not_found"
    answer = house.post(f"/v1/exceptions/{NOWHERE}/resolve", {"action": "dismiss", "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (404, "exception.not_found")
    answer = house.post(f"/v1/exceptions/{NOWHERE}/resolve", {"action": "forget", "reason": "x"})
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"place": "body.action", "problem": "enum"}])


def test_a_car_that_has_gone_on_is_matched_to_its_stay(house: House) -> None:
    """Its exit was stored while the network was away, and misread: nobody stands there, its stay ends all the same."""
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", "粤B12346", offline=True)
    case = only_case(house)
    assert house.get(f"/v1/passages/{case['passage']}")["state"] == "passed"
    stay = house.get(f"/v1/exceptions/{case['id']}")["candidates"][0]["stay"]
    opened = resolve(house, case, action="open", reason="nobody is there")
    assert (opened.status_code, opened.json()["code"]) == (409, "lane.nobody_waiting")
    done = resolve(house, case, action="match_stay", reason="the pictures show one car", stay=stay)
    assert (done.status_code, done.json()["resolution"]) == (200, "matched"), done.text
    told = house.get(f"/v1/stays/{stay}")
    assert (told["state"], told["reason"], [each["left"]["minor"] for each in told["bills"]]) == (
        "closed", "left_offline", [750],
    )  # fmt: skip
    assert [each["amount"]["minor"] for each in house.get("/v1/debts", lot="mall")["items"]] == [750]
