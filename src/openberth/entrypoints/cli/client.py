"""How commands reach the data: always through the operator API, whether a server runs or not.

With a server on this data folder (or ``--url``) it is asked over HTTP. Otherwise the house is opened in this process
and its application is called directly: the same routes, checks and answers, without a socket.
"""

import asyncio
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from openberth.entrypoints.cli.mistakes import Answered
from openberth.entrypoints.cli.session import Session
from openberth.infra.place import TOKEN_FILE, place_of
from openberth.infra.settings import Settings
from openberth.kernel.errors import Overloaded, Problem, Refused, Unknown

TIMEOUT_S = 20.0
PROBE_S = 2.0
PAGES_MAX = 500
HERE = "http://openberth.here"
JSON = "application/json"
YAML = "application/yaml"
KINDS = {".json": JSON, ".csv": "text/csv"}


class Api:
    """The operator API; every refusal is raised as the problem that the server told."""

    def __init__(self, http: httpx2.AsyncClient, where: str, headers: Mapping[str, str] | None = None) -> None:
        self._http = http
        self._headers = headers
        self.where = where

    def bearing(self, token: str | None) -> "Api":
        """Return the same API as somebody else asks it: with another token, or with none."""
        return Api(self._http, self.where, {"authorization": "" if token is None else f"Bearer {token}"})

    async def get(self, path: str, **query: str) -> Any:
        """Ask for something. Raises ``Problem``."""
        return await self.ask("GET", path, query={name: value for name, value in query.items() if value})

    async def post(self, path: str, value: object = None) -> Any:
        """Have something done. Raises ``Problem``."""
        return await self.ask("POST", path, json={} if value is None else value)

    async def post_or(self, path: str, value: object, code: str) -> Any:
        """Have something done; None when it is refused with this code. Raises ``Problem`` for any other reason."""
        try:
            return await self.post(path, value)
        except Problem as problem:
            if problem.code != code:
                raise
            return None

    async def put(self, path: str, document: str, *, name: str, query: Mapping[str, str] | None = None) -> Any:
        """Hand over a document; mistakes in it are told with the name of its file. Raises ``Problem``."""
        kind = next((kind for ending, kind in KINDS.items() if name.endswith(ending)), YAML)
        return await self.ask("PUT", path, query=query, content=document.encode(), kind=kind, name=name)

    async def items(self, path: str, **query: str) -> list[Any]:
        """Return all pages of a list."""
        items: list[Any] = []
        page = await self.get(path, **query)
        for _ in range(PAGES_MAX):
            items += page["items"]
            if not page.get("next"):
                break
            page = await self.get(path, **query, cursor=page["next"])
        return items

    async def text(self, path: str) -> str:
        """Return an answer that is plain text, e.g. the metrics."""
        answer = await self._send("GET", path)
        if answer.status_code >= 400:
            raise problem_of(answer, "", self.where)
        return answer.text

    async def pieces(self, path: str) -> AsyncIterator[bytes]:
        """Yield an answer that is a file, piece by piece. Raises ``Problem``."""
        try:
            async with self._http.stream("GET", path) as answer:
                if answer.status_code >= 400:
                    await answer.aread()
                    raise problem_of(answer, "", self.where)
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Overloaded("cli.server_unreachable", url=self.where, reason=reason) from error

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        kind: str = JSON,
        name: str = "",
    ) -> Any:
        """Send a request and return what its answer holds. Raises ``Problem``."""
        extra: dict[str, Any] = {"params": query} if query else {}
        if content is not None:
            extra |= {"content": content, "headers": {"content-type": kind}}
        elif json is not None:
            extra["json"] = json
        if method == "POST":  # what moves a gate or money is refused without one: every command is one operation
            extra["headers"] = {**extra.get("headers", {}), "idempotency-key": secrets.token_hex(16)}
        answer = await self._send(method, path, **extra)
        if answer.status_code >= 400:
            raise problem_of(answer, name, self.where)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise Overloaded("cli.not_openberth", url=self.where) from error

    async def _send(self, method: str, path: str, **extra: Any) -> httpx2.Response:
        try:
            if self._headers is not None:
                extra["headers"] = {**extra.get("headers", {}), **self._headers}
            return await self._http.request(method, path, **extra)
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Overloaded("cli.server_unreachable", url=self.where, reason=reason) from error


