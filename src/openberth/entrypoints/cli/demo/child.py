"""Runs a program that never outlives the one that started it: ``python child.py PARENT_PID COMMAND…``.

Run as a file, not as a module, so that it imports nothing but the standard library. On Linux the kernel ends the
program when the parent dies, however it dies (prctl(2), PR_SET_PDEATHSIG, kept over execve). Elsewhere, or with
``--watch`` as the first word, this process stays between the two and ends the program when its standard input closes,
which the parent holds open for as long as it lives.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
GRACE_S = 10.0


def main(words: list[str]) -> int:
    """Become, or watch, the command."""
    watch = words[0] == "--watch"
    parent, *command = words[watch:]
    if sys.platform.startswith("linux") and not watch:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0:
            if os.getppid() != int(parent):  # it died before the call
                return 1
            os.execv(command[0], command)  # noqa: S606 - our own program, no shell wanted
    return _watch(command)


def _watch(command: list[str]) -> int:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own program

    def end(*_: object) -> None:
        program.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    threading.Thread(target=_end_with_parent, args=(program,), daemon=True).start()
    return program.wait()


def _end_with_parent(program: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 1):  # nothing ever comes; the end of the file is the parent's end
        pass
    program.terminate()
    try:
        program.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
