"""Statements about devices that call and are nobody's yet, and whose networks lie where they call from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select, update

from openberth.contexts.facility.model import DeviceKind
from openberth.contexts.facility.store.tables import collector, device, device_presence, waiting_device
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

WAITING_MAX = 200  # overall; of one address at most a few
PURGE_MAX = 100
_T = waiting_device.c


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """Who called and is no device of anybody: what it says it is, from where, when (machine time), how often.

    ``serial`` is empty when it does not say. A refused one is not shown any more, however often it calls.
    """

    id: Id
    kind: DeviceKind
    serial: str
    address: str
    first_seen_at: Instant
    last_seen_at: Instant
    times: int
    refused_at: Instant | None = None
    refused_by: str | None = None
    reason: str | None = None


INSERT = insert_into(waiting_device, once=True)
TOUCH = Write(
    update(waiting_device)
    .where(
        _T.kind == bindparam("of_kind"), _T.serial == bindparam("of_serial"), _T.address == bindparam("from_address")
    )
    .values(last_seen_at=bindparam("seen_at"), times=_T.times + bindparam("more"))
)
REFUSE = Write(
    update(waiting_device)
    .where(_T.id == bindparam("waiting"), _T.refused_at.is_(None))
    .values(refused_at=bindparam("now"), refused_by=bindparam("by"), reason=bindparam("why"))
)
DELETE = Write(delete(waiting_device).where(_T.id == bindparam("waiting")))
COUNT = Query(select(func.count()).select_from(waiting_device), int)
COUNT_FROM = Query(select(func.count()).where(_T.address == bindparam("from_address")), int)
QUIETEST = Query(select(_T.id).where(_T.refused_at.is_(None)).order_by(_T.last_seen_at).limit(1), one_id)
QUIET = Query(
    select(_T.id).where(_T.last_seen_at < bindparam("seen_before")).order_by(_T.last_seen_at).limit(PURGE_MAX), one_id
)
WAITING = Query(
    select(waiting_device).where(_T.refused_at.is_(None)).order_by(_T.last_seen_at.desc()).limit(WAITING_MAX),
    WaitingDevice,
)
ONE = Query(select(waiting_device).where(_T.id == bindparam("waiting"), _T.refused_at.is_(None)), WaitingDevice)


def _networks(company: Id, networks: Sequence[str]) -> tuple[Id, Sequence[str]]:
    return company, networks


_NETWORKS = select(device.c.company_id, device.c.networks).where(device.c.retired_at.is_(None)).distinct()
NETWORKS = Query(_NETWORKS, _networks)
NETWORKS_OF_COLLECTOR = Query(
    select(collector.c.networks).where(
        collector.c.serial == bindparam("of_serial"), collector.c.kind == bindparam("of_kind"),
        collector.c.retired_at.is_(None),
    ),
    lambda networks: networks,
)  # fmt: skip
NETWORKS_OF_SERIAL = Query(
    select(device.c.networks).where(
        device.c.serial == bindparam("of_serial"), device.c.kind == bindparam("of_kind"), device.c.retired_at.is_(None)
    ),
    lambda networks: networks,
)
# Decides whether an address is that of one company alone; nothing of the others leaves.
NETWORKS_OF_ALL = Query(_NETWORKS, _networks, everywhere=True)
HEARD_FROM = Query(
    select(device_presence.c.company_id).where(device_presence.c.address == bindparam("heard_from")).distinct(),
    one_id, everywhere=True,
)  # fmt: skip
