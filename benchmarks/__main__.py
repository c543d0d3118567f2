"""`python -m benchmarks NAME`: run one of the measurements."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TypeAlias

Names: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Options: TypeAlias = argparse.Namespace


def main() -> None:
    """Run the named benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    names = parser.add_subparsers(dest="name", required=True)
    for add in (
        _add_warm,
        _add_channel,
        _add_feedback,
        _add_scale,
        _add_better,
        _add_responses,
    ):
        add(names).add_argument("--json", type=Path, help="where to leave the numbers")
    _add_quick(names)
    _add_nlu(names)
    _add_adaptation(names)
    _add_vocabulary(names)
    _add_dialogue(names)  # leaves each job's numbers below results/
    options = parser.parse_args()
    options.run(options)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def _add_warm(names: Names) -> argparse.ArgumentParser:
    warm = names.add_parser("warm", help="a training from an earlier model against a cold one")
    warm.add_argument("--new-intents", type=int, default=6, help="intents the earlier model lacks")
    warm.add_argument("--epochs", type=_numbers, default="", help="of the warm training: 3,4")

    def run(options: Options) -> None:
        from benchmarks import warm

        warm.run(options.new_intents, options.epochs, options.json)

    warm.set_defaults(run=run)
    return warm


def _add_channel(names: Names) -> argparse.ArgumentParser:
    channel = names.add_parser("channel", help="our web channel beside Rasa's own, under load")
    channel.add_argument("--users", type=_numbers, default="1,10,50", help="how many at once")
    channel.add_argument("--seconds", type=int, default=20, help="length of each run")
    channel.add_argument("--connections", type=int, default=500, help="WebSockets held open")

    def run(options: Options) -> None:
        from benchmarks import channel

        channel.run(options.users, options.seconds, options.connections, options.json)

    channel.set_defaults(run=run)
    return channel


def _add_feedback(names: Names) -> argparse.ArgumentParser:
    reviews = names.add_parser("feedback", help="how many reviews the queue's order saves")
    reviews.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    reviews.add_argument("--start", type=int, default=5, help="examples an intent to begin with")
    reviews.add_argument("--budget", type=int, default=1500, help="reviews")
    reviews.add_argument("--seeds", type=int, default=3)
    reviews.add_argument("--fine-tune", default="", help="train after, such as ours:500,random:500")
    reviews.add_argument("--vectors", type=Path, help="folder that keeps the encoder's output")
    reviews.add_argument("--picture", type=Path, help="where to leave the picture")

    def run(options: Options) -> None:
        from benchmarks import feedback

        points = [point.split(":") for point in options.fine_tune.split(",") if point]
        wanted = feedback.Options(
            start=options.start,
            budget=options.budget,
            seeds=options.seeds,
            fine_tune=[(order, int(reviews)) for order, reviews in points],
            vectors=options.vectors,
            json=options.json,
            picture=options.picture,
        )
        feedback.run(options.data, wanted)

    reviews.set_defaults(run=run)
    return reviews


def _add_scale(names: Names) -> argparse.ArgumentParser:
    scale = names.add_parser("feedback-scale", help="ingest and ranking of many messages")
    scale.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    scale.add_argument("--messages", type=_numbers, default="10000,100000,1000000")

    def run(options: Options) -> None:
        from benchmarks import feedback_scale

        feedback_scale.run(options.messages, options.data, options.json)

    scale.set_defaults(run=run)
    return scale


def _add_better(names: Names) -> argparse.ArgumentParser:
    better = names.add_parser("talk-to-better", help="the whole loop: talk, review, train again")
    better.add_argument("--per-label", type=int, default=4, help="examples to begin with")
    better.add_argument("--messages", type=int, default=1000, help="what people say to the bot")
    better.add_argument("--reviews", type=int, default=400, help="the budget of the reviewer")
    better.add_argument("--steps", type=int, help="of each training; those of config.yml")
    better.add_argument("--seed", type=int, default=7)

    def run(options: Options) -> None:
        from benchmarks import talk_to_better

        plan = talk_to_better.Plan(
            per_label=options.per_label,
            messages=options.messages,
            reviews=options.reviews,
            steps=options.steps,
            seed=options.seed,
        )
        talk_to_better.run(plan, options.json)

    better.set_defaults(run=run)
    return better


