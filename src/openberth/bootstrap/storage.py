"""What lies on this machine: clocks, folders, the database with its keys, the token of the first start."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from openberth.contexts import tenancy
from openberth.infra import vault
from openberth.infra.blobs import Blobs, FolderBlobs, S3Blobs
from openberth.infra.clocks import Clocks, ScaledClock, SystemClock
from openberth.infra.database import Database, open_database, sole_owner
from openberth.infra.database.migrating import migrate
from openberth.infra.keys import read_keys, settle_keys
from openberth.infra.place import TOKEN_FILE
from openberth.infra.sealing import RingSealer
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from openberth.kernel.errors import Refused

OPERATOR = "operator"


def clocks_of(settings: Settings) -> Clocks:
    """Return the clocks: business time runs fast only in a demo."""
    machine = SystemClock()
    clock = settings.clock
    if clock.anchor_business is None or clock.anchor_machine is None:
        if clock.speed == 1:
            return Clocks(machine, machine)
        now = machine.now()
        return Clocks(ScaledClock(now, now, clock.speed, machine), machine)
    return Clocks(ScaledClock(clock.anchor_business, clock.anchor_machine, clock.speed, machine), machine)


@contextmanager
def opened_database(settings: Settings, clocks: Clocks) -> Iterator[Database]:
    """Open the migrated database with its keys; a file database belongs to this process alone meanwhile.

    Raises ``Problem``: ``database.in_use``, ``database.unreachable``, ``vault.key_missing`` and their like.
    """
    with ExitStack() as stack:
        url = settings.database_url
        if url.startswith("sqlite"):
            path = Path(make_url(url).database or "")
            _make_folder(path.parent)
            stack.enter_context(sole_owner(path))
        _make_folder(settings.data)
        ring = read_keys(settings.keys, cipher=settings.vault.algorithm, now=clocks.machine.now())
        migrate(url)
        database = open_database(url, clocks, RingSealer(ring, path=settings.keys), node=node_name())
        stack.callback(database.close)
        settle_keys(settings.keys, ring, keys_in_use=database.read_now(vault.keys_in_use, by=system("start")))
        yield database


def operator_token(settings: Settings, database: Database) -> str:
    """Return the operator token, made at the first start and kept in a file that only its owner may read."""
    path = settings.data / TOKEN_FILE
    try:
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        token = ""
    except OSError as error:
        raise Refused("token.unreadable", path=str(path), reason=str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise Refused("token.unreadable", path=str(path), reason="not a token") from error
    if not token:  # an empty file is what a copy or a full disk leaves; nobody's token is the empty one
        token = secrets.token_urlsafe(32)
        _keep_token(path, token)
    database.write_now(
        lambda unit: tenancy.remember_operator_token(unit, token=token, name=OPERATOR), by=system("start")
    )
    return token


def _keep_token(path: Path, token: str) -> None:
    """Write the token whole or not at all: whoever is killed here leaves no half one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise Refused("settings.folder", path=str(path.parent), reason=str(error.strerror)) from error
    finally:
        temporary.unlink(missing_ok=True)


def node_name() -> str:
    """Return the name of this process's machine in the event log."""
    return socket.gethostname()[:40] or "node"


def opened_blobs(settings: Settings) -> Blobs:
    """Return where pictures and tables lie: a folder, or a bucket."""
    s3 = settings.s3
    if s3 is None:
        return FolderBlobs(settings.data / "pictures")
    return S3Blobs(
        endpoint=s3.endpoint, bucket=s3.bucket, access_key=s3.access_key.get_secret_value(),
        secret_key=s3.secret_key.get_secret_value(), region=s3.region, prefix=s3.prefix,
    )  # fmt: skip


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Refused("settings.folder", path=str(path), reason=str(error.strerror)) from error
