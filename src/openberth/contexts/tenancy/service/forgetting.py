"""Showing somebody everything that is held about it, and forgetting it (PIPL art. 45 and 47).

Other contexts take part as ``Keeper``s, handed in: tenancy does not know them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from openberth.contexts.tenancy.model.audit import Deed
from openberth.contexts.tenancy.model.holding import About, Hindrance
from openberth.contexts.tenancy.model.people import Field, How, Person
from openberth.contexts.tenancy.model.people_events import PersonErased
from openberth.contexts.tenancy.ports import Keeper
from openberth.contexts.tenancy.service import (
    accounts,
    audit,
    consents,
    grants,
    notices,
    own_plates,
    people,
    sessions,
    unmasking,
)
from openberth.contexts.tenancy.store import accounts as account_store
from openberth.contexts.tenancy.store import people as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, by_itself, inner, needs, require
from openberth.kernel.errors import Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import DAY_US, Instant, to_iso

FORMAT = "openberth-person/1"
PERSON_EXPORTED, PERSON_ERASED = "person.exported", "person.erased"
SHOWN_MAX = 10  # hindrances that a refusal names
NOTICES_MAX = 200


def about(reader: Reader, *, person: Person, keepers: Sequence[Keeper]) -> About:
    """Return whom something is about, with the plates that others know to be its own, and those that it has proven."""
    plates = {plate: None for keeper in keepers for plate in keeper.plates(reader, person=person.id)}
    proven = [] if person.account is None else own_plates.sights(reader, account=person.account)
    # Who has only once stood at a lane with a car takes nothing of it along, and lets nobody forget it.
    since = {each.plate: each.since for each in proven if each.until is None and each.plate not in plates}
    return About(person, (*plates, *since), since)


def hindrances(reader: Reader, *, person_id: Id, keepers: Sequence[Keeper]) -> list[Hindrance]:
    """Return what stands in the way of forgetting somebody: a car inside, money that is open."""
    whom = about(reader, person=people.person(reader, person=person_id), keepers=keepers)
    return [each for keeper in keepers for each in keeper.hindrances(reader, about=whom)]


# -- showing -----------------------------------------------------------------------------------------------------------


@needs("person.export")
def export(
    unit: Unit, *, person_id: Id, keepers: Sequence[Keeper], reason: str, in_clear: bool = False
) -> dict[str, Any]:
    """Return everything that is held about somebody; masked, unless who asks may unmask. Written down.

    Raises ``NotFound``, ``Denied``, ``TooManyUnmasked``, ``Refused``: ``reason.missing``, ``reason.too_long``.
    """
    text = checked_reason(reason)
    found = people.person(unit, person=person_id)
    if in_clear:
        require(unit.caller, "person.unmask")
        unit.lock(("audit", audit.CHAIN))
        unmasking.check_bound(unit)
    shown = everything(unit, found=found, keepers=keepers, in_clear=in_clear)
    word = unmasking.PERSON_UNMASKED if in_clear else PERSON_EXPORTED
    deed = Deed(word, "person", str(found.id), found.company, None, text, after={"export": True, "in_clear": in_clear})
    audit.record(unit, deed)
    return shown


@by_itself
def export_own(unit: Unit, *, account: Id, keepers: Sequence[Keeper]) -> dict[str, Any]:
    """Return everything that is held about oneself, in clear."""
    found, _ = people.of_account(unit, account=account)
    shown = everything(unit, found=found, keepers=keepers, in_clear=True)
    deed = Deed(PERSON_EXPORTED, "person", str(found.id), found.company, None, after={"by": "itself"})
    audit.record(unit, deed)
    return shown


def everything(reader: Reader, *, found: Person, keepers: Sequence[Keeper], in_clear: bool) -> dict[str, Any]:
    """Return all of it as one JSON-able document."""
    whom = about(reader, person=found, keepers=keepers)
    values = people.shown(reader, found)
    if in_clear:
        values = {
            field: None if value is None else vault.reveal(reader, value) for field, value in found.values().items()
        }
    document: dict[str, Any] = {
        "format": FORMAT,
        "at": to_iso(reader.machine_now),
        "person": {
            "id": str(found.id), **{field.value: text for field, text in values.items()},
            "verified_at": None if found.verified_at is None else to_iso(found.verified_at),
            "verified_how": found.verified_how, "known_since": to_iso(found.created_at),
        },
        "changes": [
            {"field": each.field.value, "before": before, "after": after, "at": to_iso(each.at), "how": each.how.value}
            for each, before, after in people.changes_of(reader, person=found.id)
        ],
        "consents": [
            {
                "purpose": each.purpose.value, "document": each.document, "given": each.given, "at": to_iso(each.at),
                "channel": each.channel,
            }
            for each in consents.consents_of(reader, person=found.id)
        ],
    }  # fmt: skip
    if found.account is not None:
        document["account"] = _account(reader, found.account)
        document["plates"] = [dict(each) for each in own_plates.held(reader, account=found.account, in_clear=in_clear)]
    for keeper in keepers:
        document[keeper.name] = [dict(each) for each in keeper.held(reader, about=whom, in_clear=in_clear)]
    return document


def _account(reader: Reader, account_id: Id) -> dict[str, Any]:
    found = reader.one(account_store.ACCOUNT_BY_ID, account=account_id)
    if found is None:
        return {}
    told = notices.notices_of(reader, account=account_id, before=BEYOND_ALL, limit=NOTICES_MAX)
    return {
        "login": found.login, "state": found.state.value, "since": to_iso(found.created_at),
        "second_factor": found.totp is not None,
        "roles": [
            {"role": each.role, "level": each.level.value} for each in grants.grants_of(reader, account=account_id)
        ],
        "sessions": [
            {"device": each.device, "address": each.address, "began_at": to_iso(each.began_at)}
            for each in sessions.open_sessions(reader, account=account_id)
        ],
        "notices": [{"kind": each.kind, "at": to_iso(each.at), **notices.params_shown(reader, each)} for each in told],
    }  # fmt: skip


# -- forgetting --------------------------------------------------------------------------------------------------------


@needs("person.erase")
def erase(unit: Unit, *, person_id: Id, keepers: Sequence[Keeper], reason: str) -> Mapping[str, int]:
    """Forget somebody; return how much of what went. What the law retains stays without the person.

    Raises ``NotFound``, ``Denied("account.outranks")``, ``Refused``: ``person.erased``, ``person.hindered``.
    """
    text = checked_reason(reason)
    found = people.person(unit, person=person_id)
    if found.account is not None:
        accounts.below(unit, found.account)
    return _forget(unit, found, keepers, text)


@by_itself
def erase_own(unit: Unit, *, account: Id, keepers: Sequence[Keeper]) -> Mapping[str, int]:
    """Forget oneself. Accounts of staff are their employer's: ``Refused("person.staff")``; otherwise as ``erase``."""
    found, owner = people.of_account(unit, account=account)
    if owner.login is not None:
        raise Refused("person.staff")
    return _forget(unit, found, keepers, None)


