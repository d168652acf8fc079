"""Use cases of the plates that accounts call their own: bound, proven, moved to whoever proves more, let go.

They lie in the vault as a kind of their own: what somebody typed in keeps nobody's stay readable, and goes with it.
"""

from collections.abc import Mapping, Sequence

from openberth.contexts.tenancy.model.notices import PlateShown, Told
from openberth.contexts.tenancy.model.own_plates import OwnPlate, PlateBound, PlateUnbound, PlateVerified, Proof, Sight
from openberth.contexts.tenancy.model.settings import OWN_PLATES_MOST
from openberth.contexts.tenancy.service import people
from openberth.contexts.tenancy.service.notices import leave_notice
from openberth.contexts.tenancy.service.settings import setting_of
from openberth.contexts.tenancy.store import accounts as account_store
from openberth.contexts.tenancy.store import own_plates as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import Stale
from openberth.infra.permitting import by_itself, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import MINUTE_US, Instant, to_iso

# A car at an entry has not come in yet: its visit begins within the time for which a waiting car proves anything.
FIRST_SIGHT_US = 30 * MINUTE_US


def own_plates(reader: Reader, *, account: Id) -> list[OwnPlate]:
    """Return the plates of an account, the oldest first."""
    return reader.all(store.OF_ACCOUNT, account=account)


def own_plate(reader: Reader, *, account: Id, own_plate: Id) -> OwnPlate:
    """Return a plate of an account. Raises ``NotFound("own_plate.not_found")``, also for one of somebody else."""
    found = reader.one(store.BY_ID, own_plate=own_plate)
    if found is None or found.account != account:
        raise NotFound("own_plate.not_found")
    return found


def text_of(reader: Reader, found: OwnPlate) -> str | None:
    """Return a plate in clear, None for an erased one; for its account alone."""
    return vault.reveal(reader, found.value)


def seen_as(reader: Reader, found: OwnPlate) -> Id | None:
    """Return the plate under which passages and stays have it (their vault id), None when no camera ever saw it."""
    text = vault.reveal(reader, found.value)
    return None if text is None else vault.find(reader, VaultKind.PLATE, text)


def holder_of(reader: Reader, *, plate: Id) -> OwnPlate | None:
    """Return whose the plate of a stay (its vault id) is proven to be, None for nobody's."""
    text = vault.reveal(reader, plate)
    value = None if text is None else vault.find(reader, VaultKind.OWN_PLATE, text)
    return None if value is None else reader.one(store.HOLDER, value=value)


def sights(reader: Reader, *, account: Id) -> list[Sight]:
    """Return the plates whose visits an account may see."""
    found = []
    for each in own_plates(reader, account=account):
        text = None if each.sees_from is None else vault.reveal(reader, each.value)
        plate = None if text is None else vault.find(reader, VaultKind.PLATE, text)
        if each.sees_from is not None and text is not None and plate is not None:
            found.append(Sight(each.id, plate, text, each.sees_from, each.sees_until))
    return found


@by_itself
def bind(unit: Unit, *, account: Id, plate: Plate) -> OwnPlate:
    """Let an account call a plate its own; the same again changes nothing. It proves nothing yet.

    Raises ``Refused("own_plate.too_many")``, ``Refused("person.erased")``.
    """
    value = vault.keep(unit, VaultKind.OWN_PLATE, plate.key)
    unit.lock(("person", account), ("value", value))
    if vault.find(unit, VaultKind.OWN_PLATE, plate.key) != value:
        raise Stale("vault")  # it was let go by the last who had it
    if people.of_account(unit, account=account)[0].erased_at is not None:
        raise Refused("person.erased")
    mine = own_plates(unit, account=account)
    same = next((each for each in mine if each.value == value), None)
    if same is not None:
        return same
    most = int(setting_of(unit, OWN_PLATES_MOST))
    if len(mine) >= most:
        raise Refused("own_plate.too_many", most=most)
    made = OwnPlate(unit.new_id(), account, value, unit.machine_now, None, None, None, None)
    unit.run(
        store.INSERT, id=made.id, account_id=account, value_id=value, bound_at=made.bound_at, verified_at=None,
        proof=None, sees_from=None, sees_until=None, verified_key=None,
    )  # fmt: skip
    unit.append(PlateBound(account, made.id), company=None, lot=None, key=account)
    return made


@by_itself
def unbind(unit: Unit, *, account: Id, own_plate: Id) -> None:
    """End everything between an account and a plate. Raises ``NotFound("own_plate.not_found")``."""
    found = _locked(unit, own_plate)
    if found.account != account:
        raise NotFound("own_plate.not_found")
    _let_go(unit, found)


@inner
def let_go_of_account(unit: Unit, *, account: Id) -> int:
    """End all of an account's plates: its person is forgotten. Return how many."""
    mine = [_locked(unit, each.id) for each in own_plates(unit, account=account)]
    for each in mine:
        _let_go(unit, each)
    return len(mine)


