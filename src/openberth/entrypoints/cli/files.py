"""Files that people hand to commands, and the examples that come with OpenBerth."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import openberth
from openberth.kernel.errors import Refused

FILE_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Examples:
    """The ready-made lots of a checkout with their permit lists and the tariffs they need."""

    root: Path
    lots: tuple[Path, ...]
    tariffs: tuple[Path, ...]
    permits: tuple[Path, ...]


def read_text(path: Path) -> str:
    """Return the text of a file. Raises ``Refused("cli.file")`` with the reason."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise Refused("cli.file", path=str(path), reason=error.strerror or type(error).__name__) from error
    if len(content) > FILE_MAX_BYTES:
        raise Refused("cli.file_too_large", path=str(path), most=FILE_MAX_BYTES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused("cli.file_encoding", path=str(path), line=line) from None


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, for its owner only: what it holds of people and money is nobody else's.

    Nothing is overwritten, and no link that somebody laid there is followed. Raises ``Refused("cli.file")``.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise Refused("cli.file", path=str(path), reason=error.strerror or type(error).__name__) from error


def checkout() -> Path | None:
    """Return the folder of the checkout that this package runs from, None when it is installed elsewhere."""
    root = Path(openberth.__file__).resolve().parents[2]
    return root if (root / "lots").is_dir() and (root / "tariffs").is_dir() else None


def find_examples() -> Examples:
    """Return the examples of the checkout. Raises ``Refused("cli.no_examples")`` when there are none."""
    root = checkout()
    if root is None:
        raise Refused("cli.no_examples", folder=str(Path(openberth.__file__).resolve().parents[2]))
    every = sorted((root / "lots").glob("*.yaml"))
    permits = tuple(path for path in every if path.name.endswith(".permits.yaml"))
    lots = tuple(path for path in every if path not in permits)
    tariffs = tuple(root / "tariffs" / f"{code}.yaml" for code in sorted(_tariffs_of(lots)))
    if not lots or not tariffs:
        raise Refused("cli.no_examples", folder=str(root))
    return Examples(root, lots, tariffs, permits)


def _tariffs_of(lots: Iterable[Path]) -> set[str]:
    from openberth.contexts.facility.document import read_lot, tariff_places

    found = (read_lot(read_text(path), name=str(path)) for path in lots)
    return {code for lot in found for _, code in tariff_places(lot)}
