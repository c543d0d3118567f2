"""Dialogues told in both sides' words: rank the texts that the set's domain lists.

Most bot turns of the test dialogues occur in no training dialogue, so that no policy of Rasa's can
predict them: it knows the texts of its stories. The model alone can, since it reads texts: an
action that it never saw is scored by its words.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.dialogue_data import Story, spoken_candidates, spoken_stories
from bot.ml.dialogue.batching import collate, prepare
from bot.ml.dialogue.earlier import take_over
from bot.ml.dialogue.model import DialogueTransformer, Shape
from bot.ml.dialogue.names import NameEncoder, NameVectors
from bot.ml.dialogue.options import StoryOptions
from bot.ml.dialogue.states import (
    ACTION,
    LISTEN,
    Conversation,
    FloatArray,
    State,
    Vocabulary,
    token_name,
)
from bot.ml.dialogue.trained import StartingPoint, TrainedDialogue
from bot.ml.dialogue.training import train_dialogue
from bot.ml.metrics import accuracy, weighted_f1


def main() -> None:
    """Run the job described in JSON and leave its numbers."""
    job, out = json.loads(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(job["threads"])
    source = Path(job["data"]) / "ted_multiwoz" / job["set"]
    options = StoryOptions(max_history=job["history"], random_seed=job["seed"], **job["options"])
    told = [_conversation(story) for story in spoken_stories(source, "train")]
    tests = [_conversation(story) for story in spoken_stories(source, "test")]
    wall, cpu = time.monotonic(), time.process_time()
    vectors = _vectors([*told, *tests], options.model)
    vocabulary = Vocabulary.of(told, [LISTEN], {})
    trained = train_dialogue(told, vocabulary, options, vectors=vectors)
    seconds = time.monotonic() - wall, time.process_time() - cpu
    candidates = sorted({*spoken_candidates(source), *vocabulary.actions})
    scores = _test(trained, tests, candidates, vectors)
    result = {
        **job,
        "stories": len(told),
        "train_s": round(seconds[0], 1),
        "train_cpu_s": round(seconds[1], 1),
        "candidates": len(candidates),
        **scores,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def _conversation(story: Story) -> Conversation:
    """Write down states and actions; the bot listens before each turn of the user's."""
    states, actions = [], []
    text: str | None = None
    previous: str | None = None

    def step(action: str) -> None:
        nonlocal previous
        tokens = ((token_name(ACTION, previous), 1.0),) if previous else ()
        states.append(State(tokens, text))
        actions.append(action)
        previous = action

    step(LISTEN)
    for kind, content in story.steps:
        if kind == "action":
            step(content)
            continue
        if actions[-1] != LISTEN:
            step(LISTEN)
        text = content
    step(LISTEN)
    return Conversation((story.name,), tuple(states), tuple(actions))


def _vectors(conversations: Sequence[Conversation], model: str) -> dict[str, FloatArray]:
    texts = sorted({s.text for c in conversations for s in c.states if s.text is not None})
    rows = NameEncoder(model).encode([(text,) for text in texts])
    return dict(zip(texts, rows, strict=True))


def _test(
    trained: TrainedDialogue,
    tests: Sequence[Conversation],
    candidates: Sequence[str],
    vectors: dict[str, FloatArray],
) -> dict[str, Any]:
    """Score every candidate at every turn of the test dialogues."""
    said = {action for test in tests for action in test.actions}
    tokens = {*trained.vocabulary.tokens, *(token_name(ACTION, name) for name in said)}
    wider = Vocabulary(tuple(sorted(tokens)), tuple(candidates), trained.vocabulary.intents)
    model = _widened(trained, wider, len(next(iter(vectors.values()))))
    known = set(candidates)
    truth: list[str] = []
    found: list[str] = []
    whole = 0
    reachable = [test for test in tests if set(test.actions) <= known]
    for item in prepare(reachable, wider, vectors, model.shape.text_width, model.shape.max_history):
        batch = collate([item])
        with torch.no_grad():
            logits = model(batch.tokens, batch.texts)[0][0].numpy()
        best = logits.argmax(axis=-1)
        truth += [candidates[index] for index in item.actions]
        found += [candidates[index] for index in best]
        whole += bool(np.array_equal(best, item.actions))
    spoken = [i for i, name in enumerate(truth) if name != LISTEN]
    return {
        "dialogues": len(reachable),
        "left_out": len(tests) - len(reachable),
        "predictions": len(truth),
        "accuracy": accuracy(truth, found),
        "f1": weighted_f1([truth[i] for i in spoken], [found[i] for i in spoken]),
        "whole": whole / max(1, len(reachable)),
    }


def _widened(trained: TrainedDialogue, wider: Vocabulary, text_width: int) -> DialogueTransformer:
    """Give the trained model rows for texts that it never met, made of their words alone."""
    names = NameVectors.of(wider, trained.options.model)
    shape = Shape(
        len(wider.tokens),
        len(wider.actions),
        len(wider.intents),
        text_width,
        trained.options.max_history,
    )
    tables = (names.tokens, names.actions, names.intents)
    model = DialogueTransformer(shape, *(torch.from_numpy(table) for table in tables))
    weights = {name: tensor.numpy() for name, tensor in trained.model.state_dict().items()}
    take_over(model, wider, StartingPoint(weights, trained.vocabulary))
    return model.eval()


if __name__ == "__main__":
    main()
