"""``vivavoce models``: the models that can be had, and those that are here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.model_options import OfflineOption, get_model
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from vivavoce.model_files import Card

__all__ = ["models"]

models = typer.Typer(
    no_args_is_help=True,
    help="List, download, verify and remove models; serve --model NAME uses one.",
)

_SHOWN_LANGUAGES = 3
_NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="The models.", show_default=False)
]
_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The model.", show_default=False)]
_MirrorOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="VIVAVOCE_MODEL_HUB",
        show_default=False,
        help="Download from this copy of the model hub.",
    ),
]


@models.command("list")
def list_(
    *,
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", show_default=False, help="Only models that know this language."),
    ] = None,
) -> None:
    """List all models: name, size, languages, licence, and whether it is here.

    Those that say untested were never run by us with their real weights; docs/models.md says what is known.
    """
    from vivavoce.model_files import Shelf
    from vivavoce.model_files.languages import base_code

    shelf = Shelf()
    known = [card for card in _cards() if language is None or base_code(language) in card.languages]
    rows = [_row(card, is_here=card.is_packaged or shelf.has(card)) for card in known]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        say(f"No model knows {language}.")


@models.command()
def get(
    names: _NamesArgument,
    *,
    mirror: _MirrorOption = None,
    offline: OfflineOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress on standard error.")] = False,
) -> None:
    """Download models, or the rest of those that were begun."""
    for card in [_card(name) for name in names]:
        if card.is_packaged:
            say(f"{card.name} is part of the installation.")
            continue
        print(get_model(card, mirror=mirror, offline=offline, quiet=quiet))


@models.command()
def remove(
    names: _NamesArgument,
) -> None:
    """Delete downloaded models."""
    from vivavoce.model_files import Shelf

    for card in [_card(name) for name in names]:
        if card.is_packaged:
            raise ModelError(f"{card.name} is part of the installation and can't be removed alone")
        was_here = Shelf().remove(card)
        say(f"Removed {card.name}." if was_here else f"{card.name} is not here.")


@models.command()
def path(name: _NameArgument) -> None:
    """Print the folder of a downloaded model."""
    from vivavoce.model_files import Shelf

    card = _card(name)
    if card.is_packaged:
        raise ModelError(f"{card.name} is part of the installation and has no folder of its own")
    if not Shelf().has(card):
        raise ModelError(f"{card.name} is not here: run vivavoce models get {card.name}")
    print(Shelf().path_of(card))


@models.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...", help="The models (default: all that are here).", show_default=False
        ),
    ] = None,
) -> None:
    """Compare the files of downloaded models with their checksums.

    The commit of the hub's repository that they come from is shown where the list of models does not fix it.
    """
    from vivavoce.model_files import Shelf

    shelf = Shelf()
    cards = [_card(name) for name in names or ()] or [
        card for card in _cards() if not card.is_packaged and shelf.path_of(card).is_dir()
    ]
    damaged = []
    for card in cards:
        if card.is_packaged:
            continue
        problems = shelf.verify(card)
        for problem in problems:
            print(f"{card.name}: {problem.file} {problem.reason}")
        if problems:
            damaged.append(card.name)
        else:
            revision = shelf.revision_of(card)
            origin = "" if revision == card.revision else f", commit {revision}"
            print(f"{card.name}: ok{origin}")
    if damaged:
        raise ModelError(
            f"damaged: {', '.join(damaged)}; run vivavoce models remove and get for each of them again"
        )
    if not cards:
        say("No model was downloaded.")


def _cards() -> list[Card]:
    from vivavoce.model_files import CATALOGUE, VOICE_CATALOGUE

    return [*CATALOGUE.values(), *VOICE_CATALOGUE.values()]


def _card(name: str) -> Card:
    from vivavoce.model_files import VOICE_CATALOGUE, choose

    if name in VOICE_CATALOGUE:
        return VOICE_CATALOGUE[name]
    card = choose(name).card
    if card is None:
        raise ModelError(f"{name} is a folder; this command takes names: vivavoce models list")
    return card


def _row(card: Card, *, is_here: bool) -> tuple[str, ...]:
    more = len(card.languages) - _SHOWN_LANGUAGES
    languages = " ".join(card.languages[:_SHOWN_LANGUAGES]) + (f" and {more} more" if more > 0 else "")
    if not card.languages:
        languages = "voices"
    state = "here" if is_here else ""
    return (
        card.name,
        f"{card.size_mb} MB",
        languages,
        card.licence,
        state,
        "" if card.tested else "untested",
    )