@inner
def prove(unit: Unit, *, own_plate: Id, proof: Proof, reason: str | None = None, moves: bool = False) -> OwnPlate:
    """Take a plate as proven from now on; one that is already, for good, stays as it is.

    Presence shows the visit of this moment until it is shown at another one. One that another account has proven moves
    only where ``moves`` says so: that account still has it, unproven, and is told.
    Raises ``Refused("own_plate.held")``.
    """
    found = _locked(unit, own_plate)
    if found.is_verified and (found.sees_until is None or (proof is Proof.PRESENCE and unit.now <= found.sees_until)):
        return found
    before = unit.one(store.HOLDER, value=found.value)
    if before is not None and before.id != found.id:
        if not moves:
            raise Refused("own_plate.held")
        unit.run(store.TAKE, own_plate=before.id)
        _tell(unit, before, "notice.plate_moved")
    unit.run(
        store.VERIFY, own_plate=found.id, now=unit.machine_now, new_proof=proof,
        new_sees_from=found.sees_from or unit.now, new_sees_until=_sees_until(unit, found, proof), new_key=found.value,
    )  # fmt: skip
    taken_from = None if before is None or before.id == found.id else before.account
    told = PlateVerified(found.account, found.id, proof.value, taken_from, reason)
    unit.append(told, company=_company(unit), lot=None, key=found.account)
    _tell(unit, found, "notice.plate_verified")
    return _locked(unit, own_plate)


def _sees_until(unit: Unit, found: OwnPlate, proof: Proof) -> Instant | None:
    """Return until when visits may begin to be shown: those of the car that stands at a lane now, the first time."""
    if proof is Proof.LICENCE or found.is_verified:
        return None
    return Instant(unit.now + FIRST_SIGHT_US)


@needs("plate.verify")
def prove_by_licence(unit: Unit, *, own_plate: Id, plate: Plate, reason: str, moves: bool) -> OwnPlate:
    """Take a plate as proven whose vehicle licence somebody was shown; nobody does so for itself.

    The plate as it stands on the licence names the binding together with its id; drivers belong to no company, so
    staff of any may look at their licences. Raises ``NotFound("own_plate.not_found")`` alike for an id of nothing, for
    another plate and for an account of another company; ``Denied``: ``own_plate.self``, ``auth.out_of_scope`` for
    whoever acts for some lots only, and for whoever would move a plate without acting for the platform; ``Refused``:
    ``own_plate.held``, ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    # A plate is one's own at all companies: one company's staff proves it where nobody holds it, no more.
    scope = unit.caller.scope
    if scope.lots is not None or (moves and not scope.is_everything):
        raise Denied("auth.out_of_scope")
    found = unit.one(store.BY_ID, own_plate=own_plate)
    if (
        found is None
        or vault.find(unit, VaultKind.OWN_PLATE, plate.key) != found.value
        or not _may_be_known(unit, found)
    ):
        raise NotFound("own_plate.not_found")
    if unit.caller.actor.name == str(found.account):
        raise Denied("own_plate.self")
    return prove(unit, own_plate=own_plate, proof=Proof.LICENCE, reason=text, moves=moves)


def held(reader: Reader, *, account: Id, in_clear: bool) -> Sequence[Mapping[str, str | None]]:
    """Return an account's plates as an export has them."""
    return [
        {
            "plate": people.plate_shown(reader, each.value, in_clear=in_clear), "since": _iso(each.bound_at),
            "verified_at": _iso(each.verified_at), "proof": None if each.proof is None else each.proof.value,
        }
        for each in own_plates(reader, account=account)
    ]  # fmt: skip


def _locked(unit: Unit, own_plate: Id) -> OwnPlate:
    """Return a plate as it is once nobody else can prove, move or let go of it until the unit ends."""
    found = unit.one(store.BY_ID, own_plate=own_plate)
    if found is not None:
        unit.lock(("person", found.account), ("value", found.value))
        found = unit.one(store.BY_ID, own_plate=own_plate)
    if found is None:
        raise NotFound("own_plate.not_found")
    return found


def _let_go(unit: Unit, found: OwnPlate) -> None:
    unit.run(store.DELETE, own_plate=found.id)
    unit.append(PlateUnbound(found.account, found.id), company=None, lot=None, key=found.account)
    if not unit.all(store.BOUND, value=found.value):
        vault.erase(unit, found.value)


def _may_be_known(reader: Reader, found: OwnPlate) -> bool:
    owner = reader.one(account_store.ACCOUNT_BY_ID, account=found.account)
    return owner is not None and (owner.company is None or reader.caller.scope.allows(owner.company, None))


def _company(unit: Unit) -> Id | None:
    """Return the company (or partner) for which somebody acts: what it did to a driver stands in its log."""
    scope = unit.caller.scope
    return scope.companies[0] if scope.companies else scope.company


def _tell(unit: Unit, found: OwnPlate, code: str) -> None:
    told: dict[str, Told] = {"plate": PlateShown(found.value), "own_plate": found.id}
    leave_notice(unit, account=found.account, company=_company(unit), code=code, params=told)


def _iso(moment: Instant | None) -> str | None:
    return None if moment is None else to_iso(moment)
