"""Lots, lanes, money at the booth, over real HTTP."""

import re

from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, ROOT, House

NOWHERE = "01900000-0000-7000-8000-000000000000"


def test_a_lot_file_is_applied_once(empty_house: House) -> None:
    first = empty_house.put_file("/v1/lots/mall", "lots/mall.yaml")
    assert first.status_code == 201
    told = first.json()
    assert (told["created"], told["counts"]["lane.added"], told["counts"]["space.added"]) == (True, 6, 400)
    assert all(change["kind"] != "space" for change in told["changes"])
    again = empty_house.put_file("/v1/lots/mall", "lots/mall.yaml")
    assert (again.status_code, again.json()["changes"], again.json()["lot"]) == (200, [], told["lot"])
    changed = (ROOT / "lots/mall.yaml").read_text(encoding="utf-8").replace("East entry", "Main entry")
    answer = empty_house.operator.put("/v1/lots/mall", content=changed.encode()).json()
    assert answer["changes"] == [{"action": "changed", "kind": "lane", "code": "in-1", "fields": ["name_en"]}]


def test_a_wrong_lot_file_is_answered_line_by_line(empty_house: House) -> None:
    file = (ROOT / "lots/mall.yaml").read_text(encoding="utf-8")
    wrong = file.replace("lane: in-1, addresses", "lane: in-9, addresses")
    line = 1 + next(index for index, text in enumerate(file.splitlines()) if "{code: in-1," in text)
    answer = empty_house.operator.put("/v1/lots/mall", content=wrong.encode(), headers={"accept-language": "zh"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert problem["code"] == "document.mistakes"
    first = problem["errors"][0]
    assert (first["line"], first["place"], first["code"]) == (line, "lanes[0]", "lot.lane_without_camera")
    assert "in-1" in first["text"]
    other = empty_house.put_file("/v1/lots/small", "lots/mall.yaml")
    assert (other.status_code, other.json()["code"]) == (409, "lot.code_differs")
    not_text = empty_house.operator.put("/v1/lots/mall", content=b"\xff\xfe\x00")
    assert (not_text.status_code, not_text.json()["errors"]) == (422, [{"place": "body", "problem": "not_utf8"}])


def test_the_file_of_a_lot_comes_back_and_changes_nothing(house: House) -> None:
    answer = house.operator.get("/v1/lots/mall/document")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml; charset=utf-8")
    version = answer.headers["etag"].strip('"')
    assert "name: {zh: 东入口, en: East entry}" in answer.text
    again = house.operator.put("/v1/lots/mall", params={"version": version}, content=answer.content).json()
    assert (again["counts"], again["fields"], again["version"]) == ({}, [], version)
    renamed = answer.text.replace("East entry", "Main entry").encode()
    changed = house.operator.put("/v1/lots/mall", params={"version": version}, content=renamed).json()
    assert changed["counts"] == {"lane.changed": 1}
    assert changed["version"] == house.operator.get("/v1/lots/mall/document").headers["etag"].strip('"')
    late = answer.text.replace("East entry", "Old entry").encode()
    refused = house.operator.put("/v1/lots/mall", params={"version": version}, content=late)
    assert (refused.status_code, refused.json()["code"]) == (409, "lot.moved_on")
    assert house.post("/v1/lots/mall/state", {"state": "full", "reason": "busy"}).status_code == 200
    assert house.operator.put("/v1/lots/mall", params={"version": changed["version"]}, content=late).status_code == 200


def test_a_file_is_tried_before_it_is_applied(house: House) -> None:
    file = (ROOT / "lots/mall.yaml").read_text(encoding="utf-8")
    version = house.operator.get("/v1/lots/mall/document").headers["etag"].strip('"')
    tried = house.operator.post("/v1/lots/mall/check", content=file.replace("East entry", "Main entry").encode())
    assert tried.json()["changes"] == [{"action": "changed", "kind": "lane", "code": "in-1", "fields": ["name_en"]}]
    assert tried.json()["version"] == version
    assert house.operator.get("/v1/lots/mall/document").headers["etag"] == f'"{version}"'
    new = file.replace("code: mall\n", "code: annexe\n").replace("tariff: vip", "tariff: nobody")
    answer = house.operator.post("/v1/lots/annexe/check", content=new.encode()).json()
    assert (answer["created"], answer["version"], answer["counts"]["space.added"]) == (True, None, 400)
    assert [each["code"] for each in answer["warnings"]] == ["lot.tariff_unpublished"]
    wrong = house.operator.post("/v1/lots/mall/check", content=file.replace("kind: exit", "kind: exot", 1).encode())
    line = 1 + next(index for index, text in enumerate(file.splitlines()) if "kind: exit" in text)
    assert [(each["line"], each["place"]) for each in wrong.json()["errors"]] == [(line, "lanes[2].kind")]


def test_a_lot_is_shown_where_it_is_and_as_it_is_drawn(house: House) -> None:
    assert house.lot["position"] == {"longitude_e7": 1_139_412_000, "latitude_e7": 224_931_000}
    assert house.lot["address"]["en"] == "1 Harbour Road, Shenzhen"
    plan = house.get("/v1/lots/mall/plan")
    spaces = {each["code"]: each for each in plan["spaces"]}
    assert (plan["drawn"], plan["unit"], len(spaces), plan["undrawn"]) == (True, "cm", 400, [])
    assert spaces["A029"] == {
        "code": "A029", "area": "ground", "state": "unknown", "sensed": False,
        "outline": [[1000, 1830], [1250, 1830], [1250, 2360], [1000, 2360]],
    }  # fmt: skip
    file = house.operator.get("/v1/lots/mall/document").text
    without = file[: file.index("plan:")] + file[file.index("simulation:") :]
    assert house.operator.put("/v1/lots/mall", content=without.encode()).json()["fields"] == ["plan"]
    plan = house.get("/v1/lots/mall/plan")
    assert (plan["drawn"], len(plan["spaces"]), len(plan["lanes"])) == (False, 400, 6)


def test_lots_are_listed_with_codes_for_signs(house: House) -> None:
    listed = house.get("/v1/lots")
    assert [(lot["code"], len(lot["lanes"]), len(lot["areas"])) for lot in listed["items"]] == [("mall", 6, 3)]
    assert (house.lot["free"], house.lot["state"], house.lot["tariff"]) == (400, "open", "mall")
    signs = {house.lot["scan_code"], *(lane["scan_code"] for lane in house.lot["lanes"])}
    assert len(signs) == 7
    assert all(re.fullmatch("[2-9A-HJ-NP-Z]{10}", sign) for sign in signs)
    assert house.get(f"/v1/lots/{house.lot['id']}")["code"] == "mall"
    gone = house.operator.get("/v1/lots/elsewhere")
    assert (gone.status_code, gone.json()["code"], gone.json()["params"]) == (
        404,
        "lot.not_found",
        {"lot": "elsewhere"},
    )


def test_lots_are_asked_page_by_page(house: House) -> None:
    for code in ("office", "community"):
        assert house.put_file(f"/v1/lots/{code}", f"lots/{code}.yaml").status_code == 201
    first = house.get("/v1/lots", limit=2)
    assert [lot["code"] for lot in first["items"]] == ["community", "mall"]
    second = house.get("/v1/lots", limit=2, cursor=first["next"])
    assert ([lot["code"] for lot in second["items"]], second["next"]) == (["office"], None)


def test_a_state_needs_a_reason_and_closes_the_lot(house: House) -> None:
    assert house.post("/v1/lots/mall/state", {"state": "closed", "reason": " "}).json()["code"] == "reason.missing"
    assert house.post("/v1/lots/mall/state", {"state": "shut", "reason": "x"}).json()["code"] == "request.malformed"
    assert house.post("/v1/lots/mall/state", {"state": "closed", "reason": "flood"}).json()["state"] == "closed"
    assert house.arrive("in-1", CAR).reason == "entry.closed"


def test_an_adjustment_moves_what_is_free_and_not_the_count(house: House) -> None:
    answer = house.post("/v1/lots/mall/occupancy", {"area": "roof", "adjustment": 7, "reason": "counted"})
    assert answer.json() == {"area": "roof", "count": 0, "adjustment": 7, "capacity": 100, "occupied": 7, "free": 93}
    assert house.get("/v1/lots/mall")["free"] == 393
    nowhere = house.post("/v1/lots/mall/occupancy", {"area": "cellar", "adjustment": 1, "reason": "x"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "area.not_found")
    much = house.post("/v1/lots/mall/occupancy", {"area": "roof", "adjustment": 100_001, "reason": "x"})
    assert much.json()["errors"] == [{"place": "body.adjustment", "problem": "less_than_equal"}]


def test_credentials_are_shown_once(house: House) -> None:
    camera = house.post("/v1/lots/mall/devices/cam-in-1/credentials", {}).json()
    assert camera["kind"] == "vzenith_http"
    assert camera["path"] == f"/devices/vzenith/{camera['secret']}"
    barrier = house.post("/v1/lots/mall/devices/bar-in-1/credentials", {}).json()
    assert (barrier["kind"], barrier["serial"], barrier["path"]) == ("barrier_tcp", "mall-bar-in-1", None)
    assert len(bytes.fromhex(barrier["secret"])) == 32
    again = house.post("/v1/lots/mall/devices/cam-in-1/credentials", {}).json()
    assert again["secret"] != camera["secret"]
    everything = house.operator.get("/v1/lots/mall").text + house.operator.get("/v1/events").text
    assert camera["secret"] not in everything
    assert again["secret"] not in everything
    unknown = house.post("/v1/lots/mall/devices/cam-9/credentials", {})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "device.not_found")


def test_a_lane_shows_who_waits_and_what_is_due(house: House) -> None:
    house.arrive("in-1", CAR)
    assert house.waiting("in-1") is None
    house.pass_minutes(95)
    house.arrive("out-1", CAR)
    waiting = house.waiting("out-1")
    assert (waiting["plate"], waiting["ask"]) == ("粤B·**345", "pay")
    assert waiting["bill"]["due"] == {"minor": 1000, "currency": "CNY"}
    assert waiting["bill"]["lines"][0]["text"] == "4 units of 30 minutes at 2.50"
    assert waiting["since"] == "2026-03-02T03:35:00.000000Z"


def test_the_overview_shows_a_lot_as_it_is(house: House) -> None:
    house.arrive("in-1", CAR)
    house.arrive("in-2", OTHER_CAR)
    house.pass_minutes(95)
    house.arrive("out-1", CAR)
    house.arrive("out-2", None)
    [lot] = house.get("/v1/overview")["lots"]
    assert (lot["occupied"], lot["waiting"], lot["exceptions_open"]) == (2, 2, 1)
    assert lot["rate"] == {"window_s": 60, "entries": 0, "exits": 0}
    bill = house.waiting("out-1")["bill"]["id"]
    paid = house.post("/v1/lots/mall/lanes/out-1/cash", {"bill": bill, "received": {"minor": 1000, "currency": "CNY"}})
    assert paid.status_code == 200
    [lot] = house.get("/v1/overview")["lots"]
    assert lot["received_today"] == {"minor": 1000, "currency": "CNY"}
    house.pass_minutes(14 * 60)
    [lot] = house.get("/v1/overview")["lots"]
    assert lot["received_today"]["minor"] == 0  # a new day in the lot's zone


def test_cash_gives_a_receipt_and_change_and_opens(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    bill = house.waiting("out-1")["bill"]["id"]
    path = "/v1/lots/mall/lanes/out-1/cash"
    strange = house.post(path, {"bill": NOWHERE, "received": {"minor": 1000, "currency": "CNY"}})
    assert (strange.status_code, strange.json()["code"]) == (404, "bill.not_found")
    nothing = house.post(path, {"bill": bill, "received": {"minor": 0, "currency": "CNY"}})
    assert nothing.json()["code"] == "cash.not_positive"
    unknown = house.post(path, {"bill": bill, "received": {"minor": 1, "currency": "XXX"}})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "request.malformed")
    other = house.post(path, {"bill": bill, "received": {"minor": 1, "currency": "EUR"}})
    assert (other.status_code, other.json()["code"]) == (409, "bill.currency")
    paid = house.post(path, {"bill": bill, "received": {"minor": 1000, "currency": "CNY"}}).json()
    assert (paid["change"]["minor"], paid["receipt"]["amount"]["minor"], paid["bill"]["state"]) == (250, 750, "settled")
    assert eventually(lambda: house.waiting("out-1") is None)
    again = house.post(path, {"bill": bill, "received": {"minor": 1000, "currency": "CNY"}})
    assert (again.status_code, again.json()["code"]) == (409, "bill.settled")
    commands = house.get("/v1/commands", lot="mall")["items"]
    assert [(each["lane"], each["device"], each["kind"]) for each in commands] == [
        ("out-1", "bar-out-1", "open"), ("in-1", "bar-in-1", "open"),
    ]  # fmt: skip


def test_opening_by_hand_needs_a_reason_and_names_the_operator(house: House) -> None:
    path = "/v1/lots/mall/lanes/in-1/open"
    assert house.post(path, {"reason": ""}, key="1").json()["code"] == "reason.missing"
    assert house.post(path, {}, key="2").json()["errors"] == [{"place": "body.reason", "problem": "missing"}]
    command = house.post(path, {"reason": "ambulance"}, key="3").json()
    assert (command["lane"], command["reason"], command["actor"]) == ("in-1", "ambulance", "person:operator")
    [case] = house.get("/v1/exceptions", lot="mall")["items"]
    assert (case["kind"], case["lane"], case["text"]) == ("opened_by_hand", "in-1", "opened by hand")
    missing = house.post("/v1/lots/mall/lanes/in-9/open", {"reason": "x"}, key="4")
    assert (missing.status_code, missing.json()["code"]) == (404, "lane.not_found")


def test_the_books_add_up(house: House) -> None:
    for index, (minutes, paid) in enumerate([(61, True), (31, False)]):
        plate = f"粤B1000{index}"
        house.arrive("in-1", plate)
        house.pass_minutes(minutes)
        house.arrive("out-1", plate)
        if paid:
            waiting = house.waiting("out-1")
            body = {"bill": waiting["bill"]["id"], "received": {"minor": 750, "currency": "CNY"}}
            assert house.post("/v1/lots/mall/lanes/out-1/cash", body).status_code == 200
            assert eventually(lambda: house.waiting("out-1") is None)
    books = house.get("/v1/books", lot="mall")
    assert (books["passages_in"], books["passages_out"]) == (2, 1)
    assert (books["stays_open"], books["stays_closed"]) == (1, 1)
    assert (books["billed"]["minor"], books["due"]["minor"], books["surplus"]["minor"]) == (1250, 500, 0)
    assert books["received"] == {"cash": {"minor": 750, "currency": "CNY"}}
