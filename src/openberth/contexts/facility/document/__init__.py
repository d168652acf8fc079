"""The lot file: what an operator writes, read into a ``Lot``, and written out again. ``docs/guides/lot-file.md``."""

from openberth.contexts.facility.document.file import LotDocument, lot_of, lot_schema, read_lot, tariff_places
from openberth.contexts.facility.document.writing import lot_text, version_of

__all__ = ["LotDocument", "lot_of", "lot_schema", "lot_text", "read_lot", "tariff_places", "version_of"]
