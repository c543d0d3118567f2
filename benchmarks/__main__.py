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
    warm.add_argument("--epochs", default="", help="of the warm training, such as 3,4")
    channel = names.add_parser("channel", help="our web channel beside Rasa's own, under load")
    channel.add_argument("--json", type=Path, help="where to leave the numbers")
    channel.add_argument("--users", default="1,10,50", help="how many at once, one after another")
    channel.add_argument("--seconds", type=int, default=20, help="length of each run")
    channel.add_argument("--connections", type=int, default=500, help="WebSockets held open")
    options = parser.parse_args()
    if options.name == "channel":
        from benchmarks import channel as of_channel

        users = [int(count) for count in options.users.split(",")]
        of_channel.run(users, options.seconds, options.connections, options.json)
        return
    from benchmarks import warm as of_warm

    epochs = [int(count) for count in options.epochs.split(",") if count]
    of_warm.run(options.new_intents, epochs, options.json)


if __name__ == "__main__":
    main()
