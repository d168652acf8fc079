"""Stays, passages, pictures and pages of them, over real HTTP."""

from openberth.contexts.stays import picture_name
from openberth.contexts.stays.recognition import Picture, PictureKind
from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, House
from tests.wire.api.test_accounts import client, give, make

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
NOWHERE = "01900000-0000-7000-8000-000000000000"


def pay_and_leave(house: House, plate: str, minutes: int = 61) -> str:
    house.arrive("in-1", plate)
    house.pass_minutes(minutes)
    house.arrive("out-1", plate)
    waiting = house.waiting("out-1")
    cash = {"bill": waiting["bill"]["id"], "received": waiting["bill"]["due"]}
    assert house.post("/v1/lots/mall/lanes/out-1/cash", cash).status_code == 200
    assert eventually(lambda: house.waiting("out-1") is None)
    return str(waiting["stay"])


def test_a_stay_shows_everything_that_belongs_to_it(house: House) -> None:
    stay = house.get(f"/v1/stays/{pay_and_leave(house, CAR)}")
    assert (stay["state"], stay["plate"], stay["reason"], stay["lot"]) == ("closed", "粤B·**345", "left", "mall")
    assert (stay["entered"], stay["left"]) == ("2026-03-02T02:00:00.000000Z", "2026-03-02T03:01:00.000000Z")
    assert (stay["price"]["minor"], stay["paid"]["minor"], stay["assessment"]) == (750, 750, None)
    assert [(part["area"], part["left"] is None) for part in stay["segments"]] == [("ground", False)]
    assert [(bill["state"], bill["due"]["minor"]) for bill in stay["bills"]] == [("settled", 750)]
    assert [(receipt["method"], receipt["amount"]["minor"]) for receipt in stay["receipts"]] == [("cash", 750)]
    assert [(each["lane"], each["action"], each["state"]) for each in stay["passages"]] == [
        ("in-1", "open", "passed"), ("out-1", "hold", "passed"),
    ]  # fmt: skip
    missing = house.operator.get(f"/v1/stays/{NOWHERE}")
    assert (missing.status_code, missing.json()["code"]) == (404, "stay.not_found")


def test_an_open_stay_says_what_it_costs_now_and_where_it_is(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(16)
    house.arrive("vip-in", CAR)
    house.pass_minutes(20)
    [listed] = house.get("/v1/stays", lot="mall", state="open")["items"]
    stay = house.get(f"/v1/stays/{listed['id']}")
    assert [(part["area"], part["left"]) for part in stay["segments"]] == [
        ("ground", "2026-03-02T02:16:00.000000Z"), ("vip", None),
    ]  # fmt: skip
    assert stay["assessment"]["total"]["minor"] > 0
    assert stay["assessment"]["due"] == stay["assessment"]["total"]


def test_stays_are_found_by_state_and_by_whole_plate(house: House) -> None:
    first = pay_and_leave(house, CAR)
    house.arrive("in-1", CAR)
    house.pass_minutes(1)
    house.arrive("in-1", OTHER_CAR)
    both = house.get("/v1/stays", lot="mall", plate="粤B·12345")["items"]
    assert [(stay["state"], stay["plate"]) for stay in both] == [("open", "粤B·**345"), ("closed", "粤B·**345")]
    assert [stay["id"] for stay in house.get("/v1/stays", lot="mall", plate=CAR, state="closed")["items"]] == [first]
    assert len(house.get("/v1/stays", lot="mall", state="open")["items"]) == 2
    for unknown in ("粤B1234", "京A99999", "not a plate at all !"):
        found = house.get("/v1/stays", lot="mall", plate=unknown)
        assert found == {"items": [], "next": None, "total": None, "more_than": None}
    assert len(house.get("/v1/stays")["items"]) == 3


def test_passages_are_found_by_lane_and_plate(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(1)
    house.arrive("in-2", OTHER_CAR)
    [one] = house.get("/v1/passages", lot="mall", lane="in-2")["items"]
    assert (one["lane"], one["device"], one["action"], one["reason"]) == ("in-2", "cam-in-2", "open", "entry.casual")
    assert one["decision"] == "casual parking, let in"
    assert [each["lane"] for each in house.get("/v1/passages", lot="mall", plate=CAR)["items"]] == ["in-1"]
    assert house.get("/v1/passages", lot="mall", plate=CAR, lane="in-2")["items"] == []
    assert house.get(f"/v1/passages/{one['id']}") == one
    assert house.operator.get("/v1/passages", params={"lot": "mall", "lane": "in-9"}).json()["code"] == "lane.not_found"
    assert house.operator.get(f"/v1/passages/{NOWHERE}").json()["code"] == "passage.not_found"


def test_pictures_are_served_by_number_and_nothing_else(house: House) -> None:
    pictures = (Picture(PictureKind.SCENE, JPEG), Picture(PictureKind.PLATE, JPEG))
    answer = house.arrive("in-1", CAR, pictures=pictures)
    house.blobs.put(picture_name(answer.passage, 0), JPEG)
    addresses = house.get(f"/v1/passages/{answer.passage}")["pictures"]
    assert len(addresses) == 2
    link = house.get(addresses[0])["url"]
    shown = house.stranger.get(link)
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, JPEG, "image/jpeg")
    assert (shown.headers["x-content-type-options"], shown.headers["cache-control"]) == ("nosniff", "no-store")
    not_yet = house.stranger.get(house.get(addresses[1])["url"])
    assert (not_yet.status_code, not_yet.json()["code"]) == (404, "picture.not_found")
    beyond = house.operator.get(f"/v1/passages/{answer.passage}/pictures/2")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "picture.not_found")
    assert house.operator.get(f"/v1/passages/{answer.passage}/pictures/8").status_code == 422
    assert house.stranger.get(addresses[0]).status_code == 401


