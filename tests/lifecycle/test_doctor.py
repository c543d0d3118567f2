"""One fault planted per check; the classes are imported against a small `rasa` of the test's own.

Python finds that package in the project's folder before the installed one, which takes ten seconds
to import.
"""

from __future__ import annotations

import http.server
import importlib.metadata
import json
import os
import shutil
import socket
import sqlite3
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import write_archive, write_project
from registered import archive

from bot.lifecycle import doctor
from bot.lifecycle.checks import imports, installation, services, trackers
from bot.lifecycle.checks.findings import Finding, Project, run
from bot.lifecycle.doctor import CHECKS, examine, findings
from bot.lifecycle.promote import promote
from bot.lifecycle.registry import Registry

RASA = {
    "rasa/__init__.py": "",
    "rasa/engine/__init__.py": "",
    "rasa/engine/graph.py": "class GraphComponent: pass\n",
    "rasa/engine/recipes/__init__.py": "",
    "rasa/engine/recipes/default_recipe.py": (
        "class DefaultV1Recipe:\n    _registered_components = {'Registered': 1, 'Mended': 1}\n"
    ),
    "rasa/core/__init__.py": "",
    "rasa/core/tracker_store.py": "class TrackerStore: pass\n",
    "rasa/core/lock_store.py": "class LockStore: pass\n",
    "rasa/core/brokers/__init__.py": "",
    "rasa/core/brokers/broker.py": "class EventBroker: pass\n",
    "rasa/core/channels/__init__.py": "",
    "rasa/core/channels/channel.py": "class InputChannel: pass\n",
    "mine.py": (
        "print('noise on standard output')\n"
        "from rasa.core.brokers.broker import EventBroker\n"
        "from rasa.core.channels.channel import InputChannel\n"
        "from rasa.core.lock_store import LockStore\n"
        "from rasa.core.tracker_store import TrackerStore\n"
        "from rasa.engine.graph import GraphComponent\n"
        "class Registered(GraphComponent): pass\n"
        "class Forgotten(GraphComponent): pass\n"
        "class Store(TrackerStore): pass\n"
        "class Locks(LockStore): pass\n"
        "class Broker(EventBroker): pass\n"
        "class Channel(InputChannel): pass\n"
    ),
    "broken.py": "raise SystemExit('bye')\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture
def small_rasa(project: Path) -> Path:
    for name, text in RASA.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    return project


def edit(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text()
    assert old in text, f"{old!r} is not in {file}"
    (project / file).write_text(text.replace(old, new, 1))


def found_by(name: str, project: Path) -> list[Finding]:
    return list(run(name, dict(CHECKS)[name], Project(project)))


def the_fault(name: str, project: Path, verdict: str, *words: str) -> Finding:
    faults = [item for item in found_by(name, project) if item.verdict != "ok"]
    assert len(faults) == 1, faults
    assert faults[0].verdict == verdict
    assert faults[0].remedy or name == "encoder"
    for word in words:
        assert word in f"{faults[0].detail} {faults[0].remedy}", faults[0]
    return faults[0]


def all_well(name: str, project: Path) -> list[Finding]:
    found = found_by(name, project)
    assert [item for item in found if item.verdict != "ok"] == []
    return found


# ---- the command


@pytest.fixture
def without_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = tuple((name, check) for name, check in CHECKS if name != "classes")
    monkeypatch.setattr(doctor, "CHECKS", checks)


@pytest.mark.usefixtures("without_imports")
def test_json_holds_every_check_once_and_the_verdict(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_archive(project / "models/a.tar.gz")
    examine(as_json=True, root=project)
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["findings"][0]) == {"name", "verdict", "detail", "remedy"}
    names = {item["name"] for item in answer["findings"]}
    assert {"python", "packages", "project files", "pipeline", "types", "tracker store"} <= names
    assert answer["verdict"] in ("ok", "warning", "problem")


@pytest.mark.usefixtures("without_imports")
def test_the_table_shows_brackets_and_counts(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    edit(project, "data/nlu/all.yml", "[Bath](city)", "[Bath](city")
    assert not examine(as_json=False, root=project)
    out = capsys.readouterr().out
    assert "[Bath](city" in out and "data/nlu/all.yml:18" in out
    assert "1 problem" in out.splitlines()[-1] and "mend" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("verdicts", "passes", "line"),
    [
        (["ok"], True, "Everything is in order."),
        (["ok", "warning"], True, "1 warning: nothing that keeps it from working."),
        (["problem", "warning", "warning"], False, "1 problem and 2 warnings: mend"),
    ],
)
def test_only_problems_fail(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verdicts: list[str],
    passes: bool,
    line: str,
) -> None:
    items = [Finding("a", verdict, "b") for verdict in verdicts]
    monkeypatch.setattr(doctor, "CHECKS", (("a", lambda project: items),))
    assert examine(as_json=False) is passes
    assert capsys.readouterr().out.splitlines()[-1].startswith(line)


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    def broken(project: Project) -> Iterator[Finding]:
        yield Finding("a", "ok", "first")
        raise ZeroDivisionError("by chance")

    checks = (("a", broken), ("b", lambda project: [Finding("b", "ok", "")]))
    monkeypatch.setattr(doctor, "CHECKS", checks)
    found = findings(project)
    assert [item.verdict for item in found] == ["ok", "problem", "ok"]
    assert "ZeroDivisionError: by chance" in found[1].detail


@pytest.mark.usefixtures("without_imports")
@pytest.mark.parametrize(
    "content", [b"- a\n", b"\xff\xfe", b"a: [", b"just text", b"x: !!python/y"]
)
def test_it_lives_with_broken_files(project: Path, content: bytes) -> None:
    for name in ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml"):
        (project / name).write_bytes(content)
    details = [item.detail for item in findings(project)]
    assert not [detail for detail in details if "could not be made" in detail]


@pytest.mark.usefixtures("without_imports")
def test_it_lives_in_an_empty_folder(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert not [item for item in found if "could not be made" in item.detail]
    assert any("no 'config.yml'" in item.detail for item in found)


# ---- the installation


def test_another_python(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_well("python", project)
    monkeypatch.setattr(sys, "version_info", (3, 11, 2))
    the_fault("python", project, "problem", "3.11.2", "3.10")


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("rasa", "3.6.20", ["3.6.20", "CVE-2024-49375"]),
        ("rasa", "3.7.0", ["<3.7"]),
        ("tensorflow", "2.13.0", ["2.12"]),
        ("numpy", "1.25.0", ["<1.25"]),
        ("setuptools", "82.0.0", ["pkg_resources"]),
        ("sanic", "22.3.0", ["21.12"]),
        ("torch", None, ["not installed"]),
    ],
)
def test_a_package_that_does_not_fit(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    version: str | None,
    words: list[str],
) -> None:
    real = importlib.metadata.version

    def planted(package: str) -> str:
        if package.split("-cpu")[0].split("-macos")[0] != name:
            return real(package)
        if version is None:
            raise importlib.metadata.PackageNotFoundError(package)
        return version

    all_well("packages", project)
    monkeypatch.setattr(importlib.metadata, "version", planted)
    finding = the_fault("packages", project, "problem", "make setup", *words)
    assert finding.name == f"package {name}"


def test_setuptools_without_pkg_resources(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = installation.importlib.util.find_spec
    monkeypatch.setattr(
        installation.importlib.util,
        "find_spec",
        lambda name: None if name == "pkg_resources" else real(name),
    )
    the_fault("packages", project, "problem", "does not import")


def test_versions_beside_the_lock(project: Path) -> None:
    installed = importlib.metadata.version("numpy")
    lock = f"numpy=={installed} ; python_full_version < '3.11' \\\n    --hash=sha256:00\n"
    (project / "requirements.lock").write_text(lock)
    all_well("packages", project)
    (project / "requirements.lock").write_text(f"{lock}onnxruntime==1.99.0 \\\n")
    the_fault("packages", project, "warning", "requirements.lock says 1.99.0")


def test_the_encoder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (good,) = all_well("encoder", project)
    assert "53aa51172d14" in good.detail
    monkeypatch.setattr("bot.ml.encoder.BUNDLED_SHA256", "0" * 64)
    finding = found_by("encoder", project)[0]
    assert finding.verdict == "problem" and "not the published ones" in finding.detail


def test_an_encoder_that_is_not_here_yet(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_cached", lambda model: None)
    monkeypatch.setattr("bot.ml.encoder._download", lambda model: pytest.fail("downloads"))
    edit(project, "config.yml", "epochs: 8", "model: someone/encoder")
    the_fault("encoder", project, "warning", "someone/encoder", "not on this machine")


def test_telemetry(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RASA_TELEMETRY_ENABLED", "false")
    all_well("telemetry", project)
    monkeypatch.delenv("RASA_TELEMETRY_ENABLED")
    the_fault("telemetry", project, "warning", "RASA_TELEMETRY_ENABLED=false")
    settings = tmp_path / ".config/rasa/global.yml"
    settings.parent.mkdir(parents=True)
    settings.write_text("metrics:\n  enabled: true\n")
    the_fault("telemetry", project, "warning")
    settings.write_text("metrics:\n  enabled: false\n")
    all_well("telemetry", project)


@pytest.mark.parametrize(("free", "verdict"), [(6000, "ok"), (3000, "warning"), (500, "problem")])
def test_disk(project: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, free * 2**20))
    (disk,) = [item for item in found_by("machine", project) if item.name == "disk"]
    assert disk.verdict == verdict and str(free) in disk.detail


@pytest.mark.parametrize(("available", "verdict"), [(4000, "ok"), (2000, "warning")])
def test_memory(
    project: Path, monkeypatch: pytest.MonkeyPatch, available: int, verdict: str
) -> None:
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(installation.psutil, "virtual_memory", lambda: memory(available * 2**20))
    (found,) = [item for item in found_by("machine", project) if item.name == "memory"]
    assert found.verdict == verdict and str(available) in found.detail


# ---- the project's content


def test_project_files(project: Path) -> None:
    all_well("project files", project)
    edit(project, "data/rules/all.yml", "intent: greet", "intent: great")
    the_fault("project files", project, "problem", "'great'", "data/rules/all.yml:6")


def test_many_faults_are_cut_short(project: Path) -> None:
    examples = "".join(f"    - [a{n}](city\n" for n in range(15))
    (project / "data/nlu/bad.yml").write_text(f"nlu:\n- intent: greet\n  examples: |\n{examples}")
    found = found_by("project files", project)
    assert len(found) == 11 and found[-1].detail.startswith("5 more")


def test_a_test_file_among_the_data(project: Path) -> None:
    all_well("test files", project)
    (project / "data/stories").mkdir()
    (project / "data/stories/test_greet.yml").write_text("stories: []\n")
    the_fault("test files", project, "problem", "data/stories/test_greet.yml", "tests/stories")


def test_out_of_scope_as_an_intent(project: Path) -> None:
    all_well("out_of_scope", project)
    text = "nlu:\n- intent: out_of_scope\n  examples: |\n    - what is love\n"
    (project / "data/nlu/other.yml").write_text(text)
    the_fault("out_of_scope", project, "warning", "data/nlu/other.yml:2", "another name")


def test_a_model(project: Path) -> None:
    the_fault("model", project, "warning", "make train")
    model = write_archive(project / "models/a.tar.gz")
    all_well("model", project)
    os.utime(model, (1, 1))
    newest = project / "data/rules/all.yml"
    os.utime(newest, (2**31, 2**31))
    the_fault("model", project, "warning", "older than data/rules/all.yml")
    model.write_bytes(model.read_bytes()[:-9])
    the_fault("model", project, "problem", "damaged")


def test_the_live_model_is_examined_not_the_newest(project: Path) -> None:
    model = archive(project / "models/a.tar.gz")
    registry = Registry(project / "models", project=project)
    promote(registry, Path("a"), force=True, why="the first")
    (project / "models/b.tar.gz").write_bytes(b"half an arch")
    all_well("model", project)
    os.utime(model, (1, 1))
    the_fault("model", project, "warning", "a.tar.gz is older", "bot improve")
    archive(model, filling=b"another")
    the_fault("model", project, "problem", "not the one that its card was written for")
    model.unlink()
    the_fault("model", project, "problem", "is gone", "bot rollback")


# ---- the pipeline


def pipeline(project: Path, *names: str) -> None:
    lines = [f"  - name: {name}" for name in names]
    text = "\n".join(
        ["recipe: default.v1", "pipeline:", *lines, "policies:", "  - name: RulePolicy"]
    )
    (project / "config.yml").write_text(text + "\n")


OURS = {
    "F": "bot.components.featurizer.JointFeaturizer",
    "C": "bot.components.classifier.JointClassifier",
    "C, reject: false": "bot.components.classifier.JointClassifier\n    reject: false",
    "R": "bot.components.response_ranker.ResponseRanker",
}


def test_a_pipeline_that_fits(project: Path) -> None:
    all_well("pipeline", project)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["WhitespaceTokenizer", OURS["F"], OURS["R"]], ["config.yml:4", "JointClassifier"]),
        ([OURS["C"], OURS["F"], OURS["R"]], ["no JointClassifier follows"]),
        ([OURS["F"], OURS["C"]], ["retrieval intents faq", "ResponseRanker"]),
        (
            [OURS["F"], "FallbackClassifier", OURS["C, reject: false"], OURS["R"]],
            ["before JointClassifier"],
        ),
        (
            [OURS["F"], OURS["C"], OURS["R"], "FallbackClassifier"],
            ["JointClassifier (line 4), FallbackClassifier (line 6)", "'reject: false'"],
        ),
        (["FallbackClassifier", "DIETClassifier", OURS["R"]], ["before DIETClassifier"]),
        (
            ["DIETClassifier", "FallbackClassifier", "FallbackClassifier", OURS["R"]],
            ["2 components that reject"],
        ),
        (
            [OURS["F"], OURS["C"], OURS["R"], "bot.rejecter.Rejecter"],
            ["JointClassifier (line 4), Rejecter (line 6)"],
        ),
        (
            [OURS["F"] + "\n    out_of_scope: nothing_of_ours", OURS["C"], OURS["R"]],
            ["'nothing_of_ours'", "no intent of domain.yml"],
        ),
    ],
)
def test_a_pipeline_that_does_not_fit(project: Path, names: list[str], words: list[str]) -> None:
    (project / "bot").mkdir()
    (project / "bot/rejecter.py").write_text("message.set('intent', {'name': 'nlu_fallback'})\n")
    pipeline(project, *names)
    the_fault("pipeline", project, "problem", *words)


def test_retrieval_intents_are_also_known_by_their_declaration(project: Path) -> None:
    edit(project, "domain.yml", "  - faq\n", "  - faq:\n      is_retrieval_intent: true\n")
    edit(project, "domain.yml", "  utter_faq/hours:\n    - text: From nine to five\n", "")
    pipeline(project, OURS["F"], OURS["C"])
    the_fault("pipeline", project, "problem", "retrieval intents faq")


# ---- types, classes


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("endpoints.yml", "tracker_store:\n  type: sqll\n", ["endpoints.yml:2", "memory", "'sql'"]),
        ("endpoints.yml", "traker_store:\n  type: sql\n", ["mean 'tracker_store'"]),
        ("endpoints.yml", "event_broker:\n  type: kafkaa\n", ["nowhere", "'kafka'"]),
        ("endpoints.yml", "lock_store:\n  type: Redis\n", ["lock_store", "'redis'"]),
        ("credentials.yml", "restt:\n", ["channel", "'rest'"]),
    ],
)
def test_a_mistyped_type(project: Path, file: str, text: str, words: list[str]) -> None:
    (project / file).write_text(text)
    the_fault("types", project, "problem", *words)


