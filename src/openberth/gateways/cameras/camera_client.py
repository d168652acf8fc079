"""HTTP to one camera: one connection, digest, three seconds, and care not to be locked out.

A camera locks an account after a few wrong passwords, and then nobody can use it, the installer neither. So two refused
logins in a row end all calls to it for a quarter of an hour. What is asked aside of the gate, a display or a list, may
want another right than the gate: its refusal ends what is asked aside, and no more. Redirects are never followed and no
proxy is asked: what is called is the address in the lot file and nothing else.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from functools import lru_cache

import httpx2

from openberth.gateways.cameras.calls import Ask, Told

TIMEOUT_S = 3.0
WHOLE_S = 8.0  # with a second request for the digest
ANSWER_MAX = 64 * 1024
REFUSED_MAX = 2
PAUSE_S = 900.0


class NotConnected(Exception):
    """There is no connection, so the request was not sent."""


class NoAnswer(Exception):
    """The request may have been sent; no usable answer came."""


class LoginRefused(Exception):
    """The camera refused the login; the request did nothing."""


class Paused(Exception):
    """The camera is not called for a while, because it has refused the login twice."""


class CameraClient:
    """Calls one camera; one request at a time. ``now`` is the loop's clock in seconds."""

    def __init__(
        self, *, endpoint: str, user: str, password: str, now: Callable[[], float], timeout_s: float = TIMEOUT_S,
        pause_s: float = PAUSE_S,
    ) -> None:  # fmt: skip
        self._base = endpoint.rstrip("/")
        self._login = (user, password)
        self._now = now
        self._pause_s = pause_s
        self._auth = httpx2.DigestAuth(user, password)
        self._proved = False  # by the challenge that is in use now
        self._refused = 0
        self._paused_until: float | None = None
        self._aside_from = 0.0
        limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
        plain = httpx2.AsyncHTTPTransport(verify=_any_certificate(), trust_env=False, limits=limits)
        self._http = httpx2.AsyncClient(
            transport=_Bounded(plain), trust_env=False, follow_redirects=False, timeout=timeout_s,
            headers={"accept-encoding": "identity"},
        )  # fmt: skip

    @property
    def paused(self) -> bool:
        """Tell whether the camera is not called at present."""
        return self._paused_until is not None and self._now() < self._paused_until

    async def ask(self, ask: Ask, *, within_s: float = WHOLE_S, aside: bool = False) -> Told:
        """Send a request once and return the answer, whatever its status but 401. ``aside``: it is none of the gate.

        Raises ``NotConnected``, ``NoAnswer``, ``LoginRefused`` and ``Paused``.
        """
        if self.paused or (aside and self._now() < self._aside_from):
            raise Paused
        if self._paused_until is not None:  # another try, and one only, after the pause
            self._paused_until, self._refused = None, REFUSED_MAX - 1
        headers = {"content-type": ask.media_type} if ask.media_type else {}
        request = self._http.build_request(ask.method, self._base + ask.target, content=ask.body, headers=headers)
        try:
            async with asyncio.timeout(min(within_s, WHOLE_S)):
                told = await self._exchanged(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NotConnected(type(error).__name__) from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error
        if told.status == 401:
            self._note_refusal(aside=aside)
            raise LoginRefused
        self._proved, self._refused = True, 0
        return told

    async def aclose(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _exchanged(self, request: httpx2.Request) -> Told:
        response = await self._http.send(request, auth=self._auth, stream=True)
        body = bytearray()
        try:
            async for chunk in response.aiter_raw():
                body += chunk
        finally:
            await response.aclose()
        return Told(response.status_code, bytes(body))

    def _note_refusal(self, *, aside: bool) -> None:
        # With a challenge that had held, the login was shown twice in this call: under the old challenge and a new one.
        self._refused += 2 if self._proved else 1
        self._proved = False
        self._auth = httpx2.DigestAuth(*self._login)
        if aside:  # the gate's own next call tells whether the login is wrong, or only not enough for this
            self._refused = REFUSED_MAX - 1
            self._aside_from = self._now() + self._pause_s
        elif self._refused >= REFUSED_MAX:
            self._paused_until = self._now() + self._pause_s


class _Bounded(httpx2.AsyncBaseTransport):
    """Answers as they came and no longer than ``ANSWER_MAX``, refusals too, which digest reads as a whole: one that is
    packed could grow without bound.
    """

    def __init__(self, plain: httpx2.AsyncBaseTransport) -> None:
        self._plain = plain

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._plain.handle_async_request(request)
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-encoding"]
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            answer.status_code, headers=headers, stream=_BoundedStream(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._plain.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, plain: httpx2.AsyncByteStream) -> None:
        self._plain = plain

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._plain:
            size += len(chunk)
            if size > ANSWER_MAX:
                raise httpx2.ReadError("too much")
            yield chunk

    async def aclose(self) -> None:
        await self._plain.aclose()


@lru_cache(maxsize=1)
def _any_certificate() -> ssl.SSLContext:
    """Return a context that takes any certificate: cameras make their own, and digest shows nobody the password."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