def test_pages_neither_lose_nor_double_while_cars_come_and_go(house: House) -> None:
    for number in range(7):
        house.arrive("in-2", f"粤B7000{number}")
        house.pass_minutes(1)
    first = house.get("/v1/stays", lot="mall", limit=3)
    assert [len(first["items"]), first["next"] is None] == [3, False]
    # A car comes and one that the next page would show leaves: it keeps its place.
    house.arrive("in-2", "粤B80000")
    house.arrive("out-2", "粤B70002")
    second = house.get("/v1/stays", lot="mall", limit=3, cursor=first["next"])
    third = house.get("/v1/stays", lot="mall", limit=3, cursor=second["next"])
    seen = [stay["plate"] for page in (first, second, third) for stay in page["items"]]
    assert seen == [f"粤B·**00{number}" for number in reversed(range(7))]
    assert third["next"] is None
    assert [stay["state"] for stay in second["items"]] == ["open", "closed", "open"]


def test_a_lanes_passages_go_on_over_pages(house: House) -> None:
    for number in range(6):
        house.arrive(("in-1", "in-2")[number % 2], f"粤B7000{number}")
        house.pass_minutes(1)
    seen = []
    page = house.get("/v1/passages", lot="mall", lane="in-1", limit=2)
    seen += page["items"]
    while page["next"]:
        page = house.get("/v1/passages", lot="mall", lane="in-1", limit=2, cursor=page["next"])
        seen += page["items"]
    assert [each["plate"] for each in seen] == ["粤B·**004", "粤B·**002", "粤B·**000"]


