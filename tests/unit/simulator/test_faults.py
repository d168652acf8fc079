from random import Random

import pytest

from openberth.simulator.faults import FAULTS, Faults


def test_names_with_and_without_rates() -> None:
    faults = Faults.parse(["offline", "misread=0.5"])
    assert faults.rate("offline") == FAULTS["offline"][0]
    assert faults.rate("misread") == 0.5
    assert faults.rate("lost-ack") == 0
    assert str(faults) == "offline=0.3 misread=0.5"


@pytest.mark.parametrize("text", ["nonsense", "offline=2", "offline=-1", "offline=often", ""])
def test_mistakes_are_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|rate"):
        Faults.parse([text])


def test_a_fault_strikes_as_often_as_its_rate_and_may_be_switched() -> None:
    faults, rng = Faults({"duplicate": 0.25}), Random(1)
    assert 200 < sum(faults.strikes("duplicate", rng) for _ in range(1_000)) < 300
    faults.set("duplicate", 0)
    assert not any(faults.strikes("duplicate", rng) for _ in range(100))
