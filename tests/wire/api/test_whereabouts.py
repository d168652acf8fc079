"""Cars whose whereabouts are not known, convoys, and cases about two cars: as they leave over HTTP."""

import secrets
from typing import Any

from openberth.contexts.stays.recognition import Trigger
from tests.wire.api.house import CAR, House

OTHER = "粤B67890"


def only_case(house: House, kind: str) -> Any:
    [found] = house.get("/v1/exceptions", lot="mall", kind=kind)["items"]
    return found


def test_a_stay_is_ended_softly_and_goes_on(house: House) -> None:
    stay = house.arrive("in-1", CAR).stay
    ended = house.post(f"/v1/stays/{stay}/soft-close", {"reason": "walked the lot"})
    assert (ended.status_code, ended.json()["state"], ended.json()["reason"]) == (200, "closed", "soft_closed")
    ground = house.get("/v1/lots/mall")["areas"][0]
    assert (ground["count"], ground["adjustment"], ground["occupied"]) == (1, -1, 0)
    again = house.post(f"/v1/stays/{stay}/reopen", {"reason": "on A012"})
    assert (again.status_code, again.json()["state"]) == (200, "open")
    assert house.get("/v1/lots/mall")["areas"][0]["adjustment"] == 0
    assert house.post(f"/v1/stays/{stay}/soft-close", {"reason": " "}).json()["code"] == "reason.missing"


def test_whereabouts_are_reset_for_one_and_for_many(house: House) -> None:
    one = house.post("/v1/lots/mall/passback-resets", {"plate": CAR, "reason": "barrier up"})
    assert (one.status_code, one.json()["one_plate"], one.json()["by"]) == (201, True, "person:operator")
    many = house.post("/v1/lots/mall/passback-resets", {"rights": ["monthly", "casual"], "reason": "power cut"})
    assert (many.json()["rights"], many.json()["one_plate"]) == (["casual", "monthly"], False)
    assert CAR not in one.text
    assert house.arrive("out-1", CAR).reason == "exit.neutral"


def test_a_convoy_goes_through_and_is_over(house: House) -> None:
    path = "/v1/lots/mall/lanes/in-1/convoy"
    began = house.post(path, {"minutes": 5, "reason": "wedding"}, key=secrets.token_hex(8))
    assert (began.status_code, began.json()["lane"]) == (200, "in-1")
    assert house.arrive("in-1", CAR).reason == "entry.convoy"
    lane = house.get("/v1/lots/mall/lanes/in-1")
    assert lane["convoy_until"] == began.json()["until"]
    ended = house.post(f"{path}/end", {}, key=secrets.token_hex(8))
    assert ended.json() == {"lane": "in-1", "until": None}
    assert house.get("/v1/lots/mall/lanes/in-1")["convoy_until"] is None
    assert house.arrive("in-1", OTHER).reason == "entry.casual"


def test_a_case_about_a_cloned_plate_shows_both_cars(house: House) -> None:
    first = house.arrive("in-1", CAR)
    house.pass_minutes(4)
    assert house.arrive("in-2", CAR).reason == "entry.cloned"
    case = only_case(house, "cloned_plate")
    [other] = house.get(f"/v1/exceptions/{case['id']}")["others"]
    assert (other["passage"], other["stay"], other["lane"]) == (str(first.passage), str(first.stay), "in-1")
    form = {"action": "other_car", "reason": "two cars"}
    assert house.post(f"/v1/exceptions/{case['id']}/resolve", form, key=secrets.token_hex(8)).status_code == 200
    assert len(house.get("/v1/stays", lot="mall", state="open")["items"]) == 2


def test_a_tail_gater_is_charged_by_a_person(house: House) -> None:
    for lane, plate in (("in-1", CAR), ("in-2", OTHER)):
        house.arrive(lane, plate)
    house.pass_minutes(5)
    house.arrive("out-1", CAR)
    house.pass_minutes(56)
    house.arrive("out-1", None, trigger=Trigger.TAILGATING)
    case = only_case(house, "tailgater")
    form = {"action": "charge", "plate": OTHER, "reason": "both pictures"}
    done = house.post(f"/v1/exceptions/{case['id']}/resolve", form, key=secrets.token_hex(8))
    assert (done.status_code, done.json()["resolution"]) == (200, "charged")
    [debt] = house.get("/v1/debts", lot="mall")["items"]
    assert debt["amount"]["minor"] == 750
