"""Rules as a lot's row keeps them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from openberth.contexts.facility.model import Rules
from openberth.infra.shapes import Shape

_RULES = Shape(Rules)


def rules_to_plain(rules: Rules) -> dict[str, Any]:
    """Return rules as they are stored."""
    return asdict(rules)


def rules_from_plain(stored: Mapping[str, Any]) -> Rules:
    """Return stored rules; one that was not there yet when they were written holds as it does by default."""
    return _RULES.convert(stored)
