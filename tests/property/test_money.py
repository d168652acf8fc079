"""Laws of money that hold for every amount."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from openberth.kernel.money import MINOR_DIGITS, Money, Rate, Rounding, rounded, total

currencies = st.sampled_from(sorted(MINOR_DIGITS))
minors = st.integers(-(10**15), 10**15)
exacts = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)


@given(minors, currencies)
def test_text_and_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.of(money.amount_text, currency) == money


@given(st.lists(minors), currencies)
def test_sums_do_not_depend_on_order(parts: list[int], currency: str) -> None:
    monies = [Money(part, currency) for part in parts]
    assert total(monies, currency) == total(reversed(monies), currency) == Money(sum(parts), currency)


@given(exacts, st.sampled_from(Rounding))
def test_rounding_moves_less_than_one_and_keeps_whole_numbers(exact: Fraction, rule: Rounding) -> None:
    result = rounded(exact, rule)
    assert abs(result - exact) < 1
    assert rounded(Fraction(result), rule) == result
    assert rounded(-exact, rule) == -result


@given(exacts)
def test_rounding_rules_keep_their_promise(exact: Fraction) -> None:
    assert abs(rounded(exact, Rounding.UP)) >= abs(exact)
    assert abs(rounded(exact, Rounding.DOWN)) <= abs(exact)
    assert abs(rounded(exact, Rounding.HALF_UP) - exact) <= Fraction(1, 2)
    assert rounded(exact, Rounding.HALF_EVEN) == round(exact)  # Python's own rule for fractions is half-even


@given(exacts, exacts, st.sampled_from(Rounding))
def test_rounding_keeps_order(one: Fraction, other: Fraction, rule: Rounding) -> None:
    low, high = sorted((one, other))
    assert rounded(low, rule) <= rounded(high, rule)


@given(st.integers(0, 10**9), st.integers(0, 6), st.integers(0, 10**6), currencies)
def test_a_rate_is_the_price_it_was_written_as(digits: int, places: int, quantity: int, currency: str) -> None:
    text = f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)
    rate = Rate.of(text, currency)
    assert rate.minor == Fraction(digits * 10 ** MINOR_DIGITS[currency], 10**places)
    assert abs(Fraction(rate.times(quantity).minor) - rate.minor * quantity) <= Fraction(1, 2)
