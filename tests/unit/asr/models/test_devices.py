"""Devices: what is done for a GPU, run by the CPU's provider; and what becomes of a user's choice."""

import logging

import pytest
from benchmarks.random_models import sound, write_model

from support.gpu_fakes import GPU
from support.scripted_decoder import ScriptedDecoder, span
from support.streaming_models import EVEN
from support.whisper_fakes import FakeWhisper, install
from support.whisper_fakes import write_model as write_whisper
from vivavoce.asr.models import Span, check_device, load_recogniser, recognise, registry
from vivavoce.asr.models.devices import CPU, CUDA, GPU_MAX_BATCH, why_no_gpu
from vivavoce.asr.models.moonshine.decoder import Decoder
from vivavoce.asr.models.moonshine.greedy import Job
from vivavoce.asr.models.moonshine.runtime import RunningJobs
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser
from vivavoce.asr.models.onnx.sessions import CPU_PROVIDER, CUDA_PROVIDER
from vivavoce.asr.models.whisper.recogniser import WhisperRecogniser
from vivavoce.errors import EngineError, ModelError

REASON = "no GPU here; buy one"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A Moonshine streaming model with random weights."""
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    return write_model(tmp_path / "model", EVEN)


@pytest.fixture
def without_gpu(monkeypatch):
    for place in ("devices", "registry"):
        monkeypatch.setattr(f"vivavoce.asr.models.{place}.why_no_gpu", lambda family: REASON)


@pytest.fixture
def with_gpu(monkeypatch):
    """CUDA can be used; the CPU's provider stands for its own."""
    for place in ("devices", "registry"):
        monkeypatch.setattr(f"vivavoce.asr.models.{place}.why_no_gpu", lambda family: None)
    monkeypatch.setattr(registry, "CUDA", GPU)


# --- Moonshine --------------------------------------------------------------------------------------


def test_the_preferred_provider_comes_first():
    assert CPU.providers == (CPU_PROVIDER,)
    assert CUDA.providers == (CUDA_PROVIDER, CPU_PROVIDER)
    assert [str(each) for each in (CPU, CUDA)] == ["cpu", "cuda"]


def test_on_a_gpu_floats_are_computed_with_the_results_of_floats(folder):
    on_gpu = MoonshineStreamingRecogniser(folder, device=GPU)
    in_floats = MoonshineStreamingRecogniser(folder, quantised=False)
    assert (in_floats.max_batch, in_floats.max_workers) == (1, None)
    assert (on_gpu.max_batch, on_gpu.max_workers) == (GPU_MAX_BATCH, 2)
    assert not on_gpu.decoder.binds_once
    spans = [Span(sound(0.5 + 0.3 * n, n), exact=True) for n in range(GPU_MAX_BATCH)]
    found = recognise(on_gpu, spans)
    assert any(hypothesis.tokens for hypothesis in found)
    assert found == [recognise(in_floats, [each])[0] for each in spans]


class CopyingDecoder(ScriptedDecoder):
    """Copies inputs when they are bound, as a GPU does."""

    def io_binding(self):
        binding = super().io_binding()
        bind = binding.bind_cpu_input
        self.bound = []

        def bind_copy(name, array):
            self.bound.append(name)
            bind(name, array.copy())

        binding.bind_cpu_input = bind_copy
        return binding


def decoded(decoder):
    running = RunningJobs(decoder)
    keys, found = [running.add(Job(span(number), 14)) for number in (1, 5, 8)], {}
    while len(running):
        found.update(running.step())
    return [found[key].tokens for key in keys]


def test_steps_on_a_gpu_see_what_changed_since_the_inputs_were_bound():
    session = CopyingDecoder()
    expected = decoded(Decoder(ScriptedDecoder()))
    assert max(map(len, expected)) > 3
    assert decoded(Decoder(CopyingDecoder())) != expected  # a GPU matters here
    assert decoded(Decoder(session, binds_once=False)) == expected
    assert session.bound.count("cross_key_0") == 1  # the frames went there once for these rows
    assert session.bound.count("past_key_0") > 1


# --- Whisper ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "compute_type", "workers"), [(CPU, "int8", None), ("auto", "int8", None), (CUDA, "default", 1)]
)
def test_whisper_has_the_numbers_of_its_files_on_a_gpu(tmp_path, monkeypatch, device, compute_type, workers):
    model = install(monkeypatch, FakeWhisper(), gpus=1)
    recogniser = WhisperRecogniser(write_whisper(tmp_path / "base"), device=device)
    assert model.opened[1]["device"] == str(device)
    assert model.opened[1]["compute_type"] == compute_type
    assert recogniser.max_workers == workers


