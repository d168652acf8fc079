"""Dice with a seed, so that a run can be repeated."""

import random


class Chance:
    """The dice of a stand-in."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.random = random.Random(seed)

    def reseed(self, seed: int) -> None:
        """Throw the dice from the start."""
        self.seed = seed
        self.random.seed(seed)

    def hits(self, percent: int) -> bool:
        """Throw the dice."""
        return percent > 0 and self.random.randrange(100) < percent
