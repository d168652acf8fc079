"""The LCD and the voice of a simulated Hikvision camera, with the manners of real ones.

While it is in the mode ``camera`` it takes what it is told and shows what it has read by itself. It forgets what it was
told when its power goes; the mode outlasts that. A camera may have the one without the other, or neither.
"""

import json
import re
from base64 import b64decode
from dataclasses import dataclass, field
from html import unescape
from typing import Any

_SCENES = (1, 2, 4, 5, 10)
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(slots=True)
class OwnScreen:
    """What a driver reads and hears. ``told`` and ``spoken`` count from the beginning, ``broken`` what was no sense."""

    has_display: bool = True
    has_voice: bool = True
    mode: str = "camera"
    scene: int = 0  # 0: what it shows by itself
    plate: str = ""
    words: str = ""
    amount: str = ""
    free: str = ""
    code: bytes = b""
    told: int = 0
    modes_set: int = 0
    spoken: list[tuple[int, str]] = field(default_factory=list)
    broken: int = 0

    def lose_power(self) -> None:
        """Forget what it was told."""
        self.scene, self.plate, self.words, self.amount, self.free, self.code = 0, "", "", "", "", b""

    def setup(self) -> str:
        """Return how it is set up."""
        return json.dumps({"LCD": {"enabled": True, "ctrlMode": self.mode, "brightness": 60}})

    def set_up(self, body: bytes) -> bool:
        """Take over a setup, which has to be whole; returns whether it is."""
        said = _inside(body, "LCD")
        if set(said) != {"enabled", "ctrlMode", "brightness"} or said["ctrlMode"] not in ("camera", "platform"):
            self.broken += 1
            return False
        self.mode = said["ctrlMode"]
        self.modes_set += 1
        return True

    def show(self, body: bytes) -> bool:
        """Show a scene; returns whether there is one."""
        said = _inside(body, "DisplayInfo")
        code = _base64(said.get("QRCodeBase64", ""))
        if said.get("sence") not in _SCENES or (code and not code.startswith(_PNG)):
            self.broken += 1
            return False
        self.told += 1
        if self.mode == "platform":
            self.scene, self.code = said["sence"], code
            self.plate, self.amount = said.get("license", ""), str(said.get("amounts", ""))
            self.words, self.free = said.get("customInfo") or said.get("notice", ""), said.get("parkingLot", "")
        return True

    def speak(self, body: bytes) -> bool:
        """Say words, as loud as the mark before them tells; returns whether there are any."""
        found = re.search(r"<TTSInfo>\[v([0-9]{1,2})\]([^<\[\]]+)</TTSInfo>", body.decode())
        if found is None or not 1 <= int(found[1]) <= 10:
            self.broken += 1
            return False
        self.spoken.append((int(found[1]), unescape(found[2])))
        return True


def _inside(body: bytes, root: str) -> dict[str, Any]:
    try:
        said = json.loads(body)[root]
    except (ValueError, KeyError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b"?"
