"""Bytes from anywhere are read, or refused by a documented error."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import TARGETS


def damaged(seed, rng):
    """A good input with some bytes changed, cut out, or said twice."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 4)):
        place, length = rng.randrange(len(data) + 1), rng.randint(1, 8)
        match rng.randrange(4):
            case 0:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place:place] = rng.choice(
                    [b"\0", b"\xff", b'"', b"[", b"{", b"-1", b"1e400", b"%", b"&", b"="]
                )
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_good_and_damaged_inputs_are_read_or_refused(name):
    target = TARGETS[name]
    rng = random.Random(name)
    for seed in target.seeds:
        target.read(seed)
        for _ in range(150):
            target.read(damaged(seed, rng))


@pytest.mark.parametrize(
    "nested", [b"[" * 20_000, b'{"a":' * 20_000, b"a = " + b"[" * 20_000, b'{"a": ' + b"[" * 20_000]
)
@pytest.mark.parametrize("name", TARGETS)
def test_nesting_does_not_exhaust_the_stack(name, nested):
    TARGETS[name].read(nested)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=200))
def test_random_inputs_are_read_or_refused(name, data):
    TARGETS[name].read(data)
