"""What people type, and what it means. Today is Wednesday, 18 March 2026."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from conftest import TODAY
from hypothesis import given
from hypothesis import strategies as st

from actions import values
from actions.bank import accounts, cards, store, transfers
from actions.bank.frequency import Frequency
from actions.bank.types import Money
from actions.dates import format_date, parse_date, parse_frequency, parse_period


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("£1,250.50", "£1,250.50"), ("1.5k", "£1,500.00"), ("£2k", "£2,000.00"),
        ("1.5 k", "£1,500.00"), ("fifty quid", "£50.00"), ("two hundred quid", "£200.00"),
        ("two hundred and fifty pounds", "£250.00"), ("a hundred pounds", "£100.00"),
        ("fourty quid", "£40.00"), ("ten thousand", "£10,000.00"), ("30 euros", "€30.00"),
        ("€30", "€30.00"), ("30eur", "€30.00"), ("1.250,50 €", "€1,250.50"), ("20p", "£0.20"),
        ("50 pence", "£0.50"), ("£20.5", "£20.50"), ("3 pounds 50", "£3.50"),
        ("five pounds fifty", "£5.50"), ("a tenner", "£10.00"), ("a grand", "£1,000.00"),
        ("half a grand", "£500.00"), ("2 grand", "£2,000.00"), ("about £40", "£40.00"),
        ("make it 250", "£250.00"), ("£250!", "£250.00"), ("250 gbp", "£250.00"),
        ("1 250", "£1,250.00"), ("1,250", "£1,250.00"), ("£.50", "£0.50"), ("$20", "$20.00"),
        ("50 bucks", "$50.00"), ("£1m", "£1,000,000.00"), ("0", "£0.00"), ("-50", "-£50.00"),
        ("minus 50", "-£50.00"), ("1000 yen", "1,000.00 JPY"),
        ("£1.250", None), ("£1,25", None), ("£20.555", None), ("20 or 30", None),
        ("fifty sixty", None), ("nothing", None), ("", None), ("a", None), ("£", None),
        ("9" * 30, None), ("12/03", None), ("4421 7730", None),
    ],
)  # fmt: skip
def test_amounts(text: str, expected: str | None) -> None:
    found = values.parse_amount(text)
    assert (str(found) if found else None) == expected


@given(st.builds(Money, st.integers(-(10**12), 10**12),
                 st.sampled_from(["GBP", "EUR", "USD", "JPY", "CHF"])))  # fmt: skip
def test_amounts_round_trip(amount: Money) -> None:
    assert values.parse_amount(str(amount)) == amount


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    amount = values.parse_amount(text)
    assert amount is None or values.parse_amount(str(amount)) == amount
    frequency = parse_frequency(text)
    assert frequency is None or parse_frequency(str(frequency)) == frequency
    values.parse_limit_type(text), values.parse_currency(text)


@pytest.mark.parametrize(
    ("text", "future", "past"),
    [
        ("today", "2026-03-18", "2026-03-18"), ("now", "2026-03-18", "2026-03-18"),
        ("tomorrow", "2026-03-19", "2026-03-19"), ("tmrw", "2026-03-19", "2026-03-19"),
        ("yesterday", "2026-03-17", "2026-03-17"), ("friday", "2026-03-20", "2026-03-13"),
        ("on monday", "2026-03-23", "2026-03-16"), ("next friday", "2026-03-27", "2026-03-27"),
        ("last friday", "2026-03-13", "2026-03-13"), ("wednesday", "2026-03-25", "2026-03-11"),
        ("friday week", "2026-03-27", None), ("the 1st", "2026-04-01", "2026-03-01"),
        ("31st", "2026-03-31", "2026-01-31"), ("on the 28th", "2026-03-28", "2026-02-28"),
        ("12 march", "2027-03-12", "2026-03-12"), ("3rd of april", "2026-04-03", "2025-04-03"),
        ("12/3", "2027-03-12", "2026-03-12"), ("01/04/2026", "2026-04-01", "2026-04-01"),
        ("2026-04-01", "2026-04-01", "2026-04-01"), ("in two weeks", "2026-04-01", None),
        ("in a fortnight", "2026-04-01", None), ("in 3 days", "2026-03-21", None),
        ("3 days ago", None, "2026-03-15"), ("end of the month", "2026-03-31", None),
        ("1st of next month", "2026-04-01", "2026-04-01"), ("next month", "2026-04-01", None),
        ("christmas", "2026-12-25", "2025-12-25"), ("asap", "2026-03-18", None),
    ],
)  # fmt: skip
def test_dates(text: str, future: str | None, past: str | None) -> None:
    if future:
        assert parse_date(text, TODAY) == date.fromisoformat(future)
    if past:
        assert parse_date(text, TODAY, prefer="past") == date.fromisoformat(past)


@pytest.mark.parametrize("text", ["banana", "250", "4421", "", "30 feb", "the 45th", "2026-13-01"])
def test_no_dates(text: str) -> None:
    assert parse_date(text, TODAY) is None


@given(st.dates(date(1000, 1, 1), date(9000, 1, 1)), st.sampled_from(["future", "past"]))
def test_dates_round_trip(day: date, prefer: str) -> None:
    assert parse_date(format_date(day), TODAY, prefer=prefer) == day  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("this month", "2026-03-01", "2026-03-18"), ("last month", "2026-02-01", "2026-02-28"),
        ("in May", "2025-05-01", "2025-05-31"), ("march", "2026-03-01", "2026-03-18"),
        ("last week", "2026-03-09", "2026-03-15"), ("past two weeks", "2026-03-04", "2026-03-18"),
        ("the last 30 days", "2026-02-16", "2026-03-18"), ("yesterday", "2026-03-17", "2026-03-17"),
        ("since monday", "2026-03-16", "2026-03-18"), ("last weekend", "2026-03-14", "2026-03-15"),
    ],
)  # fmt: skip
def test_periods(text: str, start: str, end: str) -> None:
    assert parse_period(text, TODAY) == (date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weekly", "weekly"), ("each week", "weekly"), ("every two weeks", "every two weeks"),
        ("fortnightly", "every two weeks"), ("monthly", "monthly"), ("once a month", "monthly"),
        ("each friday", "every Friday"), ("every other friday", "every second Friday"),
        ("mondays", "every Monday"), ("the 1st of every month", "monthly on the 1st"),
        ("every 4 weeks", "every four weeks"), ("every 3 months", "quarterly"),
        ("yearly", "yearly"), ("evry month", "monthly"), ("sometimes", None), ("every", None),
        ("every 0 weeks", None),
    ],
)  # fmt: skip
def test_frequencies(text: str, expected: str | None) -> None:
    found = parse_frequency(text)
    assert (str(found) if found else None) == expected


@given(
    st.one_of(
        st.builds(Frequency, st.integers(1, 99), st.sampled_from(["day", "week", "month", "year"])),
        st.builds(Frequency, st.integers(1, 2), st.just("week"), st.integers(0, 6)),
        st.builds(Frequency, st.just(1), st.just("month"), st.none(), st.integers(1, 31)),
    ),
    st.dates(date(2020, 1, 1), date(2035, 1, 1)),
)
def test_frequencies_round_trip_and_go_on(frequency: Frequency, start: date) -> None:
    assert parse_frequency(str(frequency)) == frequency
    first = frequency.first_on_or_after(start)
    assert start <= first <= start + timedelta(days=31)
    assert frequency.after(first, first) > first


def test_the_31st_comes_back_after_february() -> None:
    monthly = Frequency(1, "month")
    assert monthly.after(date(2026, 1, 31), date(2026, 2, 28)) == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("current", "current"), ("my main account", "current"), ("curent acount", "current"),
        ("savings", "savings"), ("the savings acc", "savings"), ("savngs", "savings"),
        ("joint account", "joint"), ("euro account", "euro"), ("€ account", "euro"),
        ("holiday", "holiday pot"), ("holliday pot", "holiday pot"), ("rainy day", "rainy day pot"),
        ("credit card", "credit card"), ("isa", None), ("account", None), ("", None),
    ],
)  # fmt: skip
def test_accounts(text: str, name: str | None) -> None:
    with store.session() as db:
        found = values.match_account(text, accounts.of_customer(db, 1))
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("4421", "4421"), ("ending 4421", "4421"), ("44 21", "4421"), ("debit", "4421"),
        ("my debit card", "4421"), ("debt", "4421"), ("credit one", "7730"), ("creidt", "7730"),
        ("virtual", "0915"), ("virtuel", "0915"), ("0915", "0915"), ("9999", None),
        ("business", None), ("", None),
    ],
)  # fmt: skip
def test_cards(text: str, digits: str | None) -> None:
    with store.session() as db:
        found = values.match_card(text, cards.of_customer(db, 1))
    assert (found.last_four if found else None) == digits


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("priya", ["Priya Nair"]), ("Pryia", ["Priya Nair"]), ("Priya Nair", ["Priya Nair"]),
        ("my mum", ["Grace Okafor"]), ("landlord", ["Hartwell Lettings"]), ("dan", ["Daniel Osei"]),
        ("tom", ["Tom Baker", "Tom Ellis"]), ("tom ellis", ["Tom Ellis"]), ("jon", []),
        ("british gas", ["British Gas"]), ("", []),
    ],
)  # fmt: skip
def test_payees(text: str, names: list[str]) -> None:
    with store.session() as db:
        found = values.match_payees(text, transfers.payees(db, 1))
    assert [payee.name for payee in found] == names


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("cash", "cash"), ("atm", "cash"), ("cash withdrawal", "cash"), ("withdrawl", "cash"),
        ("contactless", "contactless"), ("contact less", "contactless"), ("online", "online"),
        ("daily", "spending"), ("daily spending", "spending"), ("transfers", "transfer"),
        ("overdraft", None), ("", None),
    ],
)  # fmt: skip
def test_limit_types(text: str, kind: str | None) -> None:
    assert values.parse_limit_type(text) == kind
