"""Finance over the operator API: sums, files that are written down, bounds, and adding up anew."""

import io
from typing import Any

import openpyxl
import pytest

from openberth.contexts.insight.service import rebuilding
from tests.waiting import eventually
from tests.wire.api.house import CAR, House
from tests.wire.api.test_accounts import client, give, make

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture
def paid(house: House) -> House:
    """A car paid 7.50 in cash."""
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    [bill] = house.get("/v1/bills", lot="mall")["items"]
    taken = house.post("/v1/lots/mall/lanes/out-1/cash", {"bill": bill["id"], "received": bill["due"]}, key="k-cash")
    assert taken.status_code == 200, taken.text
    assert eventually(lambda: not finance(house)["as_of"]["behind"])
    return house


def finance(house: House, **query: str) -> Any:
    return house.get("/v1/finance", **MARCH, **query)


def test_sums_are_grouped_named_and_say_up_to_where_they_count(paid: House) -> None:
    answer = finance(paid, group_by="lot,method,operator,day")
    assert [
        {name: one and one["code"] for name, one in line["group"].items()} for line in answer["lines"]
    ] == [
        {"lot": "mall", "method": None, "operator": None, "day": "2026-03-02"},
        {"lot": "mall", "method": "cash", "operator": "operator", "day": "2026-03-02"},
    ]  # fmt: skip
    [total] = answer["totals"]
    assert (total["currency"], total["receivable"], total["received"], total["kept"]) == ("CNY", 750, 750, 750)
    assert answer["as_of"]["parked"] == 0
    assert finance(paid, lot="mall", group_by="month")["lines"][0]["group"]["month"]["code"] == "2026-03"
    assert finance(paid, method="wechatpay")["lines"] == []


def test_who_is_no_machine_of_this_house_asks_only_so_often(house: House) -> None:
    make(house, "fin", company="demo")
    give(house, "fin", "finance")
    answer = client(house, "fin").get("/v1/finance", params=MARCH)
    assert (answer.status_code, '"heavy"' in answer.headers["ratelimit-policy"]) == (200, True)


def test_files_are_written_down_and_open_in_a_spreadsheet(paid: House) -> None:
    answer = paid.operator.get(
        "/v1/finance", params={**MARCH, "group_by": "method", "format": "csv"}, headers={"accept-language": "zh"}
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "finance-2026-03-01-2026-03-31.csv" in answer.headers["content-disposition"]
    lines = answer.content.decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith("支付方式,币种,应收,实收")
    assert lines[2].startswith("现金,CNY,0.00,7.50")
    answer = paid.operator.get("/v1/finance", params={**MARCH, "format": "xlsx"}, headers={"accept-language": "en"})
    page = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert page is not None
    assert page["B7"].value == 7.5
    entries = paid.get("/v1/audit", deed="finance.exported")["items"]
    assert [(each["subject"]["id"], each["after"]["lines"]) for each in entries] == [("xlsx", 1), ("csv", 2)]
    finance(paid)
    assert len(paid.get("/v1/audit", deed="finance.exported")["items"]) == 2


def test_what_cannot_be_asked(house: House) -> None:
    wrong: tuple[tuple[dict[str, str], int, str], ...] = (
        ({"to": "2026-02-01"}, 422, "finance.period"),
        ({"from": "1999-12-31"}, 422, "finance.period"),
        ({"to": "2199-12-31"}, 422, "finance.period"),
        ({"from": "yesterday"}, 422, "request.malformed"),
        ({"group_by": "lot,colour"}, 422, "finance.group_by"),
        ({"format": "pdf"}, 422, "request.malformed"),
        ({"lot": "nowhere"}, 404, "lot.not_found"),
        ({"company": "nobody"}, 404, "company.not_found"),
        ({"partner": "nobody"}, 404, "partner.not_found"),
    )
    for query, status, code in wrong:
        answer = house.operator.get("/v1/finance", params={**MARCH, **query})
        assert (answer.status_code, answer.json()["code"]) == (status, code), query


def test_everything_is_added_up_anew_in_the_background(paid: House) -> None:
    before = finance(paid, group_by="lot,method")["lines"]
    begun = paid.post("/v1/finance/rebuild", {}, key="k-1")
    assert (begun.status_code, begun.json()["building"]) == (202, 2)
    assert eventually(lambda: paid.get("/v1/finance/rebuild")["building"] is None)
    assert paid.get("/v1/finance/rebuild")["serving"] == 2
    assert finance(paid, group_by="lot,method")["lines"] == before
    assert rebuilding.READER not in str(paid.get("/v1/alarms"))
