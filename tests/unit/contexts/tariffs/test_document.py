"""The tariff file: read exactly, refused with the line, written back the same."""

from fractions import Fraction

import pytest

from openberth.contexts.tariffs.document import quote_to_plain, read_tariff, tariff_from_plain, tariff_to_plain
from openberth.contexts.tariffs.model import CapKind, Free, FreeMode, SecondsPolicy, UnitRounding
from openberth.contexts.tariffs.pricing import single
from openberth.infra.documents import DocumentError
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, from_iso, later

FULL = """tariff: openberth/1
code: mall
company: demo
name: {zh: 商场临停, en: "Mall, casual"}
currency: CNY
free: {minutes: 15, mode: threshold}
charge: {unit_minutes: 30, price: "2.50", rounding: up}
caps: [{kind: rolling_24h, amount: "40.00"}]
seconds: truncate
grace_after_payment_minutes: 15
"""


def test_a_tariff_is_what_its_file_says() -> None:
    found = read_tariff(FULL, name="mall.yaml")
    assert (found.code, found.company_code, found.name_zh, found.name_en) == (
        "mall",
        "demo",
        "商场临停",
        "Mall, casual",
    )
    assert found.free == Free(15, FreeMode.THRESHOLD)
    assert (found.charge.price.minor, found.charge.rounding) == (Fraction(250), UnitRounding.UP)
    assert [(cap.kind, cap.amount) for cap in found.caps] == [(CapKind.ROLLING_24H, Money(4000, "CNY"))]
    assert (found.seconds, found.grace_after_payment_minutes) == (SecondsPolicy.TRUNCATE, 15)


def test_a_plain_price_is_read_exactly() -> None:
    text = FULL.replace('"2.50"', "0.035").replace("CNY", "SGD")
    assert read_tariff(text, name="x").charge.price.minor == Fraction(7, 2)


def test_defaults() -> None:
    text = "\n".join(line for line in FULL.splitlines() if line.split(":")[0] not in ("free", "caps", "seconds"))
    found = read_tariff(text, name="x")
    assert (found.free, found.caps) == (Free(0), ())


def test_the_plain_form_reads_back() -> None:
    found = read_tariff(FULL.replace('"2.50"', "0.0355"), name="x")
    data = tariff_to_plain(found)
    assert data["charge"] == {"unit_minutes": 30, "price": "0.0355", "rounding": "up"}
    assert tariff_from_plain(data) == found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("openberth/1", "yours/9", "1: tariff: document.choice(value=yours/9, choices=openberth/1)"),
        ("unit_minutes: 30", "unit_minutes: 0", "7: charge.unit_minutes: document.range(value=0, low=1, high=10080)"),
        ('"2.50"', "-2", "7: charge.price: document.amount(value=-2)"),
        ('"2.50"', "2.50001", "7: charge.price: document.amount(value=2.50001)"),
        ("rounding: up", "rounding: half", "7: charge.rounding: document.choice(value=half, choices=up, down)"),
        ("mode: threshold", "mode: none", "6: free.mode: document.choice(value=none, choices=threshold, deduct)"),
        ("rolling_24h", "per_day", "8: caps[0].kind: document.choice(value=per_day, choices=rolling_24h)"),
        ('"40.00"', '"40.005"', "8: caps[0].amount: tariff.digits(currency=CNY, digits=2)"),
        ('"40.00"', '"0.00"', "8: caps[0].amount: tariff.cap_zero"),
        ('"40.00"}', '1}, {kind: rolling_24h, amount: 2}', "8: caps[1].kind: tariff.cap_twice(kind=rolling_24h)"),
        ("seconds: ", "second: ", "9: second: document.unknown_key_near(key=second, near=seconds)"),
    ],
)  # fmt: skip
def test_broken_files(old: str, new: str, expected: str) -> None:
    assert old in FULL
    with pytest.raises(DocumentError) as caught:
        read_tariff(FULL.replace(old, new), name="mall.yaml")
    assert str(caught.value) == f"mall.yaml:{expected}"


def test_a_quote_as_plain_data() -> None:
    entered = from_iso("2026-11-23T01:00:00Z")
    tariff = read_tariff(FULL, name="x")
    assert quote_to_plain(single(tariff, entered=entered, until=later(entered, 31 * MINUTE_US))) == {
        "total": {"minor": 500, "currency": "CNY"},
        "entered": "2026-11-23T01:00:00.000000Z",
        "until": "2026-11-23T01:31:00.000000Z",
        "next_change_at": "2026-11-23T02:01:00.000000Z",
        "minutes": 31,
        "charged_minutes": 31,
        "free_minutes": 0,
        "outside_minutes": 0,
        "lines": [
            {
                "code": "tariff.line.units",
                "params": {"units": 2, "unit_minutes": 30, "price": "2.50", "minutes": 31},
                "minutes": 31,
                "amount": {"minor": 500, "currency": "CNY"},
            }
        ],
    }
