"""StoryPolicy in projects that Rasa really trains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.model_training import train_core
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_UNLIKELY_INTENT_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa_project import (
    FEATURIZER,
    STORY_POLICY,
    TINY_OPTIONS,
    Project,
    Talk,
    load_agent,
    unpack,
    working_in,
)

from bot.components.story_policy import StoryPolicy
from bot.ml import warm
from bot.ml.dialogue import checkpoint
from bot.ml.dialogue.inference import HIGHEST_CONFIDENCE

SAID = (
    "hello",
    "bye",
    "price",
    "joke",
    "offer_repair",
    "repair",
    "offer_refund",
    "refund",
    "sorry",
    "welcome_back",
    "nothing",
    "ordered",
    "ask_size",
    "unsure",
)
DOMAIN: dict[str, Any] = {
    "version": "3.1",
    "intents": ["greet", "bye", "price", "joke", "broken", "late", "yes", "sure", "order", "tell"],
    "entities": ["size"],
    "slots": {
        "vip": {"type": "bool", "mappings": [{"type": "custom"}]},
        "size": {
            "type": "text",
            "influence_conversation": False,
            "mappings": [{"type": "from_entity", "entity": "size"}],
        },
    },
    "forms": {"order_form": {"required_slots": ["size"]}},
    "responses": {f"utter_{name}": [{"text": f"{name}!"}] for name in SAID},
}
ANSWERS = {"price": "utter_price", "joke": "utter_joke"}


def intent(name: str) -> dict[str, str]:
    return {"intent": name}


def action(name: str) -> dict[str, str]:
    return {"action": name if name.endswith("_form") else f"utter_{name}"}


def story(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"story": name, "steps": list(steps)}


def stories() -> list[dict[str, Any]]:
    told = []
    either = {"or": [intent("yes"), intent("sure")]}
    for problem, offer, done in (
        ("broken", "offer_repair", "repair"),
        ("late", "offer_refund", "refund"),
    ):
        begin = [intent(problem), action(offer)]
        told.append(story(f"{problem} at once", *begin, either, action(done)))
        for question in ANSWERS:
            between = [intent(question), action(question)]
            told.append(story(f"{problem} {question}", *begin, *between, either, action(done)))
    told.append(story("nothing open", intent("price"), action("price"), either, action("nothing")))
    told.append(story("no more", intent("joke"), action("joke"), either, action("nothing")))
    # a checkpoint, and a slot that decides
    met = {"checkpoint": "met"}
    told.append(story("hello", intent("greet"), action("hello"), met))
    of_vip = {"slot_was_set": [{"vip": True}]}
    told.append(story("known", met, of_vip, intent("tell"), action("welcome_back")))
    told.append(story("unknown", met, intent("tell"), action("sorry")))
    form = [intent("order"), action("order_form"), {"active_loop": "order_form"}]
    told.append(story("order", *form, {"active_loop": None}, action("ordered")))
    return told


RULES = [
    {"rule": "bye", "steps": [intent("bye"), action("bye")]},
    # against what the stories teach: a rule without a story wins over what was learned
    {"rule": "bye ends it", "steps": [action("bye"), intent("yes"), action("bye")]},
]


def write_shop(folder: Path, encoder: Path) -> Project:
    project = Project(folder)
    policies: list[dict[str, Any]] = [
        {
            "name": "RulePolicy",
            "core_fallback_threshold": 0.3,
            "core_fallback_action_name": "utter_unsure",
        },
        {"name": STORY_POLICY, "model": str(encoder), "learning_rate": 3e-3, "max_history": 8},
    ]
    config = {"recipe": "default.v1", "assistant_id": "shop", "language": "en", "pipeline": []}
    project.write("config.yml", {**config, "policies": policies})
    project.write("domain.yml", DOMAIN)
    project.write("data/stories.yml", {"version": "3.1", "stories": stories()})
    project.write("data/rules.yml", {"version": "3.1", "rules": RULES})
    return project


def train_shop(project: Project, **options: Any) -> Path:
    """Train as `rasa train core` does."""
    with working_in(project.folder):
        model = train_core(
            "domain.yml",
            "config.yml",
            "data",
            "models",
            additional_arguments={"augmentation_factor": 5},
            **options,
        )
    assert model
    return project.folder / model


@dataclass(frozen=True)
class Shop:
    project: Project
    model: Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Shop:
    """A project trained by `rasa train core`. Read only."""
    project = write_shop(tmp_path_factory.mktemp("shop"), tiny_encoder)
    return Shop(project, train_shop(project, fixed_model_name="first"))


@pytest.fixture(scope="module")
def agent(shop: Shop) -> Agent:
    return load_agent(shop.model)


@pytest.fixture
def talk(agent: Agent, request: pytest.FixtureRequest) -> Talk:
    return Talk(agent, sender=request.node.name)


@pytest.fixture
def copied(shop: Shop, tmp_path: Path) -> Project:
    return shop.project.copy(tmp_path / "copied")


def node_of(project: Project) -> str:
    names = [entry["name"] for entry in project.read("config.yml")["policies"]]
    return f"train_{STORY_POLICY}{names.index(STORY_POLICY)}"


@pytest.fixture(scope="module")
def load_policy(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[StoryPolicy, Domain]]:
    """Load the trained policy alone, with other options if need be."""
    folder = tmp_path_factory.mktemp("storage")
    storage, metadata = LocalModelStorage.from_model_archive(folder, shop.model)
    (_, config) = shop.project.read("config.yml")["policies"]
    config.pop("name")

    def load(**options: Any) -> tuple[StoryPolicy, Domain]:
        full = {**StoryPolicy.get_default_config(), **config, **options}
        resource = Resource(node_of(shop.project))
        context = ExecutionContext(GraphSchema({}))
        return StoryPolicy.load(full, storage, resource, context), metadata.domain

    return load


def tracker_after(domain: Domain, *events: Any) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("visitor", list(events), slots=domain.slots)


def heard(name: str) -> UserUttered:
    return UserUttered(f"/{name}", {"name": name, "confidence": 1.0})


def listening() -> ActionExecuted:
    return ActionExecuted(ACTION_LISTEN_NAME)


def policies_of(talk: Talk) -> list[str]:
    events = [e for e in talk.tracker.events if isinstance(e, ActionExecuted) and e.policy]
    return [str(e.policy) for e in events if e.action_name != ACTION_LISTEN_NAME]


def test_what_was_told_is_said(talk: Talk) -> None:
    assert talk.say("/broken") == ["offer_repair!"]
    assert talk.say("/yes") == ["repair!"]
    assert all("StoryPolicy" in policy for policy in policies_of(talk)[1:])


def test_an_order_that_was_not_told_is_understood(talk: Talk) -> None:
    assert talk.say("/joke") == ["joke!"]
    assert talk.say("/late") == ["offer_refund!"]
    assert talk.say("/joke") == ["joke!"]
    assert talk.say("/yes") == ["refund!"]


def test_or_holds_for_both(talk: Talk) -> None:
    assert talk.say("/broken") == ["offer_repair!"]
    assert talk.say("/sure") == ["repair!"]
    assert talk.say("/price") == ["price!"]


def test_a_rule_wins_over_what_was_learned(talk: Talk) -> None:
    assert talk.say("/bye") == ["bye!"]
    assert talk.say("/yes") == ["bye!"]
    assert "RulePolicy" in policies_of(talk)[-1]


def test_a_checkpoint_joins_stories_and_a_slot_decides(
    load_policy: Callable[..., tuple[StoryPolicy, Domain]],
) -> None:
    policy, domain = load_policy()
    begin = [listening(), heard("greet"), ActionExecuted("utter_hello"), listening()]
    for slots, expected in (([SlotSet("vip", True)], "welcome_back"), ([], "sorry")):
        tracker = tracker_after(domain, *begin, *slots, heard("tell"))
        scores = policy.predict_action_probabilities(tracker, domain).probabilities
        best = domain.action_names_or_texts[max(range(len(scores)), key=scores.__getitem__)]
        assert best == f"utter_{expected}"


def test_a_form_runs_and_what_follows_it_is_learned(talk: Talk) -> None:
    assert talk.say("/order") == ["ask_size!"]
    assert talk.tracker.active_loop_name == "order_form"
    assert talk.say('/tell{"size": "large"}') == ["ordered!"]
    assert talk.tracker.active_loop_name is None


def test_it_is_never_quite_sure_and_gives_plain_numbers(
    load_policy: Callable[..., tuple[StoryPolicy, Domain]],
) -> None:
    policy, domain = load_policy()
    for name in domain.intents:
        tracker = tracker_after(domain, listening(), heard(name))
        scores = policy.predict_action_probabilities(tracker, domain).probabilities
        assert len(scores) == domain.num_actions
        assert 0 < max(scores) <= HIGHEST_CONFIDENCE + 1e-6 < 1
        assert {type(score) for score in scores} == {float}


def test_an_unlikely_intent_is_said_only_if_wanted(
    load_policy: Callable[..., tuple[StoryPolicy, Domain]],
) -> None:
    for wanted in (True, False):
        policy, domain = load_policy(unlikely_intents=wanted)
        unlikely = domain.index_for_action(ACTION_UNLIKELY_INTENT_NAME)
        usual = tracker_after(
            domain, listening(), heard("broken"), ActionExecuted("utter_offer_repair"), listening(),
            heard("yes"),
        )  # fmt: skip
        assert policy.predict_action_probabilities(usual, domain).max_confidence_index != unlikely
        strange = tracker_after(domain, listening(), heard("yes"))
        prediction = policy.predict_action_probabilities(strange, domain)
        assert (prediction.max_confidence_index == unlikely) is wanted
        if wanted:
            about = prediction.action_metadata["query_intent"]
            assert about["name"] == "yes" and about["score"] < about["threshold"]
            strange.update(ActionExecuted(ACTION_UNLIKELY_INTENT_NAME))
            again = policy.predict_action_probabilities(strange, domain)
            assert again.max_confidence_index != unlikely


class Learned(RasaException):
    """Raised in place of a training."""


@pytest.fixture
def no_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training fail that Rasa's cache should have made unnecessary."""
    import bot.ml.dialogue.training

    def refuse(*_: Any, **__: Any) -> None:
        raise Learned("train_dialogue was called")

    monkeypatch.setattr(bot.ml.dialogue.training, "train_dialogue", refuse)


