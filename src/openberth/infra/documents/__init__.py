"""Documents that people write: YAML or JSON, read exactly, with every mistake at its line.

``read_document`` reads a text into a model derived from ``Document``; ``fields`` holds the kinds of value that stand
in documents (codes, amounts, dates, networks). A document that is wrong raises one ``DocumentError`` with all its
mistakes; their texts are in the catalogue under the codes.
"""

from openberth.infra.documents.fields import (
    Amount,
    Between,
    Clock,
    Code,
    Currency,
    Day,
    Hours,
    MonthDay,
    Names,
    Network,
    Number,
    Part,
    Share,
    Text,
    Truth,
    Whole,
    Zone,
    wrong,
)
from openberth.infra.documents.mistakes import DocumentError, Flaw, Mistake, Path, Say, flaw, listed
from openberth.infra.documents.reading import Document, located, plain, read_document, schema_text

__all__ = [
    "Amount",
    "Between",
    "Clock",
    "Code",
    "Currency",
    "Day",
    "Document",
    "DocumentError",
    "Flaw",
    "Hours",
    "Mistake",
    "MonthDay",
    "Names",
    "Network",
    "Number",
    "Part",
    "Path",
    "Say",
    "Share",
    "Text",
    "Truth",
    "Whole",
    "Zone",
    "flaw",
    "listed",
    "located",
    "plain",
    "read_document",
    "schema_text",
    "wrong",
]
