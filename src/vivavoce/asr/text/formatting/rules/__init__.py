"""Rules that decide how a run of numbers is written. A run that no rule explains stays in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.rules.clock import clock
from vivavoce.asr.text.formatting.rules.context import RunInContext
from vivavoce.asr.text.formatting.rules.counts import cardinals, ordinals
from vivavoce.asr.text.formatting.rules.dates import date, years
from vivavoce.asr.text.formatting.rules.labels import fixed_expressions, labels, streets
from vivavoce.asr.text.formatting.rules.measures import money, percent, units

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.words import Rewrite

__all__ = ["RULES", "RunInContext", "rewrite_run"]

RULES: Final = (
    clock,
    streets,
    date,
    money,
    percent,
    units,
    labels,
    years,
    fixed_expressions,
    ordinals,
    cardinals,
)
"""In the order in which they are asked: the first result counts. A rule that does not apply returns None."""


def rewrite_run(context: RunInContext) -> Rewrite | None:
    """Rewrite a run by the first rule that applies; None if it stays in words."""
    for rule in RULES:
        if rewrite := rule(context):
            return rewrite
    return None
