"""Bodies of requests from devices, read within a bound."""

from starlette.requests import Request

from openberth.kernel.errors import Malformed


class TooBig(Malformed):
    """A body longer than any device's."""

    status = 413


async def bounded_body(request: Request, most: int) -> bytes:
    """Return a body of at most so many bytes. Raises ``TooBig("device.too_large")``, where the length is declared
    before any of it is read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > most:
        raise TooBig("device.too_large")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise TooBig("device.too_large")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
