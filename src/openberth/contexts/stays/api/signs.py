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
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.auth import address_of
from openberth.infra.http.limits import RateLimiter, limit_key
from openberth.infra.http.problems import TooMany
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import NotFound
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Instant

PER_MINUTE = 30  # of one address at one code
UNKNOWN_PER_MINUTE = 60  # codes of one address that stand on no sign
PLATES_PER_MINUTE = 10  # plates of one address that nothing is due for, at one lot
PLATES_OF_LOT_PER_MINUTE = 120  # plates that nothing is due for at one lot, whoever asks
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

    def __init__(self, database: Database) -> None:
        self._database = database
        machine = database.clocks.machine
        self._scans = RateLimiter(machine, count=PER_MINUTE, window_us=MINUTE_US)
        self._strangers = RateLimiter(machine, count=UNKNOWN_PER_MINUTE, window_us=MINUTE_US)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._reasons: OrderedDict[bytes, Instant] = OrderedDict()
        self._machine = machine
        self._plates = RateLimiter(machine, count=PLATES_PER_MINUTE, window_us=MINUTE_US)
        self._plates_of_lot = RateLimiter(machine, count=PLATES_OF_LOT_PER_MINUTE, window_us=MINUTE_US)

    async def find(self, request: Request) -> Sign:
        """Find what a request's code stands for. Raises ``TooMany`` and ``NotFound("code.not_found")``."""
        code = code_of(request)
        address = address_of(request) or ""
        who = limit_key(address)
        if code is None:
            _take(self._strangers, who)
            raise NotFound("code.not_found")
        _take(self._scans, f"{who}|{code}")
        is_known = code in self._known
        if not is_known:
            _take(self._strangers, who)
        scanner = Actor(ActorKind.PERSON, "driver", address or None)
        found = await self._database.read(partial(_found, code=code), by=Caller(scanner, EVERYTHING, tenancy.DRIVING))
        if found is None:
            self._known.pop(code, None)
            raise NotFound("code.not_found")
        if not is_known:
            self._strangers.give_back(who)
        self._remember(code)
        lane, lot = found
        return Sign(
            code, lane, lot, Caller(scanner, Scope(lot.company, (lot.id,)), tenancy.DRIVING), language_of(request)
        )

    def ask_about_plate(self, sign: Sign, plate: Plate) -> None:
        """Let somebody ask what a plate owes. Raises ``TooMany`` after many plates that nothing was due for.

        Whoever was told lately what this very plate owes may go on asking, for example whether the payment has arrived.
        """
        if self._has_reason(sign, plate):
            return
        who, lot = _asker(sign), str(sign.lot.id)
        _take(self._plates, who)
        try:
            _take(self._plates_of_lot, lot)
        except TooMany:
            self._plates.give_back(who)
            raise

    def something_was_due(self, sign: Sign, plate: Plate) -> None:
        """Do not hold a question against somebody who had a reason to ask it."""
        if not self._has_reason(sign, plate):
            self._plates.give_back(_asker(sign))
            self._plates_of_lot.give_back(str(sign.lot.id))
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


def code_of(request: Request) -> str | None:
    """Return the code that a request is about, None for what can be none."""
    code = str(request.path_params["code"]).upper()
    return code if _CODE.match(code) else None


def _take(limiter: RateLimiter, key: str) -> None:
    if not limiter.take(key):
        raise TooMany(limiter.retry_after_s(key))


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