@pytest.mark.parametrize(
    "name", ["SQL", "sql", "mongod", "redis", "dynamo", "InMemory", "mine.Store"]
)
def test_types_that_rasa_knows(project: Path, name: str) -> None:
    text = (
        f"tracker_store:\n  type: {name}\nevent_broker:\n  type: pika\nlock_store:\n  type: redis\n"
    )
    (project / "endpoints.yml").write_text(text)
    all_well("types", project)


def test_rasas_own_names_are_read_from_its_source() -> None:
    known = imports.rasas_components()
    assert {"WhitespaceTokenizer", "RulePolicy", "DIETClassifier", "FallbackClassifier"} <= known


def test_a_mistyped_component_of_rasas(project: Path) -> None:
    pipeline(project, "WhitespaceTokeniser")
    the_fault("classes", project, "problem", "config.yml:3", "mean 'WhitespaceTokenizer'")


def test_classes_that_are_right(small_rasa: Path) -> None:
    pipeline(small_rasa, "WhitespaceTokenizer", "mine.Registered")
    (small_rasa / "endpoints.yml").write_text(
        "tracker_store: {type: mine.Store}\nevent_broker: {type: mine.Broker}\n"
        "lock_store: {type: mine.Locks}\n"
    )
    (small_rasa / "credentials.yml").write_text("rest:\nmine.Channel:\n")
    (good,) = all_well("classes", small_rasa)
    assert "all 7" in good.detail


