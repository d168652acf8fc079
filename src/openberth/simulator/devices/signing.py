"""How a device signs its requests, after docs/devices/http-signature.md and the guide of integrators it names."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from random import Random


@dataclass
class Signer:
    """One key. ``skew_s`` is how wrong the device's clock is."""

    key: str
    secret: str = field(repr=False)
    rng: Random
    skew_s: int = 0

    def fields(self, method: str, path: str, body: bytes) -> list[tuple[str, str]]:
        """Return the three header fields of a request without a query."""
        digest = "sha-256=:" + _base64(hashlib.sha256(body).digest()) + ":"
        created, nonce = int(time.time()) + self.skew_s, f"{self.rng.getrandbits(128):032x}"
        parameters = (
            f'("@method" "@path" "@query" "content-digest");created={created};nonce="{nonce}";keyid="{self.key}"'
        )
        text = (
            f'"@method": {method}\n"@path": {path}\n"@query": ?\n"content-digest": {digest}\n'
            f'"@signature-params": {parameters}'
        )
        mac = hmac.new(self.secret.encode("ascii"), text.encode("ascii"), hashlib.sha256).digest()
        return [
            ("Content-Digest", digest), ("Signature-Input", f"sig={parameters}"),
            ("Signature", f"sig=:{_base64(mac)}:"),
        ]  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
