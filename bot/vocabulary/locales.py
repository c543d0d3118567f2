"""How a language and a country write numbers, dates and currencies, asked of CLDR through Babel.

Babel is imported when first asked, and its answers are kept: one per language and country.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.errors import OptionError

if TYPE_CHECKING:
    from babel import Locale

from bot.vocabulary.folding import NARROW, fold

# What people call a currency; full names and names in other languages come from Babel.
ENGLISH_MONEY = {
    "GBP": "pounds sterling|pounds|pound sterling|pound|quids|quid|sterling|squid|nicker",
    "EUR": "euros|euro", "JPY": "japanese yen|yen", "CHF": "swiss francs|swiss franc|francs|franc",
    "USD": "us dollars|us dollar|american dollars|dollars|dollar|bucks|buck",
    "CAD": "canadian dollars|canadian dollar",
    "AUD": "australian dollars|australian dollar|aussie dollars",
    "NZD": "new zealand dollars", "INR": "indian rupees|rupees|rupee", "SEK": "kronor|krona|kr",
    "PLN": "zlotys|zloties|zloty|złoty", "NOK": "norwegian kroner|kroner", "DKK": "danish kroner",
    "TRY": "turkish lira|lira", "AED": "dirhams|dirham", "MXN": "pesos|peso", "THB": "baht",
    "ZAR": "rand", "NGN": "naira", "CZK": "koruna|korunas", "HUF": "forints|forint",
    "HRK": "kuna", "CNY": "yuan|renminbi", "ILS": "shekels|shekel", "RUB": "roubles|rubles",
    "MYR": "ringgit", "IDR": "rupiah", "SAR": "riyals|riyal", "RON": "lei", "KRW": "korean won",
}  # fmt: skip
OTHER_MONEY = {
    "de": {"GBP": "pfund", "USD": "dollar", "CHF": "franken", "EUR": "euro"},
    "fr": {"GBP": "livres|livre", "USD": "dollars|dollar", "CHF": "francs|franc"},
    "es": {"GBP": "libras|libra", "USD": "dólares|dólar|dolares", "MXN": "pesos|peso"},
    "it": {"GBP": "sterline|sterlina", "USD": "dollari|dollaro", "CHF": "franchi|franco"},
    "nl": {"GBP": "pond", "USD": "dollar"},
    "pt": {"GBP": "libras|libra", "USD": "dólares|dólar", "BRL": "reais|real"},
}
SIGNS = {"£": "GBP", "€": "EUR", "us$": "USD", "a$": "AUD", "c$": "CAD", "nz$": "NZD",
         "$": "USD", "¥": "JPY", "₹": "INR", "₺": "TRY", "₽": "RUB", "₩": "KRW", "₪": "ILS",
         "₦": "NGN", "zł": "PLN", "฿": "THB", "￥": "JPY", "₴": "UAH"}  # fmt: skip
_CODE_NAMES = ("gbp eur usd jpy chf cad aud nzd inr pln sek nok dkk try aed mxn thb zar ngn czk "
               "huf hrk cny hkd sgd ils rub myr idr sar ron krw brl uah bgn isk")  # fmt: skip
CODES = tuple(_CODE_NAMES.split())


@dataclass(frozen=True)
class Locality:
    """What a language in a country writes: numbers, the order of a date, names in small letters.

    Attributes:
        language: the language's code, "en".
        decimal: the decimal sign.
        order: the order of a date in digits, "DMY", "MDY" or "YMD".
        number: the pattern of a whole number with or without decimals; anything else in digits
            could mean two things and means none.
        months: names and short names, to 1 to 12.
        weekdays: names and short names, to 0 for Monday to 6.
        money: what a currency is called, to its ISO code.
    """

    language: str
    decimal: str
    order: str
    number: re.Pattern[str]
    months: dict[str, int]
    weekdays: dict[str, int]
    money: dict[str, str]

    def read_number(self, digits: str) -> Decimal | None:
        """Read digits with the signs of this place: "1,250.00" is English, "1.250,00" German."""
        if not self.number.fullmatch(digits):
            return None
        whole, _, part = digits.rpartition(self.decimal) if self.decimal in digits else (
            digits, "", "")  # fmt: skip
        return Decimal(f"{re.sub('[^0-9]', '', whole) or 0}.{part or 0}")


@lru_cache(maxsize=32)
def locality(language: str = "en", country: str = "GB") -> Locality:
    """Return what is written in a language and country.

    Raises:
        OptionError: Babel does not know the language.
    """
    locale = _locale(language, country)
    decimal = locale.number_symbols["latn"]["decimal"]
    group = fold(locale.number_symbols["latn"]["group"])
    # A space groups only where it cannot break a line, or where the language groups by spaces.
    groups = f"[ {NARROW}]" if group == NARROW else f"[{re.escape(group)}'{NARROW}]"
    number = rf"(?:\d{{1,3}}(?:(?P<g>{groups})\d{{3}})(?:(?P=g)\d{{3}})*|\d+)"
    pattern = re.compile(
        rf"{number}(?:{re.escape(decimal)}\d{{1,2}})?|{re.escape(decimal)}\d{{1,2}}"
    )
    short = str(locale.date_formats["short"].pattern)
    order = "".join(sorted("DMY", key=lambda part: short.lower().find(part.lower())))
    return Locality(
        language, decimal, order, pattern, _names(locale, "months"), _names(locale, "days"),
        _money(locale, language),
    )  # fmt: skip


def _locale(language: str, country: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    for name in (f"{language}_{country}", language):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    raise OptionError(
        f"The language {language!r} is not known. Give an ISO 639 code, such as 'en' or 'de'."
    )


def _names(locale: Locale, what: str) -> dict[str, int]:
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in getattr(locale, what)[context][width].items():
                for form in (fold(name), fold(name).rstrip(".")):
                    if form and not form.isdigit():
                        names.setdefault(form, number)
    return names


def _money(locale: Locale, language: str) -> dict[str, str]:
    table = ENGLISH_MONEY if language == "en" else {"EUR": "euro|euros"} | OTHER_MONEY.get(
        language, {})  # fmt: skip
    names = {name: code for code, all_names in table.items() for name in all_names.split("|")}
    names |= {code: code.upper() for code in CODES if code != "try"}
    for code in CODES:
        name = locale.currencies.get(code.upper())
        if name:
            names.setdefault(fold(name), code.upper())
            plurals = locale._data["currency_names_plural"].get(code.upper(), {})
            names |= {fold(form): code.upper() for form in plurals.values() if len(form) > 2}
    return names
