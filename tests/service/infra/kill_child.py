"""A process to be killed: writes numbered facts as fast as it can and prints each one that was acknowledged."""

import asyncio
import itertools
import sys
from functools import partial

from openberth.infra.clocks import system_clocks
from openberth.infra.database import Database, Unit, open_database
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.service.infra.facts import BY, following, tell

WRITERS = 8


def store(unit: Unit, number: int) -> None:
    tables.add(unit, Id(int=number), value=number)
    tell(unit, number)


async def write(db: Database, numbers: "itertools.count[int]") -> None:
    while True:
        number = next(numbers)
        await db.write(partial(store, number=number), by=BY)
        print(number, flush=True)


async def main(url: str) -> None:
    db = open_database(url, system_clocks(), RingSealer(KeyRing.fresh()), node="killed")
    numbers = itertools.count(1)
    async with following(db):
        await asyncio.gather(*(write(db, numbers) for _ in range(WRITERS)))


asyncio.run(main(sys.argv[1]))
