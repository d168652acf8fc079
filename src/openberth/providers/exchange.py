"""Carrying a request to a channel: an answer in time and of a bounded size, or none whose outcome anybody knows."""

import asyncio

import httpx2

from openberth.contexts.payments.ports import ChannelUnreachable


async def exchanged(
    http: httpx2.AsyncClient, request: httpx2.Request, *, channel: str, within_s: float, most_bytes: int
) -> tuple[int, httpx2.Headers, bytes]:
    """Return status, headers and body of the answer.

    Raises ``ChannelUnreachable``: ``channel.unreachable`` without an answer in time, ``channel.unclear`` for one that
    is too large.
    """
    answer = bytearray()
    try:
        async with asyncio.timeout(within_s):
            response = await http.send(request, stream=True)
            try:
                async for chunk in response.aiter_raw():
                    answer += chunk
                    if len(answer) > most_bytes:
                        raise unclear(channel)
            finally:
                await response.aclose()
    except (httpx2.RequestError, TimeoutError) as error:
        raise unreachable(channel) from error
    return response.status_code, response.headers, bytes(answer)


def unreachable(channel: str) -> ChannelUnreachable:
    """Return what it is when no usable answer came in time."""
    return ChannelUnreachable("channel.unreachable", channel=channel)


def unclear(channel: str) -> ChannelUnreachable:
    """Return what an answer is that cannot be understood."""
    return ChannelUnreachable("channel.unclear", channel=channel)
