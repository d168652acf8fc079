"""Reading the one log: a sequencer where the writer does not number, a live tail, and durable consumers."""

from openberth.infra.outbox.consumers import Consumer, ConsumerRunner, parked_keys
from openberth.infra.outbox.tail import Subscription, Tail

__all__ = ["Consumer", "ConsumerRunner", "Subscription", "Tail", "parked_keys"]
