"""Running the lean graphs: encode spans, verify drafts in one pass, generate greedily, in batches."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.guards import cut_loop
from vivavoce.asr.models.moonshine.encoder import Encoder
from vivavoce.asr.models.moonshine.term_bias import FavouredRow, Favouring, Output, watched_tokens
from vivavoce.asr.models.onnx.runtime import open_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.terms import TermBias

__all__ = ["END", "Decoded", "Job", "MoonshineRuntime"]

START: Final = 1
END: Final = 2
_BLOCKS: Final = 6
_HEADS: Final = 8
_HEAD_SIZE: Final = 36
_MASKED: Final = np.float32(-1e9)
_CACHE_STEP: Final = 32
_FRAME_BLOCK: Final = 64
_TOKEN_BLOCK: Final = 32
_MAX_ROUNDS: Final = 4  # two are enough but for near ties

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Job:
    """One span to decode.

    Attributes:
        cross: The decoder's keys and values of the span, shape (12, 8, frames, 36), float32.
        limit: Most tokens.
        prefix: Tokens it begins with, whatever the model thinks.
        draft: Tokens that may follow; kept as far as the model says the same.
        exact: Whether the result must not depend on the draft, not even by a near tie.
        bias: Towards terms that are expected, if any are.
    """

    cross: Floats
    limit: int
    prefix: tuple[int, ...] = ()
    draft: tuple[int, ...] = ()
    exact: bool = False
    bias: TermBias | None = None

    @property
    def frames(self) -> int:
        """Encoder frames of the span."""
        return int(self.cross.shape[2])

    @property
    def given(self) -> tuple[int, ...]:
        """Prefix and draft, within the limit."""
        return (self.prefix + self.draft)[: max(self.limit, len(self.prefix))]


@dataclass(slots=True)
class Decoded:
    """A span that was decoded, or is being.

    Attributes:
        tokens: Without start and end.
        log_probabilities: One for each token, and one for the end if it was reached.
        attention: Shape (2, frames), float32, of the two word heads: one for each token, and one for
            the end if it was reached.
        is_done: Whether nothing more is to come.
    """

    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    attention: list[Floats] = field(default_factory=list)
    is_done: bool = False

    def accept(self, token: int, log_probability: float, attention: Floats, limit: int) -> None:
        """Take the next token; the end, the limit, or a loop finishes the span."""
        if token != END and len(self.tokens) >= limit:
            self.is_done = True
            return
        self.log_probabilities.append(log_probability)
        self.attention.append(attention.copy())
        if token == END:
            self.is_done = True
        else:
            self.tokens.append(token)

    def cut(self, n_tokens: int) -> None:
        """Finish the span with its first tokens."""
        del self.tokens[n_tokens:], self.log_probabilities[n_tokens:], self.attention[n_tokens:]
        self.is_done = True


class MoonshineRuntime:
    """Encoder and decoder; nothing is kept between calls.

    Attributes:
        encoder: Makes of samples what `decode` takes.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Open the graphs in a folder.

        Raises:
            ModelError: A graph is missing or unusable.
        """
        front, encoder = (
            open_model(folder / f"{name}.onnx", threads=threads) for name in ("front", "encoder")
        )
        self.encoder: Final = Encoder(front, encoder)
        self._decoder = open_model(folder / "decoder.onnx", threads=threads)

    def decode(self, jobs: Sequence[Job]) -> list[Decoded]:
        """Decode a batch of spans greedily.

        Source of verifying drafts: Y. Leviathan et al., "Fast Inference from Transformers via
        Speculative Decoding", 2023, with the previous hypothesis in the place of the small model.

        One token at a time and many at once are summed in another order, which now and then tips a
        near tie. An exact job is therefore done only when a run over all of its tokens at once, in
        blocks of a fixed size, agrees with every one of them: there is just one such text.
        """
        found = [Decoded() for _ in jobs]
        open_rows = list(range(len(jobs)))
        for _ in range(_MAX_ROUNDS):
            rounds = [
                dataclasses.replace(jobs[row], draft=tuple(found[row].tokens[len(jobs[row].prefix) :]))
                if found[row].tokens
                else jobs[row]
                for row in open_rows
            ]
            results, is_confirmed = self._decode_round(rounds)
            for row, one in zip(open_rows, results, strict=True):
                found[row] = one
            open_rows = [
                row
                for row, is_sure in zip(open_rows, is_confirmed, strict=True)
                if not is_sure and jobs[row].exact
            ]
            if not open_rows:
                break
        return found

    def _decode_round(self, jobs: Sequence[Job]) -> tuple[list[Decoded], list[bool]]:
        """Verify what is given and go on from there; returns also which needed no going on."""
        state = _Pass(self._decoder, jobs)
        found = [Decoded() for _ in jobs]
        best, log_probability, attention = state.prompt(
            [job.given for job in jobs], in_blocks=any(job.exact for job in jobs)
        )
        favoured: dict[int, FavouredRow] = {}
        first = 0
        for row, job in enumerate(jobs):
            behind = first + 1 + len(job.given)
            if job.bias is None:
                _verify(found[row], job, best[first:behind], log_probability[first:behind], attention[row])
            else:
                outputs = [state.output(row, place, job.frames) for place in range(len(job.given) + 1)]
                favoured[row] = FavouredRow(job, Favouring(job.bias, state.watched), found[row], outputs)
            first = behind
        is_confirmed = [one.is_done for one in found]
        active = [row for row, one in enumerate(found) if not one.is_done]
        if not active:
            return found, is_confirmed
        state.keep(
            [1 + min(len(one.tokens), _agreed(one, job)) for one, job in zip(found, jobs, strict=True)]
        )
        if len(active) < len(found):
            state.select(active)
        while active:
            best, log_probability, attention = state.step([found[row].tokens[-1] for row in active])
            for place, row in enumerate(active):
                one, job = found[row], jobs[row]
                if row in favoured:
                    favoured[row].step(state.output(place, 0, job.frames))
                else:
                    one.accept(
                        int(best[place, 0]),
                        float(log_probability[place, 0]),
                        attention[place, :, 0, : job.frames],
                        job.limit,
                    )
                loop = None if one.is_done else cut_loop(one.tokens)
                if loop is not None:
                    one.cut(max(loop, len(job.prefix)))
                if row in favoured and favoured[row].must_rewind():
                    state.rewind(place, len(one.tokens), 1 + _agreed(one, job))
            left = [place for place, row in enumerate(active) if not found[row].is_done]
            if left and len(left) < len(active):
                state.select(left)
            active = [active[place] for place in left]
        for row, its in favoured.items():
            is_confirmed[row] = its.is_confirmed
        return found, is_confirmed


def _agreed(one: Decoded, job: Job) -> int:
    """How many given tokens were kept: all accepted ones but the first that the model chose itself."""
    given = job.given
    n = 0
    while n < len(given) and n < len(one.tokens) and given[n] == one.tokens[n]:
        n += 1
    return n


def _verify(one: Decoded, job: Job, best: Ints, log_probability: Floats, attention: Floats) -> None:
    """Keep the prefix and what the model says itself of the draft, and one token more."""
    given = job.given
    for place in range(len(given) + 1):
        chosen, score = int(best[place, 0]), float(log_probability[place, 0])
        if place < len(job.prefix) and given[place] != chosen:
            # Its own score is known only where it came second.
            chosen, score = given[place], float(log_probability[place, 1])
        one.accept(chosen, score, attention[:, place, : job.frames], max(job.limit, len(job.prefix)))
        if one.is_done or place == len(given) or given[place] != chosen:
            return


class _Pass:
    """Caches, masks and bindings of one batch while it is decoded."""

    def __init__(self, session: Any, jobs: Sequence[Job]) -> None:
        self._session = session
        self.batch = len(jobs)
        # Sums over whole blocks round alike however many masked frames follow, so that a span gives
        # the same result alone and beside longer ones.
        self.frames = -(-max(job.frames for job in jobs) // _FRAME_BLOCK) * _FRAME_BLOCK
        self.cross = np.zeros((2 * _BLOCKS, self.batch, _HEADS, self.frames, _HEAD_SIZE), np.float32)
        for row, job in enumerate(jobs):
            self.cross[:, row, :, : job.frames] = job.cross
        self.cross_bias = np.full((self.batch, 1, 1, self.frames), _MASKED, np.float32)
        for row, job in enumerate(jobs):
            self.cross_bias[row, ..., : job.frames] = 0
        self.watched = watched_tokens([job.bias for job in jobs])
        self.lengths = [0] * self.batch
        self._room = 0
        self._cache = np.zeros((2 * _BLOCKS, self.batch, _HEADS, 0, _HEAD_SIZE), np.float32)

    def _grow(self, room: int) -> None:
        """Make room for more tokens and bind everything that stays the same between steps."""
        cache = np.zeros((2 * _BLOCKS, self.batch, _HEADS, room, _HEAD_SIZE), np.float32)
        cache[:, :, :, : self._room] = self._cache
        self._cache, self._room = cache, room
        self._bias = np.full((self.batch, 1, 1, room + 1), _MASKED, np.float32)
        self._bias[..., -1] = 0
        for row, length in enumerate(self.lengths):
            self._bias[row, ..., :length] = 0
        self._tokens = np.zeros((self.batch, 1), np.int64)
        self._positions = np.zeros((self.batch, 1), np.int64)
        self._wanted = np.arange(self.batch)
        self._best = np.zeros((self.batch, 2), np.int64)
        self._log_probability = np.zeros((self.batch, 2), np.float32)
        self._watched_log_probability = np.zeros((self.batch, len(self.watched)), np.float32)
        self._fresh = np.zeros((self.batch, 2 * _BLOCKS * _HEADS, 1, _HEAD_SIZE), np.float32)
        self._attention = np.zeros((self.batch, 2, 1, self.frames), np.float32)
        # Shape (batch, 12, 8, 36), and the cache with its axes in the same order behind the token's.
        self._fresh_view = self._fresh.reshape(self.batch, 2 * _BLOCKS, _HEADS, _HEAD_SIZE)
        self._cache_view = self._cache.transpose(1, 3, 0, 2, 4)
        binding = self._session.io_binding()
        for name, array in self._still(self._cache).items():
            binding.bind_cpu_input(name, array)
        binding.bind_cpu_input("tokens", self._tokens)
        binding.bind_cpu_input("positions", self._positions)
        binding.bind_cpu_input("wanted", self._wanted)
        binding.bind_cpu_input("self_bias", self._bias)
        outputs: dict[str, npt.NDArray[Any]] = {
            "best": self._best,
            "log_probability": self._log_probability,
            "watched_log_probability": self._watched_log_probability,
            "fresh": self._fresh,
            "attention": self._attention,
        }
        for name, output in outputs.items():
            binding.bind_output(name, "cpu", 0, output.dtype, output.shape, output.ctypes.data)
        self._binding = binding

    def _still(self, cache: Floats) -> dict[str, npt.NDArray[Any]]:
        feed: dict[str, npt.NDArray[Any]] = {"cross_bias": self.cross_bias, "watched": self.watched}
        for block in range(_BLOCKS):
            key, value = 2 * block, 2 * block + 1
            feed[f"past_key_{block}"], feed[f"past_value_{block}"] = cache[key], cache[value]
            feed[f"cross_key_{block}"] = self.cross[key]
            feed[f"cross_value_{block}"] = self.cross[value]
        return feed

    def prompt(self, given: Sequence[Sequence[int]], *, in_blocks: bool) -> tuple[Ints, Floats, Floats]:
        """Run the start mark and the given tokens of all rows.

        Args:
            given: Tokens of each row.
            in_blocks: Whether to run whole blocks of tokens, so that sums do not depend on how many
                there are.

        Returns:
            The two best tokens behind each of them, row after row, (tokens, 2); their log-probabilities,
            the same shape; attention, (batch, 2, new, frames).
        """
        new = 1 + max(len(tokens) for tokens in given)
        if in_blocks:
            new = -(-new // _TOKEN_BLOCK) * _TOKEN_BLOCK
        tokens = np.full((self.batch, new), END, np.int64)
        tokens[:, 0] = START
        for row, each in enumerate(given):
            tokens[row, 1 : 1 + len(each)] = each
        bias = np.where(np.tri(new, dtype=bool), np.float32(0), _MASKED)
        feed = self._still(self._cache[:, :, :, :0].copy())
        feed["self_bias"] = np.ascontiguousarray(np.broadcast_to(bias, (self.batch, 1, new, new)))
        positions = np.ascontiguousarray(np.broadcast_to(np.arange(new), tokens.shape))
        wanted = [np.arange(1 + len(each)) + row * new for row, each in enumerate(given)]
        feed["wanted"] = np.concatenate(wanted)
        best, log_probability, watched, fresh, attention = self._session.run(
            None, {"tokens": tokens, "positions": positions, **feed}
        )
        self._prompted = fresh.reshape(self.batch, 2 * _BLOCKS, _HEADS, new, _HEAD_SIZE)
        self._said = best, log_probability, watched, attention
        self._firsts = [0, *itertools.accumulate(map(len, wanted))]
        return best, log_probability, attention

    def keep(self, lengths: Sequence[int]) -> None:
        """Put that many of each row's prompted tokens into the cache."""
        self.lengths = list(lengths)
        new = self._prompted.shape[3]
        room = -(-(new + _CACHE_STEP // 2) // _CACHE_STEP) * _CACHE_STEP
        self._cache = np.zeros((2 * _BLOCKS, self.batch, _HEADS, room, _HEAD_SIZE), np.float32)
        self._cache[:, :, :, :new] = self._prompted.transpose(1, 0, 2, 3, 4)
        self._room = room
        self._is_bound = False

    def step(self, tokens: Sequence[int]) -> tuple[Ints, Floats, Floats]:
        """One more token for each row; the arrays returned are overwritten by the next step."""
        if not self._is_bound:
            self._grow(self._room)
            self._is_bound = True
        if max(self.lengths) >= self._room:
            self._grow(self._room + _CACHE_STEP)
        self._tokens[:, 0] = tokens
        self._positions[:, 0] = self.lengths
        self._session.run_with_iobinding(self._binding)
        for row, length in enumerate(self.lengths):
            self._cache_view[row, length] = self._fresh_view[row]
            self._bias[row, 0, 0, length] = 0
            self.lengths[row] = length + 1
        self._said = self._best, self._log_probability, self._watched_log_probability, self._attention
        self._firsts = list(range(self.batch))
        return self._best, self._log_probability, self._attention

    def output(self, row: int, place: int, frames: int) -> Output:
        """What was said last behind one of the new tokens; overwritten by the next step."""
        best, log_probability, watched, attention = self._said
        at = self._firsts[row] + place
        return Output(
            best[at],
            log_probability[at],
            watched[at],
            attention[row, :, place, :frames],
        )

    def rewind(self, row: int, length: int, n_prompted: int) -> None:
        """Let the cache of a row hold so many tokens, the first of them as they were prompted."""
        self._cache[:, row, :, :n_prompted] = self._prompted[row, :, :, :n_prompted]
        self.lengths[row] = length
        if self._is_bound:
            self._bias[row, 0, 0, :length] = 0
            self._bias[row, 0, 0, length:-1] = _MASKED

    def select(self, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        self.cross = np.ascontiguousarray(self.cross[:, rows])
        self.cross_bias = self.cross_bias[rows]
        self._cache = self._cache[:, rows]
        if self.watched.size:
            self._prompted = self._prompted[rows]
        self.lengths = [self.lengths[row] for row in rows]
        self.batch = len(rows)
        self._is_bound = False
