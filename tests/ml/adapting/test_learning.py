"""An adaptation lowers the held-out loss, is repeatable, and goes on where it was."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from bot.errors import CheckpointError, OptionError, ProjectError, TrainingDataError
from bot.ml.adapting import learning
from bot.ml.adapting.learning import adapt
from bot.ml.adapting.options import AdaptOptions
from bot.ml.adapting.progress import CHECKPOINT, Mark
from bot.ml.adapting.result import DESCRIPTION, PICTURE, Adapted, check_replaceable, save_adapted
from bot.ml.encoder import find_encoder
from bot.ml.first_weights import embed_texts
from bot.ml.joint import load_encoder
from bot.ml.options import JointOptions
from bot.ml.text import SubwordTokenizer
from bot.ml.training import train_joint
from bot.types import Example


@pytest.fixture(scope="module")
def texts(tiny_examples: tuple[Example, ...]) -> list[str]:
    """A hundred and eighty messages, each once."""
    found = [f"{start}{example.text}" for start in ("", "please ", "hey ") for example in
             tiny_examples]  # fmt: skip
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def options(tiny_encoder: Path) -> AdaptOptions:
    return AdaptOptions(
        model=str(tiny_encoder),
        epochs=3,
        batch_size=16,
        learning_rate=1e-3,
        neighbours=3,
        held_out=0.2,
        max_length=32,
    )


@pytest.fixture(scope="module")
def adapted(
    texts: list[str], options: AdaptOptions, tmp_path_factory: pytest.TempPathFactory
) -> Adapted:
    return adapt(texts, options, tmp_path_factory.mktemp("work"), show_progress=False)


def weights_of(adapted: Adapted) -> dict[str, torch.Tensor]:
    return adapted.encoder.state_dict()


def assert_equal(one: Adapted, other: Adapted) -> None:
    assert one.curve == other.curve
    assert one.best_epoch == other.best_epoch
    theirs = weights_of(other)
    for name, value in weights_of(one).items():
        assert torch.equal(value, theirs[name]), name


def test_learning_lowers_the_held_out_loss(adapted: Adapted, tiny_encoder: Path) -> None:
    before, *epochs = adapted.curve
    assert (before.epoch, before.training_loss) == (0, None)
    assert [record.epoch for record in epochs] == [1, 2, 3]
    assert min(record.validation_loss for record in epochs) < 0.9 * before.validation_loss
    assert adapted.curve[adapted.best_epoch].validation_loss == min(
        record.validation_loss for record in adapted.curve
    )
    base = load_encoder(tiny_encoder, "tiny").state_dict()
    assert {name: value.shape for name, value in weights_of(adapted).items()} == {
        name: value.shape for name, value in base.items()
    }
    changed = [name for name, value in weights_of(adapted).items()
               if not torch.equal(value, base[name])]  # fmt: skip
    assert any("layer.0" in name for name in changed)


def test_the_same_seed_gives_the_same_encoder(
    adapted: Adapted, texts: list[str], options: AdaptOptions, tmp_path: Path
) -> None:
    again = adapt(texts, options, tmp_path, show_progress=False)
    assert_equal(again, adapted)
    other = adapt(texts, replace(options, random_seed=1), tmp_path, show_progress=False)
    assert other.curve != adapted.curve


class Stopped(Exception):
    """Stands for Ctrl-C at a chosen place."""


@pytest.mark.parametrize("stop", [Mark(1, 0), Mark(1, 4), Mark(2, 0), Mark(3, 8)])
def test_a_resumed_run_equals_an_uninterrupted_one(
    stop: Mark,
    adapted: Adapted,
    texts: list[str],
    options: AdaptOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learning, "KEEP_EVERY", 4)

    def stop_there(mark: Mark) -> None:
        if (mark.epoch, mark.step) == (stop.epoch, stop.step):
            raise Stopped

    with pytest.raises(Stopped):
        adapt(texts, options, tmp_path, show_progress=False, after_keeping=stop_there)
    seen: list[tuple[int, int]] = []
    resumed = adapt(
        texts,
        options,
        tmp_path,
        resume=True,
        show_progress=False,
        after_keeping=lambda mark: seen.append((mark.epoch, mark.step)),
    )
    assert all(place > (stop.epoch, stop.step) for place in seen), "nothing is done twice"
    assert_equal(resumed, adapted)


def test_a_finished_run_has_nothing_left_to_do(
    adapted: Adapted, texts: list[str], options: AdaptOptions, tmp_path: Path
) -> None:
    adapt(texts, options, tmp_path, show_progress=False)
    again = adapt(texts, options, tmp_path, resume=True, show_progress=False)
    assert_equal(again, adapted)


def test_learning_stops_when_it_no_longer_helps(
    texts: list[str], options: AdaptOptions, tmp_path: Path
) -> None:
    wild = replace(options, learning_rate=0.1, epochs=20, patience=2)
    ended = adapt(texts, wild, tmp_path, show_progress=False)
    assert len(ended.curve) - 1 == ended.best_epoch + 2 < 20


def test_without_neighbours_a_message_is_its_own_partner(
    texts: list[str], options: AdaptOptions, tmp_path: Path
) -> None:
    alone = adapt(texts, replace(options, neighbours=0), tmp_path, show_progress=False)
    assert alone.curve[-1].validation_loss < alone.curve[0].validation_loss


def test_what_does_not_fit_the_checkpoint_is_refused(
    texts: list[str], options: AdaptOptions, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"no .*checkpoint\.pt.*Leave out --resume"):
        adapt(texts, options, tmp_path, resume=True, show_progress=False)
    one = replace(options, epochs=1)
    adapt(texts, one, tmp_path, show_progress=False)
    with pytest.raises(CheckpointError, match="epochs 1, not 3"):
        adapt(texts, options, tmp_path, resume=True, show_progress=False)
    with pytest.raises(CheckpointError, match="other messages"):
        adapt([*texts, "one more"], one, tmp_path, resume=True, show_progress=False)
    (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="is damaged"):
        adapt(texts, one, tmp_path, resume=True, show_progress=False)


def test_a_handful_of_messages_is_refused(options: AdaptOptions, tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="There are 3 different messages"):
        adapt(["a", "b", "c"], options, tmp_path, show_progress=False)


@pytest.mark.parametrize("value", [{"epochs": 0}, {"held_out": 0.9}, {"temperature": 0.0}])
def test_options_out_of_range_are_refused(value: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=f"'{next(iter(value))}' is"):
        AdaptOptions(**value)  # type: ignore[arg-type]


def test_the_folder_is_an_encoder(
    adapted: Adapted, tiny_examples: tuple[Example, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "encoders" / "adapted"
    save_adapted(adapted, folder)
    assert [path.name for path in folder.parent.iterdir()] == ["adapted"]
    tokenizer = SubwordTokenizer.load(folder / "tokenizer.json", 32)
    text = tiny_examples[0].text
    expected = embed_texts(adapted.encoder, tokenizer, [text])[text]
    source = find_encoder(str(folder))
    again = load_encoder(source.folder, source.name)
    assert embed_texts(again, tokenizer, [text])[text] == pytest.approx(expected, abs=2e-3)
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    assert tuple(ids) == tokenizer.tokenize(text).ids
    hidden = AutoModel.from_pretrained(folder, add_pooling_layer=False)(torch.tensor([ids]))
    assert hidden.last_hidden_state.shape == (1, len(ids), 32)
    quick = JointOptions(model=str(folder), epochs=1, min_steps=0, max_length=32)
    trained = train_joint(tiny_examples, quick, tmp_path / "work", show_progress=False)
    assert trained.base_revision == source.revision


def test_the_folder_says_where_it_came_from(
    adapted: Adapted, texts: list[str], tiny_encoder: Path, tmp_path: Path
) -> None:
    save_adapted(adapted, tmp_path / "one")
    save_adapted(adapted, tmp_path / "two")
    said = json.loads((tmp_path / "one" / DESCRIPTION).read_text("utf-8"))
    assert said["base"]["revision"] == find_encoder(str(tiny_encoder)).revision
    assert said["corpus"]["messages"] == len(texts)
    assert said["corpus"]["held_out"] == round(0.2 * len(texts))
    assert len(said["corpus"]["sha256"]) == 64
    assert said["options"] == adapted.options.as_dict()
    assert [record["epoch"] for record in said["curve"]] == [0, 1, 2, 3]
    assert said["versions"]["torch"] == version("torch")
    assert (tmp_path / "one" / PICTURE).read_bytes()[:4] == b"\x89PNG"
    revisions = {find_encoder(str(tmp_path / name)).revision for name in ("one", "two")}
    assert len(revisions) == 1, "the same adaptation has the same fingerprint"


def test_only_an_earlier_adaptation_is_replaced(adapted: Adapted, tmp_path: Path) -> None:
    folder = tmp_path / "adapted"
    save_adapted(adapted, folder)
    (folder / DESCRIPTION).write_text("{}", encoding="utf-8")
    save_adapted(adapted, folder)
    assert json.loads((folder / DESCRIPTION).read_text("utf-8")) != {}
    (tmp_path / "other").mkdir()
    check_replaceable(tmp_path / "other")
    (tmp_path / "other" / "thesis.txt").write_text("mine", encoding="utf-8")
    for wrong in (tmp_path / "other", tmp_path / "other" / "thesis.txt"):
        with pytest.raises(ProjectError, match="was not written by 'bot adapt'"):
            save_adapted(adapted, wrong)
    assert (tmp_path / "other" / "thesis.txt").read_text("utf-8") == "mine"


def test_a_failure_while_writing_leaves_what_was_there(
    adapted: Adapted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "adapted"
    save_adapted(adapted, folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    broken = replace(adapted, tokenizer_path=tmp_path / "gone.json")
    with pytest.raises(FileNotFoundError):
        save_adapted(broken, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert [path.name for path in tmp_path.iterdir()] == ["adapted"]
