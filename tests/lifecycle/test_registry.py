"""Cards, signatures and the live pointer."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import registered as r
from registered import KEY, WHEN, archive, candidate, judged

from bot.errors import OptionError, ProjectError
from bot.lifecycle.cards import digest_of
from bot.lifecycle.judging import judge_candidate
from bot.lifecycle.live_model import model_to_serve
from bot.lifecycle.promote import promote
from bot.lifecycle.registry import NO_KEY, Pointer, Registry
from bot.settings import GateSettings, signing_key


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", KEY, tmp_path)


@pytest.fixture
def unsigned(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", None, tmp_path)


def test_a_card_says_what_the_model_is(registry: Registry, tmp_path: Path) -> None:
    for name in ("config.yml", "domain.yml", "data/nlu/all.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("language: en\n")
    path = candidate(registry, "one")
    card = registry.card("one")
    assert card is not None
    assert card.manifest["size"] == path.stat().st_size
    assert card.manifest["classes"] == [r.FEATURIZER, r.TOKENIZER]
    assert (card.model_id, card.trained_at[:10]) == ("4d1f", "2026-03-18")
    assert card.versions["rasa"] == "3.6.21"
    assert card.encoder == {"name": "all-MiniLM-L6-v2", "revision": "53aa"}
    assert card.options["JointFeaturizer"] == {"epochs": 3}
    assert card.data is not None and len(card.data["digest"]) == 64
    assert card.data["as_trained"] is False  # the files are newer than the training
    assert card.scores is not None and card.scores["intent_accuracy"] == 0.9
    assert card.scores["entity_f1"] == 0.9 and card.scores["stories_right"] == 3
    assert card.verdict == judged("one").to_json()
    assert card.history == ({"when": WHEN, "command": "bot improve", "what": "registered"},)
    assert not card.was_live
    text = registry.card_file("one").with_suffix(".md").read_text(encoding="utf-8")
    for words in ("# one", card.manifest["sha256"], "one passes: first", "`bot improve`", "epochs"):
        assert words in text
    assert ", changed since the training" in text


def test_the_data_is_that_of_the_training_where_no_file_is_newer(
    registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "config.yml").write_text("language: en\n")
    os.utime(tmp_path / "config.yml", (1_000_000, 1_000_000))
    candidate(registry, "one")
    first = registry.card("one")
    (tmp_path / "config.yml").write_text("language: de\n")
    candidate(registry, "two")
    second = registry.card("two")
    assert first and second and first.data and second.data
    assert first.data["as_trained"] and not second.data["as_trained"]
    assert first.data["digest"] != second.data["digest"]


def test_the_revision_of_git_and_what_was_changed_since(registry: Registry, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        whole = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run([*whole, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "config.yml").write_text("language: en\n")
    (tmp_path / ".gitignore").write_text("models/\n")
    git("add", ".")
    git("commit", "-qm", "x")
    candidate(registry, "one")
    (tmp_path / "config.yml").write_text("language: de\n")
    candidate(registry, "two")
    cards = [registry.card(name) for name in ("one", "two")]
    found = [card.git for card in cards if card]
    assert found == [{"revision": git("rev-parse", "HEAD"), "dirty": dirty} for dirty in (0, 1)]


def test_a_model_that_is_registered_again_keeps_its_history(registry: Registry) -> None:
    path = candidate(registry, "one", passed=False)
    registry.register(path, command="bot improve", when=WHEN, verdict=judged("one"))
    card = registry.card("one")
    assert card is not None and len(card.history) == 2
    assert card.verdict == judged("one").to_json()


def test_a_verdict_about_another_model_is_refused(registry: Registry) -> None:
    path = archive(registry.candidates / "one.tar.gz")
    with pytest.raises(ProjectError, match="about two"):
        registry.register(path, command="c", when=WHEN, verdict=judged("two"))
    assert not registry.card_file("one").exists()


# ---- signatures


def tamper(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"passed": false', '"passed": true'),
        ('"intent_accuracy": 0.9', '"intent_accuracy": 1.0'),
        ('"command": "bot improve"', '"command": "bot promote"'),
        ('"size": ', '"size": 1'),
        ('"signature": "', '"signature": "a'),
        ('"signature": "', '"signature": "\u00e9'),
    ],
)
def test_a_changed_card_is_refused(registry: Registry, old: str, new: str) -> None:
    candidate(registry, "one", passed=False)
    tamper(registry.card_file("one"), old, new)
    with pytest.raises(ProjectError, match="signature is wrong"):
        registry.card("one")


def test_a_card_of_another_key_or_of_none_is_refused(
    registry: Registry, unsigned: Registry
) -> None:
    candidate(registry, "one")
    other = Registry(registry.models, KEY[::-1], registry.project)
    with pytest.raises(ProjectError, match="another BOT_SIGNING_KEY"):
        other.card("one")
    assert unsigned.card("one") is not None  # without a key it is not looked at
    candidate(unsigned, "two")
    with pytest.raises(ProjectError, match="It is not signed"):
        registry.card("two")


def test_the_card_of_another_model_is_refused(registry: Registry) -> None:
    candidate(registry, "one")
    registry.card_file("two").write_bytes(registry.card_file("one").read_bytes())
    with pytest.raises(ProjectError, match="the card of one"):
        registry.card("two")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 9}', '{"format": 1}'])
def test_a_file_that_is_no_card(unsigned: Registry, content: str) -> None:
    file = unsigned.card_file("one")
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(ProjectError) as raised:
        unsigned.card("one")
    assert str(raised.value).startswith(str(file))


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOT_SIGNING_KEY", raising=False)
    assert signing_key() is None
    monkeypatch.setenv("BOT_SIGNING_KEY", KEY.decode())
    assert signing_key() == KEY
    monkeypatch.setenv("BOT_SIGNING_KEY", "short")
    with pytest.raises(OptionError, match="BOT_SIGNING_KEY has 5 characters"):
        signing_key()


# ---- what is served


def test_the_live_model_is_served_and_else_the_newest(unsigned: Registry, tmp_path: Path) -> None:
    for number, name in enumerate(("old", "new")):
        path = archive(unsigned.models / f"{name}.tar.gz")
        os.utime(path, (1000 + number, 1000 + number))
    served, warning = model_to_serve(None, None, unsigned.models)
    assert (served.name, warning) == ("new.tar.gz", "")
    promote(unsigned, Path("old"), force=True, why="it is the better one")
    os.utime(unsigned.archive("new"))  # newer again, as after a training
    assert model_to_serve(None, None, unsigned.models) == (unsigned.archive("old"), NO_KEY)
    named = unsigned.archive("new")
    assert model_to_serve(named, None, unsigned.models)[0] == named


def test_with_a_key_only_what_was_signed_is_served(registry: Registry) -> None:
    path = archive(registry.models / "new.tar.gz")
    with pytest.raises(ProjectError, match="nobody signed it"):
        model_to_serve(None, KEY, registry.models)
    promote(registry, Path("new"), force=True, why="the first")
    assert model_to_serve(None, KEY, registry.models) == (path, "")


@pytest.mark.parametrize("key", [KEY, None])
def test_an_archive_that_differs_from_its_card_is_not_served(
    tmp_path: Path, key: bytes | None
) -> None:
    registry = Registry(tmp_path / "models", key, tmp_path)
    candidate(registry, "one")
    promote(registry, Path("one"))
    whole = registry.archive("one").read_bytes()
    registry.archive("one").write_bytes(whole[:-20])
    with pytest.raises(ProjectError, match="not the one that its card was written for"):
        model_to_serve(None, key, registry.models)
    archive(registry.archive("one"), filling=b"another")
    with pytest.raises(ProjectError, match="not the one that its card was written for"):
        model_to_serve(None, key, registry.models)
    registry.archive("one").write_bytes(whole)
    assert model_to_serve(None, key, registry.models)[0] == registry.archive("one")
    registry.archive("one").unlink()
    with pytest.raises(ProjectError, match="is gone"):
        model_to_serve(None, key, registry.models)


def test_a_card_cannot_vouch_for_strange_classes(tmp_path: Path) -> None:
    """Without a key a card can be forged; with one, the project may have dropped a class."""
    for key in (KEY, None):
        registry = Registry(tmp_path / str(bool(key)), key, tmp_path)
        config = tmp_path / "config.yml"
        config.write_text("pipeline:\n- name: own.Component\n")
        path = archive(
            registry.models / "one.tar.gz",
            predict_schema={"nodes": {"x": r.node("own.Component")}},
        )
        promote(registry, path, force=True, why="own")
        config.write_text("pipeline: []\n")
        with pytest.raises(ProjectError, match=r"would import own\.Component"):
            registry.verify(path)


def test_a_forged_card_does_not_hide_what_an_archive_imports(unsigned: Registry) -> None:
    candidate(unsigned, "one")
    promote(unsigned, Path("one"))
    path = archive(
        unsigned.archive("one"), predict_schema={"nodes": {"x": r.node("evil.Component")}}
    )
    file = unsigned.card_file("one")
    card = json.loads(file.read_text())
    card["manifest"].update(sha256=digest_of(path), size=path.stat().st_size)
    file.write_text(json.dumps(card))
    with pytest.raises(ProjectError, match=r"would import evil\.Component"):
        model_to_serve(None, None, unsigned.models)


def test_a_pointer_that_was_changed_is_refused(registry: Registry, unsigned: Registry) -> None:
    candidate(registry, "one")
    promote(registry, Path("one"))
    candidate(registry, "two", "one", passed=False)
    tamper(registry.pointer_file, '"live": "one"', '"live": "two"')
    with pytest.raises(ProjectError, match="signature is wrong"):
        registry.live()
    for content in ('{"format": 1, "live": "../../etc/x"}', '{"format": 1, "live": 3}', "{"):
        unsigned.pointer_file.write_text(content)
        with pytest.raises(ProjectError, match="live.json"):
            unsigned.pointer()


def test_there_is_no_pointer_before_a_promotion(registry: Registry) -> None:
    assert registry.pointer() == Pointer() and registry.live() is None


def test_a_pointer_that_is_written_is_read(registry: Registry) -> None:
    pointer = Pointer("b", ("a",), WHEN)
    registry.models.mkdir()
    registry.pointer_file.write_bytes(registry.pointer_content(pointer))
    assert registry.pointer() == pointer
    assert json.loads(registry.pointer_file.read_text())["live"] == "b"
    assert replace(pointer, live="c") != registry.pointer()


def test_a_candidate_is_judged_by_the_rules_and_can_then_be_promoted(registry: Registry) -> None:
    settings = GateSettings(minimum_items=10)  # of one intent, which has all ten
    path = archive(registry.candidates / "one.tar.gz")
    measured = r.evaluated("one")
    options = {"settings": settings, "command": "bot improve"}
    verdict = judge_candidate(registry, path, measured, None, **options)  # type: ignore[arg-type]
    assert [one.rule for one in verdict.findings if not one.passed] == ["stories"]  # 3 of 4
    with pytest.raises(ProjectError, match="one is refused: stories"):
        promote(registry, path)
    measured = replace(measured, stories_right=4)
    assert judge_candidate(registry, path, measured, None, **options).passed  # type: ignore[arg-type]
    assert promote(registry, path).verdict is not None
    with pytest.raises(ProjectError, match="about one, not about"):
        other = archive(registry.candidates / "two.tar.gz")
        judge_candidate(registry, other, measured, None, **options)  # type: ignore[arg-type]
