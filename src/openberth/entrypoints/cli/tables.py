"""Tables as all commands print them: no lines, a quiet heading, wide content folded rather than lost."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from openberth.entrypoints.cli.session import Session


def plain_table(*headings: tuple[str, str]) -> Table:
    """Return a table; headings are (text, ``left`` or ``right``)."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for text, justify in headings:
        table.add_column(text, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def rows_into(table: Table, rows: Sequence[Sequence[RenderableType]]) -> Table:
    """Add rows to a table and return it."""
    for row in rows:
        table.add_row(*row)
    return table


def print_warning(words: str, session: Session) -> None:
    """Print something to know that forbids nothing."""
    session.out.print(Text.assemble(("! ", "yellow bold"), words), soft_wrap=True)
