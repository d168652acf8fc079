"""What payments hold about people: their prepaid accounts, and so which plates are theirs."""

from collections.abc import Mapping, Sequence
from typing import Any

from openberth.contexts import tenancy
from openberth.contexts.payments.model.prepaid import PrepaidState
from openberth.contexts.payments.service import prepaid
from openberth.contexts.payments.service.bills import subject_lock
from openberth.contexts.payments.store import prepaid as store
from openberth.infra.database import Reader, Unit
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant, to_iso


class PrepaidKeeper:
    """Takes part in showing and forgetting people, by the accounts that are theirs."""

    name = "prepaid"

    def plates(self, reader: Reader, *, person: Id) -> Sequence[Id]:
        """Return the plates that somebody's accounts pay for."""
        found = reader.all(store.OF_HOLDER, holder=person)
        return [plate for each in found for plate in reader.all(store.PLATES, account=each.id)]

    def locks(self, reader: Reader, *, about: tenancy.About) -> Sequence[tuple[str, Id]]:
        """Return the locks of the accounts."""
        return [subject_lock(each.id) for each in reader.all(store.OF_HOLDER, holder=about.person.id)]

    def held(self, reader: Reader, *, about: tenancy.About, in_clear: bool) -> Sequence[Mapping[str, Any]]:
        """Return somebody's accounts, each with its plates and what lies in it."""
        return [
            {
                "id": str(each.id), "lot": str(each.lot), "code": each.code, "state": each.state.value,
                "balance_minor": each.balance.minor, "held_minor": each.held.minor, "currency": each.balance.currency,
                "opened_at": to_iso(each.opened_at),
                "plates": [
                    tenancy.plate_shown(reader, plate, in_clear=in_clear)
                    for plate in reader.all(store.PLATES, account=each.id)
                ],
            }
            for each in reader.all(store.OF_HOLDER, holder=about.person.id)
        ]  # fmt: skip

    def hindrances(self, reader: Reader, *, about: tenancy.About) -> Sequence[tenancy.Hindrance]:
        """Return accounts with money in them: it has to be paid out first."""
        return [
            tenancy.Hindrance("prepaid_money", each.id)
            for each in reader.all(store.OF_HOLDER, holder=about.person.id)
            if each.balance or each.held
        ]

    def forget(self, unit: Unit, *, about: tenancy.About) -> Mapping[str, int]:
        """Close somebody's accounts, which are empty, and forget whose they were."""
        found = unit.all(store.OF_HOLDER, holder=about.person.id)
        for each in found:
            prepaid.let_go_of_holder(unit, each)
        return {"prepaid_accounts": len([each for each in found if each.state is not PrepaidState.CLOSED])}

    def needed_until(self, reader: Reader, *, plate: Id) -> Instant | None:
        """Return tomorrow while an account pays for the plate."""
        found = reader.all(store.ANY_OF_PLATE, plate=plate)
        return Instant(reader.machine_now + DAY_US) if found else None
