"""Use cases of people: known, changed while unverified, verified, looked up, shown in clear.

All ways of writing a core field meet in ``put``: it keeps account and person in step, the history, and the trail.
"""

from collections.abc import Collection, Mapping, Sequence

from openberth.contexts.tenancy.model.accounts import Account, AccountKind
from openberth.contexts.tenancy.model.audit import Deed
from openberth.contexts.tenancy.model.notices import Words
from openberth.contexts.tenancy.model.people import Change, Evidence, Field, How, Person, Values, masked
from openberth.contexts.tenancy.model.people_events import PersonChanged, PersonMade
from openberth.contexts.tenancy.service import audit, unmasking
from openberth.contexts.tenancy.service.notices import leave_notice
from openberth.contexts.tenancy.store import accounts as account_store
from openberth.contexts.tenancy.store import people as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import Stale
from openberth.infra.permitting import by_itself, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason

KINDS = {Field.NAME: VaultKind.NAME, Field.PHONE: VaultKind.PHONE, Field.IDENTITY: VaultKind.IDENTITY}


# -- reading -----------------------------------------------------------------------------------------------------------


def person(reader: Reader, *, person: Id) -> Person:
    """Return a person. Raises ``NotFound("person.not_found")``, also for one outside the caller's scope."""
    found = reader.one(store.PERSON, person=person)
    if found is None:
        raise NotFound("person.not_found")
    return found


def check_person(reader: Reader, *, person: Id) -> None:
    """Check that somebody may be named as a holder: whom the caller sees, or a driver, who belongs to no company and is
    named by the id that its app shows. Raises ``NotFound("person.not_found")``, also for one who is erased.
    """
    found = reader.one(store.PERSON, person=person) or reader.one(store.DRIVER, person=person)
    if found is None or found.erased_at is not None:
        raise NotFound("person.not_found")


def account_of_person(reader: Reader, *, person: Id) -> Id | None:
    """Return the account by which somebody signs in, None for one who never does, or is erased."""
    found = reader.one(store.PERSON, person=person)
    return None if found is None or found.erased_at is not None else found.account


def plate_shown(reader: Reader, plate: Id, *, in_clear: bool) -> str | None:
    """Return a plate as it may be shown, None for one that was erased."""
    text = vault.reveal(reader, plate)
    return text if text is None or in_clear else Plate(text).masked


def people(reader: Reader, *, before: Id, limit: int) -> list[Person]:
    """Return the people of the caller's scope, newest first."""
    return reader.all(store.PEOPLE, before=before, most=limit)


def find(reader: Reader, *, values: Values) -> list[Person]:
    """Return the people of the caller's scope with a phone or an identity number, at most 100."""
    found: list[Person] = []
    for field, text in values.given().items():
        value = vault.find(reader, KINDS[field], text)
        if value is not None and field in store.FOUND_BY:
            found += reader.all(store.FOUND_BY[field], value=value)
    return list({each.id: each for each in found}.values())


def shown(reader: Reader, found: Person) -> dict[Field, str | None]:
    """Return the core fields of a person, masked."""
    return {field: _masked(reader, field, value) for field, value in found.values().items()}


def changes_of(reader: Reader, *, person: Id) -> list[tuple[Change, str | None, str | None]]:
    """Return what was changed about a person, newest first, with the values before and after, masked."""
    return [
        (each, _masked(reader, each.field, each.old), _masked(reader, each.field, each.new))
        for each in reader.all(store.CHANGES, person=person)
    ]


# -- making and changing -----------------------------------------------------------------------------------------------


@needs("person.write")
def register(unit: Unit, *, company: Id | None, values: Values) -> Person:
    """Make somebody known who has no account, e.g. the holder of a permit. Raises ``Malformed("person.nothing")``."""
    if not values.given():
        raise Malformed("person.nothing")
    return make(unit, account=None, company=company, values=kept(unit, values.given()))


@by_itself
def change_own(unit: Unit, *, account: Id, values: Values) -> Person:
    """Change one's own core fields while they are not verified.

    A phone that signs in is changed by signing in with the new one's code. Raises ``Refused``: ``person.verified``,
    ``person.phone_signs_in``.
    """
    found, owner = of_account(unit, account=account)
    if Field.PHONE in values.given() and owner.login is None:
        raise Refused("person.phone_signs_in")
    _check_open(found)
    put(unit, found, kept(unit, values.given(), found), how=How.SELF)
    return person(unit, person=found.id)


@needs("person.write")
def change(unit: Unit, *, person_id: Id, values: Values, reason: str) -> Person:
    """Change the core fields of somebody that are not verified.

    Raises ``NotFound``, ``Refused``: ``person.verified``, ``person.phone_signs_in``, ``person.phone_taken``.
    """
    text = checked_reason(reason)
    found = person(unit, person=person_id)
    owner = _account_of(unit, found)
    if Field.PHONE in values.given() and owner is not None and owner.login is None:
        raise Refused("person.phone_signs_in")
    _check_open(found)
    put(unit, found, kept(unit, values.given(), found), how=How.STAFF, reason=text)
    return person(unit, person=found.id)


