"""Nothing but the device's own frames, once and in their order, ever gets through a barrier session."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from openberth.gateways.barriers.ports import BarrierDevice
from openberth.gateways.barriers.session import (
    Action,
    BarrierSession,
    End,
    Find,
    ResultSeen,
    StatusSeen,
    Welcomed,
    Write,
)
from openberth.infra.http.limits import ANYWHERE
from openberth.kernel.time import Instant
from tests.wire.barrier_peer import Peer, pack

SECRET = bytes(range(32))
DEVICE = BarrierDevice(UUID(int=1), SECRET, ANYWHERE)


class StandingClock:
    def now(self) -> Instant:
        return Instant(1_000_000_000)


def new(seed: int = 0) -> BarrierSession:
    return BarrierSession(
        address="10.0.0.1", clock=StandingClock(), entropy=lambda count: bytes([seed] * count), heartbeat_s=10
    )


def opened(seed: int = 0) -> tuple[BarrierSession, Peer]:
    session, peer = new(seed), Peer(SECRET)
    session.received(peer.hello())
    (challenge,) = [action.data for action in session.identified(DEVICE) if isinstance(action, Write)]
    assert Welcomed(DEVICE.id) in session.received(peer.proof(challenge))
    return session, peer


def heard(actions: list[Action]) -> list[Action]:
    return [action for action in actions if isinstance(action, StatusSeen | ResultSeen)]


def passes(actions: list[Action]) -> list[int]:
    return [action.status.passes for action in actions if isinstance(action, StatusSeen)]


@given(st.lists(st.binary(max_size=600), max_size=10))
def test_a_stranger_s_bytes_open_nothing(chunks: list[bytes]) -> None:
    session = new()
    actions: list[Action] = []
    for chunk in chunks:
        actions += session.received(chunk)
        if Find in map(type, actions):
            actions += session.identified(DEVICE)
    assert not heard(actions)
    assert not any(isinstance(action, Welcomed) for action in actions)
    assert sum(isinstance(action, End) for action in actions) <= 1


@given(st.integers(0, 255), st.integers(0, 65535), st.binary(max_size=60))
def test_a_well_formed_frame_without_the_key_opens_nothing(kind: int, sequence: int, body: bytes) -> None:
    session, _ = opened()
    actions = session.received(pack(kind, sequence, body))
    assert not heard(actions)
    assert [action.reason for action in actions if isinstance(action, End)] == ["mac"]


@given(st.binary(min_size=16, max_size=16))
def test_a_guessed_proof_is_not_welcomed(guess: bytes) -> None:
    session, peer = new(), Peer(SECRET)
    session.received(peer.hello())
    session.identified(DEVICE)
    actions = session.received(peer.plain(0x03, guess))
    assert [action.reason for action in actions if isinstance(action, End)] == ["wrong_proof"]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_only_the_frames_once_and_in_order_get_through(order: list[int]) -> None:
    session, peer = opened()
    frames = [peer.status(passes=n) for n in range(10)]
    got: list[int] = []
    for n in order:
        got += passes(session.received(frames[n]))
    expected = 0
    for n in order:
        if n != expected:
            break
        expected += 1
    assert got == list(range(expected))
    assert session.is_open is (expected == len(order))


@given(st.integers(0, 7), st.integers(0, 8 * 24 - 1))
def test_a_flipped_bit_ends_the_connection(before: int, bit: int) -> None:
    session, peer = opened()
    for n in range(before):
        assert passes(session.received(peer.status(passes=n))) == [n]
    frame = bytearray(peer.status(passes=99))
    frame[bit // 8] ^= 1 << bit % 8
    actions = session.received(bytes(frame) + peer.status(passes=100) * 40)
    assert not heard(actions)
    assert session.has_ended


@given(st.integers(0, 8 * 15 - 1), st.sampled_from([0x20, 0x11]))
def test_a_changed_content_with_a_right_checksum_is_caught_by_the_mac(bit: int, kind: int) -> None:
    session, peer = opened()
    frame = peer.status(passes=5) if kind == 0x20 else peer.result(bytes(16), 1)
    body = bytearray(frame[6:-3])
    body[bit // 8] ^= 1 << bit % 8
    actions = session.received(pack(kind, 0, bytes(body)))
    assert not heard(actions)
    assert [action.reason for action in actions if isinstance(action, End)] == ["mac"]


@given(st.integers(1, 255))
def test_a_whole_recorded_connection_is_worth_nothing_later(seed: int) -> None:
    _, peer = opened(0)
    recorded = peer.status(passes=1)
    session, _ = opened(seed)
    assert not heard(session.received(recorded))
    assert session.has_ended


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_a_stream_in_pieces_says_the_same(sizes: list[int]) -> None:
    session, peer = opened()
    stream = b"".join(peer.status(passes=n) for n in range(8))
    got: list[int] = []
    at = 0
    for size in sizes:
        got += passes(session.received(stream[at : at + size]))
        at += size
    got += passes(session.received(stream[at:]))
    assert got == list(range(8))
