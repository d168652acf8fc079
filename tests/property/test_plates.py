"""Laws of plates: reading is stable, masks hide, the distance is a metric."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from openberth.kernel.plates import CONFUSION, EDIT, PROVINCE, PROVINCES, InvalidPlate, Plate, distance, nearest

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SERIAL = "0123456789" + LETTERS
provinces = st.sampled_from(PROVINCES)
ordinary = st.builds(
    lambda province, letter, serial: Plate.read(province + letter + serial),
    provinces,
    st.sampled_from(LETTERS),
    st.text(SERIAL, min_size=5, max_size=5),
)
new_energy = st.builds(
    lambda province, letter, kind, second, number: Plate.read(f"{province}{letter}{kind}{second}{number:04d}"),
    provinces,
    st.sampled_from(LETTERS),
    st.sampled_from("DABCEFGHJK"),
    st.sampled_from(SERIAL),
    st.integers(0, 9999),
)
foreign = st.text("0128BDOQSZ", min_size=2, max_size=8).map(Plate.foreign)
plates = st.one_of(ordinary, new_energy, foreign)


@given(st.text(max_size=60))
@example("粤B12345")
@example("ﷺ粤B")
@example("ß12345")
def test_reading_any_text_gives_a_plate_or_a_reason(text: str) -> None:
    for reader in (Plate.read, Plate.foreign):
        try:
            plate = reader(text)
        except InvalidPlate as refusal:
            assert refusal.fault  # noqa: PT017 - most texts are refused; what is not is checked below
            continue
        assert reader(plate.text) == plate == Plate(plate.key)
        assert plate.key == unicodedata.normalize("NFKC", plate.key).upper()
        assert 2 <= len(plate.key) <= 12


@given(plates, st.sampled_from(["·", " ", "-", "．", "•"]), st.integers(0, 8))
def test_separators_anywhere_change_nothing(plate: Plate, separator: str, place: int) -> None:
    spelling = plate.text[:place] + separator + plate.text[place:].lower()
    assert Plate.foreign(spelling) == plate


@given(plates)
def test_a_mask_hides_two_characters_or_more(plate: Plate) -> None:
    masked = plate.masked.replace("·", "")
    assert len(masked) == len(plate.text)
    assert masked.count("*") >= 2
    assert all(shown in ("*", real) for shown, real in zip(masked, plate.text, strict=True))
    first, last = masked.index("*"), masked.rindex("*")
    assert set(masked[first : last + 1]) == {"*"}
    assert len(plate.text) - 1 - last <= 3
    assert plate.text not in repr(plate)


@given(plates, plates)
def test_distance_is_symmetric_and_zero_for_itself_only(one: Plate, other: Plate) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)


@given(plates, plates, plates)
def test_no_detour_is_shorter(one: Plate, middle: Plate, other: Plate) -> None:
    assert distance(one, other) <= distance(one, middle) + distance(middle, other)


@given(plates, plates)
def test_distance_equals_the_textbook_table(one: Plate, other: Plate) -> None:
    assert distance(one, other) == _textbook(one.text, other.text)


@given(plates, st.lists(plates, max_size=20), st.integers(0, 8))
def test_the_nearest_are_exactly_those_within_the_limit(plate: Plate, candidates: list[Plate], limit: int) -> None:
    found = nearest(plate, candidates, limit)
    expected = sorted(distance(plate, candidate) for candidate in candidates)
    assert [near.cost for near in found] == [cost for cost in expected if cost <= limit]
    assert all(near.cost == distance(plate, near.plate) for near in found)


def _textbook(one: str, other: str) -> int:
    """Return the distance by the full table, written apart from the code under test."""
    families = [set(family) for family in ("0DOQ", "1ILT", "8B", "2Z", "5S", "6G", "UV")]
    cost = 0
    if (one[0] in PROVINCES and one[0]) != (other[0] in PROVINCES and other[0]):
        cost = PROVINCE
    one, other = one.lstrip(PROVINCES), other.lstrip(PROVINCES)
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            ways = []
            if i == j == 0:
                ways.append(0)
            if i:
                ways.append(table[i - 1][j] + EDIT)
            if j:
                ways.append(table[i][j - 1] + EDIT)
            if i and j:
                a, b = one[i - 1], other[j - 1]
                alike = any({a, b} <= family for family in families)
                ways.append(table[i - 1][j - 1] + (0 if a == b else CONFUSION if alike else EDIT))
            table[i][j] = min(ways)
    return cost + table[-1][-1]