@needs("person.reverify")
def reverify(unit: Unit, *, person_id: Id, values: Values, evidence: Evidence, reason: str) -> Person:
    """Verify somebody who has shown who it is, with new core fields or those it has.

    The one way to change what is verified: what was before is kept, the person is told, and the trail holds both,
    masked. Nobody verifies itself. Raises ``NotFound``, ``Denied("person.self")``, ``Malformed("person.nothing")``,
    ``Refused``: ``person.erased``, ``person.phone_taken``.
    """
    text = checked_reason(reason)
    found = person(unit, person=person_id)
    if found.account is not None and unit.caller.actor.name == str(found.account):
        raise Denied("person.self")
    if found.erased_at is not None:
        raise Refused("person.erased")
    after = kept(unit, values.given(), found)
    if found.name is None and Field.NAME not in after:
        raise Malformed("person.nothing")
    put(unit, found, after, how=How.VERIFIED, reason=text, evidence=evidence)
    return person(unit, person=found.id)


@needs("person.unmask")
def unmask_person(unit: Unit, *, person_id: Id, fields: Collection[Field], reason: str) -> dict[str, str | None]:
    """Return core fields of somebody in clear, once; written down with the reason.

    Raises ``NotFound``, ``TooManyUnmasked``, ``Refused``: ``reason.missing``, ``reason.too_long``.
    """
    found = person(unit, person=person_id)
    wanted = {field.value: value for field, value in found.values().items() if field in fields}
    deed = Deed(
        unmasking.PERSON_UNMASKED, "person", str(found.id), found.company, None, reason,
        after={"fields": sorted(wanted)},
    )  # fmt: skip
    return unmasking.unmask(unit, deed=deed, values=wanted)


@needs("person.unmask")
def unmask_change(unit: Unit, *, person_id: Id, change: Id, reason: str) -> dict[str, str | None]:
    """Return the values before and after a change of somebody in clear; as ``unmask_person``.

    Raises ``NotFound("person.change_not_found")`` besides.
    """
    found = person(unit, person=person_id)
    wanted = next((each for each in unit.all(store.CHANGES, person=found.id) if each.id == change), None)
    if wanted is None:
        raise NotFound("person.change_not_found")
    deed = Deed(
        unmasking.PERSON_UNMASKED, "person", str(found.id), found.company, None, reason,
        after={"fields": [wanted.field.value], "change": change},
    )  # fmt: skip
    return unmasking.unmask(unit, deed=deed, values={"before": wanted.old, "after": wanted.new})


# -- steps of these and of accounts ------------------------------------------------------------------------------------


@inner
def kept(unit: Unit, texts: Mapping[Field, str], found: Person | None = None) -> dict[Field, Id | None]:
    """Put values into the vault and hold them, with those of a person, until the unit ends.

    A value is stored once for all who have it: held, nobody erases it between finding it and pointing to it.
    """
    ids: dict[Field, Id | None] = {field: vault.keep(unit, KINDS[field], text) for field, text in texts.items()}
    mine = (
        [] if found is None else [("person", found.id), *(("value", each) for each in found.values().values() if each)]
    )
    unit.lock(*mine, *(("value", each) for each in ids.values() if each))
    for field, text in texts.items():
        if vault.find(unit, KINDS[field], text) != ids[field]:
            raise Stale("vault")
    return ids


@inner
def make(unit: Unit, *, account: Id | None, company: Id | None, values: Mapping[Field, Id | None]) -> Person:
    """Write somebody new down; an account's person has the account's id."""
    made = account or unit.new_id()
    unit.run(
        store.INSERT_PERSON, id=made, account_id=account, company_id=company, name_id=values.get(Field.NAME),
        phone_id=values.get(Field.PHONE), identity_id=values.get(Field.IDENTITY), verified_at=None, verified_how=None,
        erased_at=None, created_at=unit.machine_now, created_by=unit.caller.actor.name, version=1,
    )  # fmt: skip
    unit.append(PersonMade(person=made, account=account), company=company, lot=None, key=made)
    return person(unit, person=made)


@inner
def of_account(unit: Unit, *, account: Id) -> tuple[Person, Account]:
    """Return the person of an account, made when the release before has not. Raises ``NotFound``."""
    owner = unit.one(account_store.ACCOUNT_BY_ID, account=account)
    if owner is None:
        raise NotFound("account.not_found")
    if owner.kind is not AccountKind.PERSON:
        raise NotFound("person.not_found")
    found = unit.one(store.PERSON, person=account)
    if found is None:
        phone = unit.all(account_store.PHONE_OF, account=account)[0]
        found = make(unit, account=account, company=owner.company, values={Field.NAME: owner.name, Field.PHONE: phone})
    return found, owner


