"""CTranslate2, which runs the model: what is used of it, and how a folder is opened without any download."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from vivavoce.asr.models.log_mel import HOP_SAMPLES, log_mel
from vivavoce.asr.models.registry import check_installed
from vivavoce.asr.models.whisper.vocabulary import WhisperVocabulary
from vivavoce.cores import usable_cores
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples

__all__ = [
    "FRAME_SAMPLES",
    "LONGEST_SAMPLES",
    "MOST_TOKENS",
    "Alignment",
    "Generated",
    "WhisperRuntime",
    "why_no_gpu",
]

FRAME_SAMPLES: Final = 2 * HOP_SAMPLES
"""Samples of one encoder frame: 20 ms."""

LONGEST_SAMPLES: Final = 1_500 * FRAME_SAMPLES
"""The encoder has no positions after 30 s."""

_MAX_LENGTH: Final = 448  # the decoder has no positions after it

MOST_TOKENS: Final = _MAX_LENGTH // 2
"""Tokens with text that are written at once, those that the text has to begin with included."""

_FINDS_NO_GPU: Final = (
    "CTranslate2 finds no GPU; check the driver with nvidia-smi, and install the libraries of CUDA 12: pip "
    "install nvidia-cublas-cu12 nvidia-cudnn-cu12"
)
_MODEL: Final = "model.bin"
_TOKENIZER: Final = "tokenizer.json"
_SETTINGS: Final = "config.json"
_VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")


class _Generation(Protocol):
    sequences_ids: list[list[int]]
    no_speech_prob: float


class _Aligned(Protocol):
    alignments: list[tuple[int, int]]
    text_token_probs: list[float]


class _Model(Protocol):
    """What is used of ``ctranslate2.models.Whisper``."""

    is_multilingual: bool
    n_mels: int

    def encode(self, features: Any) -> Any: ...

    def generate(self, features: Any, prompts: list[list[int]], **options: Any) -> list[_Generation]: ...

    def align(
        self, features: Any, start_sequence: list[int], text_tokens: list[list[int]], num_frames: int
    ) -> list[_Aligned]: ...

    def detect_language(self, features: Any) -> list[list[tuple[str, float]]]: ...


@dataclass(frozen=True, slots=True)
class Generated:
    """Tokens that the decoder chose.

    Attributes:
        tokens: Tokens with text, those that it had to begin with included.
        no_speech: Probability that nobody speaks, 0 to 1.
        is_cut: Whether the decoder had no room for more of them, and they are probably not all.
    """

    tokens: tuple[int, ...]
    no_speech: float
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where tokens lie in the audio.

    Attributes:
        starts: The encoder frame at which each token starts, and the one after the last token.
        probabilities: Probability of each token, 0 to 1, among tokens with text.
    """

    starts: tuple[int, ...]
    probabilities: tuple[float, ...]


