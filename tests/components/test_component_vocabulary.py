"""The vocabulary components in a pipeline that Rasa trains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rasa_project import Project, load_agent, parse, tiny_project

from bot.lifecycle.scorer import load_scorer
from bot.types import Example

TERMS = """
vocabulary:
  - term: oslo
    entity: city
    aliases: [Christiania, "o/s"]
  - term: pizza
    aliases: [margherita]
"""


@pytest.fixture(scope="module")
def taught(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_encoder: Path,
    tiny_examples: tuple[Example, ...],
) -> tuple[Project, Path]:
    """A project with a vocabulary, and its model."""
    project = tiny_project(tmp_path_factory.mktemp("taught"), tiny_encoder, tiny_examples)
    (project.folder / "data" / "vocabulary").mkdir()
    (project.folder / "data" / "vocabulary" / "terms.yml").write_text(TERMS)
    return project, project.train()


def test_an_alias_is_understood_and_stays_as_it_was_typed(taught: tuple[Project, Path]) -> None:
    agent = load_agent(taught[1])
    found = parse(agent, "book a flight from berlin to O/S")
    assert found["text"] == "book a flight from berlin to O/S"
    assert found["intent"]["name"] == "book_flight"
    entity = found["entities"][-1]
    assert (entity["start"], entity["end"], entity["value"]) == (29, 32, "oslo")
    assert entity["role"] == "to"
    assert parse(agent, "a large margherita")["intent"]["name"] == "order_pizza"


def test_a_misspelt_term_is_known_where_it_was_typed(taught: tuple[Project, Path]) -> None:
    entity = parse(load_agent(taught[1]), "a flight to chirstiania")["entities"][-1]
    assert (entity["start"], entity["end"], entity["value"]) == (12, 23, "oslo")


def test_values_are_taken_apart_where_they_are_entities(
    tmp_path: Path, tiny_encoder: Path, tiny_examples: tuple[Example, ...]
) -> None:
    project = tiny_project(tmp_path / "values", tiny_encoder, tiny_examples)
    project.configure("bot.components.values.ValueFinder", entities=["amount", "iban"])
    agent = load_agent(project.train())
    text = "hello £12.50 from GB82 WEST 1234 5698 7654 32"
    found = {e["entity"]: e for e in parse(agent, text)["entities"]}
    assert found["amount"]["additional_info"] == {"amount": "12.50", "currency": "GBP"}
    assert found["iban"]["value"] == "GB82WEST12345698765432"
    assert "32" in found["iban"]["additional_info"]["masked"]
    assert json.loads(json.dumps(list(found.values()))) == list(found.values())


def test_a_new_term_is_learned_by_the_next_training(
    taught: tuple[Project, Path], tmp_path: Path
) -> None:
    project = taught[0].copy(tmp_path / "more")
    terms = project.folder / "data" / "vocabulary" / "terms.yml"
    terms.write_text(TERMS + "  - term: bergen\n    entity: city\n")
    agent = load_agent(project.train())
    assert [e["value"] for e in parse(agent, "hello bergen")["entities"]] == ["bergen"]


def test_the_ranking_of_logged_messages_reads_as_the_live_model(
    taught: tuple[Project, Path],
) -> None:
    scorer, agent = load_scorer(taught[1]), load_agent(taught[1])
    assert scorer is not None
    for text in ("a flight to o/s", "a large margherita", "chirstiania pleas", "hello £5"):
        live, read = parse(agent, text), scorer.parse(text)
        assert read.ranking[0].name == live["intent"]["name"]
        assert read.ranking[0].confidence == pytest.approx(live["intent_ranking"][0]["confidence"])
        ours = [(e["start"], e["end"], e["entity"]) for e in live["entities"]]
        assert [(s.start, s.end, s.entity) for s in read.spans] == ours


SERVES = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {components!r})
from rasa_project import load_agent, parse
from pathlib import Path
found = parse(load_agent(Path({model!r})), "a flight to o/s for £5 tomorrow")
assert found["entities"], found
hidden = ("torch", "transformers", "thinc.backends.ops_torch")
heavy = [name for name in hidden if name in sys.modules]
print("spacy" in sys.modules, heavy)
"""


def test_serving_loads_spacy_without_torch(taught: tuple[Project, Path]) -> None:
    code = SERVES.format(components=str(Path(__file__).parent), model=str(taught[1]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "True []"
