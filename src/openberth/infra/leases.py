"""Leases: who does a thing of which a cluster wants exactly one, by machine time.

The fence grows whenever the lease is taken, not when it is renewed in time, so work done under an old lease can be
told from work done under the new one.
"""

from sqlalchemy import and_, bindparam, case, or_, select, update

from openberth.infra.database.schema import lease
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Unit
from openberth.kernel.time import Instant

_INSERT = insert_into(lease, once=True)
_STILL_OURS = and_(lease.c.owner == bindparam("new_owner"), lease.c.until >= bindparam("machine_now"))
_TAKE = Write(
    update(lease)
    .where(
        lease.c.name == bindparam("lease_name"),
        or_(lease.c.until < bindparam("machine_now"), lease.c.owner == bindparam("new_owner")),
    )
    # The fence first: MySQL sets from left to right and would compare the new owner with itself.
    .ordered_values(
        (lease.c.fence, case((_STILL_OURS, lease.c.fence), else_=lease.c.fence + 1)),
        (lease.c.owner, bindparam("new_owner")),
        (lease.c.until, bindparam("new_until")),
    )
)
_FENCE = Query(
    select(lease.c.fence).where(
        lease.c.name == bindparam("lease_name"),
        lease.c.owner == bindparam("mine"),
        lease.c.until == bindparam("held_until"),
    ),
    int,
)
_RELEASE = Write(
    update(lease).where(lease.c.name == bindparam("lease_name"), lease.c.owner == bindparam("mine")).values(until=0)
)


def acquire(unit: Unit, *, name: str, owner: str, span_us: int) -> int | None:
    """Take or renew a lease for ``span_us``; return its fence, or None while somebody else holds it."""
    until = Instant(unit.machine_now + span_us)
    if unit.run(_INSERT, name=name, owner=owner, until=until, fence=1) != 1:
        unit.run(_TAKE, lease_name=name, machine_now=unit.machine_now, new_owner=owner, new_until=until)
    # Asked by what it must say now: MySQL does not count a row that an update leaves as it was.
    return unit.one(_FENCE, lease_name=name, mine=owner, held_until=until)


def release(unit: Unit, *, name: str, owner: str) -> None:
    """Give a lease back before its time."""
    unit.run(_RELEASE, lease_name=name, mine=owner)