class WhisperRuntime:
    """An opened model. May be called from several threads.

    Attributes:
        vocabulary: Its tokens.
        is_multilingual: Whether it knows languages; if not, it is English only.
        width: Of its encoder states: 384 of tiny, 512 of base, 768 of small, 1,024 of medium, 1,280 of large.
    """

    def __init__(self, model: _Model, vocabulary: WhisperVocabulary, storage: Any) -> None:
        """Take an opened model.

        Args:
            model: The model.
            vocabulary: Its tokens.
            storage: Copies an array, float32, to CTranslate2's own type.
        """
        self._model = model
        self._storage = storage
        self.vocabulary: Final = vocabulary
        self.is_multilingual: Final = bool(model.is_multilingual)
        self.width: Final = int(self.encode(np.zeros(2 * FRAME_SAMPLES, np.float32)).shape[2])

    @classmethod
    def open(
        cls, folder: Path, *, threads: int, workers: int | None, device: str, compute_type: str
    ) -> WhisperRuntime:
        """Open a model in CTranslate2's format.

        Args:
            folder: Holds ``model.bin``, ``config.json``, ``tokenizer.json``, ``vocabulary.json`` or ``.txt``.
            threads: Threads for one run.
            workers: Runs at the same time; they share the weights. None: one for each processor that this
                process may use, one on a GPU.
            device: ``cpu``, ``cuda`` or ``auto``.
            compute_type: Number format of the weights in memory, such as ``int8``, ``float16``, ``float32``.

        Raises:
            ModelError: CTranslate2 is not installed or can't be loaded, or the folder does not hold such a
                model.
        """
        _check(folder)
        vocabulary = WhisperVocabulary.load(folder / _TOKENIZER)
        library = _library()
        try:
            model = library.models.Whisper(
                str(folder),
                device=device,
                compute_type=compute_type,
                intra_threads=threads,
                inter_threads=workers or _default_workers(library, device),
            )
            return cls(model, vocabulary, library.StorageView.from_array)
        except Exception as error:  # the library's own, and what a damaged model does in its first run
            raise ModelError(f"{folder} can't be opened as a Whisper model: {_one_line(error)}") from error

    def encode(self, samples: Samples) -> Any:
        """Encode audio.

        Args:
            samples: Shape (n,), float32, 16 kHz, full scale ±1, 400 <= n <= LONGEST_SAMPLES.

        Returns:
            Encoder states, for the other methods.
        """
        features = log_mel(samples, self._model.n_mels)
        return self._model.encode(self._storage(np.ascontiguousarray(features[None])))

    def generate(self, states: Any, prompt: Sequence[int], prefix: Sequence[int], limit: int) -> Generated:
        """Choose the most probable token after another.

        Args:
            states: Encoder states.
            prompt: Marks, and text that was said before.
            prefix: Tokens that the text begins with.
            limit: Largest number of tokens with text, prefix included; there is room for `MOST_TOKENS`, and
                for fewer if the prompt is longer than the other half of the decoder.
        """
        tokens = [*prompt, *prefix]
        # CTranslate2 halves the length and applies it to the text, and bounds text and prompt by the whole.
        length = min(_MAX_LENGTH, max(2 * limit, limit + len(tokens)))
        # Blanks at the start stay possible: with a prefix, nothing more to say is a regular answer.
        [result] = self._model.generate(
            states,
            [tokens],
            beam_size=1,
            max_length=length,
            suppress_blank=not prefix,
            return_no_speech_prob=True,
        )
        end = self.vocabulary.end
        found = tuple(token for token in result.sequences_ids[0] if token < end)[:limit]
        room = min(MOST_TOKENS, _MAX_LENGTH - len(prompt))
        if found[: len(prefix)] != tuple(prefix):  # cut, because it fills the decoder
            found = tuple(prefix)
        is_cut = len(result.sequences_ids[0]) >= room and limit > room
        return Generated(found, float(result.no_speech_prob), is_cut)

    def align(self, states: Any, prompt: Sequence[int], tokens: Sequence[int], frames: int) -> Alignment:
        """Find tokens in the audio by cross attention.

        Args:
            states: Encoder states.
            prompt: Marks.
            tokens: Tokens with text.
            frames: Encoder frames with audio; later ones are padding.
        """
        [found] = self._model.align(states, list(prompt), [list(tokens)], 2 * max(1, frames))
        starts = [frames] * (len(tokens) + 1)
        for token, frame in reversed(found.alignments):
            starts[token] = frame
        return Alignment(tuple(starts), tuple(float(each) for each in found.text_token_probs))

    def language(self, states: Any) -> tuple[str, float]:
        """The language that is most probably spoken, as an ISO code, and its probability, 0 to 1."""
        [found] = self._model.detect_language(states)
        mark, probability = found[0]
        return self.vocabulary.language_of(mark), float(probability)


def why_no_gpu() -> str | None:
    """Find out why no GPU can be used.

    Returns:
        What is wrong and what to do, in one line; None: the driver has a GPU. Whether CUDA's libraries are
        there shows when a model is opened.
    """
    try:
        return None if _library().get_cuda_device_count() > 0 else _FINDS_NO_GPU
    except ModelError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a driver that does not fit fails in ways of its own
        return f"{_FINDS_NO_GPU} ({_one_line(error)})"


def _library() -> Any:
    """Import CTranslate2."""
    check_installed("whisper")
    try:
        return importlib.import_module("ctranslate2")
    except Exception as error:  # a broken installation fails in many ways
        raise ModelError(f"CTranslate2 can't be loaded ({_one_line(error)}): install it again") from error


def _default_workers(library: Any, device: str) -> int:
    """One on a GPU, otherwise one for each processor that this process may keep busy."""
    if device == "cuda" or (device == "auto" and library.get_cuda_device_count() > 0):
        return 1
    return usable_cores()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check(folder: Path) -> None:
    """Check that the files are there: some libraries would download what is missing."""
    missing = [name for name in (_MODEL, _SETTINGS, _TOKENIZER) if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(" or ".join(_VOCABULARIES))
    if missing:
        raise ModelError(
            f"{folder} is not a Whisper model in CTranslate2's format: it has no {', no '.join(missing)}"
        )
    try:
        is_object = isinstance(json.loads((folder / _SETTINGS).read_bytes()), dict)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / _SETTINGS} can't be read: {error}") from error
    if not is_object:
        raise ModelError(f"{folder / _SETTINGS} must hold a JSON object")
