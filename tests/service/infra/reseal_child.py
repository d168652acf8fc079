"""A process to be killed: seals anew what lies under old keys, tells that it is in the midst of a page, and stays."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from openberth.infra import vault
from openberth.infra.clocks import system_clocks
from openberth.infra.database import Unit, open_database
from openberth.infra.jobs import Job
from openberth.infra.key_keeping import RESEAL, KeyKeeper
from openberth.infra.keys import load_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import Anew
from openberth.kernel.ids import Id

write_anew, pages = vault.write_anew, list[int]()


def slowly(unit: Unit, rows: Sequence[Anew]) -> int:
    written = write_anew(unit, rows)
    pages.append(written)
    if len(pages) == 3:
        print("in the midst", flush=True)
        time.sleep(3_600)
    return written


async def main(url: str, keys: Path) -> None:
    db = open_database(url, system_clocks(), RingSealer(load_keys(keys), path=keys), node="killed")
    vault.write_anew = slowly
    await KeyKeeper(db)._reseal(Job(Id(int=1), RESEAL, {}, 1, None))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
