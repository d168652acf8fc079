"""The stand-in for short messages as a process of its own."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

from openberth.infra.clocks import SystemClock
from openberth.providers.sms import AliyunSms
from tests.waiting import PATIENCE_S

ACCESS_KEY, SECRET = "LTAI-of-the-tests", "secret-of-the-tests"
SIGN, TEMPLATE = "泊位 停车", "SMS_000000001"


class Peer:
    """The process, and what tests see on its phones."""

    def __init__(self, folder: Path) -> None:
        (folder / "secret").write_text(SECRET)
        command = [
            sys.executable, "-m", "openberth.sandbox.sms", "--port", "0", "--access-key", ACCESS_KEY,
            "--secret-file", str(folder / "secret"), "--sign", SIGN, "--template", TEMPLATE,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rpartition(" ")[2]
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S)

    def sms(self, **changes: Any) -> AliyunSms:
        """Return the adapter that talks to it."""
        values: dict[str, Any] = {
            "base_url": self.url, "access_key": ACCESS_KEY, "secret": SECRET, "sign_name": SIGN, "template": TEMPLATE,
            "clock": SystemClock(),
        }  # fmt: skip
        return AliyunSms(**(values | changes))

    def texts(self, number: str) -> list[str]:
        return [each["text"] for each in self.http.get(f"/phones/{number}").json()["messages"]]

    def code(self, number: str) -> str:
        found = re.search(r"[0-9]{6}", self.texts(number)[0])
        assert found is not None
        return found[0]

    def control(self, **wish: Any) -> Any:
        answer = self.http.post("/__sandbox__", json=wish)
        assert answer.status_code == 200, answer.text
        return answer.json()["answers"]

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
