"""The models that a user names on the command line; those that are not here are downloaded."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from vivavoce.cli.guarded import say
from vivavoce.configuration import settings
from vivavoce.errors import ModelError
from vivavoce.types import SpeechTask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vivavoce.model_files import Card, ChosenModel, Shelf

__all__ = [
    "Device",
    "DeviceOption",
    "LanguageOption",
    "LocalDeviceOption",
    "MicModelDeviceOption",
    "ModelOption",
    "OfflineOption",
    "SpeechModelOption",
    "TranslateOption",
    "chosen_models",
    "find_models",
    "get_model",
    "get_voice_model",
    "model_parameters",
    "with_folders",
]

_YES = frozenset({"1", "true", "t", "yes", "y", "on"})

ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME|FOLDER",
        envvar="VIVAVOCE_MODEL",
        show_default=False,
        help="Use this model (default: the one of the installation). A name of vivavoce models list is "
        "downloaded at first. Repeatable: clients choose among the models by name or language.",
    ),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", envvar="VIVAVOCE_OFFLINE", help="Download nothing.")
]
Device: TypeAlias = Literal["cpu", "cuda", "auto"]
_DEVICE_VARIABLE = "VIVAVOCE_DEVICE"
_LOCAL_DEVICE_HELP = (
    "Run the model of a server inside this process on the cpu, or on an NVIDIA GPU with cuda; auto takes the "
    "GPU if it works."
)

DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="DEVICE",
        envvar=_DEVICE_VARIABLE,
        help="Run the models on the cpu, or on an NVIDIA GPU with cuda; auto takes the GPU if it works.",
    ),
]
LocalDeviceOption = Annotated[
    Device, typer.Option("--device", metavar="DEVICE", envvar=_DEVICE_VARIABLE, help=_LOCAL_DEVICE_HELP)
]
# --device of that command is the microphone.
MicModelDeviceOption = Annotated[
    Device, typer.Option("--model-device", metavar="DEVICE", envvar=_DEVICE_VARIABLE, help=_LOCAL_DEVICE_HELP)
]
SpeechModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FOLDER",
        show_default=False,
        help="Use this model of vivavoce models list, which is downloaded at first, or of a folder; a server "
        "at --url must serve it.",
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        show_default=False,
        help="The language that is spoken, such as de or pt-BR, for a model that knows several (default: "
        "what it hears).",
    ),
]


TranslateOption = Annotated[
    bool,
    typer.Option(
        "--translate",
        help="Write English, whatever is spoken; needs a model that translates, such as whisper-base.",
    ),
]


def model_parameters(
    model: str | None, language: str | None, url: str | None, *, translate: bool = False
) -> dict[str, Any]:
    """Return the options as parameters of v3; empty if none is given.

    Args:
        model: Value of ``--model``.
        language: Value of ``--language``.
        url: Value of ``--url``.
        translate: Value of ``--translate``.

    Raises:
        ModelError: There is no such model, or it can't translate, and no other server might have it.
    """
    parameters: dict[str, Any] = {}
    is_local = url is None and settings.source_of("base_url") is None
    if model is not None:
        from vivavoce.cli.config import named_models
        from vivavoce.model_files import choose

        try:
            parameters["speech_model"] = choose(model, named_models()).name
        except ModelError:
            if is_local:
                raise
            parameters["speech_model"] = model
    if language is not None:
        parameters["language_codes"] = [language]
    if translate:
        if is_local:
            _check_translates(model, language)
        parameters["task"] = SpeechTask.TRANSLATE
    return parameters


def _check_translates(model: str | None, language: str | None) -> None:
    """Check that the model of a local server can translate, unless the speech is English already."""
    from vivavoce.cli.config import named_models
    from vivavoce.model_files import DEFAULT_MODEL, choose
    from vivavoce.model_files.languages import base_code

    chosen = choose(model or DEFAULT_MODEL, named_models())
    if not chosen.translates and (language is None or base_code(language) != "en"):
        raise ModelError(
            f"--translate needs a model that translates, and {chosen.name} can't: add --model whisper-base"
        )


def chosen_models(
    names: Sequence[str] | None, *, offline: bool = False, check: Callable[[], object] = lambda: None
) -> tuple[ChosenModel, ...]:
    """Return models with their folders; those that are not here are downloaded.

    Args:
        names: Names, or paths of folders; None or empty: the default.
        offline: Whether nothing may be downloaded.
        check: As for `with_folders`.

    Raises:
        ModelError: A model is unknown, or it is not here and can't be downloaded.
    """
    return with_folders(find_models(names), offline=offline, check=check)


def find_models(names: Sequence[str] | None) -> tuple[ChosenModel, ...]:
    """Return models without the folders of those that have to be downloaded.

    Args:
        names: Names, or paths of folders; None or empty: the default.

    Raises:
        ModelError: A model is unknown.
    """
    from vivavoce.cli.config import named_models
    from vivavoce.model_files import DEFAULT_MODEL, choose

    named = named_models() if names else {}
    return tuple(choose(name, named) for name in names or [DEFAULT_MODEL])


def with_folders(
    models: Sequence[ChosenModel], *, offline: bool, check: Callable[[], object]
) -> tuple[ChosenModel, ...]:
    """Return models with their folders; those that are not here are downloaded.

    Args:
        models: From `find_models`.
        offline: Whether nothing may be downloaded.
        check: Called before anything is downloaded. It raises whatever is wrong with the other options, which
            the user must not learn of gigabytes later.

    Raises:
        ModelError: A model is not here and can't be downloaded.
    """
    if any(map(_is_missing, models)):
        check()
    return tuple(_with_folder(model, offline=offline) for model in models)


def _is_missing(chosen: ChosenModel) -> bool:
    from vivavoce.model_files import Shelf

    return chosen.card is not None and not chosen.card.is_packaged and not Shelf().has(chosen.card)


def _with_folder(chosen: ChosenModel, *, offline: bool) -> ChosenModel:
    if chosen.card is None or chosen.card.is_packaged:
        return chosen
    return dataclasses.replace(chosen, folder=get_model(chosen.card, offline=offline))


def get_model(card: Card, *, mirror: str | None = None, offline: bool = False, quiet: bool = False) -> Path:
    """Download a model if it is not here; returns its folder.

    Raises:
        ModelError: It is not here and can't be downloaded.
    """
    from vivavoce.model_files import Shelf
    from vivavoce.model_files.download import fetch

    shelf = Shelf()
    if shelf.has(card):
        return shelf.path_of(card)
    # stream and mic have no option for it; what counts as yes is what counts for those that have.
    if offline or os.environ.get("VIVAVOCE_OFFLINE", "").strip().lower() in _YES:
        raise ModelError(f"{card.name} is not in {shelf.folder}, and --offline forbids to download it")
    if quiet:
        return fetch(card, shelf, mirror=mirror)
    say(f"Downloading {card.name}, {card.size_mb} MB, to {shelf.folder}.")
    return _with_progress(card, shelf, mirror)


def get_voice_model(choice: str, *, offline: bool, check: Callable[[], object]) -> None:
    """Download a voice encoder that is named and is not here.

    Args:
        choice: Value of ``--speaker-model``.
        offline: Whether nothing may be downloaded.
        check: As for `with_folders`.

    Raises:
        ModelError: It is not here and can't be downloaded.
    """
    from vivavoce.model_files import VOICE_CATALOGUE, Shelf

    card = VOICE_CATALOGUE.get(choice)
    if card is not None and not Shelf().has(card):
        check()
        get_model(card, offline=offline)


def _with_progress(card: Card, shelf: Shelf, mirror: str | None) -> Path:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from vivavoce.model_files.download import fetch

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(file: str, n_bytes: int, total_bytes: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total_bytes)
            bars.update(tasks[file], completed=n_bytes, total=total_bytes)

        return fetch(card, shelf, mirror=mirror, progress=show)
