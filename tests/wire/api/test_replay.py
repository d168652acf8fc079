"""A passage told again: what came, what was decided and why, what was sent, what was answered."""

import asyncio
import secrets
from functools import partial
from typing import Any

import pytest

from openberth.contexts import stays
from openberth.contexts.stays.recognition import Trigger
from openberth.infra.jobs import Job
from openberth.kernel.authority import system
from openberth.kernel.ids import Id
from tests.waiting import eventually
from tests.wire.api.house import CAR, House
from tests.wire.api.test_accounts import client, give, make

OTHER = "粤B67890"
NOWHERE = "01900000-0000-7000-8000-000000000000"


def replay(house: House, passage: object) -> Any:
    return house.get(f"/v1/passages/{passage}/replay")


def kinds(told: Any) -> list[str]:
    return [step["kind"] for step in told["steps"]]


def test_an_entry_says_what_it_rested_on_and_what_the_gate_did(house: House) -> None:
    first = house.arrive("in-1", CAR)
    again = house.arrive("in-1", CAR, trigger=Trigger.VIRTUAL_LOOP, confidence=91)
    assert again.passage == first.passage
    told = replay(house, first.passage)
    assert (told["passage"]["id"], told["not_kept"]) == (str(first.passage), [])
    assert kinds(told)[:3] == ["recognised", "decided", "commanded"]
    heard, decision = told["steps"][0]["heard"], told["steps"][1]["decision"]
    assert (heard["plate"], heard["device"], heard["trigger"], heard["how"]) == (
        "粤B·**345", "cam-in-1", "video", None,
    )  # fmt: skip
    assert (decision["action"], decision["rule"], decision["asked"]) == ("open", "entry.casual", None)
    facts = decision["facts"]
    assert (facts["lot_state"], facts["inside"], facts["camera_opened"], facts["paid_by_account"]) == (
        "open", False, False, None,
    )  # fmt: skip
    assert facts["free_spaces"] > 0
    [second] = [step for step in told["steps"] if step["kind"] == "told_again"]
    assert (second["heard"]["how"], second["heard"]["trigger"], second["heard"]["confidence"]) == (
        "again", "virtual_loop", 91,
    )  # fmt: skip
    assert second["by"] == "device:cam-in-1"
    assert [step["machine_at"] for step in told["steps"]] == sorted(step["machine_at"] for step in told["steps"])


def test_the_same_record_once_more_is_kept_within_a_bound(house: House) -> None:
    first = house.arrive("in-1", CAR, source_id="told-once")
    for _ in range(40):
        house.arrive("in-1", CAR, source_id="told-once")
    again = [step for step in replay(house, first.passage)["steps"] if step["kind"] == "told_again"]
    assert len(again) == 32
    assert {(step["heard"]["how"], step["heard"]["plate"]) for step in again} == {("retransmitted", None)}


