"""Single key presses in a terminal, without waiting for Enter; the terminal is put back however the view ends."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator

LEAVE = (b"q", b"Q", b"\x03", b"\x04")  # q, Ctrl-C, Ctrl-D


@contextlib.contextmanager
def leave_key() -> Iterator[asyncio.Event]:
    """Give an event that is set when somebody presses a key that leaves. Must run in the loop's thread."""
    wanted = asyncio.Event()
    stdin = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    if stdin is None:
        yield wanted
        return
    before = termios.tcgetattr(stdin)
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        keys = os.read(stdin, 64)
        if not keys or any(key in keys for key in LEAVE):
            wanted.set()

    try:
        # cbreak, not raw: Ctrl-C stays a signal, so that it works even when this loop hangs.
        tty.setcbreak(stdin)
        loop.add_reader(stdin, pressed)
        yield wanted
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
