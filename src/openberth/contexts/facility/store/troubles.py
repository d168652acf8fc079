"""Alarms that are over: statements."""

from sqlalchemy import bindparam, delete, select

from openberth.contexts.facility.model.troubles import EndedAlarm
from openberth.contexts.facility.store.tables import ended_alarm
from openberth.infra.database.statement import Query, Write, insert_into, one_id

PURGE_MAX = 200
_T = ended_alarm.c
_COLUMNS = (_T.id, _T.company_id, _T.lot_id, _T.kind, _T.subject_id, _T.since_at, _T.ended_at, _T.params)

INSERT = insert_into(ended_alarm)
OF_LOT = Query(
    select(*_COLUMNS)
    .where(_T.lot_id == bindparam("lot"), _T.id < bindparam("before"))
    .order_by(_T.id.desc())
    .limit(bindparam("limit")),
    EndedAlarm,
)
OF_SUBJECT = Query(
    select(*_COLUMNS)
    .where(_T.subject_id == bindparam("of_subject"), _T.id < bindparam("before"))
    .order_by(_T.id.desc())
    .limit(bindparam("limit")),
    EndedAlarm,
)
OLD = Query(select(_T.id).where(_T.id < bindparam("before")).order_by(_T.id).limit(PURGE_MAX), one_id)
DELETE = Write(delete(ended_alarm).where(_T.id == bindparam("alarm")))
