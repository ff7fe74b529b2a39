"""The same recordings decoded in one pass each, without voice activity detection or streaming."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.figures import word_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vivavoce.asr.models import Recogniser
    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.figures import Errors
    from vivavoce.bench.records import Clip

__all__ = ["offline_errors", "offline_hypotheses", "offline_wer"]


def offline_hypotheses(
    recogniser: Recogniser, clips: Sequence[Clip], *, load: Callable[[Clip], Pcm] = load_pcm
) -> dict[str, str]:
    """Decode whole recordings, one after another.

    Returns:
        The text by the id of the recording.
    """
    from vivavoce.asr.models import Span, recognise  # noqa: PLC0415 - only this measurement needs the models

    texts: dict[str, str] = {}
    for clip in clips:
        samples = to_model_rate(load(clip), clip.sample_rate)
        texts[clip.id] = recognise(recogniser, [Span(samples)])[0].text
    return texts


def offline_errors(clips: Sequence[Clip], texts: Mapping[str, str]) -> Errors:
    """Return pooled word errors over the recordings with a transcript."""
    return word_errors([(clip.text, texts[clip.id]) for clip in clips if clip.text])


def offline_wer(clips: Sequence[Clip]) -> dict[str, float | None]:
    """Return word error rates in % of whole recordings decoded in one pass: by kind, and ``overall``."""
    from vivavoce.asr.models import load_recogniser  # noqa: PLC0415 - loads ONNX Runtime

    clips = [clip for clip in clips if clip.text]
    texts = offline_hypotheses(load_recogniser(), clips)
    kinds = sorted({clip.kind for clip in clips})
    by_kind = {kind: offline_errors([clip for clip in clips if clip.kind == kind], texts) for kind in kinds}
    return {
        "overall": offline_errors(clips, texts).percent,
        **{kind: errors.percent for kind, errors in by_kind.items()},
    }
