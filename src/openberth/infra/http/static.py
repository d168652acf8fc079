"""The built pages of the console and the drivers' app, served from memory: a few megabytes, read once at the start.

Files under ``assets/`` carry a number of their content in their names, so browsers keep them for ever; all others are
asked for anew by their tag. Packed copies lie beside the files (``scripts/faces.py``). What was never built says so.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openberth.infra.catalogue import language_of, text

FACES = Path(__file__).resolve().parents[2] / "faces"
INDEX = "index.html"
PACKED = ".gz"
KEPT = "public, max-age=31536000, immutable"
ASKED_ANEW = "no-cache"
# Nothing of another host, no script that is not a file of ours, nobody frames us. Styles are set by scripts, too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A file as it is served."""

    content: bytes
    packed: bytes | None
    tag: str
    media_type: str
    is_kept: bool


class Face:
    """Serves the files of one folder under its name."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._pieces = pieces_of(folder)

    def routes(self) -> list[Route]:
        """Return the routes, which are open to anybody: pages hold no data."""
        base = f"/{self._name}"
        return [
            Route(base, self._lead, methods=["GET"]),
            Route(base + "/{path:path}", self._serve, methods=["GET"]),
        ]

    async def _lead(self, _request: Request) -> Response:
        return RedirectResponse(f"/{self._name}/", 308)

    async def _serve(self, request: Request) -> Response:
        path = request.path_params["path"] or INDEX
        piece = self._pieces.get(path)
        if piece is None:
            return self._missing(request)
        headers = {
            "etag": piece.tag, "cache-control": KEPT if piece.is_kept else ASKED_ANEW, "vary": "accept-encoding",
            "content-security-policy": POLICY,
        }  # fmt: skip
        if request.headers.get("if-none-match") == piece.tag:
            return Response(None, 304, headers)
        content = piece.content
        if piece.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content = piece.packed
            headers["content-encoding"] = "gzip"
        return Response(content, 200, headers, piece.media_type)

    def _missing(self, request: Request) -> Response:
        code = "faces.nothing_here" if self._pieces else "faces.not_built"
        words = text(code, language_of(request.headers.get("accept-language")), name=self._name)
        return Response(words + "\n", 404, media_type="text/plain; charset=utf-8")


@lru_cache(maxsize=8)  # a process that starts the application more than once reads them once
def pieces_of(folder: Path) -> Mapping[str, Piece]:
    """Return the files below a folder by their path there; none when nothing was built."""
    found: dict[str, Piece] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != PACKED:
            name, content, packed = (
                path.relative_to(folder).as_posix(),
                path.read_bytes(),
                path.with_name(path.name + PACKED),
            )
            found[name] = Piece(
                content, packed.read_bytes() if packed.is_file() else None,
                f'"{hashlib.sha256(content).hexdigest()[:32]}"', _type_of(path), "/assets/" in f"/{name}",
            )  # fmt: skip
    return found


def _type_of(path: Path) -> str:
    known = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{known}; charset=utf-8" if known.startswith("text/") else known
