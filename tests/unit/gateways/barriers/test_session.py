import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from openberth.gateways.barriers.commands import BarrierCommand
from openberth.gateways.barriers.messages import BarrierStatus, Boom, CommandResult, Operation, Result
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
from openberth.infra.http.limits import AddressRange
from openberth.kernel.time import SECOND_US, Instant
from tests.wire.barrier_peer import Peer, pack

VECTOR = json.loads((Path(__file__).parents[3] / "vectors" / "barrier-tcp.json").read_text())
SECRET = bytes.fromhex(VECTOR["secret"])
NONCE = bytes.fromhex(VECTOR["server_nonce"])
DEVICE = BarrierDevice(UUID(int=77), SECRET, AddressRange.parse(["10.0.0.0/8"]))
COMMAND = UUID(VECTOR["command"]["id"])


class HandClock:
    def __init__(self) -> None:
        self.at = 1_000 * SECOND_US

    def now(self) -> Instant:
        return Instant(self.at)


def entropy(count: int) -> bytes:
    return NONCE if count == len(NONCE) else bytes(count)


def new(clock: HandClock | None = None, address: str = "10.0.0.9") -> BarrierSession:
    return BarrierSession(address=address, clock=clock or HandClock(), entropy=entropy, heartbeat_s=10)


def written(actions: list[Action]) -> list[bytes]:
    return [action.data for action in actions if isinstance(action, Write)]


def ended(actions: list[Action]) -> str | None:
    reasons = [action.reason for action in actions if isinstance(action, End)]
    assert len(reasons) <= 1
    return reasons[0] if reasons else None


def refusal(actions: list[Action]) -> tuple[int, str | None]:
    kind, _, payload = Peer(SECRET).open(written(actions)[-1])
    assert kind == 0x05
    assert len(payload) == 1
    return payload[0], ended(actions)


def opened(clock: HandClock | None = None) -> tuple[BarrierSession, Peer]:
    session, peer = new(clock), Peer(SECRET)
    assert session.received(peer.hello()) == [Find("bar-1")]
    (challenge,) = written(session.identified(DEVICE))
    actions = session.received(peer.proof(challenge))
    assert actions[1:] == [Welcomed(DEVICE.id)]
    assert peer.welcomed(written(actions)[0]) == 10
    assert session.is_open
    return session, peer


def test_the_worked_connection_of_the_document_byte_for_byte() -> None:
    clock = HandClock()
    frames = {name: bytes.fromhex(data) for name, data in VECTOR["frames"].items()}
    session = new(clock)
    assert session.received(frames["HELLO"]) == [Find("bar-1")]
    assert session.identified(DEVICE) == [Write(frames["CHALLENGE"])]
    assert session.received(frames["PROOF"]) == [Write(frames["WELCOME"]), Welcomed(DEVICE.id)]
    status = BarrierStatus(Boom.CLOSED, locked=False, loop_before=True, loop_under=False, passes=7)
    assert session.received(frames["STATUS"]) == [StatusSeen(status)]
    command = BarrierCommand(COMMAND, Operation.OPEN, Instant(clock.at + 30 * SECOND_US))
    assert session.command(command) == [Write(frames["COMMAND"])]
    assert session.received(frames["RESULT_ACCEPTED"]) == [ResultSeen(CommandResult(COMMAND, Result.ACCEPTED))]
    assert session.received(frames["RESULT_DONE"]) == [ResultSeen(CommandResult(COMMAND, Result.DONE))]
    assert session.received(frames["PING"]) == [Write(frames["PONG"])]
    assert session.received(frames["PING"]) == [Write(frames["REFUSED"]), End("mac")]


def test_another_version_is_refused() -> None:
    assert refusal(new().received(Peer(SECRET).hello(version=2))) == (1, "version")


def test_an_unknown_serial_looks_like_a_wrong_proof() -> None:
    session, peer = new(), Peer(SECRET)
    session.received(peer.hello())
    (challenge,) = written(session.identified(None))
    assert refusal(session.received(peer.proof(challenge))) == (2, "unknown_serial")


def test_a_wrong_secret_is_refused_whatever_the_address() -> None:
    session, peer = new(address="192.0.2.1"), Peer(bytes(32))
    session.received(peer.hello())
    (challenge,) = written(session.identified(DEVICE))
    assert refusal(session.received(peer.proof(challenge))) == (2, "wrong_proof")


