"""Starts the stand-in: ``python -m openberth.sandbox.sms --access-key ID --secret-file FILE …``. This machine only."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from openberth.sandbox.server import CannotStart, address_of, listen, run
from openberth.sandbox.sms.app import Sms


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until a signal ends it; return the exit status."""
    parser = argparse.ArgumentParser("sms", description="Short messages to practise with; no real phone receives them.")
    parser.add_argument("--port", type=int, default=8429, help="port to listen on, 0 for any free one (8429)")
    parser.add_argument("--access-key", required=True, help="the id of the access key")
    parser.add_argument("--secret-file", type=Path, required=True, help="file with its secret")
    parser.add_argument("--sign", default="泊位", help="the signature before each message (泊位)")
    parser.add_argument("--template", default="SMS_000000001", help="the template of codes (SMS_000000001)")
    options = parser.parse_args(arguments)
    try:
        secret = options.secret_file.read_text(encoding="ascii").strip()
        listening = listen("127.0.0.1", options.port)
    except (OSError, ValueError, CannotStart) as error:
        sys.stderr.write(f"sms: {error}\n")
        return 1
    stand_in = Sms(access_key=options.access_key, secret=secret, sign=options.sign, template=options.template)
    ready = f"sms ready on {address_of('127.0.0.1', listening)}"
    run(stand_in.application(), listening, ready, lifespan="off", at_once=128)
    return 0


if __name__ == "__main__":
    sys.exit(main())
