"""A process to be killed: seals anew what lies under old keys, one small page after another, until it is done."""

import asyncio
import sys
from pathlib import Path

from openberth.infra.clocks import system_clocks
from openberth.infra.database import open_database
from openberth.infra.jobs import Job
from openberth.infra.key_keeping import RESEAL, KeyKeeper
from openberth.infra.keys import load_keys
from openberth.infra.sealing import RingSealer
from openberth.kernel.ids import Id


async def main(url: str, keys: Path) -> None:
    db = open_database(url, system_clocks(), RingSealer(load_keys(keys), path=keys), node="killed")
    await KeyKeeper(db)._reseal(Job(Id(int=1), RESEAL, {}, 1, None))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
