"""Whatever somebody writes, reading a document ends in a document or in mistakes with lines, never in anything else."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from openberth.contexts.facility.document import LotDocument, lot_of, lot_text, read_lot, version_of
from openberth.contexts.facility.document.checks import expand
from openberth.contexts.facility.document.writing import ranges
from openberth.contexts.facility.model import Lot, Space, diff
from openberth.contexts.facility.model.plan import DEGREE, Plan, Position, SpaceRow
from openberth.contexts.permits.document import PermitsDocument
from openberth.contexts.tariffs.document import TariffDocument, tariff_from_plain, tariff_of, tariff_to_plain
from openberth.infra.documents import Document, DocumentError, plain, read_document
from openberth.infra.documents.source import Data, read_source

ROOT = Path(__file__).parents[2]
FILES: dict[str, type[Document]] = {
    "lots/office.yaml": LotDocument,
    "tariffs/mall.yaml": TariffDocument,
    "tariffs/hospital.yaml": TariffDocument,
    "tariffs/residential-ladder.yaml": TariffDocument,
    "tariffs/singapore-central.yaml": TariffDocument,
    "tariffs/taiyuan-ev.yaml": TariffDocument,
    "lots/community.permits.yaml": PermitsDocument,
}
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in FILES}
PIECES = [
    "{", "}", "[", "]", ":", ",", "- ", "\n", " ", "&a", "*a", "!!int ", "'", '"', "|", ">", "? ", "---\n", "#", "\t",
    "\x00", "\ud800", "é", "车", "0", "1e9", "null", "~", "<<: ", "code", "code: mall\n",
]  # fmt: skip


def read(text: str, name: str) -> Document | None:
    mistakes: DocumentError
    try:
        return read_document(text, FILES[name], name=name)
    except DocumentError as error:
        mistakes = error
    assert mistakes.mistakes
    assert all(1 <= mistake.line <= max(1, len(text.splitlines())) for mistake in mistakes.mistakes)
    assert str(mistakes)
    return None


def comes_back(lot: Lot) -> None:
    """Look whether what is written of a lot, applied to it, changes nothing."""
    again = read_lot(lot_text(lot), name="x")
    assert not diff(lot, again)
    assert version_of(lot) == version_of(again)


@pytest.mark.parametrize("name", ["mall", "office", "community"])
def test_the_file_of_an_example_comes_back(name: str) -> None:
    lot = read_lot((ROOT / "lots" / f"{name}.yaml").read_text("utf-8"), name=name)
    comes_back(lot)
    turned = replace(lot, lanes=lot.lanes[::-1], devices=lot.devices[::-1], spaces=lot.spaces[::-1])
    assert version_of(turned) == version_of(lot)
    assert version_of(replace(lot, capacity=lot.capacity + 1)) != version_of(lot)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda name: bool(name.strip())
)
codes = st.from_regex(r"[A-Z]{0,2}(0|00|99|1)?[0-9]{1,3}", fullmatch=True)


@settings(max_examples=100, deadline=None)
@given(names, names, st.sets(codes, max_size=40), st.none() | st.sampled_from(["null", "no", "0123", "1e3", "1.5"]))
def test_a_lot_of_any_names_and_spaces_comes_back(zh: str, en: str, spaces: set[str], serial: str | None) -> None:
    lot = read_lot(TEXTS["lots/office.yaml"], name="x")
    devices = (replace(lot.devices[0], serial=serial), *lot.devices[1:])
    places = tuple(Space(code, "garage") for code in spaces)
    comes_back(replace(lot, name_zh=zh, name_en=en, devices=devices, spaces=places, plan=None, sensors=()))
    assert sorted(code for each in ranges(spaces) for code in expand(each)) == sorted(spaces)


units = st.integers(-90 * DEGREE, 90 * DEGREE)
points = st.tuples(st.integers(0, 9_000), st.integers(0, 9_000))


@settings(max_examples=100, deadline=None)
@given(units, units, st.lists(st.tuples(points, st.integers(0, 359), st.booleans()), max_size=8), st.lists(points))
def test_a_lot_anywhere_and_drawn_anyhow_comes_back(
    longitude: int, latitude: int, rows: list[tuple[tuple[int, int], int, bool]], wall: list[tuple[int, int]]
) -> None:
    lot = read_lot(TEXTS["lots/office.yaml"], name="x")
    codes = [space.code for space in lot.spaces if space.area == "deck"]
    drawn = tuple(
        SpaceRow(tuple(codes[4 * number : 4 * number + 4][:: -1 if turned else 1]), at, angle)
        for number, (at, angle, turned) in enumerate(rows)
    )
    walls = (tuple(wall),) if len(wall) >= 2 else ()
    comes_back(replace(lot, position=Position(longitude, latitude), plan=Plan(9_000, 9_000, spaces=drawn, walls=walls)))


@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)))
def test_any_text(text: str) -> None:
    read(text, "tariffs/mall.yaml")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_sound_file_with_a_piece_changed(name: str, data: st.DataObject) -> None:
    text = TEXTS[name]
    start = data.draw(st.integers(0, len(text)))
    end = start + data.draw(st.integers(0, 12))
    found = read(text[:start] + data.draw(st.sampled_from(["", *PIECES])) + text[end:], name)
    if isinstance(found, LotDocument):
        comes_back(lot_of(found))
    elif isinstance(found, TariffDocument):
        assert tariff_from_plain(tariff_to_plain(tariff_of(found))) == tariff_of(found)
    if found is not None:
        assert type(found).model_validate(plain(found)) == found


values: st.SearchStrategy[object] = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(values)
def test_text_comes_through_as_it_was(value: object) -> None:
    source = read_source(yaml.safe_dump(value, allow_unicode=True, default_style='"'))
    assert source.mistakes == []
    assert unmarked(source.data) == value


def unmarked(data: Data) -> object:
    if isinstance(data, dict):
        return {key: unmarked(value) for key, value in data.items()}
    if isinstance(data, list):
        return [unmarked(value) for value in data]
    return None if data is None else str(data)
