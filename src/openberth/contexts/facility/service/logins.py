"""The user names and passwords by which we call devices: sealed in the vault, never in a lot file, never shown."""

import json
from hashlib import sha256

from openberth.contexts.facility.model import DeviceLoginChanged
from openberth.contexts.facility.service.troubles import end_alarm, raise_alarm
from openberth.contexts.facility.store import layout as store
from openberth.infra import alarms, vault
from openberth.infra.alarms import Alarm
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Malformed, NotFound, Param, Refused
from openberth.kernel.ids import Id

ALARM, UNREACHED = "device_login", "device_unreached"
USER_MAX = PASSWORD_MAX = 64
_VERSION_BITS = 52


@needs("device.credentials")
def set_login(
    unit: Unit, *, lot: Id, device_code: str, user: str, password: str, expected: int | None = None
) -> None:  # fmt: skip
    """Keep by which user name and password a device is called; those before are erased.

    ``expected`` is the version that was read (``Refused("state.changed")``); the same login again is no conflict.
    Raises ``NotFound("device.not_found")``, ``Refused("device.not_called")`` for a kind of device that nobody calls,
    and ``Malformed("device.login")`` for texts that no device takes.
    """
    if not (1 <= len(user) <= USER_MAX and user.isprintable() and ":" not in user):
        raise Malformed("device.login")
    if not (1 <= len(password) <= PASSWORD_MAX and password.isprintable()):
        raise Malformed("device.login")
    device = _called(unit, lot, device_code)
    # With the device in it, no two devices share a row of the vault: erasing one's login leaves the others alone.
    text = json.dumps({"device": str(device.id), "user": user, "password": password}, sort_keys=True)
    kept = vault.keep(unit, VaultKind.DEVICE_LOGIN, text)
    if kept == device.login_id:
        return
    check_version(call_version(device), expected)
    _replace(unit, device, kept)


@needs("device.credentials")
def forget_login(unit: Unit, *, lot: Id, device_code: str) -> bool:
    """Erase a device's login: it is not called any more. Tells whether there was one. Raises as ``set_login`` does."""
    device = _called(unit, lot, device_code)
    if device.login_id is None:
        return False
    _replace(unit, device, None)
    return True


@by_construction
def login_refused(unit: Unit, *, company: Id, lot: Id, lot_code: str, device: Id, code: str, minutes: int) -> None:
    """Let an alarm stand: a device has refused our login twice and is not called for some minutes."""
    params: dict[str, Param] = {"lot": lot_code, "device": code, "minutes": minutes}
    raise_alarm(unit, company=company, lot=lot, kind=ALARM, subject=device, params=params)
    end_alarm(unit, company=company, lot=lot, kind=UNREACHED, subject=device)


@by_construction
def call_unanswered(
    unit: Unit, *, company: Id, lot: Id, lot_code: str, device: Id, code: str, endpoint: str, why: str
) -> None:
    """Let an alarm stand: a device did not answer our calls; ``why`` is ``not_connected`` or ``no_answer``."""
    params: dict[str, Param] = {"lot": lot_code, "device": code, "endpoint": endpoint, "why": why}
    raise_alarm(unit, company=company, lot=lot, kind=UNREACHED, subject=device, params=params)


@inner
def forget_trouble(unit: Unit, device: store.DeviceRow) -> None:
    """End the alarms: a device is called otherwise now, and what was wrong was wrong before."""
    for kind in (ALARM, UNREACHED):
        end_alarm(unit, company=device.company_id, lot=device.lot_id, kind=kind, subject=device.id)


@by_construction
def call_answered(unit: Unit, *, company: Id, lot: Id, device: Id) -> None:
    """End the alarms: the device answers and takes our login, or is not called any more."""
    for kind in (ALARM, UNREACHED):
        end_alarm(unit, company=company, lot=lot, kind=kind, subject=device)


def failing_calls(reader: Reader) -> list[tuple[Id, Id, Id]]:
    """Return company, lot and device of the alarms that stand."""
    found = [each for kind in (ALARM, UNREACHED) for each in alarms.of_kind(reader, kind=kind)]
    return [(each.company, each.lot, Id(each.subject)) for each in found if each.lot is not None]


def is_call_failing(reader: Reader, *, company: Id, device: Id) -> bool:
    """Tell whether an alarm about our calls to a device stands."""
    return call_trouble(reader, company=company, device=device) is not None


def call_trouble(reader: Reader, *, company: Id, device: Id) -> Alarm | None:
    """Return the alarm about our calls to a device, None while there is none; the refused login first."""
    found = (alarms.find(reader, company=company, kind=kind, subject=str(device)) for kind in (ALARM, UNREACHED))
    return next((each for each in found if each is not None), None)


def login_in(text: str) -> tuple[str, str]:
    """Return user name and password of what the vault holds."""
    held = json.loads(text)
    return str(held["user"]), str(held["password"])


def call_version(row: store.DeviceRow) -> int:
    """Return a number that is another one when address, way or login are others."""
    said = "|".join(str(each) for each in (row.id, row.endpoint, row.gate, row.login_id))
    return int.from_bytes(sha256(said.encode()).digest()) >> (256 - _VERSION_BITS)


def _called(unit: Unit, lot: Id, device_code: str) -> store.DeviceRow:
    unit.lock(("lot", lot))
    return called_row(unit, lot=lot, device_code=device_code)


def called_row(reader: Reader, *, lot: Id, device_code: str) -> store.DeviceRow:
    """Return a device of a kind that we call. Raises as ``set_login`` does for others."""
    device = reader.one(store.DEVICE_BY_CODE, lot=lot, device_code=device_code)
    if device is None:
        raise NotFound("device.not_found", device=device_code)
    if not device.kind.wire.gates:
        raise Refused("device.not_called", device=device_code, kind=device.kind.value)
    return device


def _replace(unit: Unit, device: store.DeviceRow, login: Id | None) -> None:
    unit.run(store.SET_LOGIN, row_id=device.id, new_login=login)
    if device.login_id is not None:
        vault.erase(unit, device.login_id)
    forget_trouble(unit, device)
    unit.append(
        DeviceLoginChanged(device.id, device.code, device.kind.value, login is not None),
        company=device.company_id, lot=device.lot_id, key=device.id,
    )  # fmt: skip
