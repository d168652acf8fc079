"""Connections to services of others, all made alike: bounded, through no proxy, and idle at our side for less long than
at theirs, so that no call goes out on a connection that is just being closed.
"""

import httpx2

CONNECT_S = 3
IDLE_S = 3
MOST = 20


def connections(total_s: float, *, accept: str | None = "application/json") -> httpx2.AsyncClient:
    """Return a client whose calls end after ``total_s``; it repeats nothing."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "openberth"}
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(total_s, connect=CONNECT_S, pool=CONNECT_S),
        limits=httpx2.Limits(max_connections=MOST, max_keepalive_connections=MOST // 2, keepalive_expiry=IDLE_S),
        headers=headers if accept is None else {"Accept": accept, **headers},
        trust_env=False,
    )
