"""What reviewers accepted becomes files that Rasa reads, the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import exporting as x
import pytest
from chatlog import KEY
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.errors import BotError
from bot.feedback import provenance
from bot.feedback.accepted import fit
from bot.feedback.annotations import Decisions
from bot.feedback.export import TRAINING, files_of, marked, read_marked
from bot.feedback.export_command import export
from bot.feedback.export_files import sole_writer
from bot.feedback.forget import forget_older, forget_sender
from bot.feedback.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return x.write_project(tmp_path / "project")


def test_accepted_messages_become_examples_with_their_origin(
    root: Path, any_store: Store, read_in: Any, tmp_path: Path, capsys: Any
) -> None:
    (ann,), (bob,) = x.senders(False, 1, any_store), x.senders(True, 1, any_store)
    said = [
        (ann, "send 20 quid from Oslo over"),
        (ann, "my phone is 07700 900123 so call"),
        (bob, "are you there on sundays too"),
        (bob, "do you know any jokes"),
        (ann, "nobody decided about this"),
    ]
    x.talk(any_store, read_in, tmp_path / "log.jsonl", said)
    marks = (("20 quid", "amount"), ("Oslo", "city:from"))
    x.accept(any_store, said[0][1], "transfer", *marks, Oslo={"group": "first", "value": "OSL"})
    x.accept(any_store, "my phone is [PHONE_1] so call", "balance", ("[PHONE_1]", "payee"))
    x.accept(any_store, said[2][1], "faq/hours", reviewer="ben")
    x.accept(any_store, said[3][1], "out_of_scope")

    assert not x.run(root, any_store)
    assert x.examples(root, "tests/held_out") == {
        "faq/hours": {said[2][1]},
        "out_of_scope": {said[3][1]},
    }
    phone, money = x.messages(root)
    assert money == {
        "text": said[0][1],
        "intent": "transfer",
        "entities": [
            {"start": 5, "end": 12, "value": "20 quid", "entity": "amount"},
            {"start": 18, "end": 22, "value": "OSL", "entity": "city"}
            | {"role": "from", "group": "first"},
        ],
    }
    (found,) = phone["entities"]
    assert phone["text"][found["start"] : found["end"]] == found["value"]
    assert found["value"].startswith("07700 900") and "07700 900123" not in phone["text"]

    by_text = {origin.masked or origin.text: origin for origin in x.origins(root)}
    origin = by_text["my phone is [PHONE_1] so call"]
    assert origin.sender == any_store.pseudonym(ann) and origin.text == phone["text"]
    assert (origin.label, origin.suggested, origin.reviewer) == ("balance", "balance", "ana")
    assert origin.model == "6f2c" and origin.time and origin.file == "nlu.yml"
    (hours, _) = x.origins(root, "tests/held_out")
    assert (hours.reviewer, hours.label) == ("ben", "faq/hours")
    assert {"file", "sender", "turn", "time", "model", "suggested", "label", "reviewer"} < set(
        json.loads((root / "data/feedback/provenance.jsonl").read_text("utf-8").splitlines()[0])
    )
    assert "2 to train on (2 new" in capsys.readouterr().out

    before = x.snapshot(root)
    assert x.run(root, any_store) and x.snapshot(root) == before


def test_the_file_is_one_example_a_line_in_a_fixed_order(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    ann, bob = x.senders(False, 2, store)
    said = [(bob, "b comes first"), (ann, "a is the second one"), (ann, "this greets nobody here")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    for _, text in reversed(said):
        x.accept(store, text, "greet" if "greets" in text else "balance")
    x.run(root, store)
    text = (root / "data/feedback/nlu.yml").read_text("utf-8")
    assert text.split("\n", 2)[2] == (
        'version: "3.1"\n\nnlu:\n'
        "- intent: balance\n  examples: |\n    - b comes first\n    - a is the second one\n\n"
        "- intent: greet\n  examples: |\n    - this greets nobody here\n"
    )
    assert "bot export" in text.split("\n")[0]


def test_the_same_message_is_written_once_with_all_its_origins(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    people = x.senders(False, 3, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(who, "is it all gone") for who in people])
    for turn in range(1, 4):
        Decisions(store, overlap=0.0).submit("ana", turn, "balance", [])
    x.run(root, store)
    assert [m["text"] for m in x.messages(root)] == ["is it all gone"]
    assert {o.sender for o in x.origins(root)} == {store.pseudonym(who) for who in people}


def test_what_is_taken_back_goes_and_what_changes_its_label_moves(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    (ann,) = x.senders(False, 1, store)
    said = [(ann, "this one stays where it was"), (ann, "that one is taken back"), (ann, "moves")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    for _, text in said:
        x.accept(store, text, "balance")
    x.run(root, store)
    decisions = Decisions(store, overlap=0.0)
    decisions.discard("ana", x.turn_of(store, said[1][1]))
    decisions.submit("ana", x.turn_of(store, "moves"), "transfer", [])
    assert not x.run(root, store)
    assert x.examples(root) == {"balance": {said[0][1]}, "transfer": {"moves"}}
    decisions.discard("ana", x.turn_of(store, "moves"))
    decisions.discard("ana", x.turn_of(store, said[0][1]))
    assert not x.run(root, store)
    assert not list((root / "data/feedback").iterdir())


def test_check_writes_nothing(root: Path, store: Store, read_in: Any, tmp_path: Path) -> None:
    (ann,) = x.senders(False, 1, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, "is it all gone")])
    assert x.run(root, store, check=True)
    x.accept(store, "is it all gone", "balance")
    before = x.snapshot(root)
    assert not x.run(root, store, check=True)
    assert x.snapshot(root) == before
    x.run(root, store)
    assert x.run(root, store, check=True)


def test_an_example_outlives_its_turn_but_not_its_person(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    ann, bob = x.senders(False, 2, store)
    said = [(ann, "where has it gone"), (bob, "call me on 07700 900123")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    x.accept(store, said[0][1], "balance")
    x.accept(store, "call me on [PHONE_1]", "greet", ("[PHONE_1]", "payee"))
    x.run(root, store)
    before = x.snapshot(root)
    forget_older(store, None, 1e-6)
    assert x.run(root, store) and x.snapshot(root) == before
    # the domain loses an intent for a while: the example must not be lost with it
    domain = (root / "domain.yml").read_text("utf-8")
    (root / "domain.yml").write_text(domain.replace("  - balance\n", "  - funds\n"), "utf-8")
    assert not x.run(root, store)
    assert set(x.examples(root)) == {"greet"}
    assert x.quarantined(root) == {said[0][1]: "unknown_intent"}
    assert x.run(root, store)
    (root / "domain.yml").write_text(domain, "utf-8")
    assert not x.run(root, store)
    assert x.snapshot(root) == before

    folders = [root / folder for folder in provenance.FOLDERS]
    done = forget_sender(store, None, bob, folders=folders)
    assert [origin.sender for _, origin in done.files] == [store.pseudonym(bob)]
    assert x.examples(root) == {"balance": {said[0][1]}}
    assert x.run(root, store)
    # an old state of the files comes back from git: the person stays forgotten
    for name, content in before.items():
        (root / name).write_bytes(content)
    assert not x.run(root, store)
    assert x.examples(root) == {"balance": {said[0][1]}}


def test_the_text_may_hold_whatever_people_type(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    (ann,) = x.senders(False, 1, store)
    said = [
        "my files are in C:\\users\\new",
        "${HOME} is where the heart is",
        "# no comment: - really",
        "two lines\n\n  and a half\u2028more\x07 bell",
        "'quoted' \"twice\" {curly} %percent @at `tick` |pipe >more",
        "- a dash before",
        "ümläut 😀 نص 中文 \u00a0 nbsp",
        "brackets [like these] and (those)",
    ]
    bad = "write [this](amount) as it is"
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, text) for text in [*said, bad]])
    for text in [*said, bad]:
        x.accept(store, text, "balance")
    x.run(root, store)
    wanted = {*said, "two lines and a half more bell"} - {said[3]}
    assert x.examples(root) == {"balance": wanted}
    assert x.quarantined(root) == {bad: "unwritable"}


TEXT = some.text(
    some.characters(blacklist_categories=("Cs",)) | some.sampled_from("[](){}:\"'\\$#- \n\t|"),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(
    text=TEXT,
    value=TEXT,
    role=some.sampled_from([None, "from", "to"]),
    cut=some.tuples(some.integers(0, 40), some.integers(0, 40)),
)
def test_rasa_reads_what_was_meant_or_it_is_not_written(
    text: str, value: str, role: str | None, cut: tuple[int, int], tmp_path_factory: Any
) -> None:
    start, end = min(cut), max(cut)
    entity = {"start": start, "end": end, "entity": "city", "value": value, "role": role}
    fitted, entities = fit(text, [entity] if end <= len(text) else [], seed="s")
    if marked(fitted, entities) is None:
        return
    origin = provenance.Origin("nlu.yml", "s", "t", fitted, label="balance", entities=entities)
    root = tmp_path_factory.mktemp("read", numbered=True)
    path = root / "data/feedback/nlu.yml"
    path.parent.mkdir(parents=True)
    path.write_text(files_of(TRAINING, [origin])["nlu.yml"] or "", "utf-8", newline="")
    (message,) = x.messages(root)
    assert message["text"] == fitted and message["intent"] == "balance"
    wanted = [{"value": fitted[e["start"] : e["end"]], **e} for e in entities]
    assert message["entities"] == wanted
    assert provenance.parse(provenance.line(origin)) == origin


def test_an_entity_keeps_its_words_when_lines_are_joined_and_masks_filled() -> None:
    text = "  to [NAME_1],\n\n[NAME_1] again and [PHONE_2]"
    places = [(5, 13), (16, 24), (35, 44)]
    given = [{"start": a, "end": b, "entity": "payee", "value": text[a:b]} for a, b in places]
    fitted, entities = fit(text, given, seed="one")
    first, again, phone = (fitted[e["start"] : e["end"]] for e in entities)
    assert first == again and " " in first and first[0].isupper() and phone.startswith("07700")
    assert fitted == f"to {first}, {first} again and {phone}"
    other, _ = fit(text, given, seed="another")
    assert other != fitted and fit(text, given, seed="one")[0] == fitted


def test_markup_is_read_as_it_was_written() -> None:
    written = 'from [Rome]{"entity": "city", "role": "from", "value": "ROM"} to [Oslo](city)'
    assert marked(*read_marked(written)) == written


def test_broken_provenance_is_told_with_its_line(root: Path, store: Store) -> None:
    path = root / "data/feedback/provenance.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n<<<<<<< HEAD\n", "utf-8")
    with pytest.raises(BotError, match=r"provenance\.jsonl:2: .*merge conflict"):
        x.run(root, store)


def test_a_change_by_hand_is_told_and_lost(
    root: Path, store: Store, read_in: Any, tmp_path: Path, capsys: Any
) -> None:
    (ann,) = x.senders(False, 1, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, "is it all gone")])
    x.accept(store, "is it all gone", "balance")
    x.run(root, store)
    path = root / "data/feedback/nlu.yml"
    before = path.read_text("utf-8")
    path.write_text(before.replace("gone", "here"), "utf-8")
    assert not x.run(root, store)
    assert "data/feedback/nlu.yml was not as the last export left it" in capsys.readouterr().out
    assert path.read_text("utf-8") == before


def test_two_exports_at_once_are_refused(root: Path, store: Store) -> None:
    with sole_writer(root), pytest.raises(BotError, match="Another `bot export`"):
        x.run(root, store)
    assert x.run(root, store)


def test_a_wrong_key_and_a_missing_domain_are_told(root: Path, store: Store) -> None:
    url = str(store.url)
    with pytest.raises(BotError, match="another key"):
        export(key=KEY[::-1], url=url, root=root)
    (root / "domain.yml").unlink()
    with pytest.raises(BotError, match="has no domain"):
        x.run(root, store)
