"""The WeChat Pay stand-in as a process, a small client of its own, and an address that is told things.

The client is written here from the published documents, on ``cryptography`` alone: neither the stand-in's code nor any
adapter's is used, so a mistake in either shows.
"""

import base64
import json
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.waiting import PATIENCE_S, eventually

APPID, SUB_APPID = "wxsandbox00000001", "wxsandbox00000002"
PEM = serialization.load_pem_private_key


def rsa_sign(key: rsa.RSAPrivateKey, *lines: str) -> str:
    text = "".join(line + "\n" for line in lines).encode()
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def rsa_check(key: rsa.RSAPublicKey, signature: str, *lines: bytes) -> None:
    text = b"".join(line + b"\n" for line in lines)
    key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())


def oaep(key: rsa.RSAPublicKey, text: str) -> str:
    sha1 = hashes.SHA1()
    return base64.b64encode(key.encrypt(text.encode(), padding.OAEP(padding.MGF1(sha1), sha1, None))).decode()


@dataclass
class Answer:
    """An answer, already proved by the key that it names (unless it names none)."""

    status: int
    headers: httpx2.Headers
    content: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.content)

    @property
    def number(self) -> int:
        return int(self.headers["request-id"].rpartition("-")[2])

    @property
    def serial(self) -> str | None:
        return self.headers.get("wechatpay-serial")

    @property
    def why(self) -> tuple[int, str, int]:
        return self.status, self.said["code"], self.number


