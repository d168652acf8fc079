"""The command line: ``openberth demo | serve | lot | device | tariff | simulate | top | doctor | backup | restore``.

Every anticipated mistake is one sentence on standard error and a status that is not zero; a defect is one line with
the place of the log. Texts and help come from the catalogue, in the language of the settings or of the terminal.
"""

import gc


def main() -> None:
    """Run the command line of this process and end it with its status."""
    # Hardly anything that a start makes is garbage: walking it again and again, and once more at the end, took a fifth.
    gc.set_threshold(50_000, 20, 100)
    # Imported here: a child of the demo starts from this package and needs none of it.
    from openberth.entrypoints.cli.app import run

    try:
        status = run()
    finally:
        gc.freeze()
    raise SystemExit(status)
