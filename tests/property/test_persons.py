"""Laws of identity numbers and phones."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openberth.kernel.persons import IdentityNumber, InvalidPerson, Phone, masked_words, read_name

DIGITS = st.text("0123456789", min_size=4, max_size=4)


def _number(first: str) -> str:
    """Return 17 digits with the check character that makes the ISO 7064 sum, from the right, one modulo eleven."""
    for check in "0123456789X":
        total = 10 if check == "X" else int(check)
        for place, digit in enumerate(reversed(first), 1):
            total += int(digit) * 2**place
        if total % 11 == 1:
            return first + check
    raise AssertionError("one of eleven fits")


numbers = st.builds(
    lambda region, rest, born, sequence: _number(f"{region}{rest}{born:%Y%m%d}{sequence:03}"),
    st.sampled_from([11, 31, 44, 54, 65, 81, 83]), DIGITS, st.dates(date(1850, 1, 1), date(2025, 12, 31)),
    st.integers(0, 999),
)  # fmt: skip


@given(numbers)
def test_every_number_with_its_check_is_read_and_masked(text: str) -> None:
    found = IdentityNumber.read(text)
    assert found.text == text
    assert text[4:14] not in found.masked


@given(numbers, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_found(text: str, place: int, off: int) -> None:
    wrong = text[:place] + str((int(text[place]) + off) % 10) + text[place + 1 :]
    with pytest.raises(InvalidPerson):
        IdentityNumber.read(wrong)


@given(numbers, st.integers(0, 15))
def test_two_neighbours_exchanged_are_found(text: str, place: int) -> None:
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if swapped == text:
        return
    with pytest.raises(InvalidPerson):
        IdentityNumber.read(swapped)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_all_spellings_of_a_mobile_are_one_phone(text: str) -> None:
    spaced = f"{text[:3]} {text[3:7]}-{text[7:]}"
    assert {Phone.read(each) for each in (text, spaced, f"+86{text}", f"0086 {spaced}", f"86{text}")} == {
        Phone(f"+86{text}")
    }
    assert text not in masked_words(f"said {text}.") + masked_words(f"said {spaced}.")


@given(st.text(max_size=60))
def test_reading_anything_refuses_or_gives_what_reads_to_itself(text: str) -> None:
    for read in (lambda said: IdentityNumber.read(said).text, lambda said: Phone.read(said).text, read_name):
        try:
            kept = read(text)
        except InvalidPerson:
            continue
        assert read(kept) == kept
