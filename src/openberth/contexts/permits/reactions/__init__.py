"""What permits does outside of units: lists of any length, and the lists of cameras that are kept in step."""

from openberth.contexts.permits.reactions.applying import apply_list
from openberth.contexts.permits.reactions.white_lists import WhiteLists

__all__ = ["WhiteLists", "apply_list"]
