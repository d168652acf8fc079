"""A past month priced anew, over real HTTP, with the job at work."""

from typing import Any

from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, ROOT, House

MALL = (ROOT / "tariffs/mall.yaml").read_text(encoding="utf-8")
DEARER = MALL.replace('"2.50"', '"5.00"')
PATH = "/v1/lots/mall/what-if"


def drive_through(house: House, plate: str, minutes: int) -> None:
    house.arrive("in-1", plate)
    house.pass_minutes(minutes)
    house.arrive("out-1", plate)
    bill = house.waiting("out-1")["bill"]
    cash = {"bill": bill["id"], "received": bill["due"]}
    assert house.post("/v1/lots/mall/lanes/out-1/cash", cash).status_code == 200
    assert eventually(lambda: not house.get("/v1/stays", lot="mall", state="open")["items"])
    house.pass_minutes(1)


def answer_of(house: House, asked: Any) -> Any:
    path = f"{PATH}/{asked['id']}"
    assert eventually(lambda: house.get(path)["state"] == "done")
    return house.get(path)


def test_a_month_is_priced_anew(house: House) -> None:
    drive_through(house, CAR, 61)
    drive_through(house, OTHER_CAR, 200)
    sent = house.post(PATH, {"month": "2026-03", "document": DEARER}, key="once")
    assert sent.status_code == 202, sent.text
    assert house.post(PATH, {"month": "2026-03", "document": DEARER}, key="once").json()["id"] == sent.json()["id"]
    found = answer_of(house, sent.json())
    assert (found["stays_done"], found["stays_total"], found["tariff"], found["number"]) == (2, 2, "mall", None)
    result = found["result"]
    sums = {name: result[name]["minor"] for name in ("then", "paid", "draft", "difference")}
    assert sums == {"then": 2500, "paid": 2500, "draft": 5000, "difference": 2500}
    assert [(each["upto_minutes"], each["stays"]) for each in result["buckets"] if each["stays"]] == [
        (120, 1),
        (240, 1),
    ]
    assert [each["id"] for each in house.get(PATH)["items"]] == [found["id"]]


def test_a_published_version_may_stand_in(house: House) -> None:
    drive_through(house, CAR, 61)
    assert house.operator.put("/v1/tariffs/mall", content=DEARER.encode()).json()["number"] == 2
    body = {"month": "2026-03", "tariff": "mall", "number": 2}
    found = answer_of(house, house.post(PATH, body, key="v2").json())
    assert (found["number"], found["result"]["draft"]["minor"]) == (2, 1500)


def test_what_cannot_be_asked(house: House) -> None:
    for body, status, code in (
        ({"month": "2026-03"}, 422, "what_if.one_tariff"),
        ({"month": "2026-03", "tariff": "mall"}, 422, "what_if.one_tariff"),
        ({"month": "2026-13", "document": MALL}, 422, "request.malformed"),
        ({"month": "2027-01", "document": MALL}, 422, "what_if.month"),
        ({"month": "2026-03", "document": MALL.replace("CNY", "HKD")}, 409, "what_if.currency"),
        ({"month": "2026-03", "document": MALL.replace("caps", "cups")}, 422, "document.mistakes"),
        ({"month": "2026-03", "tariff": "mall", "number": 9}, 404, "tariff.no_version"),
    ):
        answer = house.post(PATH, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    nobody = house.operator.get(f"{PATH}/{house.lot['id']}")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "what_if.not_found")
    assert house.post("/v1/lots/nowhere/what-if", {"month": "2026-03", "document": MALL}).status_code == 404
