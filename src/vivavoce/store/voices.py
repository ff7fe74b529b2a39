"""Who speaks in a transcript: the voices that sessions tell apart, and their names."""

from __future__ import annotations

import itertools
import re
import string
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

__all__ = ["VoiceKey", "VoiceNames", "VoicesImage", "clean_name"]

MAX_NAME: Final = 50
"""The most characters of a name."""

_UNKNOWN: Final = frozenset({"PENDING", "UNKNOWN"})  # labels that say that nobody knows
_LETTERS: Final = re.compile(r"[A-Z]{1,2}")  # a label that the server made; any other is a name


class VoiceKey(NamedTuple):
    """Identifies a voice: sessions, and the channels of one, label their speakers on their own.

    Attributes:
        session_id: Of its session.
        channel: Of the audio, from 0.
        label: Its label there.
    """

    session_id: str
    channel: int
    label: str


def clean_name(name: str) -> str:
    """Return a name in one line, without characters that are not printed.

    Raises:
        ValueError: It is too long.
    """
    cleaned = " ".join("".join(each if each.isprintable() else " " for each in name).split())
    if len(cleaned) > MAX_NAME:
        raise ValueError(f"name must have {MAX_NAME} characters at most, got {len(cleaned)}")
    return cleaned


class VoicesImage(NamedTuple):
    """The voices of a room as a value.

    Attributes:
        given: The names that people gave.
        names: Each voice and its name, by number.
    """

    given: tuple[tuple[VoiceKey, str], ...]
    names: tuple[tuple[VoiceKey, str], ...]


class VoiceNames:
    """The voices of one or several sessions, numbered from 0, each with a name.

    A letter that two sessions gave becomes two letters here. Voices that share a name that a person gave, or
    that the server knows, are one speaker to the reader.
    """

    def __init__(self, given: Mapping[VoiceKey, str] | None = None) -> None:
        """Begin without voices.

        Args:
            given: Names that people gave before.
        """
        self._given = dict(given or {})
        self._numbers: dict[VoiceKey, int] = {}
        self._names: list[str] = []  # by number

    def image(self) -> VoicesImage:
        """Return all voices and names as a value."""
        names = zip(self._numbers, self._names, strict=True)  # a dict keeps the order of the numbers
        return VoicesImage(tuple(self._given.items()), tuple(names))

    @classmethod
    def of(cls, image: VoicesImage) -> Self:
        """Return the voices of an image."""
        voices = cls(dict(image.given))
        voices._numbers = {key: number for number, (key, _) in enumerate(image.names)}
        voices._names = [name for _, name in image.names]
        return voices

    def __len__(self) -> int:
        """How many voices there are."""
        return len(self._names)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, by number."""
        return tuple(self._names)

    @property
    def speakers(self) -> tuple[int, ...]:
        """For each voice the first one of the same name, which stands for all of them."""
        first: dict[str, int] = {}
        return tuple(first.setdefault(name, number) for number, name in enumerate(self._names))

    def number(self, session_id: str, channel: int, label: str | None) -> int | None:
        """Return the number of a voice, a new one if need be; None: nobody knows whose it is.

        Args:
            session_id: Of its session.
            channel: Of the audio.
            label: Its label in the session; None: the session labels no speakers.
        """
        if label is None or label in _UNKNOWN:
            return None
        key = VoiceKey(session_id, channel, label)
        if key not in self._numbers:
            self._numbers[key] = len(self._names)
            self._names.append(self._given.get(key) or self._usual(label))
        return self._numbers[key]

    def name(self, session_id: str, channel: int, label: str | None) -> str | None:
        """Return the name of a voice, as `number` its number."""
        number = self.number(session_id, channel, label)
        return None if number is None else self._names[number]

    def has(self, key: VoiceKey) -> bool:
        """Whether there is this voice."""
        return key in self._numbers

    def key(self, number: int) -> VoiceKey | None:
        """Return what identifies a voice; None: there is none of that number."""
        return next((key for key, each in self._numbers.items() if each == number), None)

    @property
    def given(self) -> dict[VoiceKey, str]:
        """The names that people gave, of voices that are here and of others."""
        return {key: name for key, name in self._given.items() if name}

    def take(self, given: Mapping[VoiceKey, str]) -> bool:
        """Take names that people gave elsewhere, if there are none here; returns whether any was new."""
        fresh = {key: name for key, name in given.items() if name and not self._given.get(key)}
        for key, name in fresh.items():
            self._given[key] = name
            if key in self._numbers:
                self._names[self._numbers[key]] = name
        return bool(fresh)

    def rename(self, number: int, name: str) -> dict[VoiceKey, str]:
        """Give a speaker, with all voices of its name, another name.

        Args:
            number: Of one of its voices.
            name: The name; empty: what they are called without one.

        Returns:
            The new name of each of these voices; empty: none is given any more.
        """
        old = self._names[number]
        keys = [key for key, each in self._numbers.items() if self._names[each] == old]
        for key in keys:
            self._names[self._numbers[key]] = self._given[key] = name
        if not name:
            for key in keys:
                self._names[self._numbers[key]] = self._usual(key.label)
        return dict.fromkeys(keys, name)

    def voice_of(self, session_id: str, channel: int, name: str) -> VoiceKey:
        """Return the voice of a session that has a name; a new one if need be.

        Args:
            session_id: Of the session.
            channel: Of its audio.
            name: The name of a speaker here, or a new one.
        """
        for key, number in self._numbers.items():
            if key[:2] == (session_id, channel) and self._names[number] == name:
                return key
        # The session may use letters itself, now or later, and for somebody else.
        others = (f"{name} {number}" for number in itertools.count(2))
        labels = others if _LETTERS.fullmatch(name) else itertools.chain([name], others)
        found = (VoiceKey(session_id, channel, label) for label in labels)
        key = next(each for each in found if each not in self._numbers)
        self._numbers[key] = len(self._names)
        self._names.append(name)
        self._given[key] = name
        return key

    def _usual(self, label: str) -> str:
        """What a voice is called that has no given name."""
        if not _LETTERS.fullmatch(label):
            return label
        return next(each for each in itertools.chain([label], _letters()) if each not in self._names)


def _letters() -> Iterator[str]:
    """A to Z, then AA, AB and so on."""
    for length in itertools.count(1):
        for each in itertools.product(string.ascii_uppercase, repeat=length):
            yield "".join(each)