def test_a_secret_that_was_replaced_holds_while_its_device_says_so() -> None:
    new_secret = bytes(range(32))
    changing = replace(DEVICE, secret=new_secret, old_secret=SECRET)
    for shown, welcome in ((SECRET, True), (new_secret, True), (bytes(32), False)):
        session, peer = new(), Peer(shown)
        session.received(peer.hello())
        (challenge,) = written(session.identified(changing))
        actions = session.received(peer.proof(challenge))
        if not welcome:
            assert refusal(actions) == (2, "wrong_proof")
            continue
        assert actions[1:] == [Welcomed(DEVICE.id)]
        assert peer.welcomed(written(actions)[0]) == 10  # the server proves the same secret
        assert session.device is not None
        assert (session.device.secret, session.device.old_secret) == (shown, None)


def test_a_right_proof_from_a_wrong_address_is_refused() -> None:
    session, peer = new(address="192.0.2.1"), Peer(SECRET)
    session.received(peer.hello())
    (challenge,) = written(session.identified(DEVICE))
    assert refusal(session.received(peer.proof(challenge))) == (3, "address")
    assert not session.is_open


def test_a_mapped_address_is_the_address() -> None:
    session, peer = new(address="::ffff:10.0.0.9"), Peer(SECRET)
    session.received(peer.hello())
    (challenge,) = written(session.identified(DEVICE))
    assert Welcomed(DEVICE.id) in session.received(peer.proof(challenge))


def test_a_recorded_proof_is_worth_nothing_under_another_nonce() -> None:
    nonces = iter([bytes(16), bytes([1] * 16)])
    recorded = b""
    for attempt in range(2):
        session = BarrierSession(address="10.0.0.9", clock=HandClock(), entropy=lambda _: next(nonces), heartbeat_s=10)
        peer = Peer(SECRET)
        session.received(peer.hello())
        (challenge,) = written(session.identified(DEVICE))
        if attempt == 0:
            recorded = peer.proof(challenge)
            assert ended(session.received(recorded)) is None
        else:
            assert refusal(session.received(recorded)) == (2, "wrong_proof")


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(lambda peer: peer.plain(0x03, bytes(16)), id="proof before hello"),
        pytest.param(lambda peer: peer.plain(0x04, bytes(17)), id="welcome"),
        pytest.param(lambda peer: peer.signed(0x20, bytes(7)), id="status before hello"),
        pytest.param(lambda peer: peer.plain(0x01, b""), id="empty hello"),
        pytest.param(lambda peer: peer.plain(0x01, b"\x01" + bytes(16)), id="no serial"),
        pytest.param(lambda peer: peer.plain(0x01, b"\x01" + bytes(16) + b"x" * 65), id="serial of 65 bytes"),
        pytest.param(lambda peer: peer.plain(0x01, b"\x01" + bytes(16) + b"\xff"), id="serial not UTF-8"),
        pytest.param(lambda peer: peer.plain(0x01, b"\x01" + bytes(16) + b"a\nb"), id="serial with a line feed"),
    ],
)
def test_a_wrong_beginning_is_malformed(first: Callable[[Peer], bytes]) -> None:
    assert refusal(new().received(first(Peer(SECRET))))[0] == 5


def test_nothing_may_come_before_the_challenge() -> None:
    session, peer = new(), Peer(SECRET)
    actions = session.received(peer.hello() + peer.hello())
    assert actions[0] == Find("bar-1")
    assert refusal(actions) == (5, "out_of_order")
    assert session.identified(DEVICE) == []


def test_a_proof_of_another_length_is_malformed() -> None:
    session, peer = new(), Peer(SECRET)
    session.received(peer.hello())
    session.identified(DEVICE)
    assert refusal(session.received(peer.plain(0x03, bytes(15)))) == (5, "malformed")


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(lambda peer: peer.status(boom=6), id="boom"),
        pytest.param(lambda peer: peer.status(lock=2), id="lock"),
        pytest.param(lambda peer: peer.status(loops=4), id="loops"),
        pytest.param(lambda peer: peer.signed(0x20, bytes(8)), id="status length"),
        pytest.param(lambda peer: peer.result(bytes(16), 6), id="outcome"),
        pytest.param(lambda peer: peer.signed(0x11, bytes(16)), id="result length"),
        pytest.param(lambda peer: peer.signed(0x30, b"x"), id="ping with payload"),
        pytest.param(lambda peer: peer.signed(0x10, bytes(21)), id="command from a device"),
        pytest.param(lambda peer: peer.signed(0x77, b""), id="unknown type"),
    ],
)
def test_what_the_document_does_not_list_is_malformed(frame: Callable[[Peer], bytes]) -> None:
    session, peer = opened()
    assert refusal(session.received(frame(peer))) == (5, "malformed")


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(lambda peer: peer.plain(0x30, b""), id="no mac"),
        pytest.param(lambda peer: peer.plain(0x30, bytes(7)), id="short mac"),
        pytest.param(lambda peer: peer.plain(0x30, bytes(8)), id="zero mac"),
        pytest.param(lambda peer: peer.signed(0x30, b"", count=1), id="a frame left out"),
        pytest.param(lambda peer: peer.hello(), id="hello again"),
    ],
)
def test_a_frame_without_the_right_mac_ends_it(frame: Callable[[Peer], bytes]) -> None:
    session, peer = opened()
    assert refusal(session.received(frame(peer))) == (4, "mac")
    assert session.received(peer.status()) == []


