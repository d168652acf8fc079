"""Cursors of lists: they go on exactly where a page ended, and are taken by no other list or order."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from openberth.infra.http.pages import key_cursor, key_of_cursor
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

MARKS = st.integers(0, (1 << 32) - 1)
MOMENTS = st.integers(-(1 << 63), (1 << 63) - 1).map(Instant)
IDS = st.integers(0, (1 << 128) - 1).map(lambda number: Id(int=number))


@given(MARKS, MOMENTS, IDS)
def test_a_cursor_names_the_key_it_was_made_of(mark: int, moment: Instant, identifier: Id) -> None:
    cursor = key_cursor(mark, (moment, identifier))
    assert key_of_cursor(mark, cursor) == (moment, identifier)
    assert cursor.isascii()
    assert len(cursor) <= 200


@given(MARKS, MARKS, MOMENTS, IDS)
def test_a_cursor_of_another_list_or_order_is_refused(mark: int, other: int, moment: Instant, identifier: Id) -> None:
    assume(mark != other)
    with pytest.raises(Malformed, match=r"request\.cursor"):
        key_of_cursor(other, key_cursor(mark, (moment, identifier)))


@given(MARKS, st.one_of(st.text(max_size=60), st.binary(max_size=40).map(lambda raw: raw.hex())))
def test_what_is_no_cursor_is_refused(mark: int, text: str) -> None:
    try:
        key = key_of_cursor(mark, text)
    except Malformed:
        return
    assert key_of_cursor(mark, key_cursor(mark, key)) == key
