"""What can be typed after `bot`: every command with its options; `bot.cli` carries them out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from bot import __version__


def build_parser() -> argparse.ArgumentParser:
    """Describe every command; the documentation is checked against it."""
    parser = argparse.ArgumentParser(
        prog="bot", description="Train, check and talk to a Rasa assistant that is fine-tuned."
    )
    parser.add_argument("--version", action="version", version=f"bot {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_training(commands)
    _add_assistant(commands)
    _add_checks(commands)
    _add_models(commands)
    _add_vocabulary(commands)
    _add_feedback(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_training(commands: Commands) -> None:
    """Let it learn."""
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

    tune = commands.add_parser("tune", help="search for learning options")
    tune.add_argument(
        "--minutes",
        type=float,
        default=60,
        metavar="MINUTES",
        help="the time for this call; 0 shows what earlier ones have found",
    )
    tune.add_argument(
        "--trials",
        type=int,
        metavar="N",
        help="stop at so many in all, those of earlier calls included",
    )
    tune.add_argument(
        "--seed",
        type=int,
        default=42,
        metavar="N",
        help="decides what is kept apart, each training, and what is tried",
    )
    tune.add_argument(
        "--apply",
        action="store_true",
        help="write the best options into config.yml, where better beyond chance",
    )

    adapt = commands.add_parser("adapt", help="let the encoder read messages without labels")
    adapt.add_argument(
        "--corpus",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="text with one message a line, CSV or JSON lines with a column `text`, NLU files",
    )
    adapt.add_argument("--output", type=Path, default=Path("encoders/adapted"), metavar="FOLDER")
    adapt.add_argument("--model", help="the encoder to begin with; the bundled one by default")
    adapt.add_argument("--epochs", type=int, metavar="N", help="passes over the messages at most")
    adapt.add_argument("--seed", type=int, metavar="N", help="of all that is left to chance")
    adapt.add_argument("--resume", action="store_true", help="go on with an interrupted run")


def _add_assistant(commands: Commands) -> None:
    """Talk to it, serve it, replace it."""
    chat = commands.add_parser("chat", help="start the action server and talk in the terminal")
    chat.add_argument("--model", type=Path, help="a model archive; the live one by default")
    chat.add_argument("--debug", action="store_true", help="show Rasa's own log")

    serve = commands.add_parser("serve", help="answer on the channels of credentials.yml")
    serve.add_argument("--model", type=Path, help="a model archive; the live one by default")
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
    report.add_argument("--model", type=Path, help="a model archive; the live one by default")
    report.add_argument("--out", type=Path, default=Path("results"), metavar="FOLDER")
    report.add_argument(
        "--against", choices=["diet"], help="train and measure Rasa's default pipeline beside it"
    )
    report.add_argument(
        "--check", action="store_true", help="exit with 1 where a score is below its floor"
    )

    evaluate = commands.add_parser("evaluate", help="measure a model, and the data it learns from")
    evaluate.add_argument(
        "model", nargs="?", type=Path, metavar="MODEL", help="an archive; the live one by default"
    )
    evaluate.add_argument(
        "--against", type=Path, metavar="MODEL", help="compare with this one on the same messages"
    )
    evaluate.add_argument(
        "--data",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="files and folders with messages or stories; those of tests/ by default",
    )
    evaluate.add_argument("--out", type=Path, default=Path("results/evaluation"), metavar="FOLDER")
    evaluate.add_argument(
        "--data-only", action="store_true", help="look at the training data; needs no model"
    )
    evaluate.add_argument(
        "--cross-validate",
        type=int,
        metavar="FOLDS",
        help="train a model without each fold of the training data, and let it read that fold",
    )
    evaluate.add_argument(
        "--learning-curve",
        action="store_true",
        help="with --cross-validate: say whether more examples would help, and for which intents",
    )
    evaluate.add_argument(
        "--seed",
        type=int,
        default=42,
        metavar="N",
        help="decides the folds of --cross-validate",
    )
    evaluate.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the summary there as well"
    )


def _add_models(commands: Commands) -> None:
    """Which model is live."""
    improve = commands.add_parser(
        "improve", help="export, train, evaluate, judge, and promote what is better"
    )
    improve.add_argument(
        "--candidate", type=Path, metavar="MODEL", help="a trained archive: only judge and promote"
    )
    improve.add_argument("--cold", action="store_true", help="train from the pretrained encoder")
    improve.add_argument("--no-export", action="store_true", help="train on the data as they are")
    improve.add_argument("--keep", action="store_true", help="judge, but keep the live model")

    commands.add_parser("models", help="list the models: live, earlier ones, candidates")

    promote = commands.add_parser("promote", help="make a candidate the live model")
    promote.add_argument("model", type=Path, metavar="MODEL", help="an archive, or its name")
    promote.add_argument("--force", action="store_true", help="also without a passing verdict")
    promote.add_argument("--why", default="", metavar="TEXT", help="the reason, with --force")

    rollback = commands.add_parser("rollback", help="make an earlier live model live again")
    rollback.add_argument("--to", type=Path, metavar="MODEL", help="another than the last one")


def _add_vocabulary(commands: Commands) -> None:
    """The words of the trade: look at them, add to them."""
    vocabulary = commands.add_parser("vocabulary", help="check, list and add to the vocabulary")
    parts = vocabulary.add_subparsers(dest="part", required=True, metavar="PART")
    parts.add_parser("check", help="find what is wrong, and what may be")

    listed = parts.add_parser("list", help="show the terms")
    listed.add_argument("--entity", help="only terms of this entity")
    listed.add_argument("--search", metavar="TEXT", help="only terms with this text in them")
    listed.add_argument("--json", action="store_true", help="print the terms as JSON")

    add = parts.add_parser("add", help="append a term to a YAML file")
    add.add_argument("term", metavar="TERM", help="its canonical form")
    add.add_argument(
        "--alias", action="append", default=[], metavar="TEXT", help="another form; repeatable"
    )
    add.add_argument("--entity", help="the type of the domain that it is")
    add.add_argument("--value", help="the entity's value; the term by default")
    add.add_argument("--definition", default="", metavar="TEXT", help="what it means")
    add.add_argument("--file", type=Path, help="the file; data/vocabulary/terms.yml by default")

    taken = parts.add_parser("import", help="take terms from NLU files, CSV files and lists")
    taken.add_argument("files", nargs="+", type=Path, metavar="FILE")
    taken.add_argument("--entity", help="the entity of every term taken")
    taken.add_argument(
        "--to", type=Path, metavar="FILE", help="data/vocabulary/imported.yml by default"
    )

    suggest = parts.add_parser("suggest", help="list words of the log that it should have")
    suggest.add_argument(
        "--least", type=int, default=3, metavar="N", help="conversations that a word stands in"
    )
    suggest.add_argument("--top", type=int, default=50, metavar="N", help="words at most")
    suggest.add_argument("--json", action="store_true", help="print the words as JSON")
    suggest.add_argument(
        "--queue", action="store_true", help="let reviewers decide about them on the review page"
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
    rank.add_argument("--model", type=Path, help="a model archive; the live one by default")
    rank.add_argument(
        "--against", type=Path, metavar="MODEL", help="ask first where a second model disagrees"
    )
    rank.add_argument(
        "--logs-only", action="store_true", help="by what the conversations say, without a model"
    )

    shadow = commands.add_parser(
        "shadow", help="let a candidate read the log beside the live model"
    )
    shadow.add_argument("candidate", type=Path, metavar="CANDIDATE", help="an archive, or its name")
    shadow.add_argument(
        "--since", metavar="WHEN", help="only messages since then: days back, or a date"
    )
    shadow.add_argument("--limit", type=int, metavar="N", help="messages at most, the newest")

    review = commands.add_parser("review", help="open the review page, or review in the terminal")
    review.add_argument("--cli", action="store_true", help="in the terminal")
    review.add_argument("--reviewer", metavar="NAME", help="who reviews, in the terminal")
    review.add_argument("--model", type=Path, help="a model archive; the live one by default")
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