def test_classes_that_are_wrong(small_rasa: Path) -> None:
    pipeline(
        small_rasa, "mine.Registered", "mine.Forgotten", "mine.Away", "away.Away", "mine.Store"
    )
    (small_rasa / "endpoints.yml").write_text(
        "tracker_store: {type: mine.Broker}\nevent_broker: {type: broken.Broker}\n"
        "lock_store: {type: mine.Store}\n"
    )
    (small_rasa / "credentials.yml").write_text("mine.Store:\n")
    details = [item.detail for item in found_by("classes", small_rasa)]
    expected = [
        ("config.yml:4", "not registered"),
        ("config.yml:5", "no class 'Away'"),
        ("config.yml:6", "cannot be imported: ModuleNotFoundError"),
        ("config.yml:7", "no GraphComponent"),
        ("endpoints.yml:1", "no TrackerStore"),
        ("endpoints.yml:2", "cannot be imported: SystemExit: bye"),
        ("endpoints.yml:3", "no LockStore"),
        ("credentials.yml:1", "no InputChannel"),
    ]
    assert len(details) == len(expected), details
    for detail, (where, what) in zip(details, expected, strict=True):
        assert where in detail and what in detail


def test_a_module_that_never_ends(small_rasa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small_rasa / "slow.py").write_text("import time\ntime.sleep(60)\n")
    pipeline(small_rasa, "slow.Slow")
    monkeypatch.setattr(imports, "TIMEOUT_S", 1.0)
    the_fault("classes", small_rasa, "warning", "given up")


