"""`python -m actions.bank reset [--empty]`: empty the demo bank and seed it again."""

from __future__ import annotations

import argparse

from . import store


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m actions.bank", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    reset = commands.add_parser("reset", help="empty the bank and seed it again")
    reset.add_argument("--empty", action="store_true", help="leave the demo data out")
    options = parser.parse_args(arguments)
    path = store.path_from_environment()
    store.reset(path, demo_data=not options.empty)
    print(f"{path}: {'empty' if options.empty else 'demo data'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
