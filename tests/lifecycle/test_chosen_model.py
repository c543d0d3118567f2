"""Which archive a command works with: the live one, and only what may be opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from registered import KEY, archive, candidate, node

from bot.errors import ProjectError
from bot.lifecycle import preflight
from bot.lifecycle.live_model import find_model, live_or_newest
from bot.lifecycle.promote import promote
from bot.lifecycle.registry import Registry
from bot.lifecycle.scorer import load_scorer


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BOT_SIGNING_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setenv("BOT_SIGNING_KEY", KEY.decode())
    return KEY


def two_models(registry: Registry) -> None:
    """Leave `one` live, and an archive beside it that is newer."""
    candidate(registry, "one")
    promote(registry, Path("one"))
    newer = archive(registry.models / "two.tar.gz")
    os.utime(newer, (4e9, 4e9))


def test_the_live_model_goes_before_the_newest() -> None:
    registry = Registry()
    with pytest.raises(ProjectError, match="does not exist"):
        find_model(None)
    assert load_scorer(None) is None
    archive(registry.models / "zero.tar.gz")
    assert find_model(None) == live_or_newest(registry) == registry.archive("zero")
    two_models(registry)
    assert find_model(None) == live_or_newest(registry) == registry.archive("one")
    assert preflight.find_model(None) == registry.archive("one")
    assert find_model(registry.archive("two")) == registry.archive("two")
    with pytest.raises(ProjectError, match=r"one\.tar\.gz holds no model that messages can be"):
        load_scorer(None)  # it is the live one that is tried
    registry.archive("one").unlink()
    with pytest.raises(ProjectError, match="is gone"):
        load_scorer(None)


def test_what_is_not_named_is_verified_as_for_serving(key: bytes) -> None:
    registry = Registry(key=key)
    archive(registry.models / "zero.tar.gz")
    with pytest.raises(ProjectError, match="nobody signed it"):
        find_model(None)
    two_models(registry)
    archive(registry.archive("one"), filling=b"another")
    with pytest.raises(ProjectError, match="not the one that its card was written for"):
        find_model(None)


def test_a_named_archive_needs_no_card_but_a_card_must_fit(key: bytes) -> None:
    registry = Registry(key=key)
    fresh = archive(registry.candidates / "fresh.tar.gz")
    assert find_model(fresh) == fresh
    known = candidate(registry, "one")
    assert find_model(known) == known
    archive(known, filling=b"another")
    with pytest.raises(ProjectError, match="not the one that its card was written for"):
        find_model(known)


def test_no_archive_imports_strange_classes() -> None:
    schema = {"nodes": {"x": node("evil.Component")}}
    path = archive(Registry().models / "one.tar.gz", predict_schema=schema)
    for named in (None, path):
        with pytest.raises(ProjectError, match=r"would import evil\.Component"):
            find_model(named)
    with pytest.raises(ProjectError, match="no model archive"):
        find_model(Path("nowhere.tar.gz"))
