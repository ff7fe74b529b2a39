"""What other Moonshine models cost beside the default one, one session at a time, with random weights.

Weights have no influence on time, but random ones never end a text. So the tokens are forced: each pass
begins with those of the pass before, verifies them, and takes two steps more. In each pause, and at the end
of an utterance, an exact pass follows. The default model gets the same audio at the same moments, in the
windows that the session would give it, and so does base; the spans of the streaming models begin where the
utterance does.

Run ``python -m benchmarks.streaming_speed [--sizes tiny small base] [--lengths 2 4 6 10 15]``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from benchmarks.random_models import BASE, SMALL, TINY, sound, write_model
from vivavoce.asr.models import Span, warm_up
from vivavoce.asr.models.batches import recognise_in
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.asr.models.moonshine.span_batch import SpanBatch
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser
from vivavoce.asr.models.onnx.huge_pages import use_huge_pages
from vivavoce.asr.session.tuning import Tuning
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.models.base import Hypothesis
    from vivavoce.asr.models.moonshine.greedy import Job

_Model: TypeAlias = MoonshineRecogniser | MoonshineStreamingRecogniser

__all__ = [
    "NEVER",
    "NO_MORE_S",
    "SIZES",
    "TOKENS_PER_SECOND",
    "TWO_MORE_S",
    "forced_tokens",
    "main",
    "measure",
    "report",
]

TOKENS_PER_SECOND: Final = 3.3
SIZES: Final = {"tiny": TINY, "small": SMALL, "base": BASE}  # the last is not a streaming model
_SAMPLES_PER_MS: Final = MODEL_RATE_HZ // 1000
# How far the limit of a span is from the tokens that are given: see `texts.token_limit`.
TWO_MORE_S: Final = -0.35
NO_MORE_S: Final = -0.65
# Sessions over recorded conversation requested an exact pass as often.
_PAUSE_EVERY_S: Final = 3.6
NEVER: Final = -1
"""A token that no model writes."""


@dataclass(slots=True)
class _Cost:
    """CPU time of one model.

    Attributes:
        partial_s: Of the partial passes, in seconds.
        final_s: Of the exact passes.
        passes: Number of partial passes.
        longest_s: The longest partial pass.
        finals: Number of exact passes.
        by_length: CPU time of the utterances of each length, in seconds.
    """

    partial_s: float = 0.0
    final_s: float = 0.0
    passes: int = 0
    longest_s: float = 0.0
    finals: int = 0
    by_length: dict[float, float] = field(default_factory=dict)


def forced_tokens(n: int) -> tuple[int, ...]:
    """The forced text: no two neighbours are the same, so it is no loop."""
    return tuple(300 + 7 * index % 101 for index in range(n))


class _Endless:
    """A recogniser that never writes the end of a text, so that all take as many steps.

    Attributes:
        is_windowed: Whether its partial passes have the windows of the session.
        decoder: Its decoder.
    """

    def __init__(self, recogniser: _Model) -> None:
        self._recogniser = recogniser
        self.is_windowed = isinstance(recogniser, MoonshineRecogniser)
        self.decoder = (
            recogniser.decoder
            if isinstance(recogniser, MoonshineStreamingRecogniser)
            else recogniser.runtime.decoder
        )

    def recognise(self, span: Span) -> Hypothesis:
        """Recognise one span."""
        recogniser = self._recogniser
        batch = SpanBatch(recogniser.name, self.decoder, self._begin, recogniser.finish)
        (found,) = recognise_in(batch, [span])
        return found

    def _begin(self, span: Span) -> tuple[Job, Any]:
        job, state = self._recogniser.begin(span)
        return dataclasses.replace(job, end=NEVER), state


def _utterance(recogniser: _Endless, seconds: float, first_ms: int, cost: _Cost) -> None:
    """Recognise an utterance at the cadence of the session.

    Args:
        recogniser: The model.
        seconds: Length of the utterance.
        first_ms: Audio before its first partial pass.
        cost: Gets the time.
    """
    tuning = Tuning()
    samples = sound(seconds)
    memory: object = None
    window = 0
    step = tuning.window_step_samples
    cadence, zeros = tuning.cadence_ms * _SAMPLES_PER_MS, tuning.settle_zeros_ms * _SAMPLES_PER_MS
    pause = 0.0
    begun = time.process_time()
    for end in [*range(first_ms * _SAMPLES_PER_MS, len(samples), cadence), len(samples)]:
        is_exact = end == len(samples) or end / MODEL_RATE_HZ - pause > _PAUSE_EVERY_S
        if (
            recogniser.is_windowed
            and end - window > (tuning.window_ms + tuning.window_slack_ms) * _SAMPLES_PER_MS
        ):
            window = (end - tuning.window_ms * _SAMPLES_PER_MS) // step * step
        start = 0 if is_exact else window
        prefix = forced_tokens(int((end - start) / MODEL_RATE_HZ * TOKENS_PER_SECOND))
        span = Span(samples[start:end], prefix, fresh_s=TWO_MORE_S, start=start, memory=memory)
        if is_exact:
            pause = end / MODEL_RATE_HZ
            span = dataclasses.replace(span, exact=True, zeros=zeros, fresh_s=NO_MORE_S)
        before = time.process_time()
        memory = recogniser.recognise(span).memory
        taken = time.process_time() - before
        if is_exact:
            cost.final_s += taken
            cost.finals += 1
        else:
            cost.partial_s += taken
            cost.longest_s = max(cost.longest_s, taken)
            cost.passes += 1
    cost.by_length[seconds] = cost.by_length.get(seconds, 0.0) + time.process_time() - begun


def measure(recognisers: dict[str, _Model], lengths: list[float], rounds: int) -> dict[str, _Cost]:
    """Measure all models in turns, so that a change of the machine's speed meets all alike.

    Args:
        recognisers: The models by name.
        lengths: Of the utterances, in seconds.
        rounds: How often all are recognised.
    """
    tuning = Tuning()
    costs = {name: _Cost() for name in recognisers}
    endless = {name: _Endless(recogniser) for name, recogniser in recognisers.items()}
    for recogniser in recognisers.values():
        warm_up(recogniser)
    use_huge_pages()  # as the server does
    for nth in range(rounds):
        first_ms = tuning.cadence_ms + tuning.cadence_ms * nth // rounds  # anywhere between two blocks
        for seconds in lengths:
            for name, model in endless.items():
                _utterance(model, seconds, first_ms, costs[name])
    return costs


def report(costs: dict[str, _Cost], lengths: list[float], rounds: int) -> str:
    """A table: CPU seconds per second of audio, and how they compare with the default model's."""
    audio_s = sum(lengths) * rounds
    whole = costs["default"].partial_s + costs["default"].final_s
    columns = "".join(f"  {length:4.0f} s" for length in lengths)
    lines = [f"model    CPU s / s  ratio  partial ms  longest ms  final ms {columns}"]
    for name, cost in costs.items():
        total = cost.partial_s + cost.final_s
        ratios = "".join(
            f"  {cost.by_length[length] / costs['default'].by_length[length]:6.2f}" for length in lengths
        )
        partial_ms = 1000 * cost.partial_s / cost.passes
        final_ms = 1000 * cost.final_s / cost.finals
        lines.append(
            f"{name:8} {total / audio_s:9.4f}  {total / whole:5.2f}  {partial_ms:10.1f}"
            f"  {1000 * cost.longest_s:10.1f}  {final_ms:8.1f} {ratios}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What other Moonshine models cost beside the default one.")
    parser.add_argument("--sizes", nargs="+", choices=tuple(SIZES), default=["tiny", "small"])
    parser.add_argument("--lengths", nargs="+", type=float, default=[2.0, 4.0, 6.0, 10.0, 15.0])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    recognisers: dict[str, _Model] = {"default": MoonshineRecogniser()}
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            model = write_model(Path(folder) / size, SIZES[size])
            if size == "base":
                recognisers[size] = MoonshineRecogniser(model)
            else:
                recognisers[size] = MoonshineStreamingRecogniser(model)
        costs = measure(recognisers, arguments.lengths, arguments.rounds)
    sys.stdout.write(report(costs, arguments.lengths, arguments.rounds) + "\n")


if __name__ == "__main__":
    main()
