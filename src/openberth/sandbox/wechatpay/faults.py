"""What goes wrong on demand or by dice: answers that are late, wrong or refused, callbacks that are lost or doubled.

The dice have a seed, so a run can be repeated. Percentages of 100 make a fault certain.
"""

from typing import Literal

import msgspec

from openberth.sandbox.chance import Chance

Deed = Literal["refuse", "hold", "wrong_signature", "no_signature", "old_signature", "unknown_serial", "bad_gateway"]


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """What happens to the next ``times`` requests whose method and path begin so.

    ``before``: the request is not carried out at all. Otherwise it is, and only its answer suffers: a client that sees
    a time-out, a 500 or a 502 has an order all the same. ``seconds`` are of the machine's time.
    """

    do: Deed
    path: str = "/v3/"
    method: str = ""
    times: int = 1
    before: bool = False
    seconds: float = 0
    reason: str = "BROKEN"  # for ``refuse``: a name of ``refusals.Why``


class Dice(msgspec.Struct, forbid_unknown_fields=True):
    """So many of a hundred requests go wrong so."""

    busy_percent: int = 0  # 429, nothing done
    broken_percent: int = 0  # 500, nothing done
    broken_after_percent: int = 0  # 500, done
    gateway_percent: int = 0  # 502 without a signature, done
    hold_percent: int = 0  # answered late, done
    hold_s: float = 6


class Telling(msgspec.Struct, forbid_unknown_fields=True):
    """How callbacks go wrong. Delays are of business time."""

    drop_percent: int = 0  # never sent at all
    duplicate_percent: int = 0  # sent ``copies`` times more, at the same instant
    copies: int = 1
    delay_s: int = 0  # each first sending waits up to so long, by dice: they overtake each other
    probe_percent: int = 0  # a probe with a wrong signature goes before
    hold: bool = False  # kept until released


class RefundPlan(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of the next ``times`` refunds, and how much business time later."""

    becomes: Literal["SUCCESS", "ABNORMAL", "CLOSED"] = "SUCCESS"
    after_s: int = 3
    times: int = -1  # for ever


class Faults(Chance):
    """All of it, in memory: a restart begins without faults."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        self.rules: list[Rule] = []
        self.dice = Dice()
        self.telling = Telling()
        self.refunds = RefundPlan()
        self.refuse_replays = False

    def rule(self, method: str, path: str) -> Rule | None:
        """Take the rule for a request, and thrown dice as one."""
        for rule in self.rules:
            if path.startswith(rule.path) and rule.method in ("", method):
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
                return rule
        dice = self.dice
        if self.hits(dice.busy_percent):
            return Rule("refuse", before=True, reason="TOO_OFTEN")
        if self.hits(dice.broken_percent):
            return Rule("refuse", before=True)
        if self.hits(dice.broken_after_percent):
            return Rule("refuse")
        if self.hits(dice.gateway_percent):
            return Rule("bad_gateway")
        if self.hits(dice.hold_percent):
            return Rule("hold", seconds=dice.hold_s)
        return None

    def refund_plan(self) -> RefundPlan:
        """Take what becomes of a refund."""
        plan = self.refunds
        if plan.times > 0:
            plan.times -= 1
            if plan.times == 0:
                self.refunds = RefundPlan()
        return plan
