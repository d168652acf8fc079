"""What a tariff says, in the words of the catalogue, and what its author should know before it is published."""

from openberth.contexts.tariffs.telling.summary import Saying, sayings
from openberth.contexts.tariffs.telling.warnings import Warned, warnings_of

__all__ = ["Saying", "Warned", "sayings", "warnings_of"]
