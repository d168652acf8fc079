"""Prices, curves and checks of tariffs over real HTTP: by published code and by a draft in the request."""

from typing import Any

import pytest

from tests.wire.api.house import ROOT, House

MALL = (ROOT / "tariffs/mall.yaml").read_text(encoding="utf-8")
HOSPITAL = (ROOT / "tariffs/hospital.yaml").read_text(encoding="utf-8")
NINE, HOUR_LATER = "2026-11-20T09:00:00+08:00", "2026-11-20T10:01:00+08:00"


def quote(house: House, expect: int = 200, **body: Any) -> Any:
    answer = house.post("/v1/quotes", {"entered": NINE, "until": HOUR_LATER, **body})
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_a_published_tariff_and_a_draft(house: House) -> None:
    published = quote(house, tariff="mall")
    assert (published["total"]["minor"], published["number"], published["zone"]) == (750, 1, "Asia/Shanghai")
    assert sum(line["amount"]["minor"] for line in published["lines"]) == 750
    assert sum(line["minutes"] for line in published["lines"]) == published["minutes"] == 61
    draft = quote(house, document=MALL.replace('"2.50"', '"3.50"'))
    assert (draft["total"]["minor"], draft["number"]) == (1050, None)
    assert quote(house, tariff="mall", number=1) == published
    assert quote(house, 404, tariff="mall", number=7)["code"] == "tariff.no_version"


def test_vehicles_have_classes(house: House) -> None:
    plain = quote(house, document=HOSPITAL)
    large = quote(house, document=HOSPITAL, vehicle={"size": "large"})
    assert (plain["total"]["minor"], large["total"]["minor"]) == (500, 600)
    assert quote(house, document=HOSPITAL, vehicle={"disabled": True})["total"]["minor"] == 0
    by_class = quote(house, document=HOSPITAL, vehicle_class="large")
    assert by_class["lines"] == large["lines"]
    refused = quote(house, 404, document=HOSPITAL, vehicle_class="truck")
    assert (refused["code"], "large" in refused["params"]["known"]) == ("tariff.no_class", True)


@pytest.mark.parametrize(
    ("relief", "total"),
    [
        ({"kind": "amount", "amount": {"minor": 500, "currency": "CNY"}}, 250),
        ({"kind": "minutes", "minutes": 31}, 250),
        ({"kind": "percent", "percent": "20"}, 600),
        ({"kind": "until", "until": "2026-11-20T09:31:00+08:00"}, 250),
        ({"kind": "period", "period": {"start": NINE, "end": "2026-11-20T09:31:00+08:00"}}, 250),
        ({"kind": "free"}, 0),
        ({"kind": "percent", "percent": "50", "most": {"minor": 100, "currency": "CNY"}}, 650),
    ],
)
def test_reliefs_lower_the_price(house: House, relief: dict[str, Any], total: int) -> None:
    found = quote(house, tariff="mall", reliefs=[{"id": "c-1", **relief}])
    assert (found["total"]["minor"], found["before_relief"]["minor"]) == (total, 750)
    assert [(use["id"], use["value"]["minor"]) for use in found["reliefs"]] == [("c-1", 750 - total)]
    assert sum(line["amount"]["minor"] for line in found["lines"]) == total


def test_another_published_tariff_as_relief(house: House) -> None:
    relief = {"id": "staff", "kind": "tariff", "tariff": "mall"}
    found = quote(house, tariff="vip", reliefs=[relief])
    assert (found["before_relief"]["minor"], found["total"]["minor"]) == (1200, 750)


def visit(start: str, end: str) -> dict[str, str]:
    return {"start": f"2026-11-20T{start}:00+08:00", "end": f"2026-11-20T{end}:00+08:00"}


