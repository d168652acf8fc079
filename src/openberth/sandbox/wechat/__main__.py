"""Starts the stand-in: ``python -m openberth.sandbox.wechat --appid wx… --secret-file FILE``. This machine only."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from openberth.sandbox.server import CannotStart, address_of, listen, run
from openberth.sandbox.wechat.app import Weixin


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until a signal ends it; return the exit status."""
    parser = argparse.ArgumentParser("wechat", description="A WeChat to practise with: codes, tokens, phone numbers.")
    parser.add_argument("--port", type=int, default=8426, help="port to listen on, 0 for any free one (8426)")
    parser.add_argument("--appid", required=True, help="the mini-program")
    parser.add_argument("--secret-file", type=Path, required=True, help="file with its secret")
    options = parser.parse_args(arguments)
    try:
        secret = options.secret_file.read_text(encoding="ascii").strip()
        listening = listen("127.0.0.1", options.port)
    except (OSError, ValueError, CannotStart) as error:
        sys.stderr.write(f"wechat: {error}\n")
        return 1
    ready = f"wechat ready on {address_of('127.0.0.1', listening)}"
    run(Weixin(options.appid, secret).application(), listening, ready, lifespan="off", at_once=128)
    return 0


if __name__ == "__main__":
    sys.exit(main())
