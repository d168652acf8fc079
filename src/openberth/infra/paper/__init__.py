"""Small printed papers such as receipts: written as blocks, set on narrow pages, drawn as PDF or as a picture.

A paper is a value (``Paper``); what it looks like is decided here, what it says is not. The picture is made of the very
PDF, so the two never differ. The font comes along, so nothing of the machine matters: the same paper is the same bytes.
Drawing takes some ten milliseconds of CPU, so it happens in the thread of a ``Press``, never on the event loop and
never in a unit.
"""

from openberth.infra.paper.model import Align, Block, Gap, Paper, PaperFormat, Qr, Row, Rule, Text, digest_of
from openberth.infra.paper.press import Press

__all__ = ["Align", "Block", "Gap", "Paper", "PaperFormat", "Press", "Qr", "Row", "Rule", "Text", "digest_of"]
