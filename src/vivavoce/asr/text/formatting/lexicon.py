"""Words with a meaning for numbers: currencies, units, links between the numbers of a range, fractions."""

from __future__ import annotations

from typing import Final

from vivavoce.asr.text.numerals import SCALES
from vivavoce.asr.text.word_lists import word_set

__all__ = [
    "ADVERBS",
    "AFTER_ARTICLES",
    "ARTICLES",
    "CENTS",
    "CONTINUATIONS",
    "CURRENCIES",
    "FRACTIONS",
    "LONGEST_UNIT",
    "MULTIPLIERS",
    "SIGNS",
    "UNITS",
    "UNITS_IN_WORDS",
    "YEARS_OF_TWO_THOUSAND",
]

CURRENCIES: Final = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
CENTS: Final = frozenset({"cent", "cents", "pence"})

UNITS: Final = {
    ("degrees", "celsius"): "°C",
    ("degrees", "centigrade"): "°C",
    ("degrees", "fahrenheit"): "°F",
    ("degree", "celsius"): "°C",
    ("miles", "per", "hour"): "mph",
    ("miles", "an", "hour"): "mph",
    ("kilometers", "per", "hour"): "km/h",
    ("kilometres", "per", "hour"): "km/h",
    ("kilometers", "an", "hour"): "km/h",
    ("kilometres", "an", "hour"): "km/h",
    ("meters", "per", "second"): "m/s",
    ("metres", "per", "second"): "m/s",
    ("kilowatt", "hours"): "kWh",
    ("kilometers",): "km",
    ("kilometres",): "km",
    ("kilometer",): "km",
    ("kilometre",): "km",
    ("kilograms",): "kg",
    ("kilogram",): "kg",
    ("centimeters",): "cm",
    ("centimetres",): "cm",
    ("millimeters",): "mm",
    ("millimetres",): "mm",
    ("milligrams",): "mg",
    ("milliliters",): "mL",
    ("millilitres",): "mL",
    ("milliseconds",): "ms",
    ("kilobytes",): "KB",
    ("megabytes",): "MB",
    ("gigabytes",): "GB",
    ("terabytes",): "TB",
    ("kilohertz",): "kHz",
    ("megahertz",): "MHz",
    ("gigahertz",): "GHz",
    ("kilowatts",): "kW",
    ("megawatts",): "MW",
}
LONGEST_UNIT: Final = 3
"""Words of the longest unit."""
UNITS_IN_WORDS: Final = frozenset({"degrees"})
"""Units that stay words, with the number in digits."""

MULTIPLIERS: Final = {"hundred": 100} | SCALES
"""Words that multiply the number before them."""
FRACTIONS: Final = word_set(
    "half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths "
    "eighth eighths ninth ninths tenth tenths hundredth hundredths thousandth thousandths"
)
ADVERBS: Final = word_set("about almost around even maybe nearly over perhaps possibly probably roughly")
"""Words that may come between a link and the number after it: "three or maybe four"."""

ARTICLES: Final = frozenset({"a", "an"})
SIGNS: Final = (
    FRACTIONS | frozenset(MULTIPLIERS) | word_set("double half minus negative o oh plus point quarter triple")
)
"""Words that a number phrase may begin with, other than articles and numbers."""
AFTER_ARTICLES: Final = FRACTIONS | frozenset(MULTIPLIERS) | word_set("dollar euro pound")
"""Words after "a" at the beginning of a number phrase."""
CONTINUATIONS: Final = (
    FRACTIONS
    | frozenset(CURRENCIES)
    | frozenset(name[0] for name in UNITS)
    | word_set(
        "after and before by dash degrees dot double feet foot hour hours hyphen in minus minute minutes o "
        "of oh or out past per percent plus point pound pounds through till times to triple until versus"
    )
)
"""Words after the first number of a phrase that is more than one number."""
YEARS_OF_TWO_THOUSAND: Final = range(2000, 2100)
"""Years that are said like counts: "two thousand twelve"."""
