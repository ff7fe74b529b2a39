"""The Whisper recogniser with a model that needs no weights."""

import dataclasses
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from support.whisper_fakes import (
    END,
    JOINED,
    MARK_IDS,
    WITHOUT_TIMES,
    FakeSpeech,
    FakeWhisper,
    install,
    pretend_installed,
    write_model,
)
from vivavoce.asr.models import Span, recognise
from vivavoce.asr.models.whisper.recogniser import (
    MAX_CONTEXT_TOKENS,
    MAX_TERM_TOKENS,
    Padding,
    WhisperRecogniser,
)
from vivavoce.asr.models.whisper.vocabulary import WhisperVocabulary
from vivavoce.errors import EngineError, ModelError

VOCABULARY = WhisperVocabulary([bytes([byte]) for byte in range(256)] + list(JOINED), MARK_IDS)
TEXT = " the world, the world."
SCRIPT = VOCABULARY.encode(TEXT)
SECOND = np.full(16_000, 0.1, np.float32)
AUDIO = np.tile(SECOND, 3)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Opens a recogniser whose model writes a script; returns both."""

    def opened(script=SCRIPT, *, options=(), gpus=0, **behaviour):
        model = install(monkeypatch, FakeWhisper(script, **behaviour), gpus=gpus)
        return WhisperRecogniser(write_model(tmp_path / "base"), **dict(options)), model

    return opened


def one(recogniser, **fields):
    [hypothesis] = recognise(recogniser, [Span(**{"samples": AUDIO, **fields})])
    assert sum(word.n_tokens for word in hypothesis.words) == len(hypothesis.tokens)
    return hypothesis


def test_words_have_times_and_confidences(build):
    recogniser, _ = build(probability=0.7)
    hypothesis = one(recogniser)
    assert hypothesis.text == TEXT.strip()
    assert hypothesis.tokens == SCRIPT
    assert [word.confidence for word in hypothesis.words] == [0.7] * 4
    assert hypothesis.last_probability == 0.95
    times = [(word.start_s, word.end_s) for word in hypothesis.words]
    assert times == sorted(times)
    assert 0 <= times[0][0] < times[-1][1] <= 3
    assert recogniser.name == "whisper-base"


def test_the_model_is_opened_as_asked(build, tmp_path):
    options = {"threads": 3, "workers": 2, "device": "cuda", "compute_type": "float16"}
    _, model = build(options=options)
    wanted = {"intra_threads": 3, "inter_threads": 2, "device": "cuda", "compute_type": "float16"}
    assert model.opened == (str(tmp_path / "base"), wanted)


@pytest.mark.parametrize(("width", "cadence_ms"), [(384, 640), (512, 640), (768, 1_280), (1_280, 2_560)])
def test_a_larger_model_proposes_fewer_partial_passes(build, width, cadence_ms):
    assert build(width=width)[0].partial_cadence_ms == cadence_ms


@pytest.mark.parametrize(
    ("device", "gpus", "workers"),
    [("cpu", 0, 3), ("cpu", 1, 3), ("auto", 0, 3), ("auto", 2, 1), ("cuda", 1, 1)],
)
def test_a_processor_runs_as_many_spans_as_it_may_use_cores(build, monkeypatch, device, gpus, workers):
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    monkeypatch.setattr("vivavoce.cores._quotas", lambda root: ())  # wherever the tests run
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {1, 4, 5}, raising=False)
    _, model = build(options={"device": device}, gpus=gpus)
    assert model.opened[1]["inter_threads"] == workers


@pytest.mark.parametrize(("found", "workers"), [(6, 6), (None, 1)])
def test_where_no_process_is_bound_to_cores_all_count(build, monkeypatch, found, workers):
    monkeypatch.setattr("os.cpu_count", lambda: found)
    monkeypatch.setattr("vivavoce.cores._quotas", lambda root: ())  # wherever the tests run
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert build()[1].opened[1]["inter_threads"] == workers


# --- what cannot be opened --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_folder_that_lacks_a_file_is_refused_before_anything_could_download_it(tmp_path, monkeypatch, name):
    model = install(monkeypatch, FakeWhisper())
    with pytest.raises(ModelError) as caught:
        WhisperRecogniser(write_model(tmp_path / "base", without=[name]))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert model.opened is None


def test_the_vocabulary_may_be_a_text_file(tmp_path, monkeypatch):
    install(monkeypatch, FakeWhisper(SCRIPT))
    folder = write_model(tmp_path / "base", without=["vocabulary.json"])
    (folder / "vocabulary.txt").touch()
    assert one(WhisperRecogniser(folder)).tokens == SCRIPT


@pytest.mark.parametrize("content", ["[]", "{", "\udcff"])
def test_settings_that_are_no_object_are_refused(tmp_path, monkeypatch, content):
    install(monkeypatch, FakeWhisper())
    folder = write_model(tmp_path / "base")
    (folder / "config.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ModelError, match=r"config\.json"):
        WhisperRecogniser(folder)


def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ModelError, match=r'pip install "vivavoce\[whisper\]"'):
        WhisperRecogniser(write_model(tmp_path / "base"))


@pytest.mark.parametrize(
    "error",
    [OSError("bad\nELF header"), ImportError("libgomp.so.1 is missing"), MemoryError(), SystemError("x")],
)
def test_a_library_that_cannot_be_loaded_is_a_model_error(tmp_path, monkeypatch, error):
    def fail(name):
        raise error

    pretend_installed(monkeypatch)
    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(ModelError, match="CTranslate2 can't be loaded") as caught:
        WhisperRecogniser(write_model(tmp_path / "base"))
    assert "\n" not in str(caught.value)


REFUSALS = [
    RuntimeError("unsupported model\nbinary version"),
    MemoryError(),
    OSError("no memory"),
    IndexError(),
]


@pytest.mark.parametrize("error", REFUSALS)
def test_what_the_library_refuses_is_a_model_error(tmp_path, monkeypatch, error):
    install(monkeypatch, FakeWhisper())

    def refuse(path, **options):
        raise error

    monkeypatch.setattr(sys.modules["ctranslate2"].models, "Whisper", refuse)
    with pytest.raises(ModelError, match=r"can't be opened as a Whisper model: [a-zA-Z]") as caught:
        WhisperRecogniser(write_model(tmp_path / "base"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", REFUSALS)
def test_a_model_that_fails_in_its_first_run_is_a_model_error(tmp_path, monkeypatch, error):
    install(monkeypatch, FakeWhisper()).error = error
    with pytest.raises(ModelError, match=r"can't be opened as a Whisper model: [a-zA-Z]"):
        WhisperRecogniser(write_model(tmp_path / "base"))


def test_options_that_the_model_cannot_fulfil_are_refused(build):
    with pytest.raises(ModelError, match="can't translate"):
        build(options={"translate": True}, multilingual=False)
    with pytest.raises(ModelError, match="does not know the language 'xx': use de, en"):
        build(options={"language": "xx"})
    with pytest.raises(ModelError, match="does not know the language 'de': use en"):
        build(options={"language": "de"}, multilingual=False)


# --- prompts ----------------------------------------------------------------------------------------


def marks(*names):
    return [MARK_IDS[f"<|{name}|>"] for name in names]


def test_a_language_that_is_not_named_is_detected(build):
    recogniser, model = build(language="<|de|>")
    hypothesis = one(recogniser)
    assert (hypothesis.language, hypothesis.language_probability) == ("de", 0.8)
    assert model.prompts == [marks("startoftranscript", "de", "transcribe", "notimestamps")]
    assert model.aligned == model.prompts


@pytest.mark.parametrize("options", [{}, {"language": "ja"}])
def test_a_language_that_is_named_is_used(build, options):
    recogniser, model = build(options=options, language="<|en|>")
    hypothesis = one(recogniser, language="de")
    assert (hypothesis.language, hypothesis.language_probability) == (None, None)
    assert model.prompts == [marks("startoftranscript", "de", "transcribe", "notimestamps")]


@pytest.mark.parametrize("text", [TEXT, "\u9999\u8549\u306e\u9999 the world"])
def test_words_do_not_depend_on_the_language_of_the_pass(build, text):
    # A session counts the words that it has committed, and the next pass may detect another language.
    tokens = VOCABULARY.encode(text)
    recogniser, model = build(tokens)
    found = []
    for model.language in ("<|en|>", "<|ja|>"):
        found.append(one(recogniser, samples=np.tile(SECOND, 8), prefix=tokens[:6]))
    assert found[0].words == found[1].words
    assert found[0].tokens == tokens


def test_characters_may_be_spoken_fast(build):
    tokens = VOCABULARY.encode("\u9999\u8549\u306e\u9999")
    recogniser, _ = build(tokens)
    hypothesis = one(recogniser, samples=SECOND[:1_600], prefix=tokens[:6])
    assert [word.text for word in hypothesis.words] == ["\u9999", "\u8549", "\u306e"]


def test_a_language_that_the_model_lacks_is_detected(build):
    recogniser, _ = build()
    assert one(recogniser, language="xx").language == "en"


def test_an_english_model_has_no_languages(build):
    recogniser, model = build(multilingual=False)
    hypothesis = one(recogniser, language="de")
    assert (hypothesis.language, hypothesis.language_probability) == (None, None)
    assert model.prompts == [marks("startoftranscript", "notimestamps")]


def test_an_english_model_writes_english_whatever_language_is_named(build):
    recogniser, _ = build(multilingual=False)
    assert one(recogniser, language="ja") == one(recogniser)
    recogniser, _ = build(range(1, 256), multilingual=False)
    assert one(recogniser, samples=SECOND, language="ja") == one(recogniser, samples=SECOND)


def test_translation_writes_english_words(build):
    recogniser, model = build(options={"translate": True}, language="<|ja|>")
    hypothesis = one(recogniser)
    assert hypothesis.language == "ja"
    assert hypothesis.text == TEXT.strip()
    assert model.prompts == [marks("startoftranscript", "ja", "translate", "notimestamps")]


def test_a_span_can_be_translated(build):
    recogniser, model = build(language="<|ja|>")
    assert one(recogniser, translates=True, prefix=SCRIPT[:2]).language == "ja"
    assert model.prompts[0][:4] == marks("startoftranscript", "ja", "translate", "notimestamps")
    one(recogniser)
    assert model.prompts[1] == marks("startoftranscript", "ja", "transcribe", "notimestamps")
    assert model.aligned == [prompt[:4] for prompt in model.prompts]


@pytest.mark.parametrize("options", [{}, {"translate": True}])
@pytest.mark.parametrize("multilingual", [True, False])
def test_what_is_english_already_is_not_translated(build, options, multilingual):
    recogniser, model = build(options=options if multilingual else {}, multilingual=multilingual)
    for fields in ({}, {"language": "en"}):
        assert one(recogniser, translates=True, **fields) == one(recogniser, **fields)
    assert not any(MARK_IDS["<|translate|>"] in prompt for prompt in model.prompts)


@pytest.mark.parametrize("translates", [False, True])
def test_words_of_a_translation_need_no_time_of_their_own_before_its_end(build, monkeypatch, translates):
    # Words that stand elsewhere in English are found in no time, between others.
    starts = {" a": 0, " b": 50, " c": 51, " d": 52, " e": 53, " f": 100, " g": 148, " h": 148, " i": 149}
    recogniser, model = build([token for word in starts for token in VOCABULARY.encode(word)])
    frames = [frame for frame in starts.values() for _ in range(2)]

    def align(states, start_sequence, text_tokens, num_frames):
        probabilities = [0.9] * len(frames)
        return [SimpleNamespace(alignments=list(enumerate(frames)), text_token_probs=probabilities)]

    model.align = align
    text = one(recogniser, language="de", translates=translates).text
    assert text == ("a b c d e f" if translates else "a e f")


def test_terms_are_a_text_that_was_said_before(build):
    recogniser, model = build(multilingual=False)
    one(recogniser, terms=("world", "Caf\u00e9"))
    told = VOCABULARY.encode(" world,") + VOCABULARY.encode(" Caf\u00e9,")
    assert model.prompts == [
        [*marks("startofprev"), *told, *marks("startoftranscript", "notimestamps")],
    ]
    assert model.aligned == [marks("startoftranscript", "notimestamps")]


def test_terms_have_a_limit(build):
    recogniser, model = build()
    one(recogniser, terms=tuple(f"term{n}" for n in range(100)))
    before = model.prompts[0].index(MARK_IDS["<|startoftranscript|>"])
    assert MAX_TERM_TOKENS - 10 < before - 1 <= MAX_TERM_TOKENS
    one(recogniser, terms=("x" * 1_000,))
    assert model.prompts[1][0] == MARK_IDS["<|startoftranscript|>"]


def before_start(prompt):
    """The tokens between the mark of a text that came before and that of the transcript."""
    assert prompt[0] == MARK_IDS["<|startofprev|>"]
    return tuple(prompt[1 : prompt.index(MARK_IDS["<|startoftranscript|>"])])


def test_a_prompt_is_a_text_that_was_said_before_and_never_shows(build):
    recogniser, model = build()
    said = "Petrova met the Caf\u00e9 world."
    hypothesis = one(recogniser, prompt=said)
    assert before_start(model.prompts[0]) == VOCABULARY.encode(f" {said}")
    assert hypothesis == one(recogniser)
    assert model.prompts[1][0] == MARK_IDS["<|startoftranscript|>"]
    assert model.aligned[0] == model.aligned[1]  # confidences do not depend on it


def test_a_prompt_follows_the_terms(build):
    recogniser, model = build()
    one(recogniser, prompt="Hello.", terms=("world",))
    assert before_start(model.prompts[0]) == VOCABULARY.encode(" world,") + VOCABULARY.encode(" Hello.")


@pytest.mark.parametrize("terms", [(), ("a" * 60, "b" * 45)])
def test_the_last_words_of_a_long_prompt_count(build, terms):
    recogniser, model = build()
    words = [f"q{index:04d}" for index in range(300)]
    one(recogniser, prompt=" ".join(words), terms=terms)
    told = before_start(model.prompts[0])
    n_terms = sum(len(VOCABULARY.encode(f" {term},")) for term in terms)
    last = bytes(told[n_terms:]).decode()
    assert f" {' '.join(words)}".endswith(last)
    assert last.startswith(" ")
    assert MAX_CONTEXT_TOKENS - 6 < len(told) <= MAX_CONTEXT_TOKENS


def test_a_prompt_of_one_long_word_is_cut(build):
    recogniser, model = build()
    one(recogniser, prompt="x" * 1_750)
    assert before_start(model.prompts[0]) == (ord("x"),) * MAX_CONTEXT_TOKENS


def test_a_prompt_takes_no_room_from_the_text(hear):
    whole, _ = hear(80, exact=True)
    told, model = hear(80, exact=True, prompt="Hello. " * 250, terms=("world",) * 100)
    assert told == whole
    assert max(prompt.index(WITHOUT_TIMES) for prompt in model.prompts) < 448 - 224


def test_a_prompt_has_no_marks(build):
    recogniser, model = build()
    one(recogniser, prompt="<|endoftext|><|startoftranscript|> the")
    assert max(before_start(model.prompts[0])) < END


def test_a_short_word_of_the_prompt_may_be_a_name(build):
    recogniser, _ = build(VOCABULARY.encode(" the world"), probability=0.2)
    assert one(recogniser, prompt="So the world").words


def test_spans_with_different_prompts_do_not_disturb_each_other(build):
    recogniser, model = build()
    spans = [Span(AUDIO, exact=True, prompt=prompt) for prompt in ("Hello.", "", "Petrova")]
    alone = [recognise(recogniser, [span])[0] for span in spans]
    prompts = list(model.prompts)
    assert recognise(recogniser, spans) == alone
    assert model.prompts == prompts * 2


class Echo(FakeWhisper):
    """Repeats its prompt, a number of times, instead of what it would write without one."""

    def __init__(self, script, *, times=1, **behaviour):
        super().__init__(script, **behaviour)
        self.said = self.script
        self.times = times

    def generate(self, states, prompts, **options):
        [prompt] = prompts
        told = prompt[0] == MARK_IDS["<|startofprev|>"]
        self.script = before_start(prompt) * self.times if told else self.said
        return super().generate(states, prompts, **options)


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """What a model writes that repeats its prompt instead of a script."""

    def written(prompt, *, script=SCRIPT, **behaviour):
        install(monkeypatch, Echo(script, **behaviour))
        recogniser = WhisperRecogniser(write_model(tmp_path / "base"))
        return one(recogniser, samples=np.tile(SECOND, 20), prompt=prompt).text

    return written


@pytest.mark.parametrize(
    ("prompt", "probability", "is_kept"),
    [
        ("Hi, the old world!", 0.2, False),
        ("Hi, the old world!", 0.8, True),
        ("the old", 0.2, True),  # may be a name
        ("\u9999\u8549\u306e\u9999", 0.2, False),
    ],
)
def test_where_the_prompt_is_repeated_and_not_heard_the_model_does_without(
    echo, prompt, probability, is_kept
):
    assert echo(prompt, probability=probability) == (prompt if is_kept else TEXT.strip())


def test_where_the_prompt_leads_into_a_loop_the_model_does_without(echo):
    assert echo("no", times=20, probability=0.9) == TEXT.strip()


def test_silence_is_silence_with_a_prompt_too(echo):
    assert echo("Hi, the old world!", probability=0.2, no_speech=0.9) == ""
    assert echo("Hi, the old world!", probability=0.2, script=[MARK_IDS["<|0.00|>"]]) == ""


def test_committed_words_stay_whatever_the_prompt_is(build):
    recogniser, model = build(probability=0.2)
    assert one(recogniser, prompt=TEXT, prefix=SCRIPT[:1]).tokens == SCRIPT
    assert len(model.prompts) == 1


# --- prefixes, drafts, limits -----------------------------------------------------------------------


def test_a_hypothesis_begins_with_its_prefix(build):
    recogniser, model = build()
    prefix = VOCABULARY.encode(" a world")
    hypothesis = one(recogniser, prefix=prefix)
    assert hypothesis.tokens == prefix + SCRIPT[len(prefix) :]
    assert model.prompts[0][-len(prefix) - 1 :] == [WITHOUT_TIMES, *prefix]


def test_nothing_may_follow_a_prefix(build):
    recogniser, _ = build()
    assert one(recogniser, prefix=SCRIPT).tokens == SCRIPT


def test_a_prefix_that_fills_the_decoder_stays_whole(build):
    prefix = tuple(index % 250 for index in range(300))
    recogniser, _ = build()
    assert one(recogniser, samples=np.tile(SECOND, 20), prefix=prefix).tokens == prefix


def test_an_exact_span_depends_on_nothing_but_its_audio_and_prefix(build):
    recogniser, _ = build()
    span = Span(AUDIO, SCRIPT[:3], exact=True)
    drafts = [(), SCRIPT[3:], SCRIPT[:2]]
    spans = [dataclasses.replace(span, draft=draft, memory=object()) for draft in drafts]
    found = recognise(recogniser, spans)
    assert found == [found[0]] * 3


def test_marks_in_the_text_are_dropped(build):
    recogniser, _ = build([*SCRIPT[:2], MARK_IDS["<|0.00|>"], *SCRIPT[2:]])
    assert one(recogniser).tokens == SCRIPT
    assert END not in one(recogniser).tokens


@pytest.mark.parametrize(
    ("behaviour", "options", "most"),
    [
        ({"language": "<|ja|>"}, {}, 20),
        ({"language": "<|ka|>"}, {}, 52),
        ({"language": "<|en|>"}, {}, 10),
        ({"language": "<|ja|>"}, {"translate": True}, 10),
        ({"language": "<|ka|>"}, {"translate": True}, 10),
        ({"multilingual": False}, {}, 10),
    ],
)
def test_short_audio_has_few_tokens(build, behaviour, options, most):
    recogniser, _ = build(range(1, 256), options=options, **behaviour)
    assert len(one(recogniser, samples=SECOND).tokens) == most
    prefix = tuple(range(1, 30))
    assert len(one(recogniser, samples=SECOND, prefix=prefix).tokens) == most + len(prefix)


@pytest.fixture
def hear(tmp_path, monkeypatch):
    """Recognises words of ten tokens each, four a second; returns the hypothesis and the model."""

    def heard(n, *, language="ka", samples=None, **fields):
        words = [VOCABULARY.encode(f" {index:09d}") for index in range(n)]
        model = install(monkeypatch, FakeSpeech(words, 12.5))
        folder = write_model(tmp_path / "base")
        recogniser = WhisperRecogniser(folder, padding=Padding(0, 0), partial_padding=Padding(0, 0))
        samples = np.tile(SECOND, n // 4) if samples is None else samples
        return one(recogniser, samples=samples, language=language, **fields), model

    return heard


def spoken(n):
    return " ".join(f"{index:09d}" for index in range(n))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("seconds", [5, 10, 20, 29])
def test_no_word_is_lost_where_the_decoder_has_no_room_for_all(hear, seconds, exact):
    hypothesis, _ = hear(4 * seconds, exact=exact)
    assert hypothesis.text == spoken(4 * seconds)
    starts = [word.start_s for word in hypothesis.words]
    assert starts == pytest.approx([index / 4 for index in range(4 * seconds)], abs=0.05)


def test_a_prefix_that_has_no_room_in_the_decoder_is_kept_and_continued(hear):
    whole, _ = hear(80, exact=True)
    for n in (10, 20, 50, 78):
        prefix = whole.tokens[: 10 * n]
        hypothesis, model = hear(80, exact=True, prefix=prefix)
        assert hypothesis.tokens == whole.tokens
        assert all(len(prompt) < 228 for prompt in model.prompts)


def test_the_decoder_continues_after_a_pause_of_the_last_seconds(hear):
    samples = np.tile(SECOND, 10)
    samples[4 * 16_000 : 4 * 16_000 + 3_000] = 0  # the seventeenth word is silent at its start
    hypothesis, model = hear(40, exact=True, samples=samples)
    assert hypothesis.text == spoken(40)
    seconds_left = model.encoded[1] / 100
    assert seconds_left == pytest.approx(10 - 4 + 0.5, abs=0.2)  # with two words before the pause


def test_nobody_speaks_faster_however_long_that_goes_on(hear):
    hypothesis, model = hear(40, language="de", exact=True)
    assert hypothesis.text == spoken(17)[: len(hypothesis.text)]
    assert len(hypothesis.tokens) == 164
    assert len(model.encoded) == 1


def test_a_loop_is_cut(build):
    said, turn = VOCABULARY.encode(" the"), VOCABULARY.encode(" no")
    recogniser, _ = build([*said, *turn * 20])
    assert one(recogniser, samples=np.tile(SECOND, 10)).text == "the no"


def test_a_loop_in_the_prefix_stays(build):
    turn = VOCABULARY.encode(" no")
    recogniser, _ = build(turn * 20)
    prefix = turn * 9
    assert one(recogniser, samples=np.tile(SECOND, 10), prefix=prefix).tokens[: len(prefix)] == prefix


# --- silence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("no_speech", "probability", "is_kept"), [(0.9, 0.2, False), (0.9, 0.8, True), (0.2, 0.2, True)]
)
def test_words_are_dropped_that_the_model_doubts_where_it_hears_no_speech(
    build, no_speech, probability, is_kept
):
    recogniser, _ = build(no_speech=no_speech, probability=probability)
    assert bool(one(recogniser).words) == is_kept
    assert one(recogniser, prefix=SCRIPT[:1]).words  # committed words stay


def test_no_tokens_are_no_words(build):
    recogniser, _ = build([MARK_IDS["<|0.00|>"]])
    hypothesis = one(recogniser)
    assert (hypothesis.tokens, hypothesis.words, hypothesis.last_probability) == ((), (), 1.0)


# --- audio ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "exact", "frames"), [(1, True, 1_200), (1, False, 800), (20, True, 2_200), (29, True, 3_000)]
)
def test_silence_is_appended_up_to_what_the_model_needs(build, seconds, exact, frames):
    recogniser, model = build()
    one(recogniser, samples=np.tile(SECOND, seconds), exact=exact)
    assert model.encoded == [frames]


def test_zeros_belong_to_the_span(build):
    options = {"padding": Padding(0, 0)}
    recogniser, model = build(options=options)
    one(recogniser, exact=True, zeros=1_600)
    assert model.encoded == [310]


@pytest.mark.parametrize("n", [0, 1, 200, 5_000])
def test_spans_of_any_length_are_recognised(build, n):
    recogniser, _ = build(VOCABULARY.encode(" a"))
    assert one(recogniser, samples=np.zeros(n, np.float32)).text == "a"


def test_long_audio_is_cut_where_it_is_quiet(build):
    samples = np.tile(SECOND, 40)
    samples[27 * 16_000 : 28 * 16_000] = 0
    recogniser, model = build(language="<|de|>")
    prefix = VOCABULARY.encode(" a")
    hypothesis = one(recogniser, samples=samples, prefix=prefix, exact=True)
    assert model.encoded[1] < 1_500
    assert hypothesis.tokens == prefix + SCRIPT[len(prefix) :] + SCRIPT
    assert hypothesis.words[len(hypothesis.words) // 2].start_s > 20
    assert hypothesis.words[-1].end_s > 39
    assert hypothesis.language == "de"
    assert [MARK_IDS["<|de|>"] in prompt for prompt in model.prompts] == [True, True]


def test_a_failing_model_is_an_engine_error(build):
    recogniser, model = build()
    model.error = RuntimeError("out of memory")
    with pytest.raises(EngineError, match="whisper-base failed: out of memory"):
        one(recogniser)