def test_the_server_s_own_frame_sent_back_is_not_the_device_s() -> None:
    clock = HandClock()
    session, _ = opened(clock)
    command = BarrierCommand(COMMAND, Operation.OPEN, Instant(clock.at + SECOND_US))
    (reflected,) = written(session.command(command))
    assert refusal(session.received(reflected)) == (4, "mac")


def test_broken_framing_is_refused_by_its_rule() -> None:
    session, peer = opened()
    damaged = bytearray(peer.status())
    damaged[7] ^= 0x10
    actions = session.received(peer.status()[:0] + bytes(damaged))
    assert refusal(actions) == (5, "broken_crc")


def test_the_handshake_has_five_seconds() -> None:
    clock = HandClock()
    session = new(clock)
    session.received(Peer(SECRET).hello())
    clock.at += 5 * SECOND_US - 1
    assert session.tick() == []
    clock.at += 1
    assert refusal(session.tick()) == (5, "handshake_timeout")
    assert session.identified(DEVICE) == []
    assert session.tick() == []


def test_silence_of_three_heartbeats_ends_it_and_pings_go_out_before() -> None:
    clock = HandClock()
    session, peer = opened(clock)
    pings = 0
    reason = None
    for _ in range(30):
        clock.at += SECOND_US
        actions = session.tick()
        reason = ended(actions)
        for frame in written(actions):
            assert peer.open_signed(frame)[0] == 0x30
            pings += 1
    assert reason == "silence"
    assert pings == 2


def test_any_valid_frame_is_a_sign_of_life_and_our_own_deafness_is_excused() -> None:
    clock = HandClock()
    session, peer = opened(clock)
    clock.at += 29 * SECOND_US
    assert session.received(peer.signed(0x31, b"")) == []
    clock.at += 29 * SECOND_US
    assert ended(session.tick()) is None
    session.excuse()
    clock.at += 29 * SECOND_US
    assert ended(session.tick()) is None
    clock.at += SECOND_US
    assert ended(session.tick()) == "silence"


def test_a_command_carries_what_is_left_of_its_life() -> None:
    clock = HandClock()
    session, peer = opened(clock)
    actions = session.command(BarrierCommand(COMMAND, Operation.CLOSE, Instant(clock.at + 12_345_678)))
    assert peer.open_command(written(actions)[0]) == (COMMAND.bytes, 2, 12_345)
    assert session.command(BarrierCommand(COMMAND, Operation.CLOSE, Instant(clock.at + 999))) == []
    assert session.command(BarrierCommand(COMMAND, Operation.CLOSE, Instant(clock.at - SECOND_US))) == []


def test_nothing_is_sent_before_the_handshake_and_after_the_end() -> None:
    clock = HandClock()
    command = BarrierCommand(COMMAND, Operation.OPEN, Instant(clock.at + SECOND_US))
    assert new(clock).command(command) == []
    session, _ = opened(clock)
    assert session.end("replaced") == [End("replaced")]
    assert session.command(command) == []
    assert session.end("again") == []
    assert session.refuse_busy() == []


def test_a_flood_of_frames_is_cut_off_and_a_busy_device_is_not() -> None:
    clock = HandClock()
    session, peer = opened(clock)
    for _ in range(500):
        clock.at += SECOND_US // 50
        assert ended(session.received(peer.status())) is None
    reasons = [ended(session.received(peer.status())) for _ in range(201)]
    assert reasons[:199] == [None] * 199
    assert "too_many_frames" in reasons


def test_sequence_wraps_and_is_not_checked() -> None:
    session, peer = opened()
    peer.sequence = 65535
    assert session.received(peer.status() + peer.status())[0] == session.received(peer.status())[0]
    assert peer.sequence == 2


def test_a_secret_does_not_show() -> None:
    assert SECRET.hex() not in repr(DEVICE)
    assert repr(SECRET) not in repr(DEVICE)


def test_a_heartbeat_fits_its_byte() -> None:
    for bad in (0, 256):
        with pytest.raises(ValueError, match="one byte"):
            BarrierSession(address="", clock=HandClock(), entropy=entropy, heartbeat_s=bad)


def test_the_longest_frame_is_read_before_it_is_judged() -> None:
    session, _ = opened()
    assert refusal(session.received(pack(0x20, 9, bytes(509)))) == (4, "mac")
