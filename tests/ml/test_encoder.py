"""Finding the pretrained encoder, and saying what is wrong with it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.errors import EncoderError
from bot.ml import encoder
from bot.ml.encoder import BUNDLED_SHA256, find_encoder, revision_of, sha256_of
from bot.ml.joint import copy_tokenizer, load_encoder
from bot.ml.options import BUNDLED_ENCODER


@pytest.fixture
def own_copy(tiny_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


@pytest.mark.parametrize("name", [BUNDLED_ENCODER, f"sentence-transformers/{BUNDLED_ENCODER}"])
def test_the_bundled_encoder_is_found_and_is_the_published_one(name: str) -> None:
    source = find_encoder(name)
    assert source.name == BUNDLED_ENCODER
    assert source.revision == BUNDLED_SHA256 == revision_of(name)
    assert sha256_of(source.folder / "model.safetensors") == BUNDLED_SHA256
    assert (source.folder / "tokenizer.json").is_file()


def pretend_installed(monkeypatch: pytest.MonkeyPatch, package: Path) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)


def test_a_damaged_bundled_encoder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = find_encoder(BUNDLED_ENCODER).folder / "model.safetensors"
    model = tmp_path / "model"
    model.mkdir()
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 1
    (model / "model.safetensors").write_bytes(content)
    pretend_installed(monkeypatch, tmp_path)
    with pytest.raises(EncoderError, match="not the published ones.*make setup"):
        find_encoder(BUNDLED_ENCODER)
    (model / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="missing"):
        find_encoder(BUNDLED_ENCODER)


def test_without_its_package_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EncoderError, match="not installed.*make setup"):
        find_encoder(BUNDLED_ENCODER)


def test_a_local_folder_is_an_encoder(own_copy: Path) -> None:
    source = find_encoder(str(own_copy))
    assert source.folder == own_copy
    assert source.revision == revision_of(str(own_copy))


def test_the_revision_follows_the_content_not_the_place(own_copy: Path, tiny_encoder: Path) -> None:
    assert revision_of(str(own_copy)) == revision_of(str(tiny_encoder))
    config = own_copy / "config.json"
    config.write_text(config.read_text("utf-8") + "\n", "utf-8")
    assert revision_of(str(own_copy)) != revision_of(str(tiny_encoder))
    before = revision_of(str(own_copy))
    weights = own_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0\0")
    assert revision_of(str(own_copy)) != before


def test_the_digest_of_a_changed_file_is_another(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = sha256_of(path)
    path.write_bytes(b"two")  # of the same size
    os.utime(path, ns=(5, 5))
    assert sha256_of(path) != first
    assert sha256_of(path) == "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere-at-all", "a/b/c"])
def test_a_missing_folder_is_said_without_asking_the_network(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_download", lambda model: pytest.fail("asked the network"))
    with pytest.raises(EncoderError, match="does not exist.*config.yml") as caught:
        find_encoder(name)
    assert f"'{name}'" in str(caught.value)
    assert BUNDLED_ENCODER in str(caught.value)


@pytest.mark.parametrize("name", ["nobody/no-such-model", "not a model id!", "bert-base-uncasd"])
def test_an_encoder_that_cannot_be_had_is_said_with_a_remedy(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError, match="config.yml") as caught:
        find_encoder(name)
    message = str(caught.value)
    assert f"'{name}'" in message
    assert "network" in message
    assert BUNDLED_ENCODER in message
    assert caught.value.__cause__ is not None
    assert revision_of(name) == name


def test_a_folder_without_its_files_is_refused(own_copy: Path) -> None:
    (own_copy / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="no weights.*model.safetensors"):
        find_encoder(str(own_copy))
    (own_copy / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(EncoderError, match="no JSON"):
        find_encoder(str(own_copy))
    (own_copy / "config.json").unlink()
    with pytest.raises(EncoderError, match="no config.json.*save_pretrained"):
        find_encoder(str(own_copy))


def test_weights_that_cannot_be_read_are_an_error_of_ours(own_copy: Path) -> None:
    weights = own_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(EncoderError, match="could not be loaded"):
        load_encoder(own_copy, "mine")


def test_an_unknown_kind_of_model_is_an_error_of_ours(own_copy: Path) -> None:
    config = json.loads((own_copy / "config.json").read_text("utf-8"))
    (own_copy / "config.json").write_text(json.dumps({**config, "model_type": "nonesuch"}))
    with pytest.raises(EncoderError, match="'mine' could not be loaded"):
        load_encoder(own_copy, "mine")


def test_weights_are_loaded_in_single_precision(tiny_encoder: Path) -> None:
    import torch

    encoder = load_encoder(tiny_encoder, "tiny")
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert encoder.config.hidden_dropout_prob == 0.0  # type: ignore[union-attr]


def test_an_encoder_without_a_fast_tokenizer_is_refused(own_copy: Path, tmp_path: Path) -> None:
    (own_copy / "tokenizer.json").unlink()
    (own_copy / "tokenizer_config.json").unlink()
    source = find_encoder(str(own_copy))
    with pytest.raises(EncoderError, match="no fast tokenizer"):
        copy_tokenizer(source, tmp_path / "work")
