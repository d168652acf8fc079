"""The outside MQTT broker of tests: ``OPENBERTH_TEST_MQTT`` (host:port), or one that listens on this machine's 1883;
and one of a test's own, set as ``docs/devices/mqtt.md`` says.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import is_listening
from tests.waiting import PATIENCE_S, eventually

DEFAULT = "127.0.0.1:1883"


def broker_address() -> tuple[str, int]:
    """Return where the broker is; skips the test when there is none, fails it when one is named and is not there."""
    said = os.environ.get("OPENBERTH_TEST_MQTT")
    host, _, port = (said or DEFAULT).rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE_S).close()
    except OSError as error:
        if said:
            raise
        pytest.skip(f"no MQTT broker on {DEFAULT} and OPENBERTH_TEST_MQTT names none ({error})")
    return host, int(port)


@contextmanager
def own_broker(folder: Path, port: int, *more: str) -> Iterator[tuple[str, int]]:
    """Run a Mosquitto with some lines of configuration; skips the test when it is not installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("Mosquitto is not installed (Debian: mosquitto)")
    file = folder / "mosquitto.conf"
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", "max_inflight_messages 1000", *more)
    file.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen([program, "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: is_listening(port)), "the broker did not start"
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
