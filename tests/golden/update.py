"""Add golden files for new events: ``python -m tests.golden.update``.

Files that are there stay as they are. ``--replace`` also rewrites changed ones and removes those of kinds that are
gone: only before the first release, when no log of anybody holds them.
"""

import argparse

from tests.golden.shapes import events_in, file_of, models, shape_of, stored, text_of


def main() -> None:
    parser = argparse.ArgumentParser(description="Add golden files for new events.")
    parser.add_argument("--replace", action="store_true", help="rewrite changed files, remove obsolete ones")
    replace = parser.parse_args().replace
    events, golden = events_in(models()), stored()
    for key, event in sorted(events.items()):
        shape = shape_of(event)
        if key not in golden or (replace and golden[key] != shape):
            file_of(key).parent.mkdir(exist_ok=True)
            file_of(key).write_text(text_of(shape), "utf-8")
            print(f"{'changed' if key in golden else 'added'} {file_of(key).name}")
    for key in sorted(golden.keys() - events.keys()) if replace else ():
        file_of(key).unlink()
        print(f"removed {file_of(key).name}")


if __name__ == "__main__":
    main()