def test_a_module_that_kills_python(small_rasa: Path) -> None:
    (small_rasa / "deadly.py").write_text("import os\nos._exit(7)\n")
    pipeline(small_rasa, "deadly.Deadly")
    finding = found_by("classes", small_rasa)[0]
    assert finding.verdict == "problem" and "exit code 7" in finding.detail


@pytest.mark.long
def test_the_projects_own_classes_with_the_real_rasa() -> None:
    all_well("classes", Path(__file__).parent.parent.parent)


# ---- services


def store(project: Path, text: str) -> None:
    (project / "endpoints.yml").write_text(f"tracker_store: {{{text}}}\n")


SQLITE = "type: SQL, dialect: sqlite, db: trackers.sqlite"


def test_sqlite_that_works(project: Path) -> None:
    store(project, SQLITE)
    before = sorted(project.iterdir())
    (good,) = all_well("tracker store", project)
    assert "first message" in good.detail
    assert sorted(project.iterdir()) == before  # the trial leaves nothing behind
    with sqlite3.connect(project / "trackers.sqlite") as database:
        database.execute("CREATE TABLE events (id INTEGER)")
    database.close()
    (good,) = all_well("tracker store", project)
    assert "can be written" in good.detail


def test_sqlite_in_a_folder_that_is_missing(project: Path) -> None:
    store(project, SQLITE.replace("db: ", "db: away/"))
    the_fault("tracker store", project, "problem", "away", "Make the folder")


