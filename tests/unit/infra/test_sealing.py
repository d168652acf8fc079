"""Sealing: what goes in comes out, for the right key and the right row only; fingerprints find and tell nothing."""

import pytest

from openberth.infra.database.unit import Sealer
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import MAX_PLAIN, OVERHEAD, RingSealer
from openberth.kernel.errors import Refused

PLAIN = "粤B12345".encode()
ROW = b"plate:row-1"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh()


@pytest.fixture
def sealer(ring: KeyRing) -> RingSealer:
    return RingSealer(ring)


def refused(sealer: RingSealer, key_id: str, sealed: bytes, context: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        sealer.open(key_id, sealed, context=context)
    return refusal.value.code


def test_it_is_what_the_database_asks_for(sealer: RingSealer) -> None:
    wanted: Sealer = sealer
    key_id, sealed = wanted.seal(PLAIN, context=ROW)
    assert wanted.open(key_id, sealed, context=ROW) == PLAIN
    assert len(wanted.fingerprint("plate", "粤B12345")) == 64


@pytest.mark.parametrize("plain", [b"", b"x", PLAIN, bytes(MAX_PLAIN)])
def test_sealed_and_opened(sealer: RingSealer, plain: bytes) -> None:
    key_id, sealed = sealer.seal(plain, context=ROW)
    assert sealer.open(key_id, sealed, context=ROW) == plain
    assert len(sealed) == len(plain) + OVERHEAD <= 4096
    assert not plain or len(plain) < 3 or plain not in sealed


def test_the_same_value_never_looks_the_same(sealer: RingSealer) -> None:
    assert len({sealer.seal(PLAIN, context=ROW)[1] for _ in range(50)}) == 50


def test_any_changed_byte_is_seen(sealer: RingSealer) -> None:
    key_id, sealed = sealer.seal(PLAIN, context=ROW)
    for place in range(len(sealed)):
        spoiled = bytearray(sealed)
        spoiled[place] ^= 1
        assert refused(sealer, key_id, bytes(spoiled), ROW) == "vault.tampered"


def test_a_value_cannot_move_to_another_row(sealer: RingSealer) -> None:
    key_id, sealed = sealer.seal(PLAIN, context=ROW)
    assert refused(sealer, key_id, sealed, b"plate:row-2") == "vault.tampered"


@pytest.mark.parametrize("length", [0, 1, OVERHEAD - 1])
def test_a_cut_value_is_refused(sealer: RingSealer, length: int) -> None:
    key_id, sealed = sealer.seal(PLAIN, context=ROW)
    assert refused(sealer, key_id, sealed[:length], ROW) == "vault.tampered"


def test_a_wrong_key_is_refused(sealer: RingSealer, ring: KeyRing) -> None:
    key_id, sealed = sealer.seal(PLAIN, context=ROW)
    assert refused(RingSealer(KeyRing.fresh()), key_id, sealed, ROW) == "vault.key_unknown"
    impostor = KeyRing(key_id, {key_id: bytes(32)}, ring.fingerprint)  # another key under the same id
    assert refused(RingSealer(impostor), key_id, sealed, ROW) == "vault.tampered"


def test_a_value_cannot_be_said_to_be_of_another_key(ring: KeyRing) -> None:
    key_id, sealed = RingSealer(ring).seal(PLAIN, context=ROW)
    twice = KeyRing("00000000", {"00000000": ring.sealing[key_id], **ring.sealing}, ring.fingerprint)
    assert refused(RingSealer(twice), "00000000", sealed, ROW) == "vault.tampered"


def test_old_values_open_after_a_rotation(ring: KeyRing) -> None:
    old_id, sealed = RingSealer(ring).seal(PLAIN, context=ROW)
    rotated = RingSealer(ring.rotated())
    assert rotated.open(old_id, sealed, context=ROW) == PLAIN
    assert not rotated.is_current(old_id)
    assert rotated.is_current(rotated.seal(PLAIN, context=ROW)[0])
    assert rotated.fingerprint("plate", "粤B12345") == RingSealer(ring).fingerprint("plate", "粤B12345")


def test_fingerprints_depend_on_kind_text_and_key(sealer: RingSealer) -> None:
    prints = {
        sealer.fingerprint("plate", "粤B12345"),
        sealer.fingerprint("plate", "粤B12346"),
        sealer.fingerprint("phone", "粤B12345"),
        sealer.fingerprint("platex", "粤B12345"[1:]),
        RingSealer(KeyRing.fresh()).fingerprint("plate", "粤B12345"),
    }
    assert len(prints) == 5
    assert sealer.fingerprint("plate", "粤B12345") in prints
    assert sealer.fingerprint("ab", "c") != sealer.fingerprint("a", "bc")
    with pytest.raises(ValueError, match="NUL"):
        sealer.fingerprint("a\x00b", "c")


def test_sizes_are_bounded(sealer: RingSealer) -> None:
    with pytest.raises(ValueError, match="at most"):
        sealer.seal(bytes(MAX_PLAIN + 1), context=ROW)
