"""Public data sets are read as they were published: texts, labels, places of entities."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.nlu_data import as_rasa, from_bio, from_marked, load
from bot.types import Example, Span


def parts(example: Example) -> list[tuple[str, str]]:
    return [(example.text[span.start : span.end], span.entity) for span in example.spans]


def test_tags_become_spans_with_exact_places() -> None:
    example = from_bio(
        ["add", "step", "to", "me", "to", "the", "classics", "playlist"],
        ["O", "B-item", "I-item", "I-item", "O", "O", "B-list", "O"],
        "add",
    )
    assert example.text == "add step to me to the classics playlist"
    assert parts(example) == [("step to me", "item"), ("classics", "list")]


def test_spans_that_touch_stay_two_and_a_stray_inside_tag_begins_one() -> None:
    touching = from_bio(["ann", "bob"], ["B-name", "B-name"], "greet")
    assert parts(touching) == [("ann", "name"), ("bob", "name")]
    stray = from_bio(["new", "york", "now"], ["I-city", "I-city", "I-time"], "go")
    assert parts(stray) == [("new york", "city"), ("now", "time")]


def test_marked_text_loses_its_marks() -> None:
    example = from_marked("wake me at [four am](time) on [sunday](date) please", "alarm")
    assert example.text == "wake me at four am on sunday please"
    assert parts(example) == [("four am", "time"), ("sunday", "date")]


@pytest.mark.filterwarnings("ignore:NLU data in Rasa JSON format:FutureWarning")
def test_rasa_reads_what_was_written(tmp_path: Path) -> None:
    from rasa.shared.nlu.training_data.loading import load_data

    told = [
        Example("a [bracket](odd) and 'quotes'", "one"),
        Example("from lima", "two", (Span(5, 9, "city"),)),
    ]
    (tmp_path / "nlu.json").write_text(json.dumps(as_rasa(told)), "utf-8")
    found = load_data(str(tmp_path / "nlu.json")).nlu_examples
    assert [message.get("text") for message in found] == [example.text for example in told]
    assert [message.get("intent") for message in found] == ["one", "two"]
    assert [entity["entity"] for entity in found[1].get("entities")] == ["city"]
    assert not found[0].get("entities")


def test_out_of_scope_messages_are_learned_only_where_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "clinc150"
    folder.mkdir()
    content = {
        "train": [["hi", "greet"]],
        "oos_train": [["what is life", "oos"]],
        "test": [["hello", "greet"]],
        "oos_test": [["who won", "oos"]],
    }
    (folder / "data_full.json").write_text(json.dumps(content), "utf-8")
    without = load("clinc150", "full", tmp_path)
    assert [example.text for example in without.train] == ["hi"]
    assert [example.text for example in without.outside] == ["who won"]
    learned = load("clinc150-oos", "full", tmp_path)
    assert [example.intent for example in learned.train] == ["greet", "oos"]
    assert [example.text for example in learned.test] == ["hello"]


def test_an_unknown_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        load("banking", "full", tmp_path)
