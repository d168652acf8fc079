"""Which events of the log are deeds of the audit trail, and how they are told there. The one place.

Kinds are words here, for their contexts stand above this one; a test holds the list against every event there is, and
every field against what its golden file says. A new kind of event goes into one of the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openberth.contexts.tenancy.model.audit import Deed, Outcome
from openberth.kernel.authority import ActorKind
from openberth.kernel.events import Envelope

# Subjects that the envelope names, not the body.
LOT, COMPANY = "@lot", "@company"
_PEOPLE = frozenset((ActorKind.PERSON, ActorKind.INTEGRATOR))


@dataclass(frozen=True, slots=True)
class Rule:
    """How an event is told: the deed, the field that names its subject, and values before and after by field.

    ``by_hand``: it is a deed only when a person or an integrator caused it; cars and devices cause it all day long.
    """

    deed: str
    subject_kind: str
    subject: str
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    by_hand: bool = False
    outcome: Outcome = Outcome.DONE


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


DEEDS: Mapping[str, Rule] = {
    "tenancy.account_made": Rule("account.made", "account", "account", after=_same("kind")),
    "tenancy.account_changed": Rule("account.changed", "account", "account", after=_same("what")),
    "tenancy.second_factor_removed": Rule("account.second_factor_removed", "account", "account", reason="reason"),
    "tenancy.recovery_code_used": Rule(
        "account.recovery_code_used", "account", "account", after=_same("codes_left"),
    ),
    "tenancy.grant_given": Rule("grant.given", "account", "account", after=_same("grant", "role", "level", "node")),
    "tenancy.grant_taken": Rule("grant.taken", "account", "account", before=_same("grant", "role")),
    "tenancy.role_changed": Rule("role.changed", "role", "role", before=_same("removed"), after=_same("added")),
    "tenancy.signed_in": Rule("session.begun", "account", "account", after=_same("session", "how")),
    "tenancy.sign_in_refused": Rule(
        "session.refused", "account", "account", after=_same("failures"), reason="reason", outcome=Outcome.REFUSED,
    ),
    "tenancy.session_ended": Rule("session.ended", "account", "account", before=_same("session"), reason="reason"),
    "tenancy.session_confirmed": Rule("session.confirmed", "account", "account", after=_same("session", "how")),
    "tenancy.api_key_made": Rule("api_key.made", "account", "account", after=_same("key", "scopes")),
    "tenancy.api_key_ended": Rule("api_key.ended", "account", "account", before=_same("key")),
    "tenancy.signing_key_made": Rule("signing_key.made", "signing_key", "key", after=_same("algorithm")),
    "tenancy.node_made": Rule("organisation.made", "node", "node", after=_same("level", "code")),
    "tenancy.node_changed": Rule(
        "organisation.changed", "node", "node", before={"level": "level", "values": "before"},
        after={"what": "what", "values": "after"}, reason="reason",
    ),
    "tenancy.lot_left": Rule("lot.left", "lot", "lot", after=_same("company"), reason="reason"),
    "tenancy.lot_came": Rule("lot.came", "lot", "lot", before=_same("company"), reason="reason"),
    "tenancy.export_asked": Rule(
        "export.asked", "export", "export", after=_same("level", "node", "unmasked"), reason="reason",
    ),
    "tenancy.export_fetched": Rule("export.fetched", "export", "export", after=_same("lines")),
    "tenancy.setting_changed": Rule(
        "setting.changed", "setting", "key", before={"level": "level", "node": "node", "values": "before"},
        after={"values": "after"},
    ),
    "tenancy.person_made": Rule("person.made", "person", "person", after=_same("account"), by_hand=True),
    "tenancy.plate_bound": Rule("own_plate.bound", "account", "account", after=_same("plate")),
    "tenancy.plate_verified": Rule(
        "own_plate.verified", "account", "account", before={"account": "taken_from"}, after=_same("plate", "proof"),
        reason="reason",
    ),
    "tenancy.plate_unbound": Rule("own_plate.unbound", "account", "account", before=_same("plate")),
    "tenancy.consent_recorded": Rule(
        "consent.recorded", "person", "person", after=_same("consent", "purpose", "document", "given", "channel"),
    ),
    "facility.command_issued": Rule(
        "gate.commanded", "lane", "lane", after=_same("command", "kind", "device", "passage"), reason="reason",
        by_hand=True,
    ),
    "facility.lot_state_changed": Rule(
        "lot.state_changed", "lot", LOT, before={"state": "before"}, after={"state": "after"}, reason="reason",
    ),
    "facility.lane_text_shown": Rule("lane.text_shown", "lane", "lane", after=_same("text", "seconds", "aloud")),
    "facility.occupancy_adjusted": Rule(
        "occupancy.adjusted", "area", "area", before={"adjustment": "before"}, after={"adjustment": "after"},
        reason="reason",
    ),
    "facility.device_credentials_issued": Rule(
        "device.credentials_issued", "device", "device", after=_same("code", "kind", "fingerprint"),
    ),
    "facility.device_login_changed": Rule(
        "device.login_changed", "device", "device", after=_same("code", "kind", "known"),
    ),
    "facility.collector_credentials_issued": Rule(
        "device.credentials_issued", "device", "collector", after=_same("code", "kind", "fingerprint"),
    ),
    "facility.device_came": Rule("device.came", "device", "device", after=_same("code", "lane")),
    "facility.device_lost": Rule("device.lost", "device", "device", after=_same("code", "lane", "last_seen_at")),
    "tariffs.draft_saved": Rule("tariff.draft_saved", "tariff", "code", after=_same("draft_version")),
    "tariffs.draft_dropped": Rule("tariff.draft_dropped", "tariff", "code", after=_same("version_number")),
    "payments.debt_raised": Rule(
        "debt.raised", "debt", "debt", after=_same("bill", "subject", "amount_minor", "currency", "lapses_at"),
    ),
    "payments.debt_disputed": Rule("debt.disputed", "debt", "debt", after=_same("bill"), reason="reason"),
    "payments.debt_ended": Rule(
        "debt.ended", "debt", "debt", after=_same("bill", "state", "amount_minor", "currency"), reason="reason",
    ),
    "payments.receipt_recorded": Rule(
        "money.received", "receipt", "receipt",
        after=_same("bill", "method", "amount_minor", "surplus_minor", "currency"), by_hand=True,
    ),
    "payments.channel_account_changed": Rule(
        "channel.changed", "channel_account", "account", before={"values": "before"},
        after={"what": "what", "channel": "kind_of_channel", "level": "level", "node": "node", "values": "after"},
    ),
    "payments.difference_found": Rule(
        "difference.found", "difference", "difference",
        after=_same("account", "day", "difference_kind", "amount_minor", "currency"),
    ),
    "payments.difference_decided": Rule(
        "difference.decided", "difference", "difference", after=_same("account", "day", "difference_kind"),
        reason="reason",
    ),
    "payments.day_closed": Rule("day.closed", "channel_account", "account", after=_same("day", "by")),
    "payments.payout_recorded": Rule(
        "payout.recorded", "payout", "payout", after=_same("account", "amount_minor", "currency", "day", "reference"),
        reason="reason",
    ),
    "payments.payout_withdrawn": Rule(
        "payout.withdrawn", "payout", "payout", before=_same("account", "amount_minor", "currency"), reason="reason",
    ),
    "payments.payment_differs": Rule(
        "payment.differs", "attempt", "attempt", before={"minor": "asked_minor", "currency": "asked_currency"},
        after={"minor": "told_minor", "currency": "told_currency", "channel": "channel"}, outcome=Outcome.REFUSED,
    ),
    "payments.prepaid_changed": Rule(
        "prepaid.changed", "prepaid_account", "account",
        after=_same("what", "code", "holder", "spending", "pays_by_itself", "state", "plates"), reason="reason",
    ),
    "payments.refund_asked": Rule(
        "refund.asked", "refund", "refund", after=_same("receipt", "bill", "amount_minor", "currency", "cause"),
    ),
    "payments.refund_stuck": Rule("refund.stuck", "refund", "refund", after=_same("amount_minor"), reason="reason"),
    "payments.refund_ended": Rule(
        "refund.ended", "refund", "refund", after=_same("state", "amount_minor", "currency"), reason="reason",
    ),
    "payments.shift_opened": Rule(
        "shift.opened", "shift", "shift", after=_same("number", "holder", "booth", "float_minor", "currency"),
    ),
    "payments.shift_counted": Rule(
        "shift.counted", "shift", "shift", after=_same("number", "counted_minor", "variance_minor", "currency"),
    ),
    "payments.shift_handed_over": Rule(
        "shift.handed_over", "shift", "shift",
        after=_same(
            "number", "holder", "by", "expected_minor", "counted_minor", "variance_minor", "currency", "to_safe_minor",
            "passed_minor", "next",
        ), reason="reason",
    ),
    "payments.shift_confirmed": Rule(
        "shift.confirmed", "shift", "shift", after=_same("number", "counted_minor", "currency"),
    ),
    "payments.shift_corrected": Rule(
        "shift.corrected", "shift", "shift", before={"counted_minor": "before_minor"},
        after={"number": "number", "counted_minor": "after_minor", "currency": "currency"}, reason="reason",
    ),
    "payments.cash_deposited": Rule(
        "cash.deposited", "safe", "safe", after=_same("move", "amount_minor", "currency", "reference"),
    ),
    "payments.safe_filled": Rule(
        "safe.filled", "safe", "safe", after=_same("move", "move_kind", "amount_minor", "currency", "reference"),
    ),
    "permits.permit_held": Rule("permit.held", "permit", "permit", after=_same("holder")),
    "stays.passage_released": Rule(
        "passage.released", "passage", "passage", after=_same("lane", "cause", "stay", "command"), by_hand=True,
    ),
    "stays.stay_closed": Rule(
        "stay.closed", "stay", "stay", after=_same("reason", "left_at", "price_minor", "paid_minor", "currency"),
        by_hand=True,
    ),
    "stays.stay_soft_closed": Rule("stay.soft_closed", "stay", "stay", before=_same("entered_at"), reason="reason"),
    "stays.stay_reopened": Rule(
        "stay.reopened", "stay", "stay", before={"reason": "was", "left_at": "left_at"}, reason="reason",
    ),
    "stays.passback_reset": Rule(
        "passback.reset", "passback", "reset", after=_same("plate", "rights"), reason="reason",
    ),
    "stays.convoy_began": Rule("convoy.began", "lane", "lane", after=_same("until"), reason="reason"),
    "stays.convoy_ended": Rule("convoy.ended", "lane", "lane", after=_same("cause")),
    "stays.plate_corrected": Rule(
        "plate.corrected", "stay", "stay", before={"plate": "before"}, after={"plate": "after"}, reason="reason",
    ),
    "stays.case_resolved": Rule(
        "case.resolved", "case", "case", after=_same("case_kind", "resolution"), reason="reason", by_hand=True,
    ),
}  # fmt: skip

# What runs by itself, or what another event of the same unit tells already.
NO_DEEDS = frozenset((
    "facility.command_ended", "facility.alarm_raised", "facility.alarm_ended",
    "facility.space_state_changed", "payments.attempt_ended",
    "payments.attempt_opened", "payments.bill_issued",
    "payments.bill_settled", "payments.bill_withdrawn", "payments.bill_written_off", "payments.refund_made",
    "payments.prepaid_moved",
    "payments.surplus_received", "stays.case_raised", "stays.passage_decided",
    "stays.stay_moved", "stays.stay_opened", "tenancy.notice_left",
    # Written in their units, with what was before, masked values and counts.
    "tenancy.person_changed", "tenancy.person_erased", "facility.lot_applied", "tariffs.published",
    "tariffs.event_price_published", "tariffs.calendar_changed", "permits.list_applied",
))  # fmt: skip


def deed_of(envelope: Envelope) -> Deed | None:
    """Return the deed that an event tells of, None for what is none."""
    rule = DEEDS.get(envelope.kind)
    if rule is None or (rule.by_hand and envelope.actor.kind not in _PEOPLE):
        return None
    body = envelope.body
    subject = {LOT: envelope.lot, COMPANY: envelope.company}.get(rule.subject) or body.get(rule.subject)
    return Deed(
        rule.deed, rule.subject_kind, "-" if subject is None else str(subject), envelope.company, envelope.lot,
        None if rule.reason is None else body.get(rule.reason), _values(rule.before, body), _values(rule.after, body),
        rule.outcome,
    )  # fmt: skip


def _values(names: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: body.get(source) for name, source in names.items()} if names else None
