"""The command line `bot`: one call per command, errors as sentences, exit codes for scripts.

Exit codes: 0 all is well; 1 a check or test failed; 2 something a person must mend first; 130
interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from bot import __version__
from bot.errors import BotError

FAILED = 1
USER_ERROR = 2
INTERRUPTED = 130
LOOP = ("ingest", "rank", "review", "export", "forget")  # in steps; they go on where they were


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except BotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        kept = "what was done is kept" if options.command in LOOP else "nothing was changed"
        print(f"Interrupted; {kept}.", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Describe every command; the documentation is checked against it."""
    parser = argparse.ArgumentParser(
        prog="bot", description="Train, check and talk to a Rasa assistant that is fine-tuned."
    )
    parser.add_argument("--version", action="version", version=f"bot {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_assistant(commands)
    _add_checks(commands)
    _add_feedback(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_assistant(commands: Commands) -> None:
    """Train it, talk to it, serve it, replace it."""
    train = commands.add_parser("train", help="check the project, then train it with Rasa")
    train.add_argument(
        "--warm",
        type=Path,
        metavar="MODEL",
        help="start from an earlier model archive, also when labels were added or removed",
    )
    train.add_argument("--out", type=Path, default=Path("models"), metavar="FOLDER")
    train.add_argument("--if-needed", action="store_true", help="only where there is no model yet")
    train.add_argument("--force", action="store_true", help="train even what is in the cache")

    chat = commands.add_parser("chat", help="start the action server and talk in the terminal")
    chat.add_argument("--model", type=Path, help="a model archive; the newest by default")
    chat.add_argument("--debug", action="store_true", help="show Rasa's own log")

    serve = commands.add_parser("serve", help="answer on the channels of credentials.yml")
    serve.add_argument("--model", type=Path, help="a model archive; the newest by default")
    serve.add_argument("--interface", default="127.0.0.1", help="the address to listen on")
    serve.add_argument("--port", type=int, default=5005)
    serve.add_argument("--debug", action="store_true", help="show Rasa's own log")

    init = commands.add_parser("init", help="make this project your own")
    init.add_argument(
        "--empty",
        action="store_true",
        required=True,
        help="replace the demo bank by an assistant that only says hello",
    )
    init.add_argument("--yes", action="store_true", help="do not ask")


def _add_checks(commands: Commands) -> None:
    """Look at the project and measure a model."""
    doctor = commands.add_parser("doctor", help="look for what usually goes wrong silently")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")

    report = commands.add_parser("report", help="measure a model on tests/nlu and tests/stories")
    report.add_argument("--model", type=Path, help="a model archive; the newest by default")
    report.add_argument("--out", type=Path, default=Path("results"), metavar="FOLDER")
    report.add_argument(
        "--against", choices=["diet"], help="train and measure Rasa's default pipeline beside it"
    )
    report.add_argument(
        "--check", action="store_true", help="exit with 1 where a score is below its floor"
    )


def _add_feedback(commands: Commands) -> None:
    """Learn from conversations, and forget people."""
    ingest = commands.add_parser("ingest", help="read new conversations into the feedback store")
    ingest.add_argument(
        "source",
        nargs="?",
        help="a tracker store's file or URL, or a file of JSON lines; that of endpoints.yml",
    )
    ingest.add_argument("--names", type=Path, metavar="FILE", help="names to mask, one a line")

    rank = commands.add_parser("rank", help="decide which messages are worth a reviewer's time")
    rank.add_argument("--model", type=Path, help="a model archive; the newest by default")
    rank.add_argument(
        "--against", type=Path, metavar="MODEL", help="ask first where a second model disagrees"
    )
    rank.add_argument(
        "--logs-only", action="store_true", help="by what the conversations say, without a model"
    )

    review = commands.add_parser("review", help="open the review page, or review in the terminal")
    review.add_argument("--cli", action="store_true", help="in the terminal")
    review.add_argument("--reviewer", metavar="NAME", help="who reviews, in the terminal")
    review.add_argument("--model", type=Path, help="a model archive; the newest by default")
    review.add_argument("--interface", default="127.0.0.1", help="the address to listen on")
    review.add_argument("--port", type=int, help="that of bot.toml by default")

    export = commands.add_parser("export", help="write what was accepted as training data")
    export.add_argument(
        "--add-intents", action="store_true", help="add new intents to the domain as well"
    )
    export.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if something would change"
    )

    forget = commands.add_parser("forget", help="remove one person, or what is older than an age")
    whom = forget.add_mutually_exclusive_group(required=True)
    whom.add_argument("--sender", metavar="ID", help="the sender id of the person")
    whom.add_argument("--older-than", metavar="AGE", help="an age such as 180d")
    forget.add_argument("--tracker", help="the tracker store's file or URL; that of endpoints.yml")


def _run(options: argparse.Namespace) -> int:
    """Import what the command needs, and nothing else, then call it."""
    if options.command == "train":
        from bot.lifecycle.training import train

        train(options.out, warm=options.warm, if_needed=options.if_needed, force=options.force)
        return 0
    if options.command == "chat":
        from bot.lifecycle.chat import chat

        return chat(options.model, debug=options.debug)
    if options.command == "serve":
        from bot.lifecycle.serve import serve

        return serve(
            options.model, interface=options.interface, port=options.port, debug=options.debug
        )
    if options.command == "doctor":
        from bot.lifecycle.doctor import examine

        return 0 if examine(as_json=options.json) else FAILED
    if options.command in LOOP:
        return _loop(options)
    if options.command == "report":
        from bot.evaluation.report import report
        from bot.lifecycle.preflight import find_model

        archive = find_model(options.model)
        passed = report(archive, options.out, against=options.against, check=options.check)
        return 0 if passed else FAILED
    from bot.lifecycle.empty import empty_project

    return 0 if empty_project(ask=not options.yes) else FAILED


def _loop(options: argparse.Namespace) -> int:
    """Run a command of the feedback loop."""
    from bot.feedback import commands
    from bot.feedback.store import DEFAULT_URL
    from bot.settings import feedback_key, feedback_url, project_settings

    key, url = feedback_key(), feedback_url() or DEFAULT_URL
    if options.command == "ingest":
        commands.ingest(options.source, key=key, url=url, names_file=options.names)
        return 0
    if options.command == "rank":
        from bot.lifecycle.rank import rank

        rank(options.model, key=key, url=url, against=options.against, logs_only=options.logs_only)
        return 0
    if options.command == "review":
        return _review(options, key, url)
    if options.command == "export":
        from bot.feedback.export_command import export

        share = project_settings().feedback.held_out_share
        same = export(
            key=key,
            url=url,
            held_out_share=share,
            add_intents=options.add_intents,
            check=options.check,
        )
        return 0 if same or not options.check else FAILED
    done = commands.forget(
        sender=options.sender,
        older_than=options.older_than,
        key=key,
        url=url,
        tracker=options.tracker,
    )
    return 0 if done else FAILED


def _review(options: argparse.Namespace, key: bytes, url: str) -> int:
    """Put the store and a model together for the review page, or for the terminal."""
    from bot.lifecycle.scorer import load_scorer
    from bot.review.command import review
    from bot.settings import project_settings

    settings = project_settings().review
    return review(
        key=key,
        url=url,
        settings=settings,
        scorer=load_scorer(options.model),
        in_terminal=options.cli,
        reviewer=options.reviewer,
        interface=options.interface,
        port=options.port or settings.port,
    )


if __name__ == "__main__":
    sys.exit(main())