@asynccontextmanager
async def connected(session: Session, *, at_work: bool = False) -> AsyncIterator[Api]:
    """Give the API of the server that the session means, or of the data folder itself. Raises ``Problem``.

    ``at_work``: what is asked for is done by a job, so without a server jobs run in this process meanwhile.
    """
    target = await find_server(session)
    if target is not None:
        url, token = target
        async with _http(session, url, token, None) as http:
            yield Api(http, url)
        return
    # Imported here: the whole program takes a second that a command to a running server does not have.
    from openberth.bootstrap import open_house
    from openberth.entrypoints.web import build_app

    settings = session.settings()
    with quiet_log(session):
        async with open_house(settings) as house:
            transport = httpx2.ASGITransport(app=build_app(house), raise_app_exceptions=False)
            async with _http(session, HERE, house.operator_token, transport) as http:
                work = [asyncio.create_task(house.jobs.run())] if at_work else []
                try:
                    yield Api(http, str(settings.data))
                finally:
                    for task in work:
                        task.cancel()
                    await asyncio.gather(*work, return_exceptions=True)


async def find_server(session: Session) -> tuple[str, str] | None:
    """Return address and token of the server that the session means; None when its data folder has no server."""
    if session.url is not None:
        url = checked_url(session.url)
        return url, read_token(session.token_file or session.settings().data / TOKEN_FILE)
    settings = session.settings()
    place = place_of(settings.data)
    if place is None:
        return None
    url = local_url(settings.http.host, place["port"], settings.http.scheme)
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=PROBE_S, verify=local_trust(settings)) as http:
            await http.get(f"{url}/health/live")
    except httpx2.ConnectError:
        return None  # left behind by a server that was killed; the lock on the data tells whether one runs
    except httpx2.HTTPError:
        pass  # it listens; the request itself will tell what is wrong
    return url, read_token(session.token_file or settings.data / TOKEN_FILE)


def checked_url(url: str) -> str:
    """Return an address of a server. Raises ``Refused("cli.url")``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("cli.url", url=url)
    return url.rstrip("/")


def local_trust(settings: Settings) -> ssl.SSLContext | bool:
    """Return what certificate the server of this machine must show: the very one of the settings."""
    if settings.http.tls is None:
        return True
    from openberth.entrypoints.tls import trusting

    return trusting(settings.http.tls)


def local_url(host: str, port: int, scheme: str = "http") -> str:
    """Return how a server of this machine is reached that listens on ``host``."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared only
        host = "127.0.0.1"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def read_token(path: Path) -> str:
    """Return the operator token of a file. Raises ``Refused("token.unreadable")``."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a token"
        raise Refused("token.unreadable", path=str(path), reason=reason) from error


@contextmanager
def quiet_log(session: Session) -> Iterator[None]:
    """Send the log of this process to a file: the terminal is for the answer."""
    from openberth.infra.telemetry import setup_logging

    try:
        handle = os.open(session.log_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        handle = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        setup_logging("warning", "json", file)
        try:
            yield
        finally:
            setup_logging("error")


def part(text: str) -> str:
    """Return a code as it stands in an address."""
    return quote(text, safe="")


def _http(session: Session, url: str, token: str, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    headers = {"authorization": f"Bearer {token}", "accept-language": session.language, "accept": JSON}
    # trust_env=False: a proxy of the environment is for the internet, and netrc must not replace our token.
    verify = local_trust(session.settings()) if session.url is None and transport is None else True
    return httpx2.AsyncClient(
        base_url=url, headers=headers, transport=transport, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False,
        verify=verify,
    )  # fmt: skip


def problem_of(answer: httpx2.Response, name: str, where: str) -> Problem:
    """Return the problem that an answer of 400 and more tells; ``name`` is that of the file which was sent."""
    if answer.status_code == 401:
        return Unknown("cli.token_refused", url=where)
    try:
        told = answer.json()
        code, title = str(told["code"]), str(told.get("title", ""))
        params = {str(key): value for key, value in dict(told.get("params") or {}).items()}
        lines = tuple(
            f"{name or path}:{error['line']}: {error['text']}"
            if "line" in error
            else f"{error['place']}: {error['problem']}"
            for path in [str(params.get("name", ""))]
            for error in told.get("errors", ())
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Overloaded("cli.not_understood", status=answer.status_code)
    return Answered(code, title, params, answer.status_code, lines)
