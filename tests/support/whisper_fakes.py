"""A Whisper model that behaves like CTranslate2's without weights, and the files of its folder."""

import json
from types import ModuleType, SimpleNamespace

import numpy as np

from vivavoce.asr.models.whisper.vocabulary import letters_of_bytes

JOINED = (b" t", b" th", b" the", b"er", b" w", b"or", b"ld", b" wor", b" world", b"\xc3\xa9")
MARKS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|de|>",
    "<|ja|>",
    "<|jw|>",
    "<|ka|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
    "<|0.00|>",
)
FIRST_MARK = 256 + len(JOINED)
MARK_IDS = {name: FIRST_MARK + index for index, name in enumerate(MARKS)}
END = MARK_IDS["<|endoftext|>"]
PROBE_FRAMES = 4  # encoded when a model is opened
WITHOUT_TIMES = MARK_IDS["<|notimestamps|>"]


def tokenizer_content():
    letters = letters_of_bytes()
    pieces = [bytes([byte]) for byte in range(256)] + list(JOINED)
    vocab = {"".join(letters[byte] for byte in piece): token for token, piece in enumerate(pieces)}
    added = [{"id": token, "content": name} for name, token in MARK_IDS.items()]
    return {"added_tokens": added, "model": {"type": "BPE", "vocab": vocab, "merges": []}}


def write_model(folder, *, without=()):
    """Write the files of a model's folder, except some; returns the folder."""
    folder.mkdir(exist_ok=True)
    contents = {
        "model.bin": "weights",
        "config.json": "{}",
        "vocabulary.json": "[]",
        "tokenizer.json": json.dumps(tokenizer_content()),
    }
    for name, content in contents.items():
        if name not in without:
            (folder / name).write_text(content, encoding="utf-8")
    return folder


class FakeWhisper:
    """Writes a script for any audio, token by token, as greedy decoding would.

    Attributes:
        script: The tokens that it writes if nothing is forced.
        encoded: Frames of all features that were encoded.
        prompts: All prompts so far.
        aligned: All start sequences that tokens were aligned with.
    """

    n_mels = 80

    def __init__(
        self, script=(), *, multilingual=True, language="<|en|>", no_speech=0.0, probability=0.9, width=512
    ):
        self.script = tuple(script)
        self.is_multilingual = multilingual
        self.language = language
        self.no_speech = no_speech
        self.probability = probability
        self.width = width
        self.error = None
        self.encoded = []
        self.prompts = []
        self.aligned = []
        self.opened = None  # how it was opened

    def encode(self, features):
        if self.error:
            raise self.error
        _, n_mels, frames = features.shape
        assert n_mels == self.n_mels
        assert frames <= 3_000
        if frames == PROBE_FRAMES:
            return SimpleNamespace(shape=(1, 2, self.width))
        assert features.dtype == np.float32
        assert features.flags.c_contiguous
        self.encoded.append(frames)
        return SimpleNamespace(frames=-(-frames // 2), shape=(1, -(-frames // 2), self.width))

    def generate(self, states, prompts, *, beam_size, max_length, suppress_blank, return_no_speech_prob):
        assert beam_size == 1
        assert return_no_speech_prob
        [prompt] = prompts
        self.prompts.append(prompt)
        prefix = prompt[prompt.index(WITHOUT_TIMES) + 1 :]
        tokens = [*prefix, *self.script[len(prefix) :]]
        # CTranslate2 halves the length for the text, and bounds prompt and text together by the whole.
        limit = min(max_length // 2, max_length - (len(prompt) - len(prefix)))
        ids = tokens[:limit] if tokens or not suppress_blank else [ord("x")]
        return [SimpleNamespace(sequences_ids=[ids], no_speech_prob=self.no_speech)]

    def align(self, states, start_sequence, text_tokens, num_frames):
        [tokens] = text_tokens
        assert num_frames // 2 <= states.frames
        self.aligned.append(start_sequence)
        frames = num_frames // 2
        probabilities = [self.probability] * (len(tokens) - 1) + [0.95]
        # Every token takes as many frames as any other; the end mark takes the last one.
        places = [(index * (len(tokens)) // max(1, frames - 1), index) for index in range(frames)]
        return [SimpleNamespace(alignments=places, text_token_probs=probabilities)]

    def detect_language(self, states):
        if not self.is_multilingual:
            raise RuntimeError("not multilingual")
        return [[(self.language, 0.8), ("<|de|>", 0.1)]]


class FakeSpeech(FakeWhisper):
    """Hears one word after the other at a steady pace, each where it is said, however the audio is cut.

    The audio must end where the speech does, and must not be padded.

    Attributes:
        words: The tokens of each word; all have as many.
        word_frames: Encoder frames of a word.
    """

    def __init__(self, words, word_frames, **behaviour):
        super().__init__(**behaviour)
        self.words = words
        self.word_frames = word_frames

    def encode(self, features):
        states = super().encode(features)
        if features.shape[2] != PROBE_FRAMES:
            states.start = round(len(self.words) * self.word_frames) - states.frames
            states.first = min(len(self.words), max(0, round(states.start / self.word_frames)))
        return states

    def generate(self, states, prompts, **options):
        self.script = [token for word in self.words[states.first :] for token in word]
        return super().generate(states, prompts, **options)

    def align(self, states, start_sequence, text_tokens, num_frames):
        [tokens] = text_tokens
        assert len(start_sequence) + len(tokens) < 448
        [found] = super().align(states, start_sequence, text_tokens, num_frames)
        pace = self.word_frames / len(self.words[0])
        begin = states.first * self.word_frames - states.start
        places = [(token, max(0, round(begin + token * pace))) for token in range(len(tokens) + 1)]
        found.alignments = [(token, frame) for token, frame in places if frame < num_frames // 2]
        return [found]


def pretend_installed(monkeypatch):
    """Let checks find CTranslate2, whether it is installed or not."""
    monkeypatch.setitem(__import__("sys").modules, "ctranslate2", ModuleType("ctranslate2"))


def install(monkeypatch, model, *, gpus=0):
    """Let ``import ctranslate2`` find a library that opens this model, and that finds so many GPUs."""

    def opened(path, **options):
        model.opened = (path, options)
        return model

    library = ModuleType("ctranslate2")
    library.models = SimpleNamespace(Whisper=opened)
    library.StorageView = SimpleNamespace(from_array=lambda array: array)
    library.get_cuda_device_count = lambda: gpus
    monkeypatch.setitem(__import__("sys").modules, "ctranslate2", library)
    return model
