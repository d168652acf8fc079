"""The Alipay stand-in as a process, a small client of its own, and an address that is told things.

The client is written here from the published documents, on ``cryptography`` alone: neither the stand-in's code nor any
adapter's is used, so a mistake in either shows.
"""

import base64
import datetime
import hashlib
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
from urllib.parse import parse_qsl, urlencode

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.waiting import PATIENCE_S, eventually

KEY = rsa.generate_private_key(65537, 2048)  # one for all apps of the tests: making them takes time
BEIJING = datetime.timezone(datetime.timedelta(hours=8))


def rsa_sign(key: rsa.RSAPrivateKey, text: bytes) -> str:
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def rsa_check(key: rsa.RSAPublicKey, signature: str, text: bytes) -> None:
    key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())


def raw_node(text: str, name: str) -> str:
    """Return the text of a member of the answer as it stands there, whatever its values hold."""
    at = text.index(f'"{name}":') + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(text, at)
    return text[at:end]


def named(certificate: str) -> str:
    read = x509.load_pem_x509_certificate(certificate.encode())
    text = read.issuer.rfc4514_string() + str(read.serial_number)
    return hashlib.md5(text.encode()).hexdigest()


@dataclass
class Answer:
    """An answer; signed ones are proved already."""

    text: str
    node: str
    signed: bool

    @property
    def said(self) -> dict[str, Any]:
        read = json.loads(self.text)[self.node]
        assert isinstance(read, dict)
        return read

    @property
    def why(self) -> tuple[str, str]:
        return self.said["code"], self.said.get("sub_code", "")

    def __getitem__(self, name: str) -> Any:
        return self.said[name]


class Client:
    """A merchant's server."""

    def __init__(self, http: httpx2.Client, told: dict[str, Any], token: str = "") -> None:
        self.http, self.told, self.token = http, told, token
        self.app_id, self.pid = told["app_id"], told["pid"]
        self.key = KEY
        if "private_key" in told:
            key = serialization.load_pem_private_key(told["private_key"].encode(), None)
            assert isinstance(key, rsa.RSAPrivateKey)
            self.key = key
        public = serialization.load_pem_public_key(told["alipay_public_key"].encode())
        assert isinstance(public, rsa.RSAPublicKey)
        self.alipay = public
        self.within_s: float = PATIENCE_S

    def parameters(self, method: str, content: Any, /, **other: str) -> dict[str, str]:
        at = datetime.datetime.now(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
        given = {
            "app_id": self.app_id, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
            "timestamp": at, "version": "1.0", "app_auth_token": self.token,
            "biz_content": content if isinstance(content, str) else json.dumps(content, ensure_ascii=False),
        }  # fmt: skip
        if self.told["mode"] == "certificate":
            given["app_cert_sn"] = named(self.told["app_certificate"])
            given["alipay_root_cert_sn"] = named(self.told["root_certificate"])
        given = {name: text for name, text in (given | other).items() if text}
        signed = "&".join(f"{name}={given[name]}" for name in sorted(given))
        return {"sign": rsa_sign(self.key, signed.encode(given.get("charset", "utf-8")))} | given

    def send(self, given: dict[str, str], *, naked: bool = False) -> Answer:
        charset = given.get("charset", "utf-8")
        form = {name: text for name, text in given.items() if name != "charset" or naked}
        where = "/gateway.do" if naked or "charset" not in given else f"/gateway.do?charset={charset}"
        head = {"Content-Type": f"application/x-www-form-urlencoded;charset={charset}"}
        body = urlencode(form, encoding=charset)
        got = self.http.post(where, content=body.encode(), headers=head, timeout=self.within_s)
        assert got.status_code == 200, got.status_code
        return self.prove(got.content.decode(charset), given["method"], charset)

    def prove(self, text: str, method: str, charset: str = "utf-8") -> Answer:
        read = json.loads(text)
        node = method.replace(".", "_") + "_response"
        if node not in read:
            node = "error_response"
        if "sign" in read:
            rsa_check(self.alipay, read["sign"], raw_node(text, node).encode(charset))
            if self.told["mode"] == "certificate":
                assert read["alipay_cert_sn"] == named(self.told["alipay_certificate"])
        return Answer(text, node, "sign" in read)

    def call(self, method: str, content: Any, **other: str) -> Answer:
        return self.send(self.parameters(method, content, **other))

    def order(self, **other: Any) -> dict[str, Any]:
        return {
            "out_trade_no": f"T{secrets.token_hex(12)}", "total_amount": "10.00", "subject": "停车费 粤B12345",
        } | other  # fmt: skip

    def precreate(self, notify: str = "", **other: Any) -> tuple[str, str]:
        body = self.order(**other)
        answer = self.call("alipay.trade.precreate", body, notify_url=notify)
        assert answer.why == ("10000", ""), answer.text
        return body["out_trade_no"], answer["qr_code"]

    def create(self, notify: str = "", **other: Any) -> tuple[str, str]:
        body = self.order(product_code="JSAPI_PAY", op_app_id=self.app_id, buyer_open_id="openid-1", **other)
        answer = self.call("alipay.trade.create", body, notify_url=notify)
        assert answer.why == ("10000", ""), answer.text
        return body["out_trade_no"], answer["trade_no"]

    def query(self, number: str) -> Answer:
        return self.call("alipay.trade.query", {"out_trade_no": number})

    def refund(self, number: str, amount: str, request: str | None = None) -> Answer:
        body = {"out_trade_no": number, "refund_amount": amount}
        return self.call("alipay.trade.refund", body | ({"out_request_no": request} if request else {}))


@dataclass
class Told:
    path: str
    form: dict[str, str]

    def verify(self, key: rsa.RSAPublicKey, *without: str) -> None:
        """Raise unless it was signed by the key, over all but ``sign`` and ``sign_type`` (or what is given)."""
        left_out = without or ("sign", "sign_type")
        pairs = sorted((name, value) for name, value in self.form.items() if value and name not in left_out)
        text = "&".join(f"{name}={value}" for name, value in pairs)
        rsa_check(key, self.form["sign"], text.encode())


@dataclass
class Listener:
    """Where notifications arrive: notes them and answers ``answers`` in turn, then ``success``."""

    told: list[Told] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    def __enter__(self) -> "Listener":
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                assert self.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
                status, said = listener.answers.pop(0) if listener.answers else (200, b"success")
                listener.told.append(Told(self.path, dict(parse_qsl(body, keep_blank_values=True))))
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/notify/alipay/1"
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
        command = [sys.executable, "-m", "openberth.sandbox.alipay", "--port", "0", *arguments]
        self.process = subprocess.Popen(command + (["--data", str(data)] if data else []), stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode().strip()
        assert line.startswith("alipay ready on "), line
        self.url = line.rpartition(" ")[2]
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.returncode is None:  # a test that failed leaves no process behind
            self.close()

    def client(self, app_id: str, pid: str, **other: Any) -> Client:
        public = KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        told = self.control("apps", app_id=app_id, pid=pid, public_key=public.decode(), **other)
        assert "private_key" not in told
        return Client(self.http, told)

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

    def wait_for_notice(self, state: str, number: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            for one in self.look(f"notifications?state={state}")["notifications"]:
                if one["plain"]["out_trade_no"] == number:
                    assert isinstance(one, dict)
                    return one
            time.sleep(0.01)
        raise AssertionError(f"no notification of {number} is {state}")

    def kill(self) -> None:
        self.process.kill()
        self.close(ends_with=-9)

    def close(self, ends_with: int = 0) -> None:
        self.http.close()
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == ends_with
        assert self.process.stdout is not None
        self.process.stdout.close()
