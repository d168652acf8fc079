"""Use cases and queries of attempts: tries to pay a bill at a channel."""

from openberth.contexts import tenancy
from openberth.contexts.payments.model import (
    Attempt,
    AttemptState,
    Bill,
    BillState,
    PayPlace,
    ended,
    opened,
    order_number,
)
from openberth.contexts.payments.service.bills import append, locked
from openberth.contexts.payments.store import attempts as attempt_store
from openberth.infra import jobs, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, later

ATTEMPT_LIFE_US = 10 * MINUTE_US
ATTEMPTS_MAX = 20  # of one bill; more is somebody playing with the button
CHECK_AFTER_US = 5 * SECOND_US
JOB_CHECK = "payments.check_attempt"


@needs("sign.use", "prepaid.fill")
def begin_attempt(
    unit: Unit, *, bill: Id, channel: str, account: Id | None = None, scene: str = "code", payer: str | None = None,
    place: PayPlace = PayPlace.PREPAY,
) -> Attempt:  # fmt: skip
    """Write a try to pay down before its channel is called; one that is open and asks for the same is used again.

    Raises ``NotFound("bill.not_found")``, ``Refused("bill.settled")`` and its like, and
    ``Refused("bill.too_many_attempts")``.
    """
    found = locked(unit, bill)
    if found.state is not BillState.OPEN:
        raise Refused(f"bill.{found.state}", bill=found.number)
    payer_id = None if payer is None else vault.keep(unit, VaultKind.OPENID, payer)
    live = unit.all(attempt_store.LIVE_ATTEMPTS, bill_id=bill)
    for one in live:
        fits = (one.channel, one.account, one.scene, one.payer, one.amount) == (
            channel, account, scene, payer_id, found.left,
        )  # fmt: skip
        if (
            fits
            and one.expires_at - unit.machine_now > ATTEMPT_LIFE_US // 5
            and _gives_the_same(unit, found, one, place)
        ):
            return one
    if len(live) >= ATTEMPTS_MAX:
        raise Refused("bill.too_many_attempts", bill=found.number)
    attempt_id = unit.new_id()
    begun = Attempt(
        id=attempt_id, company=found.company, lot=found.lot, bill=bill, channel=channel,
        number=order_number(attempt_id), amount=found.left, state=AttemptState.OPENING, created_at=unit.now,
        expires_at=later(unit.machine_now, ATTEMPT_LIFE_US), account=account,
        scene=scene, payer=payer_id, place=place,
    )  # fmt: skip
    unit.run(attempt_store.INSERT_ATTEMPT, **attempt_store.attempt_row(begun))
    # Notifications get lost: the order is asked after by itself until its end is known.
    jobs.schedule(
        unit, kind=JOB_CHECK, body={"attempt": str(attempt_id)}, due_at=later(unit.machine_now, CHECK_AFTER_US),
        unique_key=begun.number,
    )  # fmt: skip
    return begun


def _gives_the_same(reader: Reader, bill: Bill, attempt: Attempt, place: PayPlace) -> bool:
    """Tell whether who pays an attempt gets the same minutes to leave in as from a place."""
    if attempt.place is place:
        return True
    return grace_of(reader, bill=bill, place=attempt.place) == grace_of(reader, bill=bill, place=place)


def grace_of(reader: Reader, *, bill: Bill, place: PayPlace) -> int | None:
    """Return the minutes to leave in that the lot gives now to whoever pays at a place, None for its tariff's."""
    minutes = int(tenancy.setting_of(reader, tenancy.GRACE_MINUTES[place], company=bill.company, lot=bill.lot))
    return None if minutes == tenancy.AS_THE_TARIFF_SAYS else minutes


@needs("sign.use", "prepaid.fill")
def attempt_opened(unit: Unit, *, attempt: Id, pay_url: str | None, channel_order: str | None) -> Attempt:
    """Take note that the channel opened the order."""
    unit.lock(("attempt", attempt))
    found = attempt_by_id(unit, attempt=attempt)
    after, events = opened(found, pay_url=pay_url, channel_order=channel_order)
    if after is not found:
        save_attempt(unit, after)
        append(unit, found, events)
    return after


@by_construction
def end_attempt(unit: Unit, *, attempt: Id, state: AttemptState, reason: str | None = None) -> Attempt:
    """Give an attempt its end: ``failed``, ``expired`` or ``closed``. The first end stays; ``paid`` comes by a
    receipt.
    """
    unit.lock(("attempt", attempt))
    found = attempt_by_id(unit, attempt=attempt)
    after, events = ended(found, state, unit.now, reason)
    if after is not found:
        save_attempt(unit, after)
        append(unit, found, events)
    return after


def attempt_by_id(reader: Reader, *, attempt: Id) -> Attempt:
    """Return an attempt. Raises ``NotFound("attempt.not_found")``."""
    found = reader.one(attempt_store.ATTEMPT, attempt_id=attempt)
    if found is None:
        raise NotFound("attempt.not_found")
    return found


def attempts_of(reader: Reader, *, bill: Id) -> list[Attempt]:
    """Return the tries to pay a bill, oldest first."""
    return reader.all(attempt_store.ATTEMPTS_OF_BILL, bill_id=bill)


def attempt_by_number(reader: Reader, *, channel: str, number: str) -> Attempt | None:
    """Return the attempt behind a channel's order."""
    return reader.one(attempt_store.ATTEMPT_BY_NUMBER, channel=channel, number=number)


@inner
def save_attempt(unit: Unit, attempt: Attempt) -> None:
    """Save what a rule made of an attempt; somebody who was faster has the unit run again."""
    unit.save(
        attempt_store.UPDATE_ATTEMPT, attempt_id=attempt.id, old_version=attempt.version, new_state=attempt.state,
        new_channel_order=attempt.channel_order, new_ended_at=attempt.ended_at, new_reason=attempt.reason,
        **{f"new_{name}": value for name, value in attempt_store.url_columns(attempt.pay_url).items()},
    )  # fmt: skip