@pytest.mark.usefixtures("no_learning")
def test_the_fallback_wins_over_what_is_not_sure_enough_and_the_cache_keeps_the_rest(
    copied: Project,
) -> None:
    copied.configure("RulePolicy", core_fallback_threshold=0.9995)
    talk = Talk(load_agent(train_shop(copied, fixed_model_name="careful")))
    assert talk.say("/broken")[0] == "unsure!"
    copied.configure(STORY_POLICY, max_history=3)
    with pytest.raises(Learned):
        train_shop(copied)


@pytest.mark.usefixtures("no_learning")
def test_a_changed_response_is_read_again(copied: Project) -> None:
    domain = copied.read("domain.yml")
    domain["responses"]["utter_joke"] = [{"text": "Knock, knock."}]
    copied.write("domain.yml", domain)
    with pytest.raises(Learned):
        train_shop(copied)


def dialogue_folder(model: Path, target: Path) -> Path:
    (found,) = unpack(model, target).rglob("dialogue.onnx")
    return found.parent


def test_finetuning_goes_on_from_the_earlier_model(
    copied: Project, shop: Shop, tmp_path: Path
) -> None:
    data = copied.read("data/stories.yml")
    data["stories"].append(story("two jokes", *[intent("joke"), action("joke")] * 2))
    copied.write("data/stories.yml", data)
    model = train_shop(
        copied,
        model_to_finetune=str(shop.model),
        finetuning_epoch_fraction=0.1,
        fixed_model_name="finetuned",
    )
    description = checkpoint.read_description(dialogue_folder(model, tmp_path / "unpacked"))
    assert description["training"]["options"]["epochs"] == 3
    first = description["training"]["curve"][0]["training_loss"]
    before = checkpoint.read_description(dialogue_folder(shop.model, tmp_path / "before"))
    assert first < before["training"]["curve"][0]["training_loss"] / 3