def test_visits_before_have_used_up_what_is_shared(house: House) -> None:
    shared = MALL.replace("caps: [{", "caps: [{across_visits: true, ")
    assert shared != MALL
    found = quote(house, document=shared, visits=[visit("00:00", "07:00"), visit("07:30", "08:30")])
    assert [each["total"]["minor"] for each in found["visits"]] == [3500, 500]
    assert found["total"]["minor"] == 0
    assert quote(house, document=MALL, visits=[visit("00:00", "07:00")])["total"]["minor"] == 750


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"tariff": "mall", "visits": [visit("08:00", "09:01")]}, "quote.visits"),
        ({"tariff": "mall", "visits": [visit("06:00", "08:00"), visit("07:59", "08:10")]}, "quote.visits"),
        ({"tariff": "mall", "visits": [visit("08:00", "07:00")]}, "quote.period_order"),
        ({}, "quote.one_tariff"),
        ({"tariff": "mall", "document": MALL}, "quote.one_tariff"),
        ({"document": MALL, "number": 1}, "quote.one_tariff"),
        ({"tariff": "mall", "reliefs": [{"id": "a", "kind": "minutes"}]}, "quote.relief_value"),
        ({"tariff": "mall", "reliefs": [{"id": "a", "kind": "free", "minutes": 5}]}, "quote.relief_value"),
        ({"tariff": "mall", "until": "2026-11-20T08:59:00+08:00"}, "quote.period"),
        ({"tariff": "mall", "zone": "Mars/Olympus"}, "request.malformed"),
        ({"tariff": "mall", "vehicle": {"wheels": 4}}, "request.malformed"),
        (
            {"tariff": "mall", "reliefs": [{"id": "a", "kind": "amount", "amount": {"minor": 1, "currency": "HKD"}}]},
            "quote.currency",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(house: House, body: dict[str, Any], code: str) -> None:
    assert quote(house, 422, **body)["code"] == code


def test_a_draft_with_mistakes_names_them(house: House) -> None:
    told = quote(house, 422, document=MALL.replace("unit_minutes: 30", "unit_minutes: 0"))
    assert told["code"] == "document.mistakes"
    assert told["errors"][0]["place"] == "charge.unit_minutes"
    assert told["errors"][0]["line"] > 1


def test_a_file_is_checked(house: House) -> None:
    sound = house.operator.post("/v1/tariffs/check", content=MALL.encode())
    assert sound.status_code == 200
    said = [saying["text"] for saying in sound.json()["summary"]]
    assert "each 24 h from the entry cost at most 40.00" in said
    assert sound.json()["warnings"] == []
    in_chinese = house.operator.post(
        "/v1/tariffs/check", content=MALL.encode(), headers={"accept-language": "zh"}
    ).json()
    assert "自入场起每 24 小时最多 40.00" in [saying["text"] for saying in in_chinese["summary"]]
    broken = house.operator.post("/v1/tariffs/check", content=MALL.replace("caps:", "cups:").encode())
    assert broken.status_code == 422
    assert broken.headers["content-type"].startswith("application/problem+json")
    assert "caps" in broken.json()["errors"][0]["text"]
    assert house.get("/v1/tariffs/mall")["number"] == 1  # nothing was published


def test_day_types_that_nobody_has_entered_are_the_librarys(house: House) -> None:
    """A draft may be asked about before its company has a calendar: the first of October is a holiday in China."""
    shenzhen = (ROOT / "tariffs/shenzhen-street-1.yaml").read_text(encoding="utf-8")
    for day, total in (("2026-09-29", 900), ("2026-10-01", 360)):
        entered, until = f"{day}T11:00:00+08:00", f"{day}T12:00:00+08:00"
        assert quote(house, document=shenzhen, entered=entered, until=until)["total"]["minor"] == total
    checked = house.operator.post("/v1/tariffs/check", content=shenzhen.encode()).json()
    assert not [each for each in checked["warnings"] if each["code"].startswith("tariff.warns.no_calendar")]
    nowhere = shenzhen.replace("calendar: cn", "calendar: atlantis")
    refused = quote(house, 409, document=nowhere)
    assert (refused["code"], refused["params"]["reason"]) == ("tariff.not_computable", "calendar_ended")
    assert "2026-11-20" in refused["title"]
    checked = house.operator.post("/v1/tariffs/check", content=nowhere.encode()).json()
    assert [each["code"] for each in checked["warnings"]] == ["tariff.warns.no_calendar_refuse"]


def test_a_curve_has_every_step(house: House) -> None:
    ask = {"tariff": "mall", "entered": NINE, "until": "2026-11-21T09:00:00+08:00"}
    curve = house.post("/v1/tariffs/curve", ask).json()
    steps = [(point["minutes"], point["total"]["minor"]) for point in curve["points"]]
    assert steps[:4] == [(0, 0), (16, 250), (31, 500), (61, 750)]
    assert steps[-1] == (451, 4000)
    assert curve["complete"]
    by_minute = MALL.replace("unit_minutes: 30", "unit_minutes: 1").replace("caps:", "# caps:")
    month = {"document": by_minute, "entered": NINE, "until": "2027-01-20T09:00:00+08:00"}
    cut = house.post("/v1/tariffs/curve", month).json()
    assert (len(cut["points"]), cut["complete"]) == (2_000, False)
    too_long = house.post("/v1/tariffs/curve", {**month, "until": "2027-01-22T09:00:00+08:00"})
    assert (too_long.status_code, too_long.json()["params"]["days"]) == (422, 62)