class Client:
    """A merchant's server."""

    def __init__(self, http: httpx2.Client, told: dict[str, Any]) -> None:
        self.http = http
        self.mchid, self.serial, self.api_key = told["mchid"], told["serial"], told["api_key"].encode()
        key = PEM(told["private_key"].encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.within_s: float = PATIENCE_S
        self.names: str | None = None  # the Wechatpay-Serial that requests name
        self.keys: dict[str, rsa.RSAPublicKey] = {}
        self.learn(told["platform_keys"])

    def learn(self, platform: list[dict[str, Any]]) -> None:
        for one in platform:
            found = serialization.load_pem_public_key(one["public_key"].encode())
            assert isinstance(found, rsa.RSAPublicKey)
            self.keys[one["id"]] = found
            if one["kind"] == "public_key":
                self.names = one["id"]
            elif "certificate" in one:  # its serial number is written with all its zeros
                read = x509.load_pem_x509_certificate(one["certificate"].encode())
                assert read.serial_number == int(one["id"], 16)
                assert read.not_valid_before_utc.timestamp() <= time.time()  # however fast business time runs
                assert len(one["id"]) == 40

    def authorization(self, method: str, target: str, body: str, **other: str) -> str:
        signed = {"timestamp": str(int(time.time())), "nonce_str": secrets.token_hex(16)} | other
        signature = rsa_sign(self.key, method, target, signed["timestamp"], signed["nonce_str"], body)
        given = {"mchid": self.mchid, "serial_no": self.serial, "signature": signature} | signed
        pairs = sorted(given.items(), key=lambda _: secrets.randbelow(100))  # their order is free
        return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in pairs)

    def call(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        text = "" if body is None else json.dumps(body, ensure_ascii=False)
        given = {"Accept": "application/json", "User-Agent": "test", "Content-Type": "application/json"}
        if self.names is not None:
            given["Wechatpay-Serial"] = self.names
        given["Authorization"] = self.authorization(method, target, text)
        given = {name: value for name, value in (given | headers).items() if value}
        got = self.http.request(method, target, content=text.encode(), headers=given, timeout=self.within_s)
        answer = Answer(got.status_code, got.headers, got.content)
        self.prove(answer)
        return answer

    def prove(self, answer: Answer) -> None:
        if answer.serial is None:
            return
        head = answer.headers
        assert abs(int(head["wechatpay-timestamp"]) - time.time()) < 60
        assert head["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"
        signature, at, nonce = (head[f"wechatpay-{name}"] for name in ("signature", "timestamp", "nonce"))
        rsa_check(self.keys[answer.serial], signature, at.encode(), nonce.encode(), answer.content)

    def order(self, **other: Any) -> dict[str, Any]:
        return {
            "appid": APPID,
            "mchid": self.mchid,
            "description": "停车费-南门停车场",
            "out_trade_no": f"T{secrets.token_hex(12)}",
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": 1000, "currency": "CNY"},
        } | other

    def query(self, number: str) -> Answer:
        return self.call("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.mchid}")

    def open(self, way: str = "native", **other: Any) -> tuple[str, Any]:
        body = self.order(**other)
        answer = self.call("POST", f"/v3/pay/transactions/{way}", body)
        assert answer.status == 200, answer.content
        return body["out_trade_no"], answer.said

    def unseal(self, resource: dict[str, str]) -> bytes:
        assert resource["algorithm"] == "AEAD_AES_256_GCM"
        nonce, aad = resource["nonce"].encode(), resource.get("associated_data", "").encode()
        return AESGCM(self.api_key).decrypt(nonce, base64.b64decode(resource["ciphertext"]), aad)


@dataclass
class Told:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    def verify(self, keys: dict[str, rsa.RSAPublicKey]) -> None:
        """Raise unless it was signed by the key that it names."""
        at, nonce = self.headers["Wechatpay-Timestamp"].encode(), self.headers["Wechatpay-Nonce"].encode()
        rsa_check(keys[self.headers["Wechatpay-Serial"]], self.headers["Wechatpay-Signature"], at, nonce, self.body)


@dataclass
class Listener:
    """Where callbacks arrive: notes them and answers ``answers`` in turn, then ``otherwise``."""

    otherwise: int = 204
    told: list[Told] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def __enter__(self) -> "Listener":
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = listener.answers.pop(0) if listener.answers else listener.otherwise
                listener.told.append(Told(self.path, dict(self.headers.items()), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/notify/wechatpay/1"
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE_S)
        self._server.server_close()

    def wait_for(self, count: int) -> list[Told]:
        eventually(lambda: len(self.told) >= count)
        assert len(self.told) == count, f"told {len(self.told)} times, not {count}"
        return self.told


class Sandbox:
    """The stand-in as a process."""

    def __init__(self, *arguments: str, data: Path | None = None) -> None:
        command = [sys.executable, "-m", "openberth.sandbox.wechatpay", "--port", "0", *arguments]
        self.process = subprocess.Popen(command + (["--data", str(data)] if data else []), stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode().strip()
        assert line.startswith("wechatpay ready on "), line
        self.url = line.rpartition(" ")[2]
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.returncode is None:  # a test that failed leaves no process behind
            self.close()

    def client(self, mchid: str, **other: Any) -> Client:
        return Client(self.http, self.control("merchants", mchid=mchid, **({"appids": [APPID]} | other)))

    def control(self, where: str, **wanted: Any) -> Any:
        answer = self.http.post(f"/__sandbox__/{where}", json=wanted)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, where: str, **wanted: Any) -> str:
        answer = self.http.post(f"/__sandbox__/{where}", json=wanted)
        assert answer.status_code in (400, 409), answer.text
        return str(answer.json()["message"])

    def look(self, where: str) -> Any:
        return self.http.get(f"/__sandbox__/{where}".rstrip("/")).json()

    def wait_for_callback(self, state: str, number: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            for one in self.look(f"callbacks?state={state}")["callbacks"]:
                if number in (one["plain"].get("out_trade_no"), one["plain"].get("out_refund_no")):
                    assert isinstance(one, dict)
                    return one
            time.sleep(0.01)
        raise AssertionError(f"no callback of {number} is {state}")

    def kill(self) -> None:
        self.process.kill()
        self.close(ends_with=-9)

    def close(self, ends_with: int = 0) -> None:
        self.http.close()
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == ends_with
        assert self.process.stdout is not None
        self.process.stdout.close()
