"""Pictures by links that expire: made for who may see the passage, good for minutes, opened by nobody else's guess.

A link is sealed with the current key of the ring (authenticated, and bound to its purpose), so it tells nothing, cannot
be made or changed by anybody, and is over when its key is retired. Inside stands which picture, for whom, and until
when; who it was made for is looked at again when it is used.
"""

import base64
import binascii
from dataclasses import dataclass

import msgspec

from openberth.contexts import tenancy
from openberth.contexts.stays.service.queries import passage_detail
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import needs
from openberth.infra.shapes import Shape
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

LINK_US = 5 * MINUTE_US
LINK_MAX = 1_000
KEY_BYTES = 4
_CONTEXT = b"picture-link/1"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link says: a picture and where it was taken, whom it was made for (with the session, where there is
    one), and its end.
    """

    passage: Id
    number: int
    company: Id
    lot: Id
    actor: str
    session: Id | None
    place: str | None  # the company or partner that was named with the request
    until: Instant


_PASS = Shape(Pass)


@needs("picture.read")
def make_link(unit: Unit, *, passage: Id, number: int, session: Id | None, place: str | None) -> tuple[str, Instant]:
    """Return a link to a picture, and when it ends; the look is written down. Raises ``NotFound``:
    ``passage.not_found``, ``picture.not_found``.
    """
    found = passage_detail(unit, passage=passage).passage
    if number >= found.pictures:
        raise NotFound("picture.not_found")
    until = Instant(unit.machine_now + LINK_US)
    told = Pass(passage, number, found.company_id, found.lot_id, unit.caller.actor.name, session, place, until)
    key, sealed = unit.keys.seal(msgspec.json.encode(told), context=_CONTEXT)
    tenancy.note_look(unit, passage=passage, company=found.company_id, lot=found.lot_id)
    return base64.urlsafe_b64encode(bytes.fromhex(key) + sealed).rstrip(b"=").decode(), until


def read_link(reader: Reader, *, link: str) -> Pass:
    """Return what a link says that we made and that is not over. Raises ``NotFound("picture.not_found")`` alike for
    every other.
    """
    try:
        packed = base64.b64decode(link + "=" * (-len(link) % 4), altchars=b"-_", validate=True)
        if base64.urlsafe_b64encode(packed).rstrip(b"=").decode() != link:
            raise ValueError("one link has one spelling")
        plain = reader.keys.open(packed[:KEY_BYTES].hex(), packed[KEY_BYTES:], context=_CONTEXT)
        told = _PASS.read(plain)
    except (binascii.Error, ValueError, Refused, msgspec.DecodeError):
        raise NotFound("picture.not_found") from None
    if not reader.machine_now < told.until <= reader.machine_now + LINK_US:
        raise NotFound("picture.not_found")
    return told


def picture_of(reader: Reader, *, passage: Id, number: int) -> None:
    """Check that the caller sees a picture now. Raises ``NotFound``."""
    if number >= passage_detail(reader, passage=passage).passage.pictures:
        raise NotFound("picture.not_found")
