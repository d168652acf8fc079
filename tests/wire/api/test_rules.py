"""Tariffs, prices and permits, over real HTTP."""

from tests.wire.api.house import ROOT, House


def test_a_tariff_is_published_as_versions(house: House) -> None:
    again = house.put_file("/v1/tariffs/mall", "tariffs/mall.yaml")
    assert (again.status_code, again.json()["new"], again.json()["number"]) == (200, False, 1)
    dearer = (ROOT / "tariffs/mall.yaml").read_text(encoding="utf-8").replace('price: "2.50"', 'price: "3.00"')
    second = house.operator.put("/v1/tariffs/mall", content=dearer.encode())
    assert (second.status_code, second.json()["new"], second.json()["number"]) == (201, True, 2)
    shown = house.get("/v1/tariffs/mall")
    assert (shown["number"], shown["document"]["charge"]["price"]) == (2, "3.00")
    assert [version["number"] for version in shown["versions"]] == [2, 1]
    assert [(each["code"], each["number"]) for each in house.get("/v1/tariffs")["items"]] == [("mall", 2), ("vip", 1)]


def test_a_tariff_may_begin_later(house: House) -> None:
    dearer = (ROOT / "tariffs/mall.yaml").read_text(encoding="utf-8").replace('price: "2.50"', 'price: "3.00"')
    answer = house.operator.put(
        "/v1/tariffs/mall", content=dearer.encode(), params={"valid_from": "2026-04-01T00:00:00+08:00"}
    )
    assert answer.json()["valid_from"] == "2026-03-31T16:00:00.000000Z"
    for entered, total in (("2026-03-31T15:00:00Z", 500), ("2026-03-31T16:00:00Z", 600)):
        until = entered.replace(":00:00Z", ":31:00Z")
        quote = house.post("/v1/quotes", {"tariff": "mall", "entered": entered, "until": until}).json()
        assert quote["total"]["minor"] == total
    wrong = house.operator.put("/v1/tariffs/mall", content=dearer.encode(), params={"valid_from": "tomorrow"})
    assert (wrong.status_code, wrong.json()["errors"][0]["place"]) == (422, "query.valid_from")


def test_a_wrong_tariff_is_answered_line_by_line(house: House) -> None:
    wrong = (ROOT / "tariffs/mall.yaml").read_text(encoding="utf-8").replace("unit_minutes: 30", "unit_minutes: 0")
    answer = house.operator.put("/v1/tariffs/mall", content=wrong.encode())
    assert (answer.status_code, answer.json()["code"]) == (422, "document.mistakes")
    assert answer.json()["errors"][0]["place"] == "charge.unit_minutes"
    other = house.put_file("/v1/tariffs/vip", "tariffs/mall.yaml")
    assert (other.status_code, other.json()["code"]) == (409, "tariff.code_differs")


def test_a_quote_explains_itself_in_the_readers_language(house: House) -> None:
    form = {"tariff": "mall", "entered": "2026-03-02T10:00:00+08:00", "until": "2026-03-02T19:00:00+08:00"}
    quote = house.post("/v1/quotes", form).json()
    assert (quote["total"], quote["minutes"]) == ({"minor": 4000, "currency": "CNY"}, 540)
    assert sum(line["amount"]["minor"] for line in quote["lines"]) == 4000
    assert [line["text"] for line in quote["lines"]] == [
        "18 units of 30 minutes at 2.50", "at most 40.00 in each 24 hours, applied 1 time",
    ]  # fmt: skip
    chinese = house.operator.post("/v1/quotes", json=form, headers={"accept-language": "zh-CN,zh;q=0.9"}).json()
    assert chinese["lines"][0]["text"] == "18 个计费单位，每 30 分钟 2.50"


def test_a_quote_refuses_what_it_cannot_price(house: House) -> None:
    at = "2026-03-02T10:00:00Z"
    cases: list[tuple[dict[str, object], str]] = [
        ({"tariff": "mall", "entered": at, "until": "2026-03-02T09:59:59Z"}, "quote.period"),
        ({"tariff": "mall", "entered": at, "until": "2036-03-02T10:00:00Z"}, "quote.period"),
        ({"tariff": "none", "entered": at, "until": at}, "tariff.not_found"),
        ({"tariff": "mall", "entered": "2026-03-02T10:00:00", "until": at}, "request.malformed"),
        ({"tariff": "mall", "entered": 5, "until": at}, "request.malformed"),
        ({"tariff": "mall", "entered": "0001-01-01T00:00:00+23:59", "until": at}, "request.malformed"),
        ({"tariff": "mall", "entered": at, "until": at, "more": 1}, "request.malformed"),
    ]
    for form, code in cases:
        assert house.post("/v1/quotes", form).json()["code"] == code, form


def test_a_permit_list_is_applied_once_and_shown_masked(house: House) -> None:
    entries = "\n".join(f"  - {{code: r-{n:03}, plate: 粤B1{n:04}, kind: resident}}" for n in range(3))
    text = f"permits: openberth/1\nlot: mall\nlist:\n{entries}\n"
    first = house.operator.put("/v1/lots/mall/permits", content=text.encode())
    assert (first.status_code, first.json()["added"]) == (200, 3)
    again = house.operator.put("/v1/lots/mall/permits", content=text.encode()).json()
    assert (again["added"], again["changed"], again["retired"]) == (0, 0, 0)
    page = house.get("/v1/lots/mall/permits", limit=2)
    assert [(one["code"], one["plate"]) for one in page["items"]] == [("r-000", "粤B·**000"), ("r-001", "粤B·**001")]
    rest = house.get("/v1/lots/mall/permits", limit=2, cursor=page["next"])
    assert ([one["code"] for one in rest["items"]], rest["next"]) == (["r-002"], None)
    assert house.arrive("in-1", "粤B10001").reason == "entry.resident"
    other = house.operator.put("/v1/lots/mall/permits", content=text.replace("lot: mall", "lot: office").encode())
    assert (other.status_code, other.json()["code"]) == (409, "lot.code_differs")
    wrong = house.operator.put("/v1/lots/mall/permits", content=text.replace("粤B10002", "粤B1O002").encode())
    assert wrong.json()["errors"][0]["code"] == "plate.fault.letter_i_o"
    assert "粤B1O002" not in wrong.text
