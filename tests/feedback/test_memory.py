"""Vectors of the training data are asked for once a model, and are the same afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.feedback.memory import Memory

TEXTS = ["freeze my card", "hello", "freeze my card", "[NAME_1] \ud83d"]


class Encoder:
    """Gives a vector that follows from the text, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        rows = [np.random.default_rng(sum(map(ord, text))).random(8) for text in texts]
        return np.array(rows, np.float32).reshape(len(texts), 8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "vectors.npz"


def test_what_is_kept_is_not_asked_for_again(path: Path) -> None:
    first, second = Encoder(), Encoder()
    memory = Memory("a", path)
    before = memory.vectors(TEXTS, first)
    assert first.asked == TEXTS[:2] + TEXTS[3:]
    memory.keep(TEXTS)
    again = Memory("a", path)
    assert again.vectors([*TEXTS, "goodbye"], second)[:4].tobytes() == before.tobytes()
    assert second.asked == ["goodbye"]
    assert before.dtype == np.float32
    assert np.array_equal(before, Encoder()(TEXTS))


def test_only_what_is_named_is_kept_and_no_text(path: Path) -> None:
    memory = Memory("a", path)
    memory.vectors(TEXTS, Encoder())
    memory.keep(TEXTS)
    memory.keep(["hello", "never asked for"])
    encoder = Encoder()
    Memory("a", path).vectors(TEXTS, encoder)
    assert "hello" not in encoder.asked
    assert len(encoder.asked) == 2
    assert b"hello" not in path.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_another_model_knows_nothing(path: Path) -> None:
    memory, encoder = Memory("a", path), Encoder()
    memory.vectors(TEXTS, encoder)
    memory.keep(TEXTS)
    Memory("b", path).vectors(TEXTS, encoder)
    assert len(encoder.asked) == 6


def test_the_same_texts_leave_the_file_alone(path: Path) -> None:
    memory = Memory("a", path)
    memory.vectors(TEXTS, Encoder())
    memory.keep(TEXTS)
    before = path.stat()
    again = Memory("a", path)
    again.vectors(TEXTS[::-1], Encoder())
    again.keep(TEXTS[::-1])
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 half", b"no archive"])
def test_a_broken_file_is_written_anew(path: Path, broken: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(broken)
    memory, encoder = Memory("a", path), Encoder()
    memory.vectors(TEXTS, encoder)
    assert len(encoder.asked) == 3
    memory.keep(TEXTS)
    Memory("a", path).vectors(TEXTS, encoder)
    assert len(encoder.asked) == 3


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    memory = Memory("a", tmp_path / "file" / "vectors.npz")
    memory.vectors(TEXTS, Encoder())
    memory.keep(TEXTS)
    assert (tmp_path / "file").read_text() == "in the way"


def test_of_nothing_the_encoder_says_the_shape(path: Path) -> None:
    assert Memory("a", path).vectors([], Encoder()).shape == (0, 8)
