"""Choosing recordings, laying them into sessions, and the resources of a process."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.bench.capacity import largest_held, trial_sessions
from vivavoce.bench.corpus import find_eval, read_manifest, select
from vivavoce.bench.loads import GAP_S, MIN_SESSION_S, continuous, scripts, short
from vivavoce.bench.records import Clip
from vivavoce.bench.resources import usage
from vivavoce.errors import ConfigurationError


def clip(name, duration_s=25.0, *, kind="read", text="a", rate=16_000, derived=False):
    return Clip(name, kind, Path(name), text, duration_s, rate, derived=derived)


class TestManifest:
    def test_fields(self, tmp_path):
        entry = {
            "id": "x", "audio": "audio/x.flac", "text": "hi", "kind": "read", "duration_s": 1.5,
            "sample_rate": 8000, "words": [{"text": "hi", "start": 0.1, "end": 0.5}], "licence": "CC0",
        }  # fmt: skip
        unknown = {**entry, "id": "y", "text": None, "words": None, "derived": True}
        lines = [json.dumps(entry), "", json.dumps(unknown)]
        (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
        first, second = read_manifest(tmp_path)
        assert (first.audio, first.words[0].end_s, first.derived) == (tmp_path / "audio/x.flac", 0.5, False)
        assert (second.text, second.words, second.derived) == (None, (), True)

    def test_faults_say_where(self, tmp_path):
        with pytest.raises(ConfigurationError, match="manifest"):
            read_manifest(tmp_path)
        (tmp_path / "manifest.jsonl").write_text('{"id": 3}')
        with pytest.raises(ConfigurationError, match="line 1"):
            read_manifest(tmp_path)

    def test_find(self, tmp_path, monkeypatch):
        monkeypatch.setenv("VIVAVOCE_EVAL", str(tmp_path))
        assert find_eval() is None
        (tmp_path / "manifest.jsonl").touch()
        assert find_eval() == tmp_path


class TestSelection:
    CLIPS = (
        *(clip(f"r{i}") for i in range(6)), clip("n", kind="non-speech", text=""), clip("j", derived=True),
    )  # fmt: skip

    def ids(self, **options):
        return [one.id for one in select(self.CLIPS, **options)]

    def test_derived_only_on_demand_or_by_name(self):
        assert "j" not in self.ids()
        assert "j" in self.ids(derived=True)
        assert self.ids(ids=["j"]) == ["j"]

    def test_kind_and_limit(self):
        assert self.ids(kinds=["non-speech"]) == ["n"]
        assert self.ids(limit=3) == ["r0", "r2", "r4", "n"]

    def test_unknown_names(self):
        with pytest.raises(ConfigurationError, match="kind song"):
            self.ids(kinds=["song"])


class TestLoads:
    def test_short(self):
        assert [one.duration_s for one in short([clip("a"), clip("b", 3.0)])] == [25.0, 3.0]

    def test_continuous(self):
        (first, second) = continuous([clip(str(i)) for i in range(7)])
        # Three make a session (25 * 3 + 2 gaps > 60); the seventh is too short for one and joins the second.
        assert [placed.clip.id for placed in first.clips] == ["0", "1", "2"]
        assert [placed.clip.id for placed in second.clips] == ["3", "4", "5", "6"]
        assert [placed.offset_s for placed in first.clips] == pytest.approx([0.0, 26.2, 52.4])
        assert first.duration_s == pytest.approx(75 + 2 * GAP_S)
        assert first.duration_s >= MIN_SESSION_S

    def test_continuous_keeps_kinds_and_rates_apart_and_leaves_unknown_speech_out(self):
        clips = [
            clip("a"),
            clip("b", rate=8000),
            clip("c", kind="x"),
            clip("d", text=None),
            clip("e", text=""),
        ]
        assert [[placed.clip.id for placed in one.clips] for one in continuous(clips)] == [
            ["a"],
            ["b"],
            ["c"],
        ]

    def test_every_stream_has_something_to_do(self):
        assert [one.clips[0].clip.id for one in scripts([clip("a"), clip("b")], "short", 3)] == [
            "a",
            "b",
            "a",
        ]
        assert scripts([], "short", 3) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
def test_usage_counts_work():
    before = usage(os.getpid())
    deadline = time.process_time() + 0.05
    while time.process_time() < deadline:
        pass
    after = usage(os.getpid())
    assert after.cpu_s - before.cpu_s >= 0.03
    assert after.rss_mib > 1


def test_usage_of_a_process_that_does_not_exist():
    assert usage(2**31 - 1) is None


class TestCapacity:
    @given(st.integers(0, 70), st.integers(1, 70), st.integers(1, 20))
    def test_finds_the_largest_without_asking_twice(self, limit, most, first):
        asked = []

        def held(streams):
            asked.append(streams)
            return streams <= limit

        assert largest_held(held, most, first) == min(limit, most)
        assert asked[0] == min(first, most)
        assert len(asked) == len(set(asked)) <= 14
        assert max(asked) <= most

    @given(st.integers(1, 60))
    def test_a_trial_takes_each_session_once_and_from_all_over(self, count):
        sessions = short([clip(str(i), 60.0) for i in range(count)])
        chosen = [int(one.clips[0].clip.id) for one in trial_sessions(sessions, count)]
        assert sorted(chosen) == list(range(count))
        if count > 8:
            few = chosen[: count // 2]
            assert min(few) < count / 4
            assert max(few) > 3 * count / 4

    def test_a_trial_has_a_minute_and_a_session_per_stream(self):
        assert len(trial_sessions(short([clip("a", 70.0)]), 3)) == 3
        assert [one.clips[0].clip.id for one in trial_sessions(short([clip("a"), clip("b")]), 1)] == [
            "a",
            "b",
            "a",
        ]
