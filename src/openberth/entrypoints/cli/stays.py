"""How commands name a lot and a car in it."""

from typing import Annotated
from uuid import UUID

import typer

from openberth.entrypoints.cli.client import Api
from openberth.kernel.errors import NotFound

LotArgument = Annotated[str, typer.Argument(help="cli.argument.lot", show_default=False)]


async def stay_of(api: Api, lot: str, named: str, *, state: str = "open") -> str:
    """Return the id of the stay that is named by itself, by a plate or by a pass: the newest one.

    Raises ``NotFound("stay.not_found")``.
    """
    try:
        return str(UUID(named))
    except ValueError:
        found = await api.items("/v1/stays", lot=lot, plate=named, state=state)
    if not found:
        raise NotFound("stay.not_found")
    return str(found[0]["id"])
