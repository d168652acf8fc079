"""Starts the stand-in: ``python -m openberth.sandbox.wechat --appid wx… --secret-file FILE``. This machine only."""

import argparse
import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from openberth.sandbox.wechat.app import Weixin


class Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready_line: str) -> None:
        super().__init__(config)
        self._ready_line = ready_line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the ready line."""
        await super().startup(sockets)
        sys.stdout.write(self._ready_line + "\n")
        sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until a signal ends it; return the exit status."""
    parser = argparse.ArgumentParser("wechat", description="A WeChat to practise with: codes, tokens, phone numbers.")
    parser.add_argument("--port", type=int, default=8426, help="port to listen on, 0 for any free one (8426)")
    parser.add_argument("--appid", required=True, help="the mini-program")
    parser.add_argument("--secret-file", type=Path, required=True, help="file with its secret")
    options = parser.parse_args(arguments)
    try:
        secret = options.secret_file.read_text(encoding="ascii").strip()
        listening = socket.create_server(("127.0.0.1", options.port))
    except (OSError, ValueError, OverflowError) as error:
        sys.stderr.write(f"wechat: {error}\n")
        return 1
    config = uvicorn.Config(
        Weixin(options.appid, secret).application(), http="h11", ws="none", loop="asyncio", lifespan="off",
        log_config=None, access_log=False, proxy_headers=False, server_header=False, limit_concurrency=128,
    )  # fmt: skip
    asyncio.run(Server(config, f"wechat ready on http://127.0.0.1:{listening.getsockname()[1]}").serve([listening]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
