"""How often somebody may: token buckets by rule and key, in the memory of a process or shared through Redis."""

from openberth.infra.buckets.memory import MemoryBuckets, RateLimiter
from openberth.infra.buckets.rules import Buckets, Rate, Taken, per_minute
from openberth.infra.buckets.shared import SharedBuckets, open_buckets

__all__ = ["Buckets", "MemoryBuckets", "Rate", "RateLimiter", "SharedBuckets", "Taken", "open_buckets", "per_minute"]
