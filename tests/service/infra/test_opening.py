"""Opening: one server a file, and clear words about what cannot be reached."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openberth.infra.clocks import Clocks
from openberth.infra.database import Database, open_database, sole_owner
from openberth.infra.sealing import RingSealer
from openberth.kernel.errors import Overloaded, Refused
from tests.service.databases import ServerBase
from tests.waiting import eventually

HOLD = """
import sys
from pathlib import Path
from openberth.infra.database import sole_owner
with sole_owner(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_second_process_is_refused_and_told_who_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "openberth.db"
    with hold(path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Refused) as caught, sole_owner(path):
            pytest.fail("two owners")
        assert caught.value.code == "database.in_use"
        assert caught.value.params == {"database": str(path), "pid": str(holder.pid)}
        holder.kill()  # a lock dies with its process, however it dies
        holder.wait()
    with sole_owner(path):
        assert path.with_name("openberth.db.lock").read_text() == f"{os.getpid()}\n"
    with sole_owner(path):
        pass


def test_one_process_twice_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "openberth.db"
    with sole_owner(path), pytest.raises(Refused, match=str(os.getpid())), sole_owner(path):
        pytest.fail("two owners")


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_an_unreachable_server_says_so(kind: str, clocks: Clocks, keys: RingSealer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound and not listening: refused at once
        url = f"{kind}://somebody:secret@127.0.0.1:{port}/parking"
        with pytest.raises(Overloaded) as caught:
            open_database(url, clocks, keys, node="test")
    assert caught.value.code == "database.unreachable"
    assert caught.value.params["database"] == f"127.0.0.1:{port}/parking"
    assert "secret" not in str(caught.value)


def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path, clocks: Clocks, keys: RingSealer) -> None:
    with pytest.raises(Overloaded, match=r"database\.unreachable"):
        open_database(f"sqlite:///{tmp_path}/nowhere/openberth.db", clocks, keys, node="test")


@pytest.mark.parametrize("url", ["oracle://x/y", "not a url", "", "sqlite"])
def test_an_unknown_kind_of_database_says_so(url: str, clocks: Clocks, keys: RingSealer) -> None:
    with pytest.raises(Overloaded, match=r"database\.unknown_kind"):
        open_database(url, clocks, keys, node="test")


@pytest.mark.mariadb
def test_connections_share_one_tls_context(
    server_base: Callable[[str], ServerBase], clocks: Clocks, keys: RingSealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server_base("mysql").url
    made: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", lambda *_arguments, **_named: counted())
    for _ in range(2):
        open_database(url, clocks, keys, node="test").close()
    assert len(made) <= 1  # none when an earlier test has connected


def test_closing_stops_every_thread(db: Database) -> None:
    import threading

    before = [thread for thread in threading.enumerate() if thread.name.startswith("db-")]
    assert before
    db.close()
    assert eventually(lambda: not any(thread.name.startswith("db-") for thread in threading.enumerate()))