def test_sqlite_where_nothing_can_be_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    store(project, SQLITE)
    monkeypatch.setattr(trackers.tempfile, "TemporaryDirectory", refuse)
    the_fault("tracker store", project, "problem", "Permission denied", "permissions")


def test_a_database_that_is_none(project: Path) -> None:
    store(project, SQLITE)
    (project / "trackers.sqlite").write_text("not a database, but long enough to be read as one\n")
    the_fault("tracker store", project, "problem", "trackers.sqlite", "not a database")


def test_a_database_that_somebody_holds(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(project, SQLITE)
    monkeypatch.setattr(trackers, "TIMEOUT_S", 0.1)
    holder = sqlite3.connect(project / "trackers.sqlite", isolation_level=None)
    holder.execute("CREATE TABLE events (id INTEGER)")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        the_fault("tracker store", project, "problem", "locked")
    finally:
        holder.close()


@pytest.mark.parametrize(
    "text",
    ["type: InMemory", "dialect: sqlite", f"{SQLITE.replace('trackers.sqlite', ':memory:')}"],
)
def test_conversations_in_memory(project: Path, text: str) -> None:
    store(project, text.replace(":memory:", '":memory:"'))
    the_fault("tracker store", project, "warning", "memory only")


def test_no_store_at_all(project: Path) -> None:
    (project / "endpoints.yml").unlink()
    the_fault("tracker store", project, "warning", "memory only")


def test_a_store_of_an_unknown_type(project: Path) -> None:
    store(project, "type: sqll")
    the_fault("tracker store", project, "problem", "sqll", "memory only")


@pytest.mark.parametrize(
    "text",
    [
        "type: SQL, dialect: postgresql, url: 127.0.0.1, port: {port}",
        "type: SQL, dialect: postgresql+psycopg2, url: '127.0.0.1:{port}'",
        "type: redis, url: 127.0.0.1, port: {port}",
        "type: mongod, url: 'mongodb://127.0.0.1:{port}'",
    ],
)
def test_a_server(project: Path, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        store(project, text.replace("{port}", str(port)))
        all_well("tracker store", project)
    the_fault("tracker store", project, "problem", f"127.0.0.1:{port}", "Start it")


def test_secrets_and_variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "tracker_store:\n  type: SQL\n  db: a.sqlite\n  password: {}\n"
    endpoints = project / "endpoints.yml"
    endpoints.write_text(text.format("hunter2"))
    finding = the_fault("secrets", project, "warning", "endpoints.yml:4", "${PASSWORD}")
    assert "hunter2" not in f"{finding}"
    endpoints.write_text(text.format("${DOCTOR_PASSWORD}"))
    monkeypatch.delenv("DOCTOR_PASSWORD", raising=False)
    the_fault("secrets", project, "problem", "${DOCTOR_PASSWORD}", "not set")
    monkeypatch.setenv("DOCTOR_PASSWORD", "hunter2")
    all_well("secrets", project)


@pytest.mark.parametrize(
    "text",
    [
        "slack:\n  slack_token: xoxb-1\n",
        "facebook:\n  page-access-token: EAA\n",
        "socketio:\n  jwt_key: abc\n",
        "callback:\n  url: https://user:geheim@example.org\n",
    ],
)
def test_secrets_of_channels(project: Path, text: str) -> None:
    (project / "credentials.yml").write_text(text)
    the_fault("secrets", project, "warning", "credentials.yml:2", "plain text")


def test_the_action_server_is_named_either_way(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(services, "TIMEOUT_S", 0.5)
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{server.server_port}/webhook"
    (project / "endpoints.yml").write_text(f"action_endpoint:\n  url: {url}\n")
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    (answers,) = all_well("action server", project)
    thread.join()
    server.server_close()
    (silent,) = all_well("action server", project)
    assert url in answers.detail and "answers" in answers.detail
    assert url in silent.detail and "not running" in silent.detail


def test_an_action_endpoint_that_is_no_address(project: Path) -> None:
    (project / "endpoints.yml").write_text("action_endpoint:\n  url: localhost\n")
    the_fault("action server", project, "warning", "no web address")
