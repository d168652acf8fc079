"""The published JSON Schemas are those of the code. ``python tests/golden/test_schemas.py`` writes them anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openberth.contexts.facility.document import lot_schema
from openberth.contexts.permits.document import permits_schema
from openberth.contexts.tariffs.document import tariff_schema
from openberth.contexts.tariffs.document.days import days_schema

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMAS: dict[str, Callable[[], str]] = {
    "lot.schema.json": lot_schema,
    "tariff.schema.json": tariff_schema,
    "permits.schema.json": permits_schema,
    "days.schema.json": days_schema,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_published_schema_is_current(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == SCHEMAS[name]()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        (FOLDER / name).write_text(schema(), "utf-8")
