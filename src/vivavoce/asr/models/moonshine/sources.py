"""What a recogniser is made of: the packaged tiny model, or a checkpoint of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.moonshine.config import MoonshineConfig
from vivavoce.asr.models.moonshine.files import ShippedFiles, cached_checkpoint, cached_graphs
from vivavoce.asr.models.moonshine.sizes import TINY_DECODER, TINY_ENCODER
from vivavoce.asr.models.moonshine.word_times import Timing
from vivavoce.asr.models.tensor_files import ModelFolder
from vivavoce.asr.models.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine.sizes import DecoderSizes, EncoderSizes

__all__ = ["Source", "source_in"]

_SIZES: Final = {288: "tiny", 416: "base"}  # by the features of the encoder
# Which heads follow the words was measured for the packaged model only. For others the mean of many heads is
# read; with the weights of tiny that mean lags by these times.
_MEAN_OF_HEADS: Final = Timing(start_lag_s=0.07, end_lag_s=0.03)


@dataclass(frozen=True, slots=True)
class Source:
    """What a recogniser is made of.

    Attributes:
        name: Of the model, for people.
        vocabulary: Its tokens.
        graphs: The folder of its graphs.
        encoder: Sizes of the encoder.
        decoder: Sizes of the decoder.
        timing: How word times are read from attention.
        drops_untimed: Whether words that have no duration in the audio are dropped.
    """

    name: str
    vocabulary: Vocabulary
    graphs: Path
    encoder: EncoderSizes
    decoder: DecoderSizes
    timing: Timing
    drops_untimed: bool


def source_in(folder: Path | None, *, quantised: bool = True) -> Source:
    """Read the files of a folder; writes its graphs unless they are in the cache.

    Args:
        folder: Holds ``config.json``, ``model.safetensors`` and ``tokenizer.json``, or the ``.ort`` files of
            Moonshine tiny; None: those of the package ``moonshine-voice``.
        quantised: Whether products are computed with 8 bits.

    Raises:
        ModelError: A file is missing or unusable.
    """
    if folder is None or any(folder.glob("*.ort")):
        return _shipped(folder, quantised=quantised)
    files = ModelFolder(folder)
    config = MoonshineConfig.load(files.config)
    return Source(
        name=f"moonshine-{_SIZES.get(config.hidden, config.hidden)}",
        vocabulary=Vocabulary.load_json(files.tokenizer, size=config.vocabulary),
        graphs=cached_checkpoint(files, config, quantised=quantised),
        encoder=config.encoder,
        decoder=config.decoder,
        timing=_MEAN_OF_HEADS,
        drops_untimed=False,
    )


def _shipped(folder: Path | None, *, quantised: bool) -> Source:
    files = ShippedFiles(folder)
    return Source(
        name="moonshine-tiny-en",
        vocabulary=Vocabulary.load(files.tokenizer),
        graphs=cached_graphs(files, "rows" if quantised else "float"),
        encoder=TINY_ENCODER,
        decoder=TINY_DECODER,
        timing=Timing(),
        drops_untimed=True,
    )
