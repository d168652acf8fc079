"""What the house knows of every kind of device."""

import pytest

from openberth.contexts.facility import CAMERAS, DeviceKind
from openberth.infra.catalogue import catalogue

PREFIX = "console.places.device_kind."


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_every_kind_has_a_name_that_people_read(kind: DeviceKind) -> None:
    assert f"{PREFIX}{kind.value}" in catalogue().codes()


def test_nobody_else_has_one() -> None:
    named = {code.removeprefix(PREFIX) for code in catalogue().codes() if code.startswith(PREFIX)}
    assert named == {kind.value for kind in DeviceKind}


def test_words_of_addresses_are_used_once() -> None:
    words = [kind.wire.pushes for kind in CAMERAS if kind.wire.pushes]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("kind", CAMERAS)
def test_a_gate_is_moved_in_one_way(kind: DeviceKind) -> None:
    assert bool(kind.wire.answered) + bool(kind.wire.gates) + bool(kind.wire.mqtt) == 1
