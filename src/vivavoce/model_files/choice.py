"""Which model is meant by a name, or by a folder."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError, ModelError
from vivavoce.model_files.catalogue import CATALOGUE, VOICE_CATALOGUE
from vivavoce.model_files.languages import WHISPER_LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vivavoce.model_files.catalogue import Card

__all__ = ["ChosenModel", "NamedFolder", "choose"]

_FOR_FINALS: Final = frozenset({"onnx-asr"})  # families that recognise whole utterances only
# Types of models in config.json whose tokens have times when onnx-asr runs them.
_ONNX_ASR_TYPES: Final = frozenset({
    "kaldi-rnnt", "nemo-conformer-ctc", "nemo-conformer-rnnt", "nemo-conformer-tdt", "t-one-ctc",
})  # fmt: skip

_LANGUAGE: Final = re.compile(r"[-_.](?P<code>[a-z]{2})$")

# Of the names of Whisper models that were trained without translations.
_TRANSCRIBE_ONLY: Final = re.compile(r"turbo|distil", re.IGNORECASE)

_ENGLISH_PIECES: Final = 51_864  # of Whisper's English-only models; the others have one or two more


@dataclass(frozen=True, slots=True)
class NamedFolder:
    """A folder with a model, to which a user gave a name.

    Attributes:
        folder: The folder.
        languages: ISO 639-1 codes of its languages; empty: what the files say.
    """

    folder: Path
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model that a user named.

    Attributes:
        name: Its name; of a folder, that of the folder.
        family: A key of `vivavoce.asr.models.RECOGNISERS`.
        languages: ISO 639-1 codes of the languages that it knows.
        folder: Its files; None: the catalogue says where they are.
        card: Its entry in the catalogue; None: it is a folder of the user's.
    """

    name: str
    family: str
    languages: tuple[str, ...]
    folder: Path | None = None
    card: Card | None = None

    @property
    def is_for_finals(self) -> bool:
        """Whether it can't write partials, but only finals."""
        return self.family in _FOR_FINALS

    def check_partials(self) -> None:
        """Check that it can write partials.

        Raises:
            ConfigurationError: It can't.
        """
        if self.is_for_finals:
            raise ConfigurationError(
                f"{self.name} recognises whole utterances and has no partials: use it as --final-model"
            )

    @property
    def takes_prompt(self) -> bool:
        """Whether it takes a text that came before."""
        return self.family == "whisper"

    @property
    def given(self) -> str:
        """What a user can give to mean it again: its name, or the folder of one that has no other name."""
        is_folder = self.card is None and self.folder is not None and self.folder.name == self.name
        return str(self.folder) if is_folder else self.name

    def can_revise(self, model: ChosenModel) -> bool:
        """Whether it can hear again what another model heard: it must know all languages of that one."""
        return self.name != model.name and set(model.languages) <= set(self.languages)

    @property
    def translates(self) -> bool:
        """Whether it can write English, whatever is spoken."""
        files = self.name if self.folder is None else f"{self.name} {self.folder.name}"
        return self.family == "whisper" and self.languages != ("en",) and not _TRANSCRIBE_ONLY.search(files)


def choose(text: str, named: Mapping[str, NamedFolder] | None = None) -> ChosenModel:
    """Find out which model is meant.

    Args:
        text: A name, or the path of a folder.
        named: The user's own names, which come before those of the catalogue.

    Raises:
        ModelError: There is no such model, or the folder holds none that is known.
    """
    own = (named or {}).get(text)
    if own is not None:
        folder = own.folder.expanduser()
        if not folder.is_dir():
            raise ModelError(f"{folder}, the folder of model {text}, is no folder")
        found = _in_folder(_absolute(folder))
        return replace(found, name=text, languages=own.languages or found.languages)
    card = CATALOGUE.get(text)
    if card is not None:
        return ChosenModel(card.name, card.family, card.languages, card=card)
    if text in VOICE_CATALOGUE:
        raise ModelError(f"{text} tells voices apart and writes no text: use it as --speaker-model")
    try:
        folder = Path(text).expanduser()
        if folder.is_dir():
            return _in_folder(_absolute(folder))
    except (OSError, RuntimeError):  # a name that is too long, or the home of a user who is unknown
        raise ModelError(f"{text[:80]} is no folder") from None
    if "/" in text or text.startswith((".", "~")):
        raise ModelError(f"{text} is no folder")
    close = get_close_matches(text, [*(named or ()), *CATALOGUE], 1, cutoff=0.4)
    hint = f"do you mean {close[0]}? " if close else ""
    raise ModelError(f"no model is named {text!r}: {hint}vivavoce models list has all names")


def _absolute(folder: Path) -> Path:
    """The path from the root; a link keeps its name, which is what the user calls the model."""
    return Path(os.path.abspath(folder))  # noqa: PTH100 - Path.absolute() leaves ``..``, resolve() follows links


def _in_folder(folder: Path) -> ChosenModel:
    """Recognise the family by the files; a language by the end of the folder's name, else English."""
    found = _LANGUAGE.search(folder.name)
    language = found["code"] if found and found["code"] in WHISPER_LANGUAGES else "en"
    if (folder / "encoder_model.ort").is_file():
        return ChosenModel(folder.name, "moonshine", (language,), folder)
    config = _config(folder)
    if (folder / "model.bin").is_file():
        languages = ("en",) if _n_pieces(folder) == _ENGLISH_PIECES else WHISPER_LANGUAGES
        return ChosenModel(folder.name, "whisper", languages, folder)
    kind = config.get("model_type")
    if isinstance(kind, str) and kind in _ONNX_ASR_TYPES:
        return ChosenModel(folder.name, "onnx-asr", (language,), folder)
    if isinstance(kind, str) and kind in {"moonshine", "moonshine_streaming"}:
        return ChosenModel(folder.name, kind.replace("_", "-"), (language,), folder)
    found_kind = f"a model of type {kind!r}" if kind else "no model"
    raise ModelError(
        f"{folder} holds {found_kind}: expected config.json with model.safetensors of Moonshine, streaming "
        "or not, config.json with model.bin of Whisper for CTranslate2, config.json with the graphs of "
        "onnx-asr, or the .ort files of Moonshine tiny"
    )


def _n_pieces(folder: Path) -> int:
    """Count the pieces of a vocabulary; 0 if there is none that can be read."""
    try:
        if (folder / "vocabulary.json").is_file():
            return len(json.loads((folder / "vocabulary.json").read_bytes()))
        return (folder / "vocabulary.txt").read_bytes().count(b"\n")
    except (OSError, ValueError, TypeError, RecursionError):
        return 0


def _config(folder: Path) -> dict[str, object]:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
