"""The tariff file: what an operator writes, read into a ``Tariff`` and back. Guide: ``docs/guides/tariffs.md``.

``parts`` and ``keys`` hold what may stand in it, ``checks`` what must hold, ``reading`` and ``writing`` the way to the
model and back; stored versions are in the same form, written out.
"""

from collections.abc import Mapping
from typing import Any

from openberth.contexts.tariffs.document.file import TariffDocument
from openberth.contexts.tariffs.document.keys import FORMAT
from openberth.contexts.tariffs.document.plain import (
    cap_uses_from_plain,
    cap_uses_to_plain,
    money_to_plain,
    quote_to_plain,
)
from openberth.contexts.tariffs.document.reading import tariff_of
from openberth.contexts.tariffs.document.writing import document_of
from openberth.contexts.tariffs.model import Tariff
from openberth.infra.documents import plain, read_document, schema_text

__all__ = [
    "FORMAT",
    "TariffDocument",
    "cap_uses_from_plain",
    "cap_uses_to_plain",
    "document_of",
    "money_to_plain",
    "quote_to_plain",
    "read_tariff",
    "tariff_from_plain",
    "tariff_of",
    "tariff_schema",
    "tariff_to_plain",
]


def read_tariff(text: str, *, name: str) -> Tariff:
    """Read a tariff file; ``name`` stands in the messages. Raises ``DocumentError``."""
    return tariff_of(read_document(text, TariffDocument, name=name))


def tariff_to_plain(tariff: Tariff) -> Mapping[str, Any]:
    """Return a tariff as JSON-able data in the keys of the file: how versions are stored and served."""
    return plain(document_of(tariff))


def tariff_from_plain(data: Mapping[str, Any]) -> Tariff:
    """Return the tariff that ``tariff_to_plain`` wrote, in this release or an earlier one."""
    return tariff_of(TariffDocument.model_validate(data))


def tariff_schema() -> str:
    """Return the JSON Schema of the tariff file."""
    return schema_text(TariffDocument, title="OpenBerth tariff file")
