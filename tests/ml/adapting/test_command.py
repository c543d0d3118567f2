"""`bot adapt` from the command line: what it leaves, refuses, and keeps when it is interrupted."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.cli import INTERRUPTED, USER_ERROR, main
from bot.ml.adapting import options
from bot.ml.encoder import find_encoder
from bot.types import Example


@pytest.fixture
def corpus(tiny_examples: tuple[Example, ...], tmp_path: Path) -> Path:
    path = tmp_path / "messages.txt"
    starts = ("", "please ", "hey ", "hi there ", "now ", "and ")
    lines = [start + example.text for start in starts for example in tiny_examples]
    path.write_text("\n".join([*lines, "", lines[0]]), encoding="utf-8")
    return path


def arguments(corpus: Path, encoder: Path, epochs: int) -> list[str]:
    output = corpus.parent / "encoders" / "adapted"
    return ["adapt", "--corpus", str(corpus), "--output", str(output), "--model", str(encoder),
            "--epochs", str(epochs)]  # fmt: skip


def test_it_leaves_an_encoder_and_says_how_to_use_it(
    corpus: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(corpus, tiny_encoder, 2)) == 0
    said = capsys.readouterr().out
    output = corpus.parent / "encoders" / "adapted"
    assert "Learning from 360 messages (1 repeated and 1 empty left out)." in said
    assert f"model: {output}" in said
    assert find_encoder(str(output)).revision
    assert [path.name for path in output.parent.iterdir()] == ["adapted"]


def test_a_wrong_file_is_refused_before_anything_is_loaded(
    corpus: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus.write_bytes(b"fine\n\xff\n")
    assert main(arguments(corpus, tiny_encoder, 1)) == USER_ERROR
    assert f"{corpus}:2: The line is not in UTF-8." in capsys.readouterr().err
    assert not (corpus.parent / "encoders").exists()


def test_an_encoder_that_got_worse_is_not_written(
    corpus: Path,
    tiny_encoder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wild = functools.partial(options.AdaptOptions, learning_rate=0.1, held_out=0.2)
    monkeypatch.setattr(options, "AdaptOptions", wild)
    assert main(arguments(corpus, tiny_encoder, 1)) == USER_ERROR
    assert "No epoch lowered the held-out loss" in capsys.readouterr().err
    assert not list((corpus.parent / "encoders").iterdir())


def test_what_is_interrupted_goes_on_and_ends_the_same(corpus: Path, tiny_encoder: Path) -> None:
    command = arguments(corpus, tiny_encoder, 60)
    checkpoint = corpus.parent / "encoders" / "adapted.unfinished" / "checkpoint.pt"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "bot", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        while not checkpoint.is_file() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[0]
    assert process.returncode == INTERRUPTED, said
    assert "--resume goes on" in said
    assert "what was done is kept" in said
    assert not (checkpoint.parent.parent / "adapted").exists()

    assert main(command) == USER_ERROR, "it is not begun anew by mistake"
    assert main([*command, "--resume"]) == 0
    written = checkpoint.parent.parent / "adapted" / "adaptation.json"
    curve = json.loads(written.read_text("utf-8"))["curve"]
    assert [record["epoch"] for record in curve] == list(range(len(curve)))
    assert not checkpoint.parent.exists()
