"""The models that can be had by name.

Revisions, sizes and SHA-256 of the files of Whisper, Parakeet, Moonshine base and WeSpeaker are those that
several public projects pin independently, for Whisper and Parakeet of the conversions of Systran, Mobius Labs
and the author of onnx-asr. Of a file without a SHA-256 here, the one that the hub declares is checked, and
kept for `Shelf.verify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vivavoce.model_files.languages import PARAKEET_LANGUAGES, WHISPER_LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "DEFAULT_MODEL", "VOICE_CATALOGUE", "Card", "RemoteFile"]

DEFAULT_MODEL: Final = "moonshine-tiny-en"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a model.

    Attributes:
        name: Its name, without a folder.
        sha256: Of its content, as 64 hexadecimal digits; None: not known in advance.
    """

    name: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What is known about a model.

    Attributes:
        name: Its name here.
        family: A key of `vivavoce.asr.models.RECOGNISERS`, or of `SPEAKER_EMBEDDERS` beside it.
        languages: ISO 639-1 codes of the languages that it knows; none of a voice encoder.
        licence: SPDX identifier of the licence of its weights.
        size_mb: Size of its files, in megabytes.
        repository: Its repository on the hub; empty: it is part of an installed package.
        revision: The commit of the repository; or a branch, which stands for the commit that it is at when
            the download begins.
        files: Its files.
        tested: Whether the project has run it with these weights.
    """

    name: str
    family: str
    languages: tuple[str, ...]
    licence: str
    size_mb: int
    repository: str = ""
    revision: str = "main"
    files: tuple[RemoteFile, ...] = ()
    tested: bool = False

    @property
    def is_packaged(self) -> bool:
        """Whether an installed package carries it."""
        return not self.repository


_STREAMING_FILES: Final = tuple(map(RemoteFile, ("config.json", "model.safetensors", "tokenizer.json")))
_TOKENIZER: Final = RemoteFile(
    "tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
)
_VOCABULARY: Final = RemoteFile(
    "vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
)


def _streaming(size: str, language: str, size_mb: int, revision: str = "main") -> Card:
    suffix = "" if language == "en" else f"-{language}"
    return Card(
        f"moonshine-streaming-{size}-{language}",
        "moonshine-streaming",
        (language,),
        "MIT",
        size_mb,
        f"UsefulSensors/moonshine-streaming-{size}{suffix}",
        revision,
        _STREAMING_FILES,
    )


def _parakeet(version: str, languages: tuple[str, ...], size_mb: int, revision: str, **sha256: str) -> Card:
    return Card(
        f"parakeet-tdt-0.6b-{version}",
        "onnx-asr",
        languages,
        "CC-BY-4.0",
        size_mb,
        f"istupakov/parakeet-tdt-0.6b-{version}-onnx",
        revision,
        (
            RemoteFile("config.json", "666903c76b9798caf2c210afd4f6cd60b08a8dbf9800ec8d7a3bc0d2148ac466"),
            RemoteFile("vocab.txt", sha256["vocabulary"]),
            RemoteFile("encoder-model.int8.onnx", sha256["encoder"]),
            RemoteFile("decoder_joint-model.int8.onnx", sha256["joint"]),
        ),
    )


def _whisper(size: str, size_mb: int, revision: str, config: str, weights: str, *, tested: bool) -> Card:
    return Card(
        f"whisper-{size}",
        "whisper",
        WHISPER_LANGUAGES,
        "MIT",
        size_mb,
        f"Systran/faster-whisper-{size}",
        revision,
        (RemoteFile("config.json", config), RemoteFile("model.bin", weights), _TOKENIZER, _VOCABULARY),
        tested,
    )


_CARDS: Final = (
    Card(DEFAULT_MODEL, "moonshine", ("en",), "MIT", 28, tested=True),
    Card(
        "moonshine-base-en",
        "moonshine",
        ("en",),
        "MIT",
        248,
        "UsefulSensors/moonshine-base",
        "7a73d8d55ac0ba2ef3ae761593f6784b51f96dcf",
        (
            RemoteFile("config.json"),
            RemoteFile(
                "model.safetensors", "e020c79d0a979a7ec099f718ff1cd2f19e92aead230d69654bca5975a8e1b862"
            ),
            RemoteFile("tokenizer.json", "6579793438bc4fbafffacf699169ff53e3769c5a0a0f5e71cdee8853e8130deb"),
        ),
    ),
    _streaming("tiny", "en", 137, "f8e9dfd8c562c257c151a907b7b7f2fe8ff8511a"),
    _streaming("small", "en", 492),
    _streaming("medium", "en", 980),
    *(_streaming("tiny", language, 137) for language in ("ar", "de", "es", "ja", "tl", "vi", "zh")),
    *(_streaming("small", language, 492) for language in ("de", "es", "ja")),
    _whisper(
        "tiny",
        78,
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8",
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
        tested=False,
    ),
    _whisper(
        "base",
        148,
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        tested=True,
    ),
    _whisper(
        "small",
        486,
        "536b0662742c02347bc0e980a01041f333bce120",
        "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828",
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
        tested=False,
    ),
    _whisper(
        "medium",
        1531,
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        "3622a2ddc41ec0e0fd4e68c13c6830f03b90c38d89aaad184de02c8c642cf807",
        "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
        tested=False,
    ),
    Card(
        "whisper-large-v3",
        "whisper",
        WHISPER_LANGUAGES,
        "MIT",
        3091,
        "Systran/faster-whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        (
            RemoteFile("config.json", "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9"),
            RemoteFile("model.bin", "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1"),
            RemoteFile(
                "preprocessor_config.json", "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711"
            ),
            RemoteFile("tokenizer.json", "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca"),
            RemoteFile("vocabulary.json", "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1"),
        ),
    ),
    Card(
        "whisper-large-v3-turbo",
        "whisper",
        WHISPER_LANGUAGES,
        "MIT",
        1622,
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        (
            RemoteFile("config.json"),
            RemoteFile("model.bin", "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da"),
            RemoteFile("preprocessor_config.json"),
            RemoteFile("tokenizer.json"),
            RemoteFile("vocabulary.json"),
        ),
    ),
    _parakeet(
        "v2",
        ("en",),
        661,
        "0bbb45a3365852604aef28b538a8f066f4ccaa85",
        vocabulary="ec182b70dd42113aff6c5372c75cac58c952443eb22322f57bbd7f53977d497d",
        encoder="3e0581fda6ab843888b51e56d7ee78b6d5bc3237ec113af1f732d1d5286aa155",
        joint="a449f49acd68979d418651dd2dcb737cc0f1bf0225e009e29ee326354edbf7d3",
    ),
    _parakeet(
        "v3",
        PARAKEET_LANGUAGES,
        670,
        "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce",
        vocabulary="d58544679ea4bc6ac563d1f545eb7d474bd6cfa467f0a6e2c1dc1c7d37e3c35d",
        encoder="6139d2fa7e1b086097b277c7149725edbab89cc7c7ae64b23c741be4055aff09",
        joint="eea7483ee3d1a30375daedc8ed83e3960c91b098812127a0d99d1c8977667a70",
    ),
)

CATALOGUE: Final[Mapping[str, Card]] = MappingProxyType({card.name: card for card in _CARDS})
"""The models by name, the default first."""
"""The models that recognise speech."""

VOICE_CATALOGUE: Final[Mapping[str, Card]] = MappingProxyType({
    "wespeaker-resnet34": Card(
        "wespeaker-resnet34",
        "wespeaker",
        (),
        "CC-BY-4.0",
        27,
        "Wespeaker/wespeaker-voxceleb-resnet34-LM",
        "f0c48c298fd835726c27956a5d617bad7115627e",
        (
            RemoteFile(
                "voxceleb_resnet34_LM.onnx",
                "7bb2f06e9df17cdf1ef14ee8a15ab08ed28e8d0ef5054ee135741560df2ec068",
            ),
        ),
    ),
})  # fmt: skip
"""The models that tell voices apart."""
