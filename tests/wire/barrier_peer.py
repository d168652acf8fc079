"""The device's side of the barrier link, written from docs/devices/barrier-tcp.md with struct and hmac alone.

Shares no code with the server: its CRC is computed bit by bit.
"""

import hmac
import struct
from hashlib import sha256


def crc(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            low = value & 1
            value >>= 1
            if low:
                value ^= 0xA001
    return value


def pack(kind: int, sequence: int, rest: bytes) -> bytes:
    inner = struct.pack(">HBH", 3 + len(rest), kind, sequence) + rest
    return b"\xa6" + inner + struct.pack("<H", crc(inner)) + b"\xa9"


class Peer:
    """A barrier: makes its frames and takes the server's apart."""

    def __init__(self, secret: bytes, serial: str = "bar-1", nonce: bytes = bytes(range(16))) -> None:
        self.secret = secret
        self.serial = serial
        self.nonce = nonce
        self.key = b""
        self.sequence = 0
        self.sent = 0
        self.seen = 0

    def plain(self, kind: int, payload: bytes) -> bytes:
        frame = pack(kind, self.sequence, payload)
        self.sequence = (self.sequence + 1) % 65536
        return frame

    def signed(self, kind: int, payload: bytes, *, count: int | None = None) -> bytes:
        counter = self.sent if count is None else count
        text = struct.pack(">cIBH", b"d", counter, kind, self.sequence) + payload
        self.sent += 1
        return self.plain(kind, payload + hmac.new(self.key, text, sha256).digest()[:8])

    def hello(self, version: int = 1) -> bytes:
        return self.plain(0x01, bytes([version]) + self.nonce + self.serial.encode())

    def proof(self, challenge: bytes) -> bytes:
        kind, _, nonce = self.open(challenge)
        assert kind == 0x02, f"expected CHALLENGE, got {kind:02x} {nonce.hex()}"
        self.key = hmac.new(self.secret, b"openberth-barrier/1" + self.nonce + nonce, sha256).digest()
        return self.plain(0x03, hmac.new(self.key, b"device", sha256).digest()[:16])

    def welcomed(self, welcome: bytes) -> int:
        kind, _, payload = self.open(welcome)
        assert kind == 0x04, f"expected WELCOME, got {kind:02x} {payload.hex()}"
        assert payload[:16] == hmac.new(self.key, b"server", sha256).digest()[:16]
        return payload[16]

    def status(self, boom: int = 1, lock: int = 0, loops: int = 0, passes: int = 0) -> bytes:
        return self.signed(0x20, struct.pack(">BBBI", boom, lock, loops, passes))

    def result(self, command_id: bytes, outcome: int) -> bytes:
        return self.signed(0x11, command_id + bytes([outcome]))

    def open(self, frame: bytes) -> tuple[int, int, bytes]:
        """Check a server frame's framing and take it apart."""
        assert frame[0] == 0xA6
        assert frame[-1] == 0xA9
        length, kind, sequence = struct.unpack(">HBH", frame[1:6])
        assert length == len(frame) - 6
        assert frame[-3:-1] == struct.pack("<H", crc(frame[1:-3]))
        return kind, sequence, frame[6:-3]

    def open_signed(self, frame: bytes) -> tuple[int, int, bytes]:
        """Take a server frame apart and check its mac."""
        kind, sequence, rest = self.open(frame)
        payload, mac = rest[:-8], rest[-8:]
        text = struct.pack(">cIBH", b"s", self.seen, kind, sequence) + payload
        assert mac == hmac.new(self.key, text, sha256).digest()[:8], f"wrong mac on {kind:02x}"
        self.seen += 1
        return kind, sequence, payload

    def open_command(self, frame: bytes) -> tuple[bytes, int, int]:
        kind, _, payload = self.open_signed(frame)
        assert kind == 0x10
        command_id, operation, life_ms = struct.unpack(">16sBI", payload)
        return command_id, operation, life_ms