@pytest.mark.parametrize(("width", "cadence_ms"), [(512, 640), (768, 640), (1_024, 640), (1_280, 1_280)])
def test_a_gpu_has_time_for_more_partial_passes(tmp_path, monkeypatch, width, cadence_ms):
    install(monkeypatch, FakeWhisper(width=width), gpus=1)
    recogniser = WhisperRecogniser(write_whisper(tmp_path / "base"), device=CUDA)
    assert recogniser.partial_cadence_ms == cadence_ms


def test_whisper_asks_ctranslate2_for_a_gpu(monkeypatch):
    install(monkeypatch, FakeWhisper(), gpus=1)
    assert why_no_gpu("whisper") is None
    install(monkeypatch, FakeWhisper(), gpus=0)
    assert "CTranslate2 finds no GPU" in why_no_gpu("whisper")


def test_whisper_without_ctranslate2_or_with_a_broken_driver(monkeypatch):
    install(monkeypatch, FakeWhisper())

    def broken():
        raise RuntimeError("CUDA driver version is\ninsufficient")

    monkeypatch.setattr("ctranslate2.get_cuda_device_count", broken)
    assert why_no_gpu("whisper").endswith("(CUDA driver version is insufficient)")
    monkeypatch.setitem(__import__("sys").modules, "ctranslate2", None)
    assert 'pip install "vivavoce[whisper]"' in why_no_gpu("whisper")


# --- the user's choice ------------------------------------------------------------------------------


def test_cpu_asks_for_nothing(folder, without_gpu, caplog):
    caplog.set_level(logging.INFO)
    check_device("cpu", ["moonshine", "whisper"])
    assert load_recogniser("moonshine-streaming", folder, turn_model="none").max_batch == 1
    assert caplog.messages == []


def test_cuda_that_cannot_be_used_is_refused_before_and_at_loading(folder, without_gpu):
    with pytest.raises(ModelError, match=f"^--device cuda: {REASON}$"):
        check_device("cuda", ["moonshine"])
    with pytest.raises(ModelError, match=f"^--device cuda: {REASON}$"):
        load_recogniser("moonshine-streaming", folder, turn_model="none", device="cuda")


def test_auto_without_a_gpu_runs_on_the_cpu_and_says_why(folder, without_gpu, caplog):
    caplog.set_level(logging.INFO)
    check_device("auto", ["moonshine"])
    recogniser = load_recogniser("moonshine-streaming", folder, turn_model="none", device="auto")
    assert recogniser.decoder.binds_once
    assert caplog.messages == [f"{recogniser.name} runs on the CPU: {REASON}"]


@pytest.mark.parametrize("choice", ["auto", "cuda"])
def test_with_a_gpu_a_model_runs_there(folder, with_gpu, caplog, choice):
    caplog.set_level(logging.INFO)
    check_device(choice, ["moonshine"])
    recogniser = load_recogniser("moonshine-streaming", folder, turn_model="none", device=choice)
    assert recogniser.max_batch == GPU_MAX_BATCH
    assert caplog.messages == [f"{recogniser.name} runs on the GPU (CUDA)"]


class OnlyOnTheCpu(FakeWhisper):
    """Lacks a library of CUDA, which shows in its first run."""

    def encode(self, features):
        if self.opened[1]["device"] == "cuda":
            raise RuntimeError("Library libcublas.so.12 is not found")
        return super().encode(features)


class FailsOnTheGpu(FakeWhisper):
    """Can be opened on the GPU, and then fails."""

    def generate(self, states, prompts, **options):
        if self.opened[1]["device"] == "cuda":
            raise RuntimeError("no kernel, as libcublas.so.12 is too old")
        return super().generate(states, prompts, **options)


@pytest.mark.parametrize(("model", "error"), [(OnlyOnTheCpu, ModelError), (FailsOnTheGpu, EngineError)])
def test_a_model_that_fails_on_the_gpu(tmp_path, monkeypatch, caplog, model, error):
    caplog.set_level(logging.INFO)
    install(monkeypatch, model(), gpus=1)
    folder = write_whisper(tmp_path / "base")
    with pytest.raises(error, match=r"libcublas\.so\.12"):
        load_recogniser("whisper", folder, turn_model="none", device="cuda")
    assert load_recogniser("whisper", folder, turn_model="none", device="auto").max_workers is None
    [line] = caplog.messages
    assert line.startswith("whisper-base runs on the CPU: ")
    assert "libcublas.so.12" in line


def test_another_choice_is_refused(folder):
    with pytest.raises(ModelError, match="`device` must be one of cpu, cuda, auto, got 'tpu'"):
        load_recogniser("moonshine-streaming", folder, device="tpu")
