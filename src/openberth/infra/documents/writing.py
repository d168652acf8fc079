"""Documents as the YAML that people read and change: what is short stands on one line, what is usual is left out.

``read_document`` reads the text back into an equal document.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import yaml

from openberth.infra.documents.fields import Part

WIDTH = 120
LINE_MAX = 130  # of a thing in a list as Python shows it, quotes and all: about a line of YAML

_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_BASE):  # type: ignore[misc]  # one of two classes, by what is installed
    """Writes numbers as they were written, never through a float."""


class _Line(dict[str, Any]):
    """A thing in a list that fits on one line."""


class _Points(list[Any]):
    """A list of lists: points, pairs."""


def _line(dumper: Any, value: _Line) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


def _points(dumper: Any, value: _Points) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


def _number(dumper: Any, value: Decimal) -> Any:
    digits = f"{value:f}"
    kind = "float" if "." in digits else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", digits)


_Dumper.add_representer(Decimal, _number)
_Dumper.add_representer(_Line, _line)
_Dumper.add_representer(_Points, _points)


def usual_left_out(part: Part) -> dict[str, Any]:
    """Return what a part of a document says beyond what holds by itself, in the keys of the document."""
    found: dict[str, Any] = part.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    return found


def written_out(part: Part) -> dict[str, Any]:
    """Return all that a part of a document says, in the keys of the document."""
    found: dict[str, Any] = part.model_dump(by_alias=True, exclude_none=True)
    return found


def yaml_text(data: Mapping[str, Any]) -> str:
    """Return a document's data as YAML."""
    text = yaml.dump(
        _values(data), Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=None, width=WIDTH
    )
    return str(text)


def _values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _values(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_values(each) for each in value]
        if items and all(isinstance(each, list) for each in items):
            return _Points(items)
        return [_Line(each) if isinstance(each, dict) and len(str(each)) <= LINE_MAX else each for each in items]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, Decimal)):
        return value
    return str(value)