def test_an_exit_tells_the_price_the_money_and_the_opening(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    at_exit = house.arrive("out-1", CAR)
    waiting = house.waiting("out-1")
    cash = {"bill": waiting["bill"]["id"], "received": waiting["bill"]["due"]}
    assert house.post("/v1/lots/mall/lanes/out-1/cash", cash).status_code == 200
    assert eventually(lambda: house.waiting("out-1") is None)
    told = replay(house, at_exit.passage)
    assert kinds(told)[:2] == ["recognised", "decided"]
    assert kinds(told)[2:5] == ["billed", "paid", "commanded"]
    decision = told["steps"][1]["decision"]
    assert (decision["rule"], decision["asked"]["due"]["minor"], decision["asked"]["price"]["minor"]) == (
        "exit.unpaid", 750, 750,
    )  # fmt: skip
    assert decision["asked"]["versions"][0]["tariff"] == "mall"
    assert decision["asked"]["lines"]
    [paid] = [step["receipt"] for step in told["steps"] if step["kind"] == "paid"]
    assert paid["amount"]["minor"] == 750


def test_a_car_that_owes_nothing_keeps_the_lines_of_its_price(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(5)
    told = replay(house, house.arrive("out-1", CAR).passage)
    decision = told["steps"][1]["decision"]
    assert (decision["rule"], decision["bill"], decision["asked"]["due"]["minor"]) == ("exit.nothing_due", None, 0)
    assert decision["asked"]["lines"]


def test_what_a_person_did_is_told_with_who_it_was(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(31)
    at_exit = house.arrive("out-1", "粤B12346")
    [case] = house.get("/v1/exceptions", lot="mall")["items"]
    assert replay(house, at_exit.passage)["steps"][2]["case"]["candidates"][0]["plate"] == "粤B·**345"
    house.pass_minutes(1)
    form = {"action": "correct_plate", "reason": "read it myself", "plate": CAR}
    assert house.post(f"/v1/exceptions/{case['id']}/resolve", form, key=secrets.token_hex(8)).status_code == 200
    told = replay(house, at_exit.passage)
    assert kinds(told)[:4] == ["recognised", "decided", "case_raised", "case_resolved"]
    assert (told["steps"][0]["heard"]["plate"], told["passage"]["plate"]) == ("粤B·**346", "粤B·**345")
    solved = told["steps"][3]
    assert (solved["by"], solved["case"]["reason"]) == ("person:operator", "read it myself")
    assert solved["words"] == "settled"


def test_a_stay_shows_its_cases_debts_and_refunds(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    stay = house.waiting("out-1")["stay"]
    house.post("/v1/lots/mall/lanes/out-1/open", {"reason": "no change"}, key=secrets.token_hex(8))
    detail = house.get(f"/v1/stays/{stay}")
    assert [case["kind"] for case in detail["cases"]] == ["left_unpaid"]
    assert [debt["amount"]["minor"] for debt in detail["debts"]] == [750]
    assert (detail["refunds"], detail["continues"], detail["segments"][0]["permit"]) == ([], None, None)


def ids_in(house: House, things: str) -> dict[str, Id]:
    return {each["code"]: Id(each["id"]) for each in house.get("/v1/lots/mall")[things]}


def look(house: House) -> None:
    """Let the cars that look alike be written down, as the worker does within moments."""
    [case] = house.get("/v1/exceptions", lot="mall")["items"]
    job = Job(Id(int=1), "stays.look_alike", {"case": case["id"]}, 1, None)
    asyncio.run(stays.LookAlikes(house.database).look(job))


def looking_with(house: House, *words: str) -> Any:
    """Return a client that may look at passages and at what is named, and at nothing else."""
    role = {"name": "looker", "permissions": ["lot.read", "passage.read", *words]}
    saved = house.operator.put("/v1/roles/looker", params={"company": "demo"}, json=role)
    assert saved.status_code < 300, saved.text
    make(house, "looker", company="demo")
    give(house, "looker", "looker", "lot", "mall")
    return client(house, "looker")


def told_exit(house: House) -> str:
    """Let a car leave by hand unpaid, with a case, a bill and a debt."""
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    at_exit = house.arrive("out-1", CAR)
    house.post("/v1/lots/mall/lanes/out-1/open", {"reason": "no change"}, key=secrets.token_hex(8))
    return str(at_exit.passage)


def test_money_is_told_to_whoever_may_read_bills_only(house: House) -> None:
    passage = told_exit(house)
    seen = looking_with(house, "case.read").get(f"/v1/passages/{passage}/replay").json()
    assert "billed" in kinds(replay(house, passage))
    assert not {"billed", "paid", "refunded"} & set(kinds(seen))
    assert "case_raised" in kinds(seen)
    assert [step["decision"]["asked"] for step in seen["steps"] if step["decision"]] == [None]
    assert {step["bill"] for step in seen["steps"]} == {None}


def test_exceptions_are_told_to_whoever_may_read_cases_only(house: House) -> None:
    passage = told_exit(house)
    seen = looking_with(house, "bill.read").get(f"/v1/passages/{passage}/replay").json()
    assert "case_raised" in kinds(replay(house, passage))
    assert not {"case_raised", "case_resolved"} & set(kinds(seen))
    assert {"billed", "commanded"} <= set(kinds(seen))
    assert {step["case"] for step in seen["steps"]} == {None}


def test_a_command_tells_when_it_was_sent_what_was_answered_and_that_the_car_drove_on(house: House) -> None:
    first = house.arrive("in-2", CAR)  # the camera's answer is the command
    lane, device = ids_in(house, "lanes")["in-2"], ids_in(house, "devices")["cam-in-2"]
    crossed = partial(stays.car_passed, lot=Id(house.lot["id"]), lane=lane, device=device)
    house.database.write_now(crossed, by=system("test"))
    told = replay(house, first.passage)
    assert kinds(told) == ["recognised", "decided", "commanded", "sent", "answered", "drove_on"]
    heard, command = told["steps"][0]["heard"], told["steps"][4]["command"]
    assert heard["opened"] is True
    assert (command["outcome"], command["detail"], command["state"]) == ("done", "passed", "ended")
    assert command["sent_at"] <= command["ended_at"]
    held = house.arrive("in-1", OTHER)  # a barrier of its own is told
    assert replay(house, held.passage)["steps"][0]["heard"]["opened"] is False


def test_what_the_lane_told_of_a_car_without_a_stay_stands_beside_it(house: House) -> None:
    waiting = house.arrive("in-1", None)
    house.arrive("in-1", None, trigger=Trigger.STAYING)
    house.arrive("in-2", None, trigger=Trigger.STAYING)  # another lane's
    house.arrive("in-1", OTHER)
    house.arrive("in-1", OTHER, trigger=Trigger.STAYING)  # of the next car
    noted = [step["noted"] for step in replay(house, waiting.passage)["steps"] if step["kind"] == "noted"]
    assert [(one["reason"], one["lane"]) for one in noted] == [("lane.staying", "in-1")]


def test_the_candidates_of_a_case_are_those_of_its_instant(house: House) -> None:
    """Whoever looks a week later sees the cars that were inside then, whatever is inside by now."""
    house.arrive("in-1", CAR)
    house.pass_minutes(31)
    at_exit = house.arrive("out-1", "粤B12346")
    look(house)
    house.arrive("in-2", "粤B12340")  # came in later
    house.pass_minutes(1)

    def shown() -> list[str]:
        [case] = [step["case"] for step in replay(house, at_exit.passage)["steps"] if step["kind"] == "case_raised"]
        return [each["plate"] for each in case["candidates"]]

    [case] = house.get("/v1/exceptions", lot="mall")["items"]
    of_now = [each["plate"] for each in house.get(f"/v1/exceptions/{case['id']}")["candidates"]]
    assert (shown(), sorted(of_now)) == (["粤B·**345"], ["粤B·**340", "粤B·**345"])
    form = {"action": "dismiss", "reason": "went away"}
    assert house.post(f"/v1/exceptions/{case['id']}/resolve", form, key=secrets.token_hex(8)).status_code == 200
    assert shown() == ["粤B·**345"]


def test_a_neighbours_camera_stands_beside_the_car_it_saw(house: House) -> None:
    first = house.arrive("in-1", CAR)
    house.arrive("in-2", CAR)
    [noted] = [step["noted"] for step in replay(house, first.passage)["steps"] if step["kind"] == "noted"]
    assert (noted["reason"], noted["lane"]) == ("lane.neighbour", "in-2")


def test_facts_say_why_one_car_was_taken_for_two(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(4)
    facts = replay(house, house.arrive("in-2", CAR).passage)["steps"][1]["decision"]["facts"]
    assert (facts["cloned"], facts["inside"], facts["passback"], facts["convoy"]) == (True, True, "soft", False)


@pytest.mark.parametrize("passage", [NOWHERE])
def test_a_passage_that_nobody_knows_is_not_told(house: House, passage: str) -> None:
    assert house.operator.get(f"/v1/passages/{passage}/replay").json()["code"] == "passage.not_found"
