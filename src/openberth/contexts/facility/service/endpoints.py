"""Where devices are called, one at a time: what a lot file says of all of them, set by whoever stands before a camera.

A login was given for one camera at one address, so another address erases it: it would be shown to somebody else.
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from openberth.contexts import tenancy
from openberth.contexts.facility.model import Command, LotApplied
from openberth.contexts.facility.model.endpoints import endpoint_host
from openberth.contexts.facility.service.logins import (
    call_trouble,
    call_version,
    called_row,
    forget_login,
    forget_trouble,
)
from openberth.contexts.facility.store import commands as command_store
from openberth.contexts.facility.store import layout as store
from openberth.infra.alarms import Alarm
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import needs
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import BEYOND_ALL, Id

LOOKED_AT = 5  # of the last commands: one that has ended is among them


@dataclass(frozen=True, slots=True)
class CalledDevice:
    """A device of a kind that we call. ``last`` is the last command that has ended, ``trouble`` the alarm about calls
    that stands. ``version`` is another number when address, way or login are others.
    """

    row: store.DeviceRow
    version: int
    last: Command | None
    trouble: Alarm | None


def called_device(reader: Reader, *, lot: Id, device_code: str) -> CalledDevice:
    """Return how a device is called, and how that fares.

    Raises ``NotFound("device.not_found")`` and ``Refused("device.not_called")``.
    """
    row = called_row(reader, lot=lot, device_code=device_code)
    commands = reader.all(command_store.OF_DEVICE, device=row.id, before=BEYOND_ALL, limit=LOOKED_AT)
    last = next((each for each in commands if each.outcome is not None), None)
    return CalledDevice(row, call_version(row), last, call_trouble(reader, company=row.company_id, device=row.id))


@needs("lot.write")
def set_endpoint(unit: Unit, *, lot: Id, device_code: str, endpoint: str | None, expected: int | None = None) -> bool:
    """Say where a device is called from now on, None: nowhere; a login that it had is erased. Tells whether it is new.

    ``expected`` is the version that was read. Raises ``NotFound("device.not_found")``, ``Malformed("device.endpoint")``
    for what is no address with scheme, ``Refused``: ``device.not_called`` for a kind that nobody calls,
    ``device.endpoint_outside`` of the device's own networks, ``state.changed``.
    """
    unit.lock(("lot", lot))
    row = called_row(unit, lot=lot, device_code=device_code)
    if endpoint is not None:
        _check(row, endpoint)
    if endpoint == row.endpoint:
        return False
    check_version(call_version(row), expected)
    found = unit.one(store.LOT_BY_ID, lot=lot)
    if found is None:
        raise NotFound("lot.not_found", lot=str(lot))
    if row.login_id is not None:
        forget_login(unit, lot=lot, device_code=device_code)
    forget_trouble(unit, row)
    unit.run(store.SET_ENDPOINT, row_id=row.id, new_endpoint=endpoint)
    unit.append(
        LotApplied(lot, found.code, created=False, fields=(), changes={"device.changed": 1}),
        company=row.company_id, lot=lot, key=lot,
    )  # fmt: skip
    was, now = ({f"device {row.code}": {"endpoint": each}} for each in (row.endpoint, endpoint))
    tenancy.record(unit, tenancy.Deed("lot.configured", "lot", str(lot), row.company_id, lot, before=was, after=now))
    return True


def _check(row: store.DeviceRow, endpoint: str) -> None:
    host = endpoint_host(endpoint)
    if host is None:
        raise Malformed("device.endpoint")
    address = ip_address(host)
    networks = [ip_network(each) for each in row.networks]
    if not any(address in network for network in networks if network.version == address.version):
        raise Refused("device.endpoint_outside", address=host, networks=", ".join(row.networks))
