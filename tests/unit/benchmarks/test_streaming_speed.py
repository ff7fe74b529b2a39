"""The speed of Moonshine models is measured over the passes that a session would request."""

from benchmarks.random_models import write_model
from benchmarks.streaming_speed import measure, report

from support.moonshine_models import PLAIN
from support.streaming_models import EVEN
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser


def test_all_passes_of_all_models_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("benchmarks.streaming_speed.use_huge_pages", lambda: None)
    recogniser = MoonshineStreamingRecogniser(write_model(tmp_path / "model", EVEN))
    plain = MoonshineRecogniser(write_model(tmp_path / "plain", PLAIN))
    costs = measure({"default": plain, "tiny": recogniser}, [1.0, 4.2], rounds=2)
    for cost in costs.values():
        assert cost.passes == (3 + 12) + (2 + 11)  # and one of each long utterance fell into a pause
        assert cost.finals == 2 * (1 + 2)
        assert cost.partial_s > 0
        assert set(cost.by_length) == {1.0, 4.2}
    lines = report(costs, [1.0, 4.2], rounds=2).splitlines()
    assert [line.split()[0] for line in lines] == ["model", "default", "tiny"]