@inner
def put(
    unit: Unit, found: Person, new: Mapping[Field, Id | None], *, how: How, reason: str | None = None,
    evidence: Evidence | None = None,
) -> Sequence[Field]:  # fmt: skip
    """Write core fields (vault ids that ``kept`` gave; None takes one away); return those that have changed.

    Before and after stay in the history for verified people only: of others the fact alone.
    """
    before = found.values()
    changed = [field for field, value in new.items() if before[field] != value]
    was_verified, keeps = found.is_verified, how is How.VERIFIED
    after = {**before, **new}
    verified_at, verified_how = found.verified_at, found.verified_how
    if keeps:
        verified_at, verified_how = unit.machine_now, None if evidence is None else evidence.value
    elif how is How.WITHDRAWN and Field.IDENTITY in changed:
        verified_at = verified_how = None
    if not changed and not keeps:
        return changed
    masked_old, masked_new = _masks(unit, found, after, changed)
    _copy_to_account(unit, found, {field: after[field] for field in changed})
    unit.save(
        store.SAVE_PERSON, person=found.id, seen=found.version, new_name_id=after[Field.NAME],
        new_phone_id=after[Field.PHONE], new_identity_id=after[Field.IDENTITY], new_verified_at=verified_at,
        new_verified_how=verified_how, new_erased_at=found.erased_at,
    )  # fmt: skip
    for field in changed:
        pair = (before[field], after[field]) if keeps and was_verified else (None, None)
        unit.run(
            store.INSERT_CHANGE, id=unit.new_id(), person_id=found.id, company_id=found.company, field=field,
            old_id=pair[0], new_id=pair[1], at=unit.machine_now, by=unit.caller.actor.name, how=how, reason=reason,
            evidence=None if evidence is None else evidence.value,
        )  # fmt: skip
    _tell(unit, found, changed, how, masked_old)
    for field in changed:
        release(unit, before[field])
    told = PersonChanged(found.id, found.account, tuple(field.value for field in changed), how.value)
    unit.append(told, company=found.company, lot=None, key=found.id)
    word = "person.reverified" if keeps else "person.changed"
    extra = {} if evidence is None else {"evidence": evidence.value}
    deed = Deed(word, "person", str(found.id), found.company, None, reason, masked_old, {**masked_new, **extra})
    audit.record(unit, deed)
    return changed


@inner
def release(unit: Unit, value: Id | None) -> bool:
    """Erase a name, phone or identity number from the vault unless somebody needs it still; tell whether it went."""
    if value is None:
        return False
    for query in (store.NEEDED_BY_PERSON, store.NEEDED_BY_CHANGE, store.NEEDED_BY_ACCOUNT):
        if unit.all(query, value=value):
            return False
    return vault.erase(unit, value)


def _check_open(found: Person) -> None:
    if found.erased_at is not None:
        raise Refused("person.erased")
    if found.is_verified:
        raise Refused("person.verified")


def _account_of(reader: Reader, found: Person) -> Account | None:
    return None if found.account is None else reader.one(account_store.ACCOUNT_BY_ID, account=found.account)


def _copy_to_account(unit: Unit, found: Person, changed: Mapping[Field, Id | None]) -> None:
    """Keep the account in step: its name, and for drivers the phone by which they sign in."""
    owner = _account_of(unit, found)
    if owner is None:
        return
    if Field.NAME in changed:
        unit.run(store.SAVE_NAME, account=owner.id, new_name=changed[Field.NAME])
    if Field.PHONE in changed and owner.login is None:
        phone = changed[Field.PHONE]
        if phone is not None and unit.one(account_store.PHONE_TAKEN, phone=phone) not in (None, owner.id):
            raise Refused("person.phone_taken")
        unit.run(store.SAVE_PHONE, account=owner.id, new_phone=phone)


def _tell(unit: Unit, found: Person, changed: Sequence[Field], how: How, old: Mapping[str, str]) -> None:
    """Tell the account about what it did not do itself, and whoever signs in with the old number that it left."""
    if how in (How.SELF, How.VOUCHED) or not changed:
        return
    if found.account is not None:
        fields = {"fields": Words(tuple(f"person.field.{field.value}" for field in changed))}
        leave_notice(unit, account=found.account, company=found.company, code="notice.person_changed", params=fields)
    if Field.PHONE in changed and found.phone is not None:
        other = unit.one(account_store.PHONE_TAKEN, phone=found.phone)
        if other is not None and other != found.account:
            left = {"phone": old[Field.PHONE.value]}
            leave_notice(unit, account=other, company=None, code="notice.phone_left", params=left)


def _masks(
    reader: Reader, found: Person, after: Mapping[Field, Id | None], changed: Sequence[Field]
) -> tuple[dict[str, str], dict[str, str]]:
    before = found.values()
    sides = ({field: values[field] for field in changed} for values in (before, after))
    old, new = ({field.value: _masked(reader, field, value) or "-" for field, value in side.items()} for side in sides)
    return old, new


def _masked(reader: Reader, field: Field, value: Id | None) -> str | None:
    return masked(field, None if value is None else vault.reveal(reader, value))
