"""`python -m benchmarks NAME`: run one of the measurements."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Run the named benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    names = parser.add_subparsers(dest="name", required=True)
    warm = names.add_parser("warm", help="a training from an earlier model against a cold one")
    warm.add_argument("--json", type=Path, help="where to leave the numbers")
    warm.add_argument("--new-intents", type=int, default=6, help="intents the earlier model lacks")
    options = parser.parse_args()
    from benchmarks.warm import run

    run(options.new_intents, options.json)


if __name__ == "__main__":
    main()