def test_a_warm_training_survives_what_came_and_went(
    copied: Project, shop: Shop, bench: Any, tmp_path: Path
) -> None:
    """An action, an intent and a slot are added, others removed."""
    domain = copied.read("domain.yml")
    domain["intents"] = [*(name for name in domain["intents"] if name != "tell"), "thanks"]
    domain["slots"]["mood"] = {"type": "bool", "mappings": [{"type": "custom"}]}
    del domain["slots"]["vip"]
    domain["responses"]["utter_welcome"] = [{"text": "welcome!"}]
    copied.write("domain.yml", domain)
    told = [s for s in stories() if s["story"] not in ("hello", "known", "unknown")]
    told.append(story("thanks", intent("thanks"), action("welcome")))
    copied.write("data/stories.yml", {"version": "3.1", "stories": told})
    earlier = dialogue_folder(shop.model, tmp_path / "earlier")
    with bench.saved() as joint, warm.warm_start(joint, earlier):
        model = train_shop(copied, fixed_model_name="warm")
    talk = Talk(load_agent(model))
    assert talk.say("/thanks") == ["welcome!"]
    assert talk.say("/broken") == ["offer_repair!"]
    assert talk.say("/yes") == ["repair!"]


def test_interactive_learning_sees_the_scores(agent: Agent) -> None:
    """`rasa interactive` asks the server, which asks the processor for this."""
    talk = Talk(agent, sender="teacher")
    talk.say("/broken")
    event = heard("yes")

    async def predict() -> Any:
        tracker = await agent.tracker_store.retrieve("teacher")
        tracker.update(event)
        await agent.tracker_store.save(tracker)
        return await agent.processor.predict_next_for_sender_id("teacher")

    answer = asyncio.run(predict())
    assert "StoryPolicy" in answer["policy"]
    best = max(answer["scores"], key=lambda entry: entry["score"])
    assert best["action"] == "utter_repair"


