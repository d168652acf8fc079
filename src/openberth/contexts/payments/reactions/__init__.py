"""What payments does outside of units: orders at channels, and money that goes back."""

from openberth.contexts.payments.reactions.cashier import Cashier
from openberth.contexts.payments.reactions.channels import Channels, Contract
from openberth.contexts.payments.reactions.refunding import Refunding

__all__ = ["Cashier", "Channels", "Contract", "Refunding"]