def test_a_page_says_what_it_does_not_take(house: House) -> None:
    for limit in ("0", "201", "many"):
        assert house.operator.get("/v1/stays", params={"lot": "mall", "limit": limit}).status_code == 422
    for cursor in ("!", "AAAA", "x" * 23, "é" * 22):
        answer = house.operator.get("/v1/stays", params={"lot": "mall", "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "request.cursor"), cursor
    answer = house.operator.get("/v1/lots", params={"cursor": "_-__"})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.cursor")


def test_lists_are_narrowed_turned_round_and_counted(house: House) -> None:
    first = pay_and_leave(house, CAR)
    house.arrive("in-2", OTHER_CAR)
    house.pass_minutes(5)
    house.arrive("in-2", "粤B70001")

    def ids(path: str, **params: object) -> list[str]:
        return [row["id"] for row in house.get(path, **params)["items"]]

    newest = ids("/v1/stays", lot="mall")
    assert ids("/v1/stays", order="oldest") == newest[::-1]
    assert ids("/v1/stays", state="open", order="oldest") == [newest[1], newest[0]]  # who stands longest
    assert ids("/v1/stays", by="left", since="2026-03-02T03:01:00Z", until="2026-03-02T03:01:01Z") == [first]
    assert ids("/v1/stays", by="left", since="2026-03-02T03:01:01Z") == []
    assert ids("/v1/stays", since="2026-03-02T03:00:00Z", until="2026-03-02T03:06:00Z") == newest[1:2]
    assert ids("/v1/stays", reason="left") == ids("/v1/stays", right="casual", state="closed") == [first]
    assert ids("/v1/stays", right="monthly") == ids("/v1/stays", permit=NOWHERE) == []
    assert ids("/v1/stays", plate_kind="ordinary", plate=OTHER_CAR) == newest[1:2]
    counted = house.get("/v1/passages", count="true", limit=1, direction="entry")
    assert (counted["total"], counted["more_than"], len(counted["items"])) == (3, None, 1)
    assert len(ids("/v1/passages", action="hold", state="passed", reason="exit.pay")) <= 1
    assert ids("/v1/passages", source="manual") == []
    assert [bill["subject"] for bill in house.get("/v1/bills", state="settled")["items"]] == [first]
    assert (
        ids("/v1/bills", state="open") == ids("/v1/receipts", method="alipay") == ids("/v1/debts", state="open") == []
    )
    assert len(ids("/v1/receipts", method="cash", order="oldest")) == 1
    assert ids("/v1/refunds", state="stuck", method="cash", cause="by_hand") == []
    assert house.get("/v1/exceptions", state="any", kind="surplus", lane="out-1")["items"] == []
    page = house.get("/v1/stays", order="oldest", limit=1)
    assert ids("/v1/stays", order="oldest", cursor=page["next"]) == newest[::-1][1:]


def test_what_lists_do_not_take(house: House) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(1)
    house.arrive("in-2", OTHER_CAR)
    page = house.get("/v1/passages", limit=1)
    for params, code in (
        ({"order": "oldest", "cursor": page["next"]}, "request.cursor"),
        ({"since": "2026-03-02T03:00:00Z", "until": "2026-03-02T03:00:00Z"}, "request.span"),
        ({"lane": "in-9"}, "lane.not_found"),
        ({"lot": "elsewhere"}, "lot.not_found"),
    ):
        assert house.operator.get("/v1/passages", params=params).json()["code"] == code
    assert house.operator.get("/v1/stays", params={"cursor": page["next"]}).json()["code"] == "request.cursor"
    together = house.operator.get("/v1/stays", params={"state": "open", "by": "left"})
    assert (together.status_code, together.json()["code"]) == (422, "request.filters")
    many = house.operator.get("/v1/stays", params={"lot": ["mall"] * 101})
    assert many.status_code == 422


def test_the_log_is_read_from_a_position(house: House) -> None:
    house.arrive("in-1", CAR)
    everything = house.get("/v1/events")
    assert [event["position"] for event in everything["items"]] == list(range(1, len(everything["items"]) + 1))
    assert everything["next"] is None
    first = house.get("/v1/events", limit=2)
    assert (first["position"], first["next"]) == (2, "2")
    rest = house.get("/v1/events", after=2)
    assert first["items"] + rest["items"] == everything["items"]
    opened = next(event for event in rest["items"] if event["kind"] == "stays.stay_opened")
    assert (opened["lot"], opened["actor"]) == (house.lot["id"], {"kind": "device", "name": "cam-in-1"})
    assert CAR not in house.operator.get("/v1/events").text
    of_lot = house.get("/v1/events", lot="mall")
    assert {event["lot"] for event in of_lot["items"]} == {house.lot["id"]}
    assert len(of_lot["items"]) < len(everything["items"])  # tariffs belong to no lot
    assert house.operator.get("/v1/events", params={"lot": "nowhere"}).json()["code"] == "lot.not_found"
    assert house.operator.get("/v1/events", params={"after": -1}).status_code == 422


def test_the_clock_shows_both_times(house: House) -> None:
    assert house.get("/v1/clock") == {
        "business_now": "2026-03-02T02:00:00.000000Z", "machine_now": "2026-11-20T10:00:00.000000Z", "speed": 1,
    }  # fmt: skip


def test_the_plate_of_a_car_inside_is_corrected_once(house: House) -> None:
    house.arrive("in-1", "粤B12346")
    [stay] = house.get("/v1/stays", lot="mall")["items"]
    path, body = f"/v1/stays/{stay['id']}/plate", {"plate": CAR, "reason": "looked"}
    first = house.post(path, body, key="k-1")
    assert first.status_code == 200
    assert house.post(path, body, key="k-1").json() == first.json()
    [told] = first.json()["corrections"]
    assert (told["before"], told["after"], told["by"], told["reason"]) == (
        "粤B·**346", "粤B·**345", "person:operator", "looked",
    )  # fmt: skip
    assert first.json()["plate"] == "粤B·**345"
    assert [row["id"] for row in house.get("/v1/stays", lot="mall", plate=CAR, state="open")["items"]] == [stay["id"]]
    house.arrive("in-2", OTHER_CAR)
    taken = house.post(path, {"plate": OTHER_CAR, "reason": "looked"})
    assert (taken.status_code, taken.json()["code"]) == (409, "stay.plate_inside")
    wrong = house.post(path, {"plate": "粤B", "reason": "looked"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "plate.malformed")


def test_who_is_no_machine_of_this_house_asks_for_files_only_so_often(house: House) -> None:
    make(house, "guard", company="demo")
    give(house, "guard", "guard")
    guard = client(house, "guard")
    asked = guard.post("/v1/tables/exports", json={"table": "stays"}, headers={"idempotency-key": "stays-as-a-file"})
    assert (asked.status_code, '"heavy"' in asked.headers["ratelimit-policy"]) == (202, True), asked.text
