"""The ready-made tariffs cost what the tables in their comments say."""

from pathlib import Path

import pytest

from tests.unit.contexts.tariffs.cases import LIBRARY, Row, fee, ready, rows_of, table_lines

CASES = [(path, row) for path in LIBRARY for row in rows_of(path)]


def _named(value: object) -> str:
    if isinstance(value, Path):
        return value.stem
    assert isinstance(value, Row)
    return f"{value.day} {value.at} {value.stay} {value.vehicle}".strip()


@pytest.mark.parametrize(("path", "row"), CASES, ids=_named)
def test_tables(path: Path, row: Row) -> None:
    assert fee(ready(path.stem), row.day, row.at, row.stay, row.vehicle) == row.price


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_tariff_has_a_table_and_every_line_of_it_is_read(path: Path) -> None:
    assert len(rows_of(path)) == len(table_lines(path)) > 2


def test_the_library_is_large_enough_to_find_ones_own_kind_in_it() -> None:
    assert len(LIBRARY) >= 20