def test_without_stories_rules_go_on_alone(copied: Project) -> None:
    (copied.folder / "data" / "stories.yml").unlink()
    domain = copied.read("domain.yml")
    copied.write("domain.yml", domain)
    talk = Talk(load_agent(train_shop(copied, fixed_model_name="rules")))
    assert talk.say("/bye") == ["bye!"]


def test_what_was_said_in_words_is_read_by_the_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    """End-to-end stories: the user's words stand for intents, the bot's for actions."""
    project = write_shop(tmp_path / "spoken", tiny_encoder)
    config = project.read("config.yml")
    featurizer = {"name": FEATURIZER, "model": str(tiny_encoder), **TINY_OPTIONS}
    config["pipeline"] = [
        {"name": "WhitespaceTokenizer"},
        featurizer,
        {"name": "bot.components.classifier.JointClassifier"},
    ]
    project.write("config.yml", config)
    turns = (
        ({"user": "where do you hide the biscuits"}, {"bot": "In the tin."}),
        ({"user": "sing me a song about rain"}, action("joke")),
    )
    spoken = [story(f"spoken {number}", *turn) for number, turn in enumerate(turns)]
    for question, answer in (("price", "price"), ("joke", "joke"), ("late", "offer_refund")):
        known = [intent(question), action(answer)]
        spoken += [story(f"{question}, then {n}", *known, *turn) for n, turn in enumerate(turns)]
        spoken += [story(f"{n}, then {question}", *turn, *known) for n, turn in enumerate(turns)]
    project.write("data/spoken.yml", {"version": "3.1", "stories": spoken})
    texts = {"greet": ("hello", "hi there"), "price": ("how much is it", "what does it cost")}
    nlu = [
        {"intent": name, "examples": "".join(f"- {text}\n" for text in told)}
        for name, told in texts.items()
    ]
    project.write("data/nlu.yml", {"version": "3.1", "nlu": nlu})
    talk = Talk(load_agent(project.train()))
    assert talk.say("where do you hide the biscuits") == ["In the tin."]
    assert talk.say("sing me a song about rain") == ["joke!"]
    talk = Talk(talk.agent, sender="with intents")
    assert talk.say("/broken") == ["offer_repair!"]
    assert talk.say("/price") == ["price!"]
    assert talk.say("/yes") == ["repair!"]
