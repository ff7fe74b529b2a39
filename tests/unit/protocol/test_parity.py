"""One description of the protocols for both ends: the SDK has everything that the server writes and reads."""

import dataclasses
import json
import typing
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

import vivavoce
from vivavoce.client.parameters import RealTimeParameters, RealTimeSessionParameters
from vivavoce.protocol.aai_v2 import messages as v2
from vivavoce.protocol.aai_v3 import messages as v3
from vivavoce.protocol.aai_v3.choices import SpeechModel, StreamEncoding, StreamingMode
from vivavoce.protocol.aai_v3.families import family_of
from vivavoce.protocol.aai_v3.options import MODES
from vivavoce.protocol.aai_v3.parameters import PARAMETERS, UPDATE_PARAMETERS
from vivavoce.protocol.parameters import Kind
from vivavoce.streaming.v3 import models
from vivavoce.types import Codec, Encoding

TYPES = {
    Kind.WHOLE: int,
    Kind.FRACTION: float,
    Kind.FLAG: bool,
    Kind.TEXT: str,
    Kind.STRINGS: str,
    Kind.MAPPING: typing.Any,
}


RECORDED = Path(__file__).parents[2] / "data" / "server_frames.json"


def frames(version):
    for query, events in json.loads(RECORDED.read_text(encoding="utf-8")).items():
        if query.startswith(version):
            for record in events.values():
                yield from record["frames"]


def test_the_sdk_has_the_messages_of_the_server():
    for message in typing.get_args(v3.EventMessage):
        assert getattr(models, message.__name__) is message
    for message in set(typing.get_args(v2.ServerMessage)) - {v2.SessionTerminated, v2.ErrorMessage}:
        assert getattr(vivavoce, message.__name__) is message


def names_in(fields):
    """The names of all fields of a message, and of the objects in it."""
    for name, value in fields.items():
        yield name
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from names_in(item)


def test_a_client_sees_every_field_that_the_server_writes():
    for frame in frames("v3"):
        event = v3.decode_event(frame)
        assert set(names_in(json.loads(frame))) <= set(names_in(event.model_dump()))
        assert v3.encode_event(event) == frame
    for frame in frames("v2"):
        assert v2.encode_server_message(v2.decode_server_message(frame)) == frame


@pytest.mark.parametrize(
    ("parameters", "cls"),
    [(PARAMETERS, RealTimeParameters), (UPDATE_PARAMETERS, RealTimeSessionParameters)],
    ids=["query", "update"],
)
def test_the_sdk_has_every_parameter_of_the_server_and_no_other(parameters, cls):
    assert set(parameters) - {"token"} == {field.name for field in dataclasses.fields(cls)}


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - {"token"}))
def test_parameters_have_the_same_types(name):
    hints = typing.get_type_hints(RealTimeParameters, localns={"Sequence": Sequence})
    inside = set()

    def collect(hint):
        inside.add(hint)
        for part in typing.get_args(hint):
            collect(part)

    collect(hints[name])
    parameter = PARAMETERS[name]
    assert TYPES[parameter.kind] in inside
    assert type(None) in inside
    assert parameter.choices is None or parameter.choices in inside


@pytest.mark.parametrize("name", [name for name, each in PARAMETERS.items() if each.kind is Kind.WHOLE])
def test_the_sdk_refuses_what_the_server_refuses(name):
    bounds = PARAMETERS[name].bounds
    given = {"sample_rate": 16_000}
    for value in (bounds.start, bounds.stop - 1, float(bounds.start), str(bounds.start)):
        RealTimeParameters(**{**given, name: value})
    for value in (bounds.start - 1, bounds.stop, bounds.start + 0.5, f"{bounds.start}.5", True):
        with pytest.raises(vivavoce.ConfigurationError, match=f"{name} must be a whole number in "):
            RealTimeParameters(**{**given, name: value})


def test_choices_are_those_of_the_server():
    assert {each.value for each in StreamEncoding} == {each.value for each in (*Encoding, *Codec)}
    assert {each.value for each in v2.AudioEncoding} == {each.value for each in Encoding}
    assert all(map(family_of, SpeechModel))
    assert set(MODES) == set(StreamingMode)
    for encoding in Encoding:
        assert StreamEncoding(encoding.value).bytes_per_sample == encoding.bytes_per_sample


def test_a_reader_accepts_what_other_servers_write():
    sparse = v3.decode_event('{"type":"Turn","turn_order":3.0,"end_of_turn":true,"later":{}}')
    assert (sparse.turn_order, sparse.words, sparse.transcript, sparse.channel) == (3, [], "", None)
    assert v3.decode_event('{"type":"Later","turn_order":3}') is None
    assert msgspec.json.decode(sparse.model_dump_json())["channel"] is None
