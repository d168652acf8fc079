"""What payments does outside of units: orders at channels, money that goes back, books that are opened."""

from collections.abc import Sequence

from openberth.contexts.payments.reactions.cashier import Cashier
from openberth.contexts.payments.reactions.channels import Channels, Contract
from openberth.contexts.payments.reactions.debts import Lapsing
from openberth.contexts.payments.reactions.opening import Opening
from openberth.contexts.payments.reactions.prepaid import Waiting
from openberth.contexts.payments.reactions.reconciling import Reconciling
from openberth.contexts.payments.reactions.refunding import Refunding
from openberth.contexts.payments.reactions.shifts import LeftOpen
from openberth.contexts.payments.reactions.verifying import Verifying
from openberth.infra.database import Database
from openberth.infra.jobs import JobRunner
from openberth.infra.verifying import Check

__all__ = ["Cashier", "Channels", "Contract", "Desk", "Opening", "Reconciling", "Refunding", "Verifying"]


class Desk:
    """All of it, put together; one per process."""

    def __init__(self, database: Database, channels: Channels, checks: Sequence[Check]) -> None:
        self.channels = channels
        self.cashier = Cashier(database, channels)
        self._refunding = Refunding(database, channels)
        self._opening = Opening(database)
        self._lapsing = Lapsing(database)
        self._left_open = LeftOpen(database)
        self._waiting = Waiting(database)
        self._reconciling = Reconciling(database, channels, self.cashier, self._refunding)
        self._verifying = Verifying(database, checks)

    def register(self, runner: JobRunner) -> None:
        """Name the handlers of all jobs."""
        self.cashier.register(runner)
        self._refunding.register(runner)
        self._opening.register(runner)
        self._lapsing.register(runner)
        self._left_open.register(runner)
        self._waiting.register(runner)
        self._reconciling.register(runner)
        self._verifying.register(runner)

    async def start(self) -> None:
        """Refuse contracts that cannot work, and plan what has to be done once. Raises ``Malformed``."""
        await self.channels.check_all()
        await self._opening.start()
        await self._reconciling.start()
        await self._verifying.start()
