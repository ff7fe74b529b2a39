"""Reading a manifest, and choosing recordings."""

import json
from pathlib import Path

import pytest

from vivavoce.bench.corpus import find_eval, read_manifest, select
from vivavoce.bench.records import Clip
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
