"""SIGKILL at a random moment: what was acknowledged is there, nothing is there twice, positions go on without gaps."""

import contextlib
import os
import random
import select
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import make_url

from openberth.infra.clocks import system_clocks
from openberth.infra.database import Database, open_database
from openberth.infra.database.backends import backend_for
from openberth.infra.database.migrating import migrate
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from tests.service.infra import tables
from tests.service.infra.facts import BY, envelopes, number_all, numbers, tell_all
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
LIFE_MS = (0, 700)
OTHERS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
WRITERS = 8  # of the process, each with one fact under way


def opened(url: str) -> Database:
    return open_database(url, system_clocks(), RingSealer(KeyRing.fresh()), node="killed")


def live_and_die(url: str, life_ms: int) -> list[int]:
    """Let a process write for some time, kill it, and return the numbers it knew to be stored."""
    command = [sys.executable, "-m", "tests.service.infra.kill_child", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, bufsize=0) as child:
        assert child.stdout is not None
        output = child.stdout.readline()  # its life begins with its first fact
        killed_at = time.monotonic() + life_ms / 1_000
        while (left := killed_at - time.monotonic()) > 0:
            if select.select([child.stdout], [], [], left)[0]:
                output += os.read(child.stdout.fileno(), 1 << 16)
        child.kill()
        output += child.stdout.read()
    whole, _, _cut = output.rpartition(b"\n")  # the last line may have been cut short
    return [int(line) for line in whole.split()]


def left_alone(url: str) -> None:
    """Wait until a server has let go of a killed process: a commit that was under way counts, and comes late."""
    if url.startswith("sqlite"):
        return
    backend = backend_for(make_url(url))
    with contextlib.closing(backend.connect()) as connection:
        cursor = connection.cursor()

        def alone() -> bool:
            cursor.execute(OTHERS[backend.kind])
            return bool(cursor.fetchone()[0] == 0)

        assert eventually(alone)


def test_a_killed_process_loses_and_doubles_nothing(empty_url: str) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    migrate(empty_url)
    db = opened(empty_url)
    tables.make(db)
    db.close()
    acknowledged = live_and_die(empty_url, chance.randint(*LIFE_MS))
    left_alone(empty_url)
    db = opened(empty_url)
    try:
        stored = set(db.read_now(tables.values, by=BY))
        number_all(db)
        found = envelopes(db)
        assert acknowledged
        assert set(acknowledged) <= stored
        assert sorted(numbers(found)) == sorted(stored)
        assert [envelope.position for envelope in found] == list(range(1, len(stored) + 1))
        assert len(stored) - len(acknowledged) <= WRITERS
        sequences = [envelope.node_sequence for envelope in found]
        assert len(set(sequences)) == len(sequences)
        tell_all(db, 999)
        number_all(db)
        newest = envelopes(db)[-1]
        assert newest.position == len(stored) + 1
        assert newest.node_sequence > max(sequences)
    finally:
        db.close()
