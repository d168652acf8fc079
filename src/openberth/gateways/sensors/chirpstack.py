"""What ChirpStack v4 posts of LoRaWAN sensors: its JSON, and the decoder of each model. Pure.

Wire format: ``docs/devices/space-sensors.md``, after ChirpStack's "Event types" (https://www.chirpstack.io, integration
of an application over HTTP, encoding JSON; the event stands in the query, ``?event=up``). By the rules of that encoding
a field that is zero does not come. Fields not named here are ignored, ``object`` too: our own decoders read ``data``.
"""

from base64 import b64decode
from dataclasses import replace

import msgspec
from msgspec import Struct

from openberth.contexts.facility import Reading
from openberth.contexts.facility.model import SensorModel
from openberth.gateways.sensors import tekzipark, tps110
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant, from_iso

BODY_MAX = 64 * 1_024  # with what a dozen gateways say of one uplink
BATTERY_LOW_PERCENT = 15
_EUI_LENGTH = 16
_DATA_MAX = 256
_GATEWAYS_MAX = 4  # whose reception is kept

_DECODERS = {SensorModel.TPS110: tps110.decode, SensorModel.TEKZIPARK: tekzipark.decode}


class _Device(Struct, rename="camel"):
    dev_eui: str


class _Received(Struct, rename="camel"):
    gateway_id: str = ""
    rssi: int = 0


class _Uplink(Struct, rename="camel"):
    deduplication_id: str
    device_info: _Device
    time: str | None = None
    f_cnt: int = 0
    f_port: int = 0
    data: str = ""
    rx_info: list[_Received] = []


class _Status(Struct, rename="camel"):
    deduplication_id: str
    device_info: _Device
    external_power_source: bool = False
    battery_level_unavailable: bool = False
    battery_level: float = 0


class Uplink(Struct, frozen=True):
    """An uplink of a device: the key by which it is known again, its port, its bytes, when it was received."""

    key: str
    device: str
    port: int
    data: bytes
    counter: int
    at: Instant | None
    gateways: tuple[tuple[str, int], ...]


class Status(Struct, frozen=True):
    """What a device says of its battery: percent, None when it does not know."""

    key: str
    device: str
    battery: int | None


_UPLINK, _STATUS = Shape(_Uplink), Shape(_Status)


def decode(event: str, body: bytes) -> Uplink | Status | None:
    """Read one event; None for those that say nothing of a space (join, ack, log …). Raises ``Malformed``."""
    try:
        if event == "up":
            return _uplink(_UPLINK.read(body))
        if event == "status":
            return _status(_STATUS.read(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed("body", str(error)[:200]) from None
    return None


def reading_of(uplink: Uplink, model: SensorModel) -> Reading | None:
    """Return what an uplink of a sensor says; None where it says nothing of cars. Raises ``Malformed``."""
    found = _DECODERS[model](uplink.device, uplink.port, uplink.data)
    if found is None:
        return None
    heard = [{"gateway": gateway, "rssi": rssi} for gateway, rssi in uplink.gateways]
    raw = {**found.raw, "counter": uplink.counter, "heard": heard}
    return replace(found, raw=raw, at=uplink.at)


def battery_of(status: Status) -> Reading | None:
    """Return what a status says; None where it knows nothing."""
    if status.battery is None:
        return None
    low = status.battery < BATTERY_LOW_PERCENT
    return Reading(status.device, None, {"battery_percent": status.battery}, battery_low=low)


def _uplink(said: _Uplink) -> Uplink:
    if len(said.data) > 2 * _DATA_MAX:
        raise _malformed("data", "longer than any uplink")
    try:
        data = b64decode(said.data, validate=True)
    except ValueError:  # of binascii too
        raise _malformed("data", "not base64") from None
    at = None
    if said.time is not None:
        try:
            at = from_iso(said.time)
        except ValueError:
            raise _malformed("time", "no instant of RFC 3339") from None
    gateways = tuple((each.gateway_id[:32], each.rssi) for each in said.rx_info[:_GATEWAYS_MAX])
    return Uplink(_key(said.deduplication_id), _eui(said.device_info), said.f_port, data, said.f_cnt, at, gateways)


def _status(said: _Status) -> Status:
    known = not (said.external_power_source or said.battery_level_unavailable)
    battery = min(100, max(0, round(said.battery_level))) if known else None
    return Status(_key(said.deduplication_id), _eui(said.device_info), battery)


def _key(value: str) -> str:
    if not value or len(value) > 64:
        raise _malformed("deduplicationId", "1 to 64 characters are expected")
    return value


def _eui(device: _Device) -> str:
    eui = device.dev_eui.lower()
    if len(eui) != _EUI_LENGTH or not set(eui) <= set("0123456789abcdef"):
        raise _malformed("devEui", "16 hexadecimal digits are expected")
    return eui


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("device.malformed", where=where, why=why)
