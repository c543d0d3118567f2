"""Exchange rates of the demo: fixed, so that conversations can be tested."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from .types import Money

PER_POUND = {
    "GBP": Decimal("1"), "EUR": Decimal("1.1655"), "USD": Decimal("1.2704"),
    "JPY": Decimal("189.40"), "CHF": Decimal("1.0931"), "CAD": Decimal("1.7402"),
    "AUD": Decimal("1.9335"), "INR": Decimal("106.15"), "PLN": Decimal("4.9820"),
    "SEK": Decimal("13.41"), "NOK": Decimal("13.86"), "DKK": Decimal("8.69"),
    "NZD": Decimal("2.1260"), "TRY": Decimal("41.05"), "AED": Decimal("4.6660"),
}  # fmt: skip


def rate(source: str, target: str) -> Decimal:
    """Return how many units of `target` one unit of `source` buys."""
    return (PER_POUND[target] / PER_POUND[source]).quantize(Decimal("0.0001"))


def convert(amount: Money, target: str) -> Money:
    """Convert a sum at today's rate, to the nearest hundredth."""
    minor = Decimal(amount.minor) * PER_POUND[target] / PER_POUND[amount.currency]
    return Money(int(minor.quantize(Decimal(1), ROUND_HALF_EVEN)), target)
