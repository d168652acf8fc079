"""The signs that codes stand on, and how often somebody may look at them.

Who may look is decided before anything is read: a stranger who tries codes costs the database nothing once its share is
used up. Codes that were found lately need no share of it, so a stranger at the same address does not keep drivers out.
"""

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request

from openberth.contexts import facility, tenancy
from openberth.contexts.facility import LaneContext, LotSummary
from openberth.contexts.stays.api.reading import language_of
from openberth.infra.buckets import Buckets, per_minute
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.auth import address_of
from openberth.infra.http.limits import limit_key
from openberth.infra.http.problems import TooMany
from openberth.infra.http.spending import spend
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import NotFound
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Instant

SCANS = per_minute("scan", 30)  # of one address at one code
STRANGERS = per_minute("code", 60)  # codes of one address that stand on no sign
PLATES = per_minute("plate", 10)  # plates of one address that nothing is due for, at one lot
PLATES_OF_LOT = per_minute("plates_of_lot", 120)  # plates that nothing is due for at one lot, whoever asks
REASON_US = 30 * MINUTE_US
KNOWN_MAX = 10_000

_CODE = re.compile(r"[2-9A-HJKMNP-Z]{10}\Z")


@dataclass(frozen=True, slots=True)
class Sign:
    """What a code stands for, and who scans it: rows of that lot only."""

    code: str
    lane: LaneContext | None
    lot: LotSummary
    by: Caller
    language: Language


class Signs:
    """Finds what codes stand for."""

    def __init__(self, database: Database, buckets: Buckets) -> None:
        self._database = database
        self._buckets = buckets
        self._known: OrderedDict[str, None] = OrderedDict()
        self._reasons: OrderedDict[bytes, Instant] = OrderedDict()
        self._machine = database.clocks.machine

    async def find(self, request: Request) -> Sign:
        """Find what the code in a request's path stands for. Raises as ``named``."""
        return await self.named(request, str(request.path_params["code"]))

    async def named(self, request: Request, written: str) -> Sign:
        """Find what a code stands for. Raises ``TooMany`` and ``NotFound("code.not_found")``."""
        code = read_code(written)
        address = address_of(request) or ""
        who = limit_key(address)
        if code is None:
            await spend(self._buckets, STRANGERS, who)
            raise NotFound("code.not_found")
        await spend(self._buckets, SCANS, f"{who}|{code}")
        is_known = code in self._known
        if not is_known:
            await spend(self._buckets, STRANGERS, who)
        scanner = Actor(ActorKind.PERSON, "driver", address or None)
        found = await self._database.read(partial(_found, code=code), by=Caller(scanner, EVERYTHING, tenancy.DRIVING))
        if found is None:
            self._known.pop(code, None)
            raise NotFound("code.not_found")
        if not is_known:
            await self._buckets.give_back(STRANGERS, who)
        self._remember(code)
        lane, lot = found
        return Sign(
            code, lane, lot, Caller(scanner, Scope(lot.company, (lot.id,)), tenancy.DRIVING), language_of(request)
        )

    async def ask_about_plate(self, sign: Sign, plate: Plate) -> None:
        """Let somebody ask what a plate owes. Raises ``TooMany`` after many plates that nothing was due for.

        Whoever was told lately what this very plate owes may go on asking, for example whether the payment has arrived.
        """
        if self._has_reason(sign, plate):
            return
        who, lot = _asker(sign), str(sign.lot.id)
        await spend(self._buckets, PLATES, who)
        try:
            await spend(self._buckets, PLATES_OF_LOT, lot)
        except TooMany:
            await self._buckets.give_back(PLATES, who)
            raise

    async def something_was_due(self, sign: Sign, plate: Plate) -> None:
        """Do not hold a question against somebody who had a reason to ask it."""
        if not self._has_reason(sign, plate):
            await self._buckets.give_back(PLATES, _asker(sign))
            await self._buckets.give_back(PLATES_OF_LOT, str(sign.lot.id))
        reason = _reason(sign, plate)
        self._reasons[reason] = self._machine.now()
        self._reasons.move_to_end(reason)
        if len(self._reasons) > KNOWN_MAX:
            self._reasons.popitem(last=False)

    def _has_reason(self, sign: Sign, plate: Plate) -> bool:
        told = self._reasons.get(_reason(sign, plate))
        return told is not None and 0 <= self._machine.now() - told < REASON_US

    def _remember(self, code: str) -> None:
        self._known[code] = None
        self._known.move_to_end(code)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


def read_code(written: str) -> str | None:
    """Return a code as it stands on signs, None for what can be none."""
    code = written.upper()
    return code if _CODE.match(code) else None


def _reason(sign: Sign, plate: Plate) -> bytes:
    return hashlib.blake2b(f"{_asker(sign)}|{plate.key}".encode(), digest_size=16).digest()


def _asker(sign: Sign) -> str:
    return f"{limit_key(sign.by.actor.address or '')}|{sign.lot.id}"


def _found(reader: Reader, code: str) -> tuple[LaneContext | None, LotSummary] | None:
    lane = facility.lane_by_scan_code(reader, scan_code=code)
    if lane is not None:
        return lane, facility.lot_by_id(reader, lot=lane.lot)
    lot = facility.lot_by_scan_code(reader, scan_code=code)
    return None if lot is None else (None, lot)
