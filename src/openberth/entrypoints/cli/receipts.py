"""``openberth receipt``: the electronic receipt of a payment, as a file or as a link for its payer."""

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.files import write_new
from openberth.entrypoints.cli.session import Session
from openberth.infra.paper import PaperFormat
from openberth.kernel.errors import Malformed

app = typer.Typer()

ReceiptArgument = Annotated[str, typer.Argument(help="cli.argument.receipt", show_default=False)]


@app.command("slip", help="cli.help.receipt.slip")
def slip(
    context: typer.Context,
    receipt: ReceiptArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="cli.option.receipt_out", show_default=False)],
) -> None:
    """Write the receipt of a payment into a file, in the form that its name says."""
    session: Session = context.obj
    try:
        form = PaperFormat(out.suffix.lower().removeprefix("."))
    except ValueError:
        raise Malformed("e_receipt.format", formats=", ".join(PaperFormat)) from None
    drawn = asyncio.run(_slip(session, receipt, form))
    write_new(out, drawn)
    typer.echo(session.say("cli.receipt.written", path=str(out)), err=True)


async def _slip(session: Session, receipt: str, form: PaperFormat) -> bytes:
    query = urlencode({"format": form.value, "lang": session.language})
    async with connected(session) as api:
        return b"".join([piece async for piece in api.pieces(f"/v1/receipts/{part(receipt)}/slip?{query}")])


@app.command("link", help="cli.help.receipt.link")
def link(context: typer.Context, receipt: ReceiptArgument) -> None:
    """Print the address at which the payer sees the receipt."""
    session: Session = context.obj
    session.out.print(asyncio.run(_link(session, receipt)), soft_wrap=True, highlight=False, markup=False)


async def _link(session: Session, receipt: str) -> str:
    async with connected(session) as api:
        return str((await api.get(f"/v1/receipts/{part(receipt)}/link"))["url"])
