"""Sealing: what goes in comes out, for the right key and the right row only; fingerprints find and tell nothing."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

from openberth.infra.database.unit import Sealer
from openberth.infra.keys import Cipher, KeyRing, SealingKey, open_keys, retire_key, rotate_keys
from openberth.infra.sealing import MAX_PLAIN, OVERHEAD, RingSealer, Sm4Gcm, aead_of
from openberth.kernel.errors import Refused

PLAIN = "粤B12345".encode()
ROW = b"plate:row-1"


@pytest.fixture(params=list(Cipher))
def ring(request: pytest.FixtureRequest) -> KeyRing:
    return KeyRing.fresh(request.param)


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
    cipher = ring.sealing[key_id].cipher
    impostor = KeyRing(
        key_id, {key_id: SealingKey(cipher, bytes(cipher.key_bytes))}, ring.fingerprint
    )  # another key under the same id
    assert refused(RingSealer(impostor), key_id, sealed, ROW) == "vault.tampered"


def test_a_value_cannot_be_said_to_be_of_another_key(ring: KeyRing) -> None:
    key_id, sealed = RingSealer(ring).seal(PLAIN, context=ROW)
    twice = KeyRing("00000000", {"00000000": ring.sealing[key_id], **ring.sealing}, ring.fingerprint)
    assert refused(RingSealer(twice), "00000000", sealed, ROW) == "vault.tampered"


@pytest.mark.parametrize("cipher", list(Cipher))
def test_old_values_open_after_a_rotation(ring: KeyRing, cipher: Cipher) -> None:
    old_id, sealed = RingSealer(ring).seal(PLAIN, context=ROW)
    rotated = RingSealer(ring.rotated(cipher))
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


# RFC 8998, appendix A.1: SM4-GCM (the cipher is GB/T 32907-2016).
RFC_8998_KEY = "0123456789ABCDEFFEDCBA9876543210"
RFC_8998_NONCE = "00001234567800000000ABCD"
RFC_8998_AAD = "FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"
RFC_8998_PLAIN = (
    "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
    "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
)
RFC_8998_SEALED = (
    "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
    "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    "83DE3541E4C2B58177E065A9BF7B62EC"
)


def test_sm4_gcm_is_that_of_the_published_vector() -> None:
    cipher = Sm4Gcm(bytes.fromhex(RFC_8998_KEY))
    nonce, plain, aad = (bytes.fromhex(each) for each in (RFC_8998_NONCE, RFC_8998_PLAIN, RFC_8998_AAD))
    sealed = cipher.encrypt(nonce, plain, aad)
    assert sealed.hex().upper() == RFC_8998_SEALED
    assert cipher.decrypt(nonce, sealed, aad) == plain
    for wrong in (sealed[:-1] + bytes([sealed[-1] ^ 1]), bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises(InvalidTag):
            cipher.decrypt(nonce, wrong, aad)
    with pytest.raises(InvalidTag):
        cipher.decrypt(nonce, sealed, aad + b"x")


def test_the_version_tells_the_cipher_and_cannot_be_changed() -> None:
    aes, sm4 = (RingSealer(KeyRing.fresh(each)) for each in Cipher)
    for sealer, version, other in ((aes, b"\x01", b"\x02"), (sm4, b"\x02", b"\x01")):
        key_id, sealed = sealer.seal(PLAIN, context=ROW)
        assert sealed[:1] == version
        assert refused(sealer, key_id, other + sealed[1:], ROW) == "vault.tampered"


def test_a_machine_without_the_cipher_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise UnsupportedAlgorithm("no SM4 here")

    monkeypatch.setattr("openberth.infra.sealing.ciphers.Cipher", unsupported)
    with pytest.raises(Refused) as refusal:
        aead_of(SealingKey.fresh(Cipher.SM4))
    assert (refusal.value.code, refusal.value.params) == ("vault.cipher_unavailable", {"cipher": "sm4-gcm"})


# -- a ring that follows its file --------------------------------------------------------------------------------------


def test_a_value_of_a_key_that_is_new_in_the_file_opens_at_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ring = open_keys(path, key_in_use=None)
    late, early = RingSealer(ring, path=path), RingSealer(ring, path=path)
    rotate_keys(path, Cipher.SM4)
    assert early.refresh()
    assert not early.refresh()
    key_id, sealed = early.seal(PLAIN, context=ROW)
    assert key_id != ring.current
    assert late.open(key_id, sealed, context=ROW) == PLAIN
    assert late.current == key_id
    assert refused(late, "ffffffff", sealed, ROW) == "vault.key_unknown"
    retire_key(path, ring.current)
    assert late.refresh()
    assert list(late.ring.sealing) == [key_id]


def test_of_the_keys_that_all_hold_the_newest_seals(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = open_keys(path, key_in_use=None).current
    second = rotate_keys(path).current
    third = rotate_keys(path, Cipher.SM4)
    sealer = RingSealer(third, path=path)
    for shared, expected in (
        (None, third.current), (frozenset((first, second, third.current)), third.current),
        (frozenset((first, second)), second), (frozenset((first,)), first), (frozenset(), third.current),
    ):  # fmt: skip
        sealer.share(shared)
        assert sealer.current == sealer.seal(PLAIN, context=ROW)[0] == expected
    sealer.share(frozenset((first, second)))
    fourth = rotate_keys(path).current
    assert sealer.refresh()
    assert sealer.current == second
    sealer.share(frozenset((first, second, fourth)))
    assert sealer.current == fourth


def test_a_file_that_is_spoilt_or_of_another_database_changes_nothing(tmp_path: Path) -> None:
    path, other = tmp_path / "keys.json", tmp_path / "other.json"
    ring = open_keys(path, key_in_use=None)
    sealer = RingSealer(ring, path=path)
    key_id, sealed = sealer.seal(PLAIN, context=ROW)
    for content in (b"{", None):
        if content is None:
            open_keys(other, key_in_use=None)
            other.replace(path)
        else:
            path.write_bytes(content)
        assert not sealer.refresh()
        assert sealer.open(key_id, sealed, context=ROW) == PLAIN
    path.unlink()
    assert not sealer.refresh()
    assert sealer.ring == ring
