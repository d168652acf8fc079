"""Whatever somebody writes, reading a document ends in a document or in mistakes with lines, never in anything else."""

from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from openberth.contexts.facility.document import LotDocument, lot_of
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
        lot_of(found)
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
