"""Deleting logs after ``retention.logs_days``: events, not before 184 days and not what somebody has yet to read."""

from openberth.contexts.tenancy.model.audit import Deed
from openberth.contexts.tenancy.model.settings import LOGS_DAYS
from openberth.contexts.tenancy.service import audit
from openberth.contexts.tenancy.service.settings import setting_of
from openberth.infra.database import Database, Reader, Urgency
from openberth.infra.database.partitions import drop_before
from openberth.infra.database.schema import event
from openberth.kernel.authority import system
from openberth.kernel.time import DAY_US, Instant, to_iso

BY = system("retention")
LEAST_DAYS = 184  # 网络安全法 art. 23 (3) as amended: six months, which are up to 184 days; whatever a setting says


def cutoff(reader: Reader) -> Instant:
    """Return the instant before which events have had their time."""
    days = max(LEAST_DAYS, int(setting_of(reader, LOGS_DAYS)))
    return Instant(max(0, reader.machine_now - days * DAY_US))


def drop_old_events(database: Database) -> int:
    """Delete old events; return how many partitions (SQLite: rows) went. Not on the event loop: it takes its time."""
    before = database.read_now(cutoff, by=BY)
    gone = drop_before(database, event, before)
    if gone:
        deed = Deed("logs.deleted", "log", "event", after={"parts": gone, "before": to_iso(before)})
        database.write_now(lambda unit: audit.record(unit, deed), by=BY, urgency=Urgency.BACKGROUND)
    return gone