def _forget(unit: Unit, found: Person, keepers: Sequence[Keeper], reason: str | None) -> Mapping[str, int]:
    if found.erased_at is not None:
        raise Refused("person.erased")
    openid = None if found.account is None else unit.all(store.OPENID_OF, account=found.account)[0]
    history = unit.all(store.CHANGES, person=found.id)
    values = [*found.values().values(), openid, *(each.old for each in history), *(each.new for each in history)]
    mine = {value: None for value in values if value is not None}
    whom = about(unit, person=found, keepers=keepers)
    unit.lock(
        ("person", found.id), *(("value", each) for each in (*mine, *whom.plates)),
        *(lock for keeper in keepers for lock in keeper.locks(unit, about=whom)),
    )  # fmt: skip
    standing = hindrances(unit, person_id=found.id, keepers=keepers)
    if standing:
        named = ", ".join(f"{each.kind} {each.subject}" for each in standing[:SHOWN_MAX])
        raise Refused("person.hindered", hindrances=named, count=len(standing))
    gone = {name: count for keeper in keepers for name, count in keeper.forget(unit, about=whom).items()}
    _empty(unit, found)
    gone["values"] = sum(people.release(unit, value) for value in mine)
    kept = [plate for plate in whom.plates if not let_go(unit, value=plate, person=found.id, keepers=keepers)]
    gone["plates"] = len(whom.plates) - len(kept)
    told = PersonErased(found.id, found.account, len(kept))
    unit.append(told, company=found.company, lot=None, key=found.id)
    audit.record(
        unit,
        Deed(PERSON_ERASED, "person", str(found.id), found.company, None, reason, after={**gone, "kept": len(kept)}),
    )
    return {**gone, "kept": len(kept)}


def _empty(unit: Unit, found: Person) -> None:
    """Take everything personal from the rows of a person and its account."""
    unit.save(
        store.SAVE_PERSON, person=found.id, seen=found.version, new_name_id=None, new_phone_id=None,
        new_identity_id=None, new_verified_at=None, new_verified_how=None, new_erased_at=unit.machine_now,
    )  # fmt: skip
    unit.run(store.FORGET_CHANGES, person=found.id)
    for field, value in found.values().items():
        if value is not None:
            unit.run(
                store.INSERT_CHANGE, id=unit.new_id(), person_id=found.id, company_id=found.company,
                field=Field(field), old_id=None, new_id=None, at=unit.machine_now, by=unit.caller.actor.name,
                how=How.ERASED, reason=None, evidence=None,
            )  # fmt: skip
    if found.account is not None:
        own_plates.let_go_of_account(unit, account=found.account)
        accounts.shut(unit, account_id=found.account)


@inner
def let_go(unit: Unit, *, value: Id, person: Id, keepers: Sequence[Keeper]) -> bool:
    """Erase a plate that nobody needs, or remember until when it is kept; tell whether it went."""
    needed = [until for keeper in keepers if (until := keeper.needed_until(unit, plate=value)) is not None]
    if not needed:
        unit.run(store.LET_GO, value=value)
        return vault.erase(unit, value)
    until = max(needed)
    unit.run(store.KEEP_VALUE, vault_id=value, person_id=person, until_at=until)
    unit.run(
        store.KEEP_LONGER, value=value, new_person=person, new_until=max(until, Instant(unit.machine_now + DAY_US))
    )
    return False


def forgotten_at(reader: Reader, *, value: Id) -> Instant | None:
    """Return when the person was forgotten whose value is kept for the law alone, the last one; None for any other.

    Machine time. What is from before is shown to nobody outside any more; a plate may belong to somebody else by now.
    """
    return reader.one(store.FORGOTTEN_AT, value=value)


@by_construction
def let_go_of_kept(unit: Unit, *, keepers: Sequence[Keeper]) -> int:
    """Erase some plates of forgotten people whose time of law is over; call again while it returns something."""
    over = unit.all(store.KEPT_OVER, now=unit.machine_now)
    gone = [person for value, person in over if let_go(unit, value=value, person=person, keepers=keepers)]
    if gone:
        audit.record(unit, Deed(PERSON_ERASED, "person", "-", after={"plates": len(gone), "after": "retention"}))
    return len(over)