def _add_dialogue(names: Names) -> argparse.ArgumentParser:
    dialogue = names.add_parser("dialogue", help="dialogue learned from stories, beside TED")
    dialogue.add_argument("--data", type=Path, required=True, help="the folder of `ted_multiwoz`")
    dialogue.add_argument("--against", choices=["ted"], help="train and test TEDPolicy too")
    dialogue.add_argument("--sets", default="modular,modular-status,demo,e2e")
    dialogue.add_argument("--seeds", type=int, default=3, choices=[1, 2, 3])

    def run(options: Options) -> None:
        from benchmarks import dialogue

        sets = options.sets.split(",")
        picture = "modular" in sets
        dialogue.run(options.data, sets, options.against, seeds=options.seeds, picture=picture)

    dialogue.set_defaults(run=run)
    return dialogue


def _add_quick(names: Names) -> None:
    quick = names.add_parser("quick", help="a guard of a few minutes: floors of few-shot learning")
    quick.add_argument("--json", type=Path, help="where to leave the numbers")

    def run(options: Options) -> None:
        from benchmarks import quick

        if not quick.run(options.json):
            raise SystemExit(1)

    quick.set_defaults(run=run)


def _add_nlu(names: Names) -> None:
    nlu = names.add_parser("nlu", help="intents and entities of public data sets, beside DIET")
    nlu.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    nlu.add_argument("--only", default="", help="such as banking77,snips; all by default")
    nlu.add_argument("--shots", default="5,10,full", help="examples an intent, of 5, 10 and full")
    nlu.add_argument("--seeds", type=int, default=3)
    nlu.add_argument("--against", default="", help="of diet, frozen, diet-speed (1 and 3 epochs)")
    nlu.add_argument("--options", type=json.loads, default={}, help='such as {"epochs": 3}')
    nlu.add_argument("--json", type=Path, help="where to leave the numbers")

    def run(options: Options) -> None:
        from benchmarks import nlu
        from benchmarks.nlu_data import SETS

        nlu.run(
            options.data,
            sets=options.only.split(",") if options.only else list(SETS),
            shots=options.shots.split(","),
            seeds=options.seeds,
            against=[peer for peer in options.against.split(",") if peer],
            options=options.options,
            json_file=options.json,
        )

    nlu.set_defaults(run=run)


def _add_adaptation(names: Names) -> argparse.ArgumentParser:
    adapted = names.add_parser("adaptation", help="few-shot accuracy of an adapted encoder")
    adapted.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    adapted.add_argument("--seeds", type=int, default=3)

    def run(options: Options) -> None:
        from benchmarks import adaptation

        adaptation.run(options.data, options.seeds)

    adapted.set_defaults(run=run)
    return adapted


def _add_vocabulary(names: Names) -> argparse.ArgumentParser:
    words = names.add_parser("vocabulary", help="jargon, typos, and each component switched off")
    words.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    words.add_argument("--sets", default="demo,banking77,hwu64")
    words.add_argument("--rows", default="", help="of the demo; all of them")
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--shots", default="full", choices=["5", "10", "full"])
    words.add_argument("--speed", action="store_true", help="only matching 100,000 terms")

    def run(options: Options) -> None:
        if options.speed:
            from benchmarks import vocabulary_speed

            vocabulary_speed.run()
            return
        from benchmarks import vocabulary

        vocabulary.run(
            options.data,
            sets=options.sets.split(","),
            rows=options.rows.split(",") if options.rows else list(vocabulary.ROWS),
            seeds=options.seeds,
            shots=options.shots,
        )

    words.set_defaults(run=run)
    return words


def _add_responses(names: Names) -> argparse.ArgumentParser:
    responses = names.add_parser("responses", help="the right answer, with many questions and few")
    responses.add_argument("--trainings", default="full,shots-1,shots-2,shots-3,without-0")
    responses.add_argument("--epochs", type=int, default=300, help="of ResponseSelector; 0: none")

    def run(options: Options) -> None:
        from benchmarks import responses

        responses.run(options.trainings.split(","), options.epochs, options.json)

    responses.set_defaults(run=run)
    return responses


if __name__ == "__main__":
    main()
