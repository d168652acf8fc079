"""Use cases of consents: every yes and no is a row that stays; taking one back has its effect in the same unit."""

from collections.abc import Sequence

from openberth.contexts.tenancy.model.people import EFFECTS, Channel, Consent, Field, How, Person, Purpose
from openberth.contexts.tenancy.model.people_events import ConsentRecorded
from openberth.contexts.tenancy.service import people, sessions
from openberth.contexts.tenancy.store import people as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_itself, needs
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id


def consents_of(reader: Reader, *, person: Id) -> list[Consent]:
    """Return what somebody said yes or no to, newest first."""
    return reader.all(store.CONSENTS, person=person)


def now_given(consents: Sequence[Consent]) -> dict[Purpose, Consent]:
    """Return what holds now: the newest word on each purpose that was ever asked, also when it is a no."""
    found: dict[Purpose, Consent] = {}
    for each in consents:  # newest first
        found.setdefault(each.purpose, each)
    return found


@by_itself
def give_own(unit: Unit, *, account: Id, purpose: Purpose, document: str, given: bool, channel: Channel) -> Consent:
    """Say yes or no oneself; the same word again changes nothing."""
    found, _ = people.of_account(unit, account=account)
    return _say(unit, found, purpose, document, given, channel)


@needs("consent.write")
def write_down(unit: Unit, *, person_id: Id, purpose: Purpose, document: str, given: bool, channel: Channel) -> Consent:
    """Write down what somebody said at a counter or on paper. Raises ``NotFound``, ``Refused("person.erased")``."""
    return _say(unit, people.person(unit, person=person_id), purpose, document, given, channel)


def _say(unit: Unit, found: Person, purpose: Purpose, document: str, given: bool, channel: Channel) -> Consent:
    if found.erased_at is not None:
        raise Refused("person.erased")
    unit.lock(("person", found.id), *(("value", each) for each in found.values().values() if each))
    last = now_given(consents_of(unit, person=found.id)).get(purpose)
    if last is not None and (last.given, last.document) == (given, document):
        return last
    said = Consent(
        unit.new_id(), found.id, purpose, document, given, unit.machine_now, channel.value, unit.caller.actor.name
    )
    unit.run(store.INSERT_CONSENT, said, person_id=found.id, company_id=found.company)
    told = ConsentRecorded(found.id, said.id, purpose.value, document, given, channel.value)
    unit.append(told, company=found.company, lot=None, key=found.id)
    if not given:
        _withdraw(unit, found, purpose)
    return said


def _withdraw(unit: Unit, found: Person, purpose: Purpose) -> None:
    effect = EFFECTS[purpose]
    if effect == "sessions":
        if found.account is not None:
            sessions.end_all(unit, account=found.account, reason="account")
        return
    people.put(unit, people.person(unit, person=found.id), {Field(effect): None}, how=How.WITHDRAWN)
