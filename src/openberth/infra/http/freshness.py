"""Deeds that a bearer token alone is not enough for: to open a gate by hand, to give money back.

Machines sign the very request. People have proved who they are a short while ago, by signing in or by confirming
(``Proof.RECENT``), or show a confirmation for this one deed, which is good once. The operator token does it on its own
machine. Whoever does not sign names an ``Idempotency-Key``: a request that is sent again has no second effect.
"""

from typing import Protocol

from starlette.requests import HTTPConnection

from openberth.infra.http.limits import is_loopback
from openberth.kernel.authority import ActorKind, Caller, Proof
from openberth.kernel.errors import Denied, Malformed, Unknown

CONFIRMATION_HEADER = "x-openberth-confirmation"
CONFIRMATION_MAX = 200
IDEMPOTENCY_HEADER = "idempotency-key"
CONFIRMING = "confirming"  # in the state of a request: who knows confirmations


class Confirming(Protocol):
    """Knows confirmations, and for how long a proof counts as recent."""

    @property
    def fresh_minutes(self) -> int:
        """Return for how many minutes a proof counts as recent."""
        ...

    async def confirmed(self, token: str, confirmation: str, *, deed: str, subject: str) -> bool:
        """Use a confirmation up; tell whether it was one of this session for this deed and subject."""
        ...


class ConfirmNeeded(Unknown):
    """The caller is known, but has to prove once more who it is (RFC 9470)."""

    def __init__(self, minutes: int) -> None:
        super().__init__("auth.confirm_needed", minutes=minutes)
        self.challenge = f'Bearer error="insufficient_user_authentication", max_age={minutes * 60}'


async def check_fresh(connection: HTTPConnection, caller: Caller, token: str | None, deed: str) -> None:
    """Refuse who has not proved itself for this very deed.

    Raises ``ConfirmNeeded``, ``Denied`` (``auth.signature_needed``, ``auth.operator_elsewhere``), and
    ``Malformed("request.idempotency_required")``.
    """
    if caller.proof is Proof.SIGNATURE:
        return
    if caller.actor.kind is ActorKind.INTEGRATOR:
        raise Denied("auth.signature_needed")
    if caller.proof is Proof.OPERATOR and not is_loopback(caller.actor.address or ""):
        raise Denied("auth.operator_elsewhere")
    if IDEMPOTENCY_HEADER not in connection.headers:
        raise Malformed("request.idempotency_required")
    if caller.proof not in (Proof.RECENT, Proof.OPERATOR):
        await _check_confirmation(connection, token, deed)


async def _check_confirmation(connection: HTTPConnection, token: str | None, deed: str) -> None:
    confirming: Confirming = connection.scope["state"][CONFIRMING]
    shown = connection.headers.get(CONFIRMATION_HEADER, "")
    if token is None or not 0 < len(shown) <= CONFIRMATION_MAX:
        raise ConfirmNeeded(confirming.fresh_minutes)
    if not await confirming.confirmed(token, shown, deed=deed, subject=connection.scope["path"]):
        raise ConfirmNeeded(confirming.fresh_minutes)
