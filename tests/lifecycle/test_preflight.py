"""One fault planted per test, in a project that is otherwise sound."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import time
from collections import namedtuple
from pathlib import Path

import pytest
from projects import CONFIG, NLU, write_archive, write_project

from bot.errors import BotError, ProjectError
from bot.lifecycle.preflight import check_archive, check_project, newest_model, problems

NLU_FILE = "data/nlu/all.yml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


def edit(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    (project / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def only_problem(project: Path) -> BotError:
    found = problems(project)
    assert len(found) == 1, [str(error) for error in found]
    with pytest.raises(BotError) as raised:
        check_project(project)
    assert str(raised.value) == str(found[0])
    return found[0]


def test_a_sound_project_has_no_problems(project: Path) -> None:
    assert [str(error) for error in problems(project)] == []
    check_project(project)


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "words"),
    [
        # YAML itself
        ("config.yml", "language: en", 'language: "en', 3, ["no YAML"]),
        ("domain.yml", "  - goodbye", "\t- goodbye", 5, ["tab", "spaces"]),
        ("endpoints.yml", "tracker_store:", "tracker_store: [", 5, ["no YAML", "line 3"]),
        ("credentials.yml", "rest:", "rest: {", 2, ["no YAML"]),
        (NLU_FILE, "    - hello", "\t- hello", 7, ["tab", "- hello"]),
        ("domain.yml", "entities:", "intents:", 8, ["'intents'", "second time", "line 3"]),
        ("domain.yml", "    type: text", "    type: text\n    type: any", 14, ["'type'"]),
        ("domain.yml", 'version: "3.1"', 'version: "4.0"', 1, ["'4.0'", "newer"]),
        ("data/rules/all.yml", "rules:\n  -", "- rules:\n  -", 3, ["YAML"]),
        # NLU examples
        (NLU_FILE, "    - hello", "    hello", 7, ["'greet'", "'- '", "'hello'", "skips"]),
        (NLU_FILE, "    - hello", "    - ", 7, ["empty"]),
        (NLU_FILE, "- [Bath](city)", "- [Bath](city", 18, ["bracket", "[Bath](city", '{"entity"']),
        (NLU_FILE, "- [Bath](city)", "- [Bath(city)", 18, ["bracket"]),
        (NLU_FILE, "- [Bath](city)", "- Bath](city)", 18, ["bracket"]),
        (NLU_FILE, "- [Bath](city)", "- [Bath] (city)", 18, ["bracket"]),
        (NLU_FILE, '"role": "to"}', '"role": "to}', 17, ["no JSON"]),
        (NLU_FILE, '"role": "to"}', '"rolle": "to"}', 17, ["'rolle'", "role"]),
        (NLU_FILE, '"entity": "city", ', "", 17, ['under the key "entity"']),
        (NLU_FILE, "    - bye\n    - see you\n", "", 9, ["'goodbye'", "no examples"]),
        (NLU_FILE, "goodbye\n  examples: |", "goodbye\n  examples: >", 10, ["'examples: |'"]),
        (NLU_FILE, "- intent: goodbye", "- itnent: goodbye", 9, ["neither intent"]),
        # names
        (NLU_FILE, "- intent: greet", "- intent: gret", 4, ["intent 'gret'", "mean 'greet'"]),
        (NLU_FILE, "faq/hours", "fqa/hours", 20, ["intent 'fqa'", "mean 'faq'"]),
        (NLU_FILE, "faq/hours", "faq/houers", 20, ["'utter_faq/houers'", "'utter_faq/hours'"]),
        (NLU_FILE, "[Bath](city)", "[Bath](ctiy)", 18, ["entity 'ctiy'", "mean 'city'"]),
        (NLU_FILE, '"role": "to"', '"role": "too"', 17, ["role 'too'", "mean 'to'"]),
        ("data/rules/all.yml", "action: utter_greet", "action: uter_greet", 7, ["'utter_greet'"]),
        ("data/rules/all.yml", "intent: greet", "intent: great", 6, ["intent 'great'"]),
        ("data/rules/all.yml", "active_loop: trip", "active_loop: tirp", 18, ["form 'tirp_form'"]),
        ("data/rules/all.yml", "- place: Bath", "- plaice: Bath", 11, ["slot 'plaice'"]),
        ("data/rules/all.yml", "- city: Bath", "- town: Bath", 15, ["entity 'town'"]),
        # options of this package's components
        ("config.yml", "epochs: 8", "epoch: 8", 7, ["'epoch'", "mean 'epochs'"]),
        ("config.yml", "epochs: 8", "epochs: many", 7, ["'epochs'", "whole number"]),
        ("config.yml", "epochs: 8", "epochs: 8\n    model: ./away", 8, ["does not exist"]),
        ("config.yml", "JointClassifier", "JointClassifier\n    epochs: 3", 9, ["'epochs'"]),
        ("config.yml", "threshold: 0.4", "threshold: 2.5", 9, ["between 0"]),
        ("config.yml", "  - name: WhitespaceTokenizer", "  - WhitespaceTokenizer", 5, ["no name"]),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(
    project: Path, file: str, old: str, new: str, line: int, words: list[str]
) -> None:
    edit(project, file, old, new)
    error = only_problem(project)
    assert str(error).startswith(f"{file}:{line}: "), str(error)
    for word in words:
        assert word in str(error), str(error)


def test_examples_may_be_a_list_of_texts(project: Path) -> None:
    text = NLU.replace("  examples: |\n    - bye\n", "  examples:\n    - text: |\n        bye\n")
    text = text.replace("    - see you\n", "    - text: see [you](ctiy)\n")
    (project / NLU_FILE).write_text(text)
    assert "'ctiy'" in str(only_problem(project))


def test_a_list_of_bare_examples_is_refused(project: Path) -> None:
    edit(project, NLU_FILE, "  examples: |\n    - bye\n    - see you", "  examples:\n    - bye")
    assert "examples: |" in str(only_problem(project))


def test_brackets_that_annotate_nothing_are_left_alone(project: Path) -> None:
    edit(project, NLU_FILE, "- hello", "- hello [again] (it is me)")
    check_project(project)


def test_several_entities_on_the_same_words(project: Path) -> None:
    edit(project, NLU_FILE, "[Bath](city)", '[Bath][{"entity": "city"}, {"entity": "town"}]')
    assert "entity 'town'" in str(only_problem(project))


def test_files_that_are_not_utf8(project: Path) -> None:
    (project / NLU_FILE).write_bytes(NLU.replace("hello", "café").encode("latin-1"))
    error = only_problem(project)
    assert "UTF-8" in str(error) and NLU_FILE in str(error)


def test_a_project_without_data(project: Path) -> None:
    shutil.rmtree(project / "data")
    assert "no folder 'data'" in str(only_problem(project))


def test_a_project_whose_data_is_empty(project: Path) -> None:
    shutil.rmtree(project / "data")
    (project / "data").mkdir()
    (project / "data" / "notes.yml").write_text("colours: [red]\n")
    assert "nothing to learn from" in str(only_problem(project))


@pytest.mark.parametrize("name", ["config.yml", "domain.yml"])
def test_a_project_without_its_main_files(project: Path, name: str) -> None:
    (project / name).unlink()
    assert f"no '{name}'" in str(only_problem(project))


def test_an_incomplete_local_encoder(project: Path) -> None:
    (project / "encoder").mkdir()
    edit(project, "config.yml", "epochs: 8", "epochs: 8\n    model: encoder")
    error = only_problem(project)
    assert "config.json" in str(error) and str(error).startswith("config.yml:8: ")


def test_an_encoder_of_the_hub_is_not_fetched(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.ml.encoder._download", lambda model: pytest.fail("downloads"))
    edit(project, "config.yml", "epochs: 8", "epochs: 8\n    model: intfloat/e5-small")
    check_project(project)


@pytest.mark.parametrize("full", ["models", "scratch"])
def test_a_full_disk(project: Path, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    usage = namedtuple("usage", "total used free")
    scratch = project.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(scratch))

    def disk_usage(path: Path) -> tuple[int, int, int]:
        is_full = (Path(path) == scratch.resolve()) == (full == "scratch")
        return usage(10**12, 0, (300 if is_full else 5000) * 2**20)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    message = str(only_problem(project))
    assert "1024 MB" in message and "300 MB" in message
    assert ("TMPDIR" in message) == (full == "scratch")


def test_four_thousand_examples_take_less_than_a_second(project: Path) -> None:
    examples = "".join(f"    - from [Bath](city) to place {n}\n" for n in range(4000))
    (project / "data/nlu/more.yml").write_text(f"nlu:\n- intent: greet\n  examples: |\n{examples}")
    problems(project)  # warm: the weights' checksum is read from disk once
    best = min(_seconds(project) for _ in range(3))
    assert best < 1


def _seconds(project: Path) -> float:
    start = time.perf_counter()
    assert problems(project) == []
    return time.perf_counter() - start


# ---- archives


def test_a_model_of_rasas_passes(tmp_path: Path) -> None:
    check_archive(write_archive(tmp_path / "good.tar.gz"))


def refusal(path: Path) -> str:
    with pytest.raises(ProjectError) as raised:
        check_archive(path)
    assert str(path) in str(raised.value) and raised.value.remedy
    return str(raised.value)


def test_missing_archives_and_folders(tmp_path: Path) -> None:
    assert "no model archive" in refusal(tmp_path / "away.tar.gz")
    assert "a folder" in refusal(tmp_path)


def test_an_archive_that_is_cut_off(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "cut.tar.gz")
    path.write_bytes(path.read_bytes()[:-40])
    assert "damaged" in refusal(path)


def test_an_archive_whose_checksum_is_wrong(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "crc.tar.gz")
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 1  # gzip's checksum: the content itself can still be read
    path.write_bytes(bytes(raw))
    assert "damaged" in refusal(path)


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("not found")
    assert "damaged" in refusal(tmp_path / "text.tar.gz")
    (tmp_path / "gz.tar.gz").write_bytes(gzip.compress(b"hello" * 500))
    assert "damaged" in refusal(tmp_path / "gz.tar.gz")


def test_an_archive_without_metadata(tmp_path: Path) -> None:
    assert "metadata.json" in refusal(write_archive(tmp_path / "a.tar.gz", {"notes.txt": b"x"}))
    other = write_archive(tmp_path / "b.tar.gz", {"metadata.json": b"{"})
    assert "no JSON" in refusal(other)
    foreign = {"metadata.json": json.dumps({"version": "1.4.0"}).encode()}
    assert "Rasa 3" in refusal(write_archive(tmp_path / "c.tar.gz", foreign))


@pytest.mark.parametrize("version", ["3.5.2", "3.6.20", "4.0.0"])
def test_an_archive_of_another_rasa(tmp_path: Path, version: str) -> None:
    assert version in refusal(write_archive(tmp_path / "old.tar.gz", version=version))


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside.txt", "a/../../b"])
def test_an_archive_that_writes_elsewhere(tmp_path: Path, name: str) -> None:
    path = write_archive(tmp_path / "bad.tar.gz", {name: b"x"}, keep=True)
    assert "not safe" in refusal(path) and name in refusal(path)


def test_an_archive_with_a_link(tmp_path: Path) -> None:
    path = tmp_path / "link.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("metadata.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link, io.BytesIO())
    assert "link" in refusal(path)


def test_the_newest_model_is_found_by_time_at_top_level(tmp_path: Path) -> None:
    for number, name in enumerate(["z.tar.gz", "b.tar.gz", "candidates/c.tar.gz"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        os.utime(path, (1000 + number, 1000 + number))
    assert newest_model(tmp_path).name == "b.tar.gz"


def test_no_model_yet(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "away"):
        with pytest.raises(ProjectError, match="make train"):
            newest_model(folder)


def test_errors_of_the_sample_are_not_hidden_by_each_other(project: Path) -> None:
    edit(project, NLU_FILE, "    - hello", "    hello")
    edit(project, "data/rules/all.yml", "intent: greet", "intent: great")
    (project / "config.yml").write_text(CONFIG.replace("epochs", "epoch"))
    assert len(problems(project)) == 3
