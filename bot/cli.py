"""The command line `bot`: one call per command, errors as sentences, exit codes for scripts.

Exit codes: 0 all is well; 1 a check or test failed; 2 something a person must mend first; 130
interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from bot.command_line import build_parser
from bot.errors import BotError

FAILED = 1
USER_ERROR = 2
INTERRUPTED = 130
LOOP = ("ingest", "rank", "shadow", "review", "export", "forget")  # in steps; they go on
KEEPS = (*LOOP, "adapt", "improve", "tune")  # what they did until Ctrl-C
MODELS = ("improve", "models", "promote", "rollback")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        return RUN[options.command](options)
    except BotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        keeps = options.command in KEEPS or getattr(options, "cross_validate", None) is not None
        kept = "what was done is kept" if keeps else "nothing was changed"
        print(f"Interrupted; {kept}.", file=sys.stderr)
        return INTERRUPTED


def _train(options: argparse.Namespace) -> int:
    from bot.lifecycle.training import train

    train(options.out, warm=options.warm, if_needed=options.if_needed, force=options.force)
    return 0


def _tune(options: argparse.Namespace) -> int:
    from bot.lifecycle.tune import tune

    tune(minutes=options.minutes, trials=options.trials, seed=options.seed, apply=options.apply)
    return 0


def _adapt(options: argparse.Namespace) -> int:
    from bot.lifecycle.adapt import adapt

    adapt(
        options.corpus,
        options.output,
        model=options.model,
        epochs=options.epochs,
        seed=options.seed,
        resume=options.resume,
    )
    return 0


def _chat(options: argparse.Namespace) -> int:
    from bot.lifecycle.chat import chat

    return chat(options.model, debug=options.debug)


def _serve(options: argparse.Namespace) -> int:
    from bot.lifecycle.serve import serve

    return serve(options.model, interface=options.interface, port=options.port, debug=options.debug)


def _doctor(options: argparse.Namespace) -> int:
    from bot.lifecycle.doctor import examine

    return 0 if examine(as_json=options.json) else FAILED


def _report(options: argparse.Namespace) -> int:
    from bot.evaluation.report import report
    from bot.lifecycle.preflight import find_model

    archive = find_model(options.model)
    passed = report(archive, options.out, against=options.against, check=options.check)
    return 0 if passed else FAILED


def _evaluate(options: argparse.Namespace) -> int:
    if options.cross_validate is not None or options.learning_curve:
        return _cross_validate(options)
    from bot.lifecycle.evaluate import evaluate

    evaluate(
        options.model,
        against=options.against,
        data=options.data,
        out=options.out,
        data_only=options.data_only,
        markdown=options.markdown,
    )
    return 0


def _cross_validate(options: argparse.Namespace) -> int:
    from bot.lifecycle.cross_validate import cross_validate

    given = {
        "MODEL": options.model,
        "--against": options.against,
        "--data": options.data,
        "--data-only": options.data_only,
    }
    cross_validate(
        options.cross_validate,
        curve=options.learning_curve,
        seed=options.seed,
        out=options.out,
        markdown=options.markdown,
        others=[name for name, value in given.items() if value],
    )
    return 0


def _init(options: argparse.Namespace) -> int:
    from bot.lifecycle.empty import empty_project

    return 0 if empty_project(ask=not options.yes) else FAILED


def _models(options: argparse.Namespace) -> int:
    """List the models, or change which one is live."""
    from bot.lifecycle import models
    from bot.settings import signing_key

    key = signing_key()
    if options.command == "improve":
        return _improve(options, key)
    if options.command == "models":
        return 0 if models.show_models(key) else FAILED
    if options.command == "promote":
        command = f"bot promote {options.model}" + " --force" * options.force
        models.promote_model(
            options.model, key, force=options.force, why=options.why, command=command
        )
    else:
        command = "bot rollback" + (f" --to {options.to}" if options.to else "")
        models.roll_back(options.to, key, command=command)
    return 0


def _improve(options: argparse.Namespace, key: bytes | None) -> int:
    """Go all the way from accepted annotations to a live model."""
    from bot.feedback.store import DEFAULT_URL
    from bot.lifecycle.improve import improve
    from bot.lifecycle.registry import Registry
    from bot.settings import feedback_key, feedback_url, project_settings

    exports = not options.no_export and options.candidate is None
    verdict = improve(
        Registry(key=key),
        project_settings(),
        feedback=(feedback_key(), feedback_url() or DEFAULT_URL) if exports else None,
        candidate=options.candidate,
        cold=options.cold,
        keep=options.keep,
    )
    return 0 if verdict.passed else FAILED


def _vocabulary(options: argparse.Namespace) -> int:
    """Run a part of `bot vocabulary`."""
    from bot.lifecycle import vocabulary

    if options.part == "check":
        return 0 if vocabulary.check() else FAILED
    if options.part == "list":
        vocabulary.list_terms(entity=options.entity, search=options.search, as_json=options.json)
    elif options.part == "add":
        vocabulary.add(
            options.term,
            aliases=options.alias,
            entity=options.entity,
            value=options.value,
            definition=options.definition,
            file=options.file,
        )
    elif options.part == "suggest":
        _suggest(options)
    else:
        vocabulary.import_terms(options.files, entity=options.entity, to=options.to)
    return 0


def _suggest(options: argparse.Namespace) -> None:
    """Let the log suggest terms."""
    from bot.feedback.store import DEFAULT_URL
    from bot.lifecycle.suggest import suggest
    from bot.settings import feedback_key, feedback_url

    suggest(
        key=feedback_key(),
        url=feedback_url() or DEFAULT_URL,
        least=options.least,
        top=options.top,
        as_json=options.json,
        queue=options.queue,
    )


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
    if options.command == "shadow":
        from bot.lifecycle.shadow import shadow_candidate

        shadow_candidate(
            options.candidate, key=key, url=url, since=options.since, limit=options.limit
        )
        return 0
    if options.command == "review":
        return _review(options, key, url)
    if options.command == "export":
        from bot.feedback.export_command import export
        from bot.lifecycle.accepted_terms import write_accepted

        share = project_settings().feedback.held_out_share
        same = export(
            key=key,
            url=url,
            held_out_share=share,
            add_intents=options.add_intents,
            check=options.check,
        )
        same = write_accepted(key=key, url=url, check=options.check) and same
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
    print("Loading the model that makes suggestions ...", file=sys.stderr, flush=True)
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


# Each imports what its command needs, and nothing else.
RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "tune": _tune,
    "adapt": _adapt,
    "chat": _chat,
    "serve": _serve,
    "init": _init,
    "doctor": _doctor,
    "report": _report,
    "evaluate": _evaluate,
    "vocabulary": _vocabulary,
    **dict.fromkeys(LOOP, _loop),
    **dict.fromkeys(MODELS, _models),
}


if __name__ == "__main__":
    sys.exit(main())
