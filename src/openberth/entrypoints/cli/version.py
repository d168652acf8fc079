"""``openberth version``."""

import platform
import sys
from pathlib import Path

import typer

from openberth import __version__
from openberth.entrypoints.cli.files import checkout
from openberth.entrypoints.cli.session import Session


def version(context: typer.Context) -> None:
    """Print what runs here."""
    session: Session = context.obj
    session.out.print(f"OpenBerth {__version__}", highlight=False)
    where = checkout()
    told = session.say(
        "cli.version", python=platform.python_version(), system=f"{platform.system()} {platform.machine()}",
        place=str(where or Path(sys.prefix)),
    )  # fmt: skip
    session.out.print(told, highlight=False, soft_wrap=True)
