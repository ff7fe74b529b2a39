"""Numbers that something is measured by: money, percent, units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.context import Context, Rewrite
from vivavoce.asr.text.formatting.numbers import figures, read_run
from vivavoce.asr.text.formatting.pieces import Piece

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.numbers import Number, Run

__all__ = ["amount", "is_measured", "money", "percent", "units"]

_CURRENCIES: Final = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
_SMALL: Final = {"cent", "cents", "pence"}
_COINS: Final = 100

_UNITS: Final = {
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
_LONGEST_UNIT: Final = 3
_PLAIN_UNITS: Final = frozenset({"degrees"})  # stay words, behind figures


def amount(number: Number, sign: str) -> str:
    """The figures of a number, with separators, without its scale."""
    is_as_said = number.is_written or number.is_decimal or number.scale
    text = number.text if is_as_said else figures(number.value)
    return f"-{text}" if sign == "minus" else text


def _pieces(context: Context, number: Number, text: str, behind: str, more: int) -> Rewrite:
    """A number and what follows it; its scale, if it has one, stays a word."""
    if not number.scale:
        if not behind:
            return context.one_piece(text, more)
        return Rewrite((Piece(context.n, text), Piece(more, behind)))
    n = max(1, number.n_tokens) if context.run.sign != "a" else 1
    n += context.run.sign == "minus"
    if n >= context.n:  # "five-million": one token
        return Rewrite((Piece(context.n + (0 if behind else more), f"{text} {number.scale}"),))
    rest = context.n - n
    if behind:
        return Rewrite((Piece(n, text), Piece(rest, number.scale), Piece(more, behind)))
    return Rewrite((Piece(n, text), Piece(rest + more, number.scale)))


def _coins(context: Context, at: int) -> tuple[int, int]:
    """How many cents follow at a token, and behind which token; 0 and the same token without any."""
    tokens = context.tokens
    begin = at + 1 if at < len(tokens) and tokens[at].key == "and" and not tokens[at].trail else at
    if begin >= len(tokens) or tokens[begin].lead:
        return 0, at
    run = read_run(tokens, begin)
    number = run.single if run else None
    if run is None or number is None or run.sign:
        return 0, at
    if run.end >= len(tokens) or tokens[run.end - 1].trail:  # nineteen dollars ninety nine
        is_bare = begin == at and number.value in range(10, _COINS) and not number.is_decimal
        return (number.value, run.end) if is_bare else (0, at)
    if tokens[run.end].key not in _SMALL or not 0 < number.value < _COINS or number.is_decimal:
        return 0, at
    return number.value, run.end + 1


def money(context: Context) -> Rewrite | None:
    """Five dollars and ten cents."""
    number = context.run.single
    if number is None or context.run.sign == "minus":
        return None
    symbol = _CURRENCIES.get(context.after(), "")
    end = context.run.end + 1
    if not symbol and context.after() in {"pound", "pounds"}:
        if context.after(2) == "sterling":
            symbol, end = "£", end + 1
        elif not context.tokens[end - 1].trail and _coins(context, end)[0]:
            symbol = "£"
    if not symbol:
        return None
    cents = 0
    if not (number.is_decimal or number.scale or context.tokens[end - 1].trail):
        cents, end = _coins(context, end)
    text = f"{symbol}{amount(number, '')}"
    if number.is_decimal and not number.scale:
        whole, _, fraction = text.partition(".")
        text = f"{whole}.{fraction:0<2}"
    return _pieces(context, number, text + (f".{cents:02}" if cents else ""), "", end - context.run.end)


def percent(context: Context) -> Rewrite | None:
    """Fifty percent, fifty per cent."""
    number = context.run.single
    if number is None or number.scale:
        return None
    more = (
        1
        if context.after() == "percent"
        else 2
        if (context.after(), context.after(2)) == ("per", "cent")
        else 0
    )
    return context.one_piece(f"{amount(number, context.run.sign)}%", more) if more else None


def _unit(context: Context) -> tuple[str, int]:
    for n in range(_LONGEST_UNIT, 0, -1):
        names = tuple(context.after(k) for k in range(1, n + 1))
        if names in _UNITS:
            return _UNITS[names], n
    return "", 0


def units(context: Context) -> Rewrite | None:
    """Five kilometers, twenty degrees."""
    number = context.run.single
    if number is None:
        return None
    symbol, n = _unit(context)
    if not n and context.after() not in _PLAIN_UNITS:
        return None
    text = amount(number, context.run.sign)
    return _pieces(context, number, text, symbol, n)


def is_measured(tokens: Context, run: Run) -> bool:
    """Whether another run of the same turn is written in figures for what follows it."""
    other = Context(tokens.tokens, run)
    return any(rule(other) is not None for rule in (money, percent, units))
