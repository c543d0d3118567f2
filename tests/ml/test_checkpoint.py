"""A model folder is whole or it is refused, by the name of the file."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.errors import CheckpointError
from bot.ml import checkpoint, warm
from bot.ml.checkpoint import Layout, load_predictor, load_starting_point, verify, write_manifest
from bot.types import Example

FILES = (
    "curves.json",
    "curves.png",
    "encoder.onnx",
    "encoder/config.json",
    "encoder/model.safetensors",
    "heads.safetensors",
    "model.json",
    "tokenizer.json",
)
ROOT = Path(__file__).parents[2]


def flip_bit(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0b100
    path.write_bytes(content)


def test_the_folder_holds_what_the_layout_says_and_nothing_else(trained_tiny: Path) -> None:
    found = {
        path.relative_to(trained_tiny).as_posix()
        for path in trained_tiny.rglob("*")
        if path.is_file()
    }
    assert found == {*FILES, "manifest.json"}
    assert set(json.loads(Layout(trained_tiny).manifest.read_text("utf-8"))["files"]) == set(FILES)
    layout = Layout(trained_tiny)
    for path in (layout.graph, layout.tokenizer, layout.heads, layout.description, layout.curves):
        assert path.is_file()


def test_a_moved_model_says_the_same(
    trained_tiny: Path,
    trained_copy: Path,
    tiny_examples: tuple[Example, ...],
    no_encoder_services: None,
) -> None:
    from bot.ml import inference

    texts = [*(example.text for example in tiny_examples), "", "\U0001f355 in \u6771\u4eac"]
    here = load_predictor(trained_tiny)
    before = [here.parse(text) for text in texts]
    inference._services.clear()
    there = load_predictor(trained_copy)
    assert there.encoder is not here.encoder
    assert [there.parse(text) for text in texts] == before


def test_the_digest_is_of_the_content(trained_tiny: Path, trained_copy: Path) -> None:
    assert verify(trained_copy) == verify(trained_tiny)
    description = Layout(trained_copy).description
    description.write_text(description.read_text("utf-8") + "\n", "utf-8")
    write_manifest(trained_copy)
    assert verify(trained_copy) != verify(trained_tiny)


@pytest.mark.parametrize("load", [load_predictor, load_starting_point], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FILES)
def test_a_lost_file_is_named(name: str, load: object, trained_copy: Path) -> None:
    (trained_copy / name).unlink()
    with pytest.raises(CheckpointError, match=f"lost its file '{name}'"):
        load(trained_copy)  # type: ignore[operator]


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0], ids=["emptied", "halved", "one byte short"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_named(name: str, keep: float, trained_copy: Path) -> None:
    content = (trained_copy / name).read_bytes()
    (trained_copy / name).write_bytes(content[: min(len(content) - 1, int(len(content) * keep))])
    with pytest.raises(CheckpointError, match=f"'{name}'"):
        load_predictor(trained_copy)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_and_its_file_named(name: str, trained_copy: Path) -> None:
    size = (trained_copy / name).stat().st_size
    flip_bit(trained_copy / name, random.Random(name).randrange(size))
    with pytest.raises(CheckpointError, match=f"'{name}'"):
        load_predictor(trained_copy)


def test_a_file_changed_after_it_was_read_is_found_too(trained_copy: Path) -> None:
    load_predictor(trained_copy)
    path = Layout(trained_copy).heads
    flip_bit(path, 200)
    os.utime(path, ns=(1, 1))  # clocks of some file systems are coarse
    with pytest.raises(CheckpointError, match="'heads.safetensors'"):
        load_predictor(trained_copy)


def test_without_a_manifest_the_model_is_unfinished(trained_copy: Path) -> None:
    Layout(trained_copy).manifest.unlink()
    with pytest.raises(CheckpointError, match=r"no manifest\.json: it was not written to its end"):
        load_predictor(trained_copy)


def test_an_empty_or_missing_folder_is_no_model(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CheckpointError, match="manifest.json"):
            load_predictor(folder)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"files": []}',
        '{"format": 1, "files": {"model.json": {}}}',
        '{"format": 1, "files": {"model.json": 3}}',
        '{"format": 1, "files": {"model.json": {"bytes": 3}}}',
    ],
)
def test_a_manifest_that_says_nothing_is_damaged(content: str, trained_copy: Path) -> None:
    Layout(trained_copy).manifest.write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        load_predictor(trained_copy)


def test_whatever_bit_of_the_manifest_flips_the_model_is_refused_or_whole(
    trained_copy: Path,
) -> None:
    manifest = Layout(trained_copy).manifest
    whole = manifest.read_bytes()
    for position in range(0, len(whole), 7):
        flip_bit(manifest, position)
        try:
            verify(trained_copy)
        except CheckpointError as error:
            assert str(trained_copy) in str(error)
        manifest.write_bytes(whole)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_an_unknown_format_is_refused(version: object, trained_copy: Path) -> None:
    description = json.loads(Layout(trained_copy).description.read_text("utf-8"))
    description["format"] = version
    Layout(trained_copy).description.write_text(json.dumps(description), encoding="utf-8")
    write_manifest(trained_copy)
    for load in (load_predictor, load_starting_point):
        with pytest.raises(CheckpointError, match="format .*Train it again"):
            load(trained_copy)


def test_an_interrupted_save_leaves_an_unfinished_folder(
    trained_tiny: Path,
    tiny_examples: tuple[Example, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_options: object,
) -> None:
    from bot.ml.joint import load_encoder
    from bot.ml.trained import TrainedJoint

    start = load_starting_point(trained_tiny)
    trained = TrainedJoint(
        load_encoder(start.encoder_folder, "tiny"),
        Layout(trained_tiny).tokenizer,
        start.heads,
        tiny_options,
        "revision",  # type: ignore[arg-type]
    )

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "_save_heads", fail)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(trained, tiny_examples, tmp_path / "model")
    with pytest.raises(CheckpointError, match="not written to its end"):
        load_predictor(tmp_path / "model")


def test_a_starting_point_carries_heads_and_weights(trained_tiny: Path) -> None:
    from bot.ml.joint import load_encoder

    start = load_starting_point(trained_tiny)
    predictor = load_predictor(trained_tiny)
    assert start.digest == verify(trained_tiny) == predictor.encoder.digest
    np.testing.assert_array_equal(start.heads.prototypes, predictor.heads.prototypes)
    weights = load_encoder(start.encoder_folder, "tiny").state_dict()
    assert all(np.isfinite(value.numpy()).all() for value in weights.values())


def test_a_warm_start_ends_with_its_block(trained_tiny: Path, tmp_path: Path) -> None:
    assert warm.folder() is warm.digest() is None
    with warm.warm_start(trained_tiny):
        assert warm.folder() == trained_tiny
        assert warm.digest() == verify(trained_tiny)
    assert warm.folder() is None
    with pytest.raises(KeyError), warm.warm_start(trained_tiny):
        raise KeyError
    assert warm.folder() is None
    with pytest.raises(CheckpointError), warm.warm_start(tmp_path):
        pytest.fail("a folder without a model was taken")


def test_serving_loads_neither_torch_nor_transformers_nor_spacy_nor_tensorflow(
    trained_tiny: Path,
) -> None:
    script = (
        "import sys, json\n"
        "from pathlib import Path\n"
        "from bot.ml.checkpoint import load_predictor\n"
        f"predictor = load_predictor(Path({str(trained_tiny)!r}))\n"
        "parse = predictor.parse('book a flight from berlin to oslo')\n"
        "heavy = {'torch', 'transformers', 'spacy', 'tensorflow', 'peft', 'matplotlib', 'rasa'}\n"
        "print(json.dumps([parse.ranking[0].name, len(parse.spans),"
        " sorted(heavy & set(sys.modules))]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == ["book_flight", 2, []]
