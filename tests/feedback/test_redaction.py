"""Nothing personal survives, everything trainable does, and offsets stay exact."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.feedback import shapes
from bot.feedback.redaction import Memory, Redactor
from bot.feedback.shapes import digits_of, iban_checksum, is_card, is_iban
from bot.feedback.synthetic import synthesize

ROOT = Path(__file__).parents[2]
DIGIT = st.sampled_from("0123456789")


def memory() -> Memory:
    return Memory(lambda *parts: hashlib.sha256("-".join(parts).encode()).hexdigest())


def mask(text: str, *names: str, entities: Any = ()) -> str:
    return Redactor(names).redact(text, memory(), entities).text


def digits(n: int) -> st.SearchStrategy[str]:
    return st.text(DIGIT, min_size=n, max_size=n)


@st.composite
def cards(draw: Any) -> str:
    body = draw(st.sampled_from("345")) + draw(digits(14))
    whole = next(body + last for last in "0123456789" if is_card(body + last))
    gap = draw(st.sampled_from(["", " ", "-", "\u00a0", "\u200b"]))
    return gap.join(whole[begin : begin + 4] for begin in range(0, 16, 4))


@st.composite
def ibans(draw: Any) -> str:
    country, n = draw(st.sampled_from([("GB", 14), ("DE", 18), ("NO", 11), ("FR", 23), ("MT", 23)]))
    account = ("NWBK" if country in ("GB", "MT") else "") + draw(digits(n))
    whole = f"{country}{iban_checksum(country, account)}{account}"
    gap = draw(st.sampled_from(["", " ", "\u00a0"]))
    shown = gap.join(whole[begin : begin + 4] for begin in range(0, len(whole), 4))
    return draw(st.sampled_from([shown, shown.lower()]))


PHONES = st.one_of(
    st.builds("07{} {}".format, digits(3), digits(6)),
    st.builds("+44 7{} {} {}".format, digits(3), digits(3), digits(3)),
    st.builds("(020) {} {}".format, digits(4), digits(4)),
    st.builds("+1-{}-{}-{}".format, digits(3), digits(3), digits(4)),
    st.builds("0049 {} {}".format, digits(3), digits(7)),
    st.builds("+33.{}.{}.{}.{}.{}".format, DIGIT, digits(2), digits(2), digits(2), digits(2)),
)
EMAILS = st.builds(
    "{}@{}.{}".format,
    st.from_regex(r"[a-zA-Zé][\w.+-]{0,12}[a-z0-9]", fullmatch=True).filter(
        lambda s: ".." not in s
    ),
    st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z]", fullmatch=True),
    st.sampled_from(["com", "co.uk", "de", "рф"]),
)
ACCOUNTS = digits(8).filter(lambda s: not shapes.COMPACT_DATE.match(s))
SORT_CODES = st.builds("{}-{}-{}".format, digits(2), digits(2), digits(2)).filter(
    lambda s: not shapes.DATE_LIKE.match(s)
)
TOKEN_URLS = st.builds(
    "https://{}.example.com/reset?token={}".format,
    st.sampled_from(["www", "my"]),
    st.from_regex(r"[A-Za-z0-9_-]{12,40}", fullmatch=True),
)
SECRETS = {
    "card": cards(),
    "iban": ibans(),
    "phone": PHONES,
    "email": EMAILS,
    "account": ACCOUNTS,
    "sort code": SORT_CODES,
    "url": TOKEN_URLS,
    "pin": st.builds("my PIN is {}".format, digits(4)),
    "password": st.builds("password: {}1!".format, st.text("abcXYZ", min_size=3, max_size=9)),
    "customer": st.builds("customer number {}".format, digits(6)),
}
# What stands around a secret: any script, signs, emoji, invisible characters.
AROUND = st.one_of(
    st.sampled_from(
        ["", "please call ", "it's ", "é🧔🏽 ", "नमस्ते ", "お願い ", "مرحبا ", "(", '"', "\n", "– "]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Nd", "Cc", "Cf", "Sc")), max_size=12).map(
        lambda s: re.sub(r"[\[\]@/:._\-+%'’]", "", s) + " "
    ),
)


@pytest.mark.parametrize("kind", SECRETS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_secret_survives(kind: str, data: st.DataObject) -> None:
    secret = data.draw(SECRETS[kind])
    before, after = data.draw(AROUND), data.draw(AROUND)
    text = f"{before}{secret} {after}"
    told = mask(text)
    core = re.sub(r"^(my PIN is|password:|customer number) ", "", secret)
    assert core not in told
    assert len(digits_of(core)) < 4 or digits_of(core) not in digits_of(told)
    assert shapes.MASK.search(told)


@pytest.mark.parametrize("kind", SECRETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_twice_is_once(kind: str, data: st.DataObject) -> None:
    parts = [data.draw(SECRETS[kind]), data.draw(st.one_of(*SECRETS.values()))]
    text = data.draw(AROUND) + data.draw(st.sampled_from(["", " ", ", ", "/"])).join(parts)
    once = mask(text)
    assert mask(once) == once


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
@example("0" * 40)
@example("[NAME_1]07700 900123[PHONE_2]")
def test_any_text_is_taken(text: str) -> None:
    once = mask(text, "Priya Nair")
    assert mask(once, "Priya Nair") == once


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_entities_move_with_the_text(data: st.DataObject) -> None:
    plain = st.text("ab é🧔🏽ß\u0301ना", min_size=1, max_size=6)
    pieces, entities, text = (
        data.draw(st.lists(st.tuples(st.booleans(), plain), max_size=6)),
        [],
        "",
    )
    secrets = st.one_of(EMAILS, PHONES)
    for number, (is_entity, piece) in enumerate(pieces):
        if data.draw(st.booleans()):
            text += f" {data.draw(secrets)} "
        if is_entity:
            tag = {"entity": f"e{number}", "start": len(text), "end": len(text) + len(piece)}
            entities.append(tag | {"value": "synonym", "own": piece})
        text += piece
    found = Redactor().redact(text, memory(), entities)
    assert len(found.entities) == len(entities)
    for old, new in zip(entities, found.entities, strict=True):
        inside = found.text[new["start"] : new["end"]]
        if shapes.MASK.search(inside):
            assert new["value"] == inside  # a mask and a letter glued to it became one
        else:
            assert inside == old["own"] and new["value"] == "synonym"


def test_an_entity_that_is_masked_covers_the_mask() -> None:
    text = "send it to priya@x.org or Zoë, on 12/03/2026"
    entities = [
        {"entity": "email", "start": 17, "end": 22, "value": "x.org"},
        {"entity": "payee", "start": 26, "end": 29, "value": "Zoë Bell", "role": "to"},
        {"entity": "date", "start": 34, "end": 44, "value": "12/03/2026", "confidence": 0.9},
    ]
    found = Redactor().redact(text, memory(), entities)
    assert found.text == "send it to [EMAIL_1] or [NAME_1], on 12/03/2026"
    values = [found.text[tag["start"] : tag["end"]] for tag in found.entities]
    assert values == ["[EMAIL_1]", "[NAME_1]", "12/03/2026"] == [t["value"] for t in found.entities]
    assert found.entities[1]["role"] == "to" and found.entities[2]["confidence"] == 0.9


KEPT = [
    "£1,250.00",
    "1,250.00",
    "1 250,00 euros",
    "$ 12000",
    "€1.250,50",
    "£12345678",
    "12/03/2026",
    "12.03.2026",
    "2026-03-12",
    "2026-03-12T14:30:00Z",
    "on 3 March 2026 at 14:30",
    "the 21st, 31 July, March 5",
    "20260312",
    "LK77120",
    "TX-20931",
    "INV-2207",
    "card ending in 8830",
    "311.60",
    "https://example.com/help",
    "5% of 300 quid",
    "24 hours, 10 minutes, 1984",
    "from 5pm to 7",
    "ref MC-337",
]


@pytest.mark.parametrize("text", KEPT)
@pytest.mark.parametrize("frame", ["{}", "I paid {} yesterday", "{}?", "({})"])
def test_what_people_train_on_survives(text: str, frame: str) -> None:
    assert mask(frame.format(text)) == frame.format(text)


def demo_messages() -> list[str]:
    texts = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for item in yaml.safe_load(path.read_text("utf-8")).get("nlu", []):
            if "intent" in item:
                texts += [line[2:] for line in item["examples"].splitlines() if line[2:]]
    return texts


def test_the_demo_data_loses_bank_details_alone() -> None:
    """Of thousands of messages, only those with a sort code or account number change."""
    marked = re.compile(r"\[([^\]]+)\]\(([^)]*)\)")
    texts = demo_messages()
    plain = [marked.sub(r"\1", text) for text in texts]
    changed = [text for text in plain if mask(text) != text]
    assert len(texts) > 1500
    assert all(re.search(r"\d\d-\d\d-\d\d|\d{6,}|@", text) for text in changed), changed
    assert len(changed) < 20, changed
    references = [m[1] for text in texts for m in marked.finditer(text) if m[2] == "reference"]
    assert len(references) > 50
    assert [
        value for value in references if mask(f"about {value} please") != f"about {value} please"
    ] == []


SPOKEN = [
    ("sort code is 20-45-11", "sort code is [SORTCODE_1]"),
    ("sort code 12-03-26", "sort code [SORTCODE_1]"),
    ("sort code 204511 account 33918274", "sort code [SORTCODE_1] account [ACCOUNT_1]"),
    ("04-00-72 38811290", "[SORTCODE_1] [ACCOUNT_1]"),
    ("account 20260312", "account [ACCOUNT_1]"),
    ("acc no. 33918274, £50.00", "acc no. [ACCOUNT_1], £50.00"),
    ("call 07700 900123 or 07700900123", "call [PHONE_1] or [PHONE_1]"),
    ("4111 1111 1111 1111 exp 12/28", "[CARD_1] exp 12/28"),
    ("4111111111111112", "[ACCOUNT_1]"),
    ("GB29 NWBK 6016 1331 9268 19 is mine", "[IBAN_1] is mine"),
    ("GB30 NWBK 6016 1331 9268 19", None),
    ("my ni number is QQ 12 34 56 C", None),
    ("AB 12 34 56 C", "[ID_1]"),
    ("user id: 7712", "user id: [ID_1]"),
    ("my password is hunter2!", "my password is [SECRET_1]"),
    ("my pin is not working", "my pin is not working"),
    ("https://x.org/a?session=1", "[URL_1]"),
    ("٠٧٧٠٠ ٩٠٠١٢٣", "[PHONE_1]"),
    ("a@b.org, A@B.ORG and c@d.org", "[EMAIL_1], [EMAIL_1] and [EMAIL_2]"),
]


@pytest.mark.parametrize(("text", "expected"), SPOKEN)
def test_as_people_write_it(text: str, expected: str | None) -> None:
    told = mask(text)
    if expected is None:
        assert "9268 19" not in told and "12 34 56" not in told
    else:
        assert told == expected


def test_names_are_the_same_within_a_conversation() -> None:
    remembered, redactor = memory(), Redactor(["Oluwaseun Bello", "Will Grace"])
    tag = {"entity": "payee", "start": 4, "end": 17, "value": "Ines Carvalho"}
    first = redactor.redact("pay Ines Carvalho", remembered, [tag]).text
    assert first == "pay [NAME_1]"
    assert redactor.redact("INES's rent, and Oluwaseun", remembered).text == (
        "[NAME_1]'s rent, and [NAME_2]"
    )
    later = memory()
    later.load(remembered.as_dict())
    assert "Ines" not in str(remembered.as_dict())
    assert redactor.redact("to Carvalho. I will not", later).text == "to [NAME_1]. I will not"
    assert redactor.redact("Shall I pay Ines Souza today?", later, by_bot=True).text == (
        "Shall I pay [NAME_1] today?"
    )
    assert redactor.redact("Souza!", later).text == "[NAME_1]!"
    mum = {"entity": "payee", "start": 4, "end": 10, "value": "my mum"}
    assert redactor.redact("pay my mum", later, [mum]).text == "pay my mum"


def test_names_are_found_in_scripts_without_spaces() -> None:
    assert mask("田中花子に送金して", "田中花子") == "[NAME_1]に送金して"
    assert mask("प्रिया को भेजो", "प्रिया") == "[NAME_1] को भेजो"


KINDS = ["NAME", "EMAIL", "PHONE", "IBAN", "CARD", "SORTCODE", "ACCOUNT", "ID", "URL"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=5))
def test_synthetic_values_fit_and_entities_stay(kinds: list[str]) -> None:
    text, entities = "é ", []
    for number, kind in enumerate(kinds):
        begin = len(text)
        text += f"[{kind}_{number}]"
        entities.append({"entity": kind, "start": begin, "end": len(text), "value": text[begin:]})
        text += " und "
    made = synthesize(text, entities, seed="a")
    assert made == synthesize(text, entities, seed="a")
    assert not shapes.MASK.search(made.text)
    for tag in made.entities:
        value = made.text[tag["start"] : tag["end"]]
        assert tag["value"] == value
        plain = value.replace(" ", "")
        assert tag["entity"] != "IBAN" or (is_iban(plain) and "TEST" in plain)
        assert tag["entity"] != "CARD" or (is_card(plain) and plain.startswith("999999"))
        assert tag["entity"] != "PHONE" or value.startswith("07700 900")
        assert tag["entity"] != "EMAIL" or value.endswith("@example.org")


def test_the_same_mask_gets_the_same_value() -> None:
    made = synthesize("[NAME_1] and [NAME_2], [NAME_1]", seed="conversation").text
    first, rest = made.split(" and ")
    second, third = rest.split(", ")
    assert first == third != second
    assert synthesize("[GOAL_1]", seed="x").text == "[GOAL_1]"


def test_seeds_differ() -> None:
    made = {synthesize("[NAME_1] [PHONE_1]", seed=str(seed)).text for seed in range(20)}
    assert len(made) > 10
