"""The engines of a server: one for each of its models."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from vivavoce.asr.engine import Engine, EnginePool, Voices, load_voices, tuning_of
from vivavoce.asr.models import check_device, check_embedder, has_embedder, load_recogniser
from vivavoce.model_files import ChosenModel, voice_file
from vivavoce.protocol.served_models import ServedModel, ServedModels

if TYPE_CHECKING:
    from vivavoce.server.options import ServerOptions

_log = logging.getLogger(__name__)

__all__ = ["EngineMaker", "check_devices", "engine_pool", "served_models", "voices_of"]

EngineMaker: TypeAlias = Callable[[ChosenModel], Engine]
"""Makes the engine of a model; called on the event loop."""


def engine_pool(options: ServerOptions, make: EngineMaker | None = None) -> EnginePool:
    """Prepare the engines of all models; nothing is loaded.

    Args:
        options: Options of the server.
        make: Makes an engine; None: one that loads the model's files.
    """
    make = make or partial(_make, options)
    return EnginePool({model.name: partial(make, model) for model in options.models})


def _make(options: ServerOptions, model: ChosenModel) -> Engine:
    loader = partial(load_recogniser, device=options.device)
    load = partial(loader, model.family, model.folder, turn_model=options.turn_model)
    better = options.final_model
    if better is not None and better.name != model.name and not better.can_revise(model):
        _log.warning("%s does not know all languages of %s: its finals are its own", better.name, model.name)
    better = _second_of(model, options)
    if better is None:
        return Engine(recogniser=load, tuning=tuning_of(model.family))
    return Engine(
        recogniser=load,
        reviser=partial(loader, better.family, better.folder, turn_model="none"),
        revision_limit_s=options.final_wait_s,
        tuning=tuning_of(model.family),
    )


def check_devices(options: ServerOptions) -> None:
    """Look whether the models can run where they shall; call it before the server listens.

    Raises:
        ModelError: ``cuda`` is asked for, and one of them can't use it.
    """
    models = options.models if options.final_model is None else (*options.models, options.final_model)
    check_device(options.device, [model.family for model in models])


def served_models(options: ServerOptions) -> ServedModels:
    """Return the models of a server as the protocols see them."""
    return ServedModels(
        tuple(_served(model, options) for model in options.models), labels_speakers=_has_voices(options)
    )


def voices_of(options: ServerOptions) -> Voices | None:
    """Prepare what tells voices apart, loaded for the first session that needs it; None: nothing does.

    Raises:
        ModelError: The voice encoder is not installed or not downloaded, or its file begins as none does.
    """
    if not _has_voices(options):
        return None
    chosen = voice_file(options.speaker_model)
    check_embedder(chosen)
    return Voices(partial(load_voices, chosen))


def _has_voices(options: ServerOptions) -> bool:
    return options.speaker_model != "none" and (options.speaker_model != "auto" or has_embedder())


def _served(model: ChosenModel, options: ServerOptions) -> ServedModel:
    """A model by what its finals can have, which another one may write."""
    final = _second_of(model, options) or model
    return ServedModel(
        model.name,
        model.languages,
        takes_prompt=final.takes_prompt,
        translates=model.translates and final.translates,  # partials would be in another language
    )


def _second_of(model: ChosenModel, options: ServerOptions) -> ChosenModel | None:
    """The better model that hears finished utterances of sessions with this one; None: there is none."""
    better = options.final_model
    return better if better is not None and better.can_revise(model) else None
