"""What goes wrong on demand or by dice: answers late, wrong or refused, notifications lost or doubled.

The dice have a seed, so a run can be repeated. Percentages of 100 make a fault certain.
"""

from typing import Annotated, Literal

import msgspec

from openberth.sandbox.chance import Chance

Deed = Literal["refuse", "hold", "wrong_signature", "no_signature", "sign_first", "bad_gateway"]

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100)]
Span = Annotated[int, msgspec.Meta(ge=0, le=366 * 86_400)]  # seconds of business time
Pause = Annotated[float, msgspec.Meta(ge=0, le=600)]  # seconds of the machine's time


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """What happens to the next ``times`` requests whose method's name begins so.

    ``before``: the request is not carried out at all. Otherwise it is, and only its answer suffers: a client that sees
    a time-out, a 502 or ``20000`` has a trade all the same. ``seconds`` are of the machine's time. ``sign_first`` is no
    fault: some answers begin with the signature.
    """

    do: Deed
    method: str = ""
    times: int = 1
    before: bool = False
    seconds: Pause = 0
    reason: str = "SYSTEM"  # for ``refuse``: a name of ``refusals.Why``


class Dice(msgspec.Struct, forbid_unknown_fields=True):
    """So many of a hundred requests go wrong so."""

    limited_percent: Percent = 0  # 40005, nothing done
    unknown_percent: Percent = 0  # 20000, nothing done
    unknown_after_percent: Percent = 0  # 20000, done
    gateway_percent: Percent = 0  # 502 of whatever stands before, done
    hold_percent: Percent = 0  # answered late, done
    hold_s: Pause = 6


class Telling(msgspec.Struct, forbid_unknown_fields=True):
    """How notifications go wrong. Delays are of business time."""

    drop_percent: Percent = 0  # never sent at all
    duplicate_percent: Percent = 0  # sent ``copies`` times more, at the same instant
    copies: Count = 1
    delay_s: Span = 0  # each first sending waits up to so long, by dice: they overtake each other
    forge_percent: Percent = 0  # one with a wrong signature goes before
    hold: bool = False  # kept until released


class RefundPlan(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of the next ``times`` refunds.

    ``hangs``: answered with ``fund_change`` N, done by itself after so much business time. ``failed``: the same answer,
    but it never comes unless it is asked for again with the same number.
    """

    becomes: Literal["done", "hangs", "failed"] = "done"
    after_s: Span = 3
    times: int = -1  # for ever


class Faults(Chance):
    """All of it, in memory: a restart begins without faults."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        self.rules: list[Rule] = []
        self.dice = Dice()
        self.telling = Telling()
        self.refunds = RefundPlan()

    def reset(self) -> None:
        """Let nothing go wrong any more."""
        self.rules, self.dice, self.telling, self.refunds = [], Dice(), Telling(), RefundPlan()

    def rule(self, method: str) -> Rule | None:
        """Take the rule for a request, and thrown dice as one."""
        for rule in self.rules:
            if method.startswith(rule.method):
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
                return rule
        dice = self.dice
        if self.hits(dice.limited_percent):
            return Rule("refuse", before=True, reason="LIMITED")
        if self.hits(dice.unknown_percent):
            return Rule("refuse", before=True)
        if self.hits(dice.unknown_after_percent):
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
