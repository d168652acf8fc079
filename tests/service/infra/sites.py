"""A running OpenBerth, as far as backups are concerned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from openberth.infra.backup import Manifest, backup, restore, verify
from openberth.infra.database import Database, Query
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import one_id
from openberth.infra.keys import KeyRing
from openberth.kernel.errors import Problem

PICTURES = {"pictures/2026-11/20/a": b"a picture" * 999, "pictures/2026-11/21/b": b"another", "pictures/empty": b""}
KINDS = ["backup", "backup.tar"]
ALL_VAULT = Query(select(vault.c.id), one_id)


@dataclass
class Site:
    """A running OpenBerth, as far as a backup is concerned."""

    root: Path
    url: str
    ring: KeyRing
    db: Database

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def keys(self) -> Path:
        return self.root / "keys.json"

    def backup(self, name: str = "backup", **params: Any) -> Path:
        return backup(database_url=self.url, data=self.data, target=self.root / name, **params).target

    def restore(self, source: Path, to: str = "restored", **params: Any) -> Path:
        data = self.root / to
        given: dict[str, Any] = {"database_url": f"sqlite:///{data / 'openberth.db'}", "keys": self.keys} | params
        restore(source=source, data=data, **given)
        return data


def write_files(data: Path) -> None:
    for name, content in PICTURES.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)


def manifest_of(source: Path) -> Manifest:
    return verify(source)


def refused(act: Callable[[], Any], code: str) -> Problem:
    with pytest.raises(Problem) as caught:
        act()
    assert caught.value.code == code
    return caught.value


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")} if folder.exists() else set()
