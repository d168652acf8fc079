"""Money: whole minor units, one currency, exact prices that are rounded once."""

from fractions import Fraction
from typing import Any

import pytest

from openberth.kernel.money import Money, Rate, Rounding, rounded, total

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("exact", "half_up", "half_even", "up", "down"),
    [
        (Fraction(0), 0, 0, 0, 0),
        (Fraction(1), 1, 1, 1, 1),
        (Fraction(1, 1000), 0, 0, 1, 0),
        (HALF, 1, 0, 1, 0),
        (1 + HALF, 2, 2, 2, 1),
        (2 + HALF, 3, 2, 3, 2),
        (2 + Fraction(501, 1000), 3, 3, 3, 2),
        (2 + Fraction(499, 1000), 2, 2, 3, 2),
        (-HALF, -1, 0, -1, 0),
        (-1 - HALF, -2, -2, -2, -1),
        (-2 - HALF, -3, -2, -3, -2),
        (Fraction(-1, 1000), 0, 0, -1, 0),
    ],
)
def test_rounding_rules(exact: Fraction, half_up: int, half_even: int, up: int, down: int) -> None:
    assert rounded(exact, Rounding.HALF_UP) == half_up
    assert rounded(exact, Rounding.HALF_EVEN) == half_even
    assert rounded(exact, Rounding.UP) == up
    assert rounded(exact, Rounding.DOWN) == down


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("2.50", "CNY", 250),
        ("2.5", "CNY", 250),
        ("2.500", "CNY", 250),
        ("0", "CNY", 0),
        ("-0.05", "CNY", -5),
        ("007", "CNY", 700),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("123456789012345678.99", "CNY", 12345678901234567899),
    ],
)
def test_reads_amounts(text: str, currency: str, minor: int) -> None:
    assert Money.of(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text", ["", "-", ".5", "5.", "1e3", "+1", " 1", "1 ", "1,000", "1.2.3", "--1", "NaN", "²", "１"]
)
def test_refuses_what_is_not_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        Money.of(text, "CNY")


@pytest.mark.parametrize(("text", "currency"), [("2.505", "CNY"), ("0.5", "JPY")])
def test_refuses_more_digits_than_the_currency_has(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="more digits"):
        Money.of(text, currency)


@pytest.mark.parametrize("currency", ["XXX", "cny", "", "RMB"])
def test_refuses_unknown_currencies(currency: str) -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, currency)
    with pytest.raises(ValueError, match="unknown currency"):
        Rate.of("1", currency)


@pytest.mark.parametrize("minor", [1.0, 0.1, True, "1", None, Fraction(1)])
def test_takes_whole_numbers_only(minor: Any) -> None:
    with pytest.raises(TypeError):
        Money(minor, "CNY")


def test_no_float_comes_in_by_multiplication() -> None:
    factor: Any = 0.5
    with pytest.raises(TypeError):
        Money(100, "CNY") * factor


def test_currencies_never_mix() -> None:
    yuan, dollar = Money(100, "CNY"), Money(100, "HKD")
    for mix in (
        lambda: yuan + dollar,
        lambda: yuan - dollar,
        lambda: yuan < dollar,
        lambda: yuan <= dollar,
        lambda: yuan > dollar,
        lambda: yuan >= dollar,
        lambda: total([yuan, dollar], "CNY"),
        lambda: total([dollar], "CNY"),
    ):
        with pytest.raises(ValueError, match="cannot mix"):
            mix()
    assert yuan != dollar


def test_arithmetic_and_order() -> None:
    assert Money(250, "CNY") + Money(50, "CNY") == Money(300, "CNY")
    assert Money(250, "CNY") - Money(300, "CNY") == Money(-50, "CNY")
    assert -Money(5, "CNY") == Money(-5, "CNY")
    assert Money(250, "CNY") * 3 == Money(750, "CNY")
    assert Money(1, "CNY") < Money(2, "CNY") <= Money(2, "CNY")
    assert Money(2, "CNY") > Money(1, "CNY") >= Money(1, "CNY")
    assert not Money(0, "CNY")
    assert Money(-1, "CNY")
    assert total([], "CNY") == Money(0, "CNY")
    assert total([Money(1, "CNY"), Money(2, "CNY")], "CNY") == Money(3, "CNY")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(250, "CNY", "2.50"), (5, "CNY", "0.05"), (-5, "CNY", "-0.05"), (-12345, "CNY", "-123.45"), (500, "JPY", "500")],
)
def test_writes_all_digits(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).amount_text == text
    assert str(Money(minor, currency)) == f"{text} {currency}"


def test_a_price_per_minute_stays_exact_until_it_is_money() -> None:
    rate = Rate.of("0.035", "SGD")
    assert rate.minor == Fraction(35, 10)
    assert rate.times(1) == Money(4, "SGD")  # 3.5 cents
    assert rate.times(1, Rounding.HALF_EVEN) == Money(4, "SGD")
    assert rate.times(3, Rounding.DOWN) == Money(10, "SGD")  # 10.5 cents
    assert rate.times(3, Rounding.HALF_EVEN) == Money(10, "SGD")
    assert rate.times(3) == Money(11, "SGD")
    assert rate.times(60) == Money(210, "SGD")  # a rate rounded first would make 240
    assert rate.times(Fraction(1, 7), Rounding.UP) == Money(1, "SGD")


def test_a_price_times_a_float_is_refused() -> None:
    quantity: Any = 1.5
    with pytest.raises((TypeError, AttributeError)):
        Rate.of("0.035", "SGD").times(quantity)
