"""Values of parameters, read from a query and from a message."""

import enum

import pytest

from support.time_limit import HANG_S, time_limit
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.parameters import choice, flag, fraction, mapping, strings, text, whole
from vivavoce.protocol.query import Fields, Query, clip_reason, json_object
from vivavoce.types import Failure


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


PARAMETERS = {
    "count": whole("", 1, 9, failure=Failure.BAD_SAMPLE_RATE),
    "share": fraction(""),
    "switch": flag(""),
    "name": text("", max_length=4),
    "colour": choice("", Colour),
    "terms": strings("", max_items=2, max_length=3),
    "codes": strings("", commas=True),
    "extra": mapping(""),
}


def query(**values):
    return Query(list(values.items()), PARAMETERS)


def fields(**values):
    return Fields(values, PARAMETERS)


def test_what_is_absent_is_none():
    for reader in (query(), fields(), query(count=""), fields(count=None)):
        assert reader.whole("count") is None
        assert reader.names() == []
        reader.check()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", "+9", 9),
        ("share", "1e-1", 0.1),
        ("share", ".5", 0.5),
        ("switch", "TRUE", True),
        ("switch", "0", False),
        ("name", "abcd", "abcd"),
        ("colour", "blue", "blue"),
        ("terms", '["a b", "c"]', ("a b", "c")),
        ("codes", '["a"]', ("a",)),
        ("codes", " a, b ,,", ("a", "b")),
        ("extra", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_a_query_is_text(name, value, expected):
    assert read(query(**{name: value}), name) == expected


def read(reader, name):
    method = PARAMETERS[name].kind.name.lower()
    return getattr(reader, method)(name)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", 9, 9),
        ("share", 1, 1.0),
        ("switch", False, False),
        ("name", "", ""),
        ("terms", [], ()),
        ("extra", {}, {}),
    ],
)
def test_a_message_is_json(name, value, expected):
    assert read(fields(**{name: value}), name) == expected


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (query(count="0"), "count must be a whole number in 1..9, got '0'"),
        (query(count="1_0"), "count must be a whole number in 1..9, got '1_0'"),
        (query(count="\u0661"), "count must be a whole number in 1..9, got '\u0661'"),
        (fields(count=True), "count must be a whole number in 1..9, got True"),
        (fields(count=2.0), "count must be a whole number in 1..9, got 2.0"),
        (query(share="nan"), "share must be a number in 0..1, got 'nan'"),
        (fields(share="0.5"), "share must be a number in 0..1, got '0.5'"),
        (query(switch="on"), "switch must be true or false, got 'on'"),
        (fields(switch=1), "switch must be true or false, got 1"),
        (fields(name=7), "name must be a string, got 7"),
        (query(name="abcde"), "name must have at most 4 characters, got 5"),
        (query(colour="green"), "colour must be one of red, blue, got 'green'"),
        (query(terms="a"), "terms must be a JSON list of strings, got 'a'"),
        (query(terms='["a", 1]'), "terms must be a JSON list of strings, got '[\"a\", 1]'"),
        (query(terms='["a", "b", "c"]'), "terms must have at most 2 items, got 3"),
        (query(terms='["abcd"]'), "terms must have at most 3 characters in 'abcd'..., got 4"),
        (query(codes="[a"), "codes must be a JSON list of strings, got '[a'"),
        (fields(codes="a, b"), "codes must be a JSON list of strings, got 'a, b'"),
        (query(extra="[]"), "extra must be a JSON object, got '[]'"),
        (query(name="a", count="x" * 99), f"count must be a whole number in 1..9, got '{'x' * 39}..."),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_an_invalid_value_is_refused_by_name_and_value(reader, message):
    with pytest.raises(ProtocolViolation) as caught:
        reader.check()
    assert caught.value.detail == message
    expected = Failure.BAD_SAMPLE_RATE if message.startswith("count") else Failure.BAD_OPTION
    assert caught.value.failure is expected


@pytest.mark.parametrize("end", ["x", ".x", "e", ".1.1"])
def test_a_number_of_any_length_is_read_in_one_pass(end):
    """100 KB of digits stopped the server for minutes."""
    with time_limit(int(HANG_S)), pytest.raises(ProtocolViolation):
        Query([("x", "1" * 100_000 + end)], {"x": fraction("")}).fraction("x")


def test_a_required_value_is_missing():
    assert query(count="3").required_whole("count") == 3
    with pytest.raises(ProtocolViolation, match="count is missing") as caught:
        query(count="").required_whole("count")
    assert caught.value.failure is Failure.BAD_SAMPLE_RATE


def test_unknown_names_are_ignored_and_the_last_value_counts():
    reader = Query([("count", "1"), ("later", "x"), ("count", "2")], PARAMETERS)
    reader.check()
    assert reader.whole("count") == 2
    assert reader.names() == ["count", "later"]


def test_json_objects():
    assert json_object('{"a": 1}') == {"a": 1}
    for content, failure in (
        ("[1]", Failure.BAD_MESSAGE),
        ("{", Failure.BAD_JSON),
        (b"\xff", Failure.BAD_JSON),
    ):
        with pytest.raises(ProtocolViolation) as caught:
            json_object(content)
        assert caught.value.failure is failure


def test_a_reason_is_cut_between_characters():
    assert clip_reason("\u20ac" * 100) == "\u20ac" * 41
    assert clip_reason("short") == "short"


RENAMED = {"count": whole("", 1, 9, aliases=("amount", "number")), "name": text("")}


@pytest.mark.parametrize("reader", [Query, Fields])
@pytest.mark.parametrize("alias", ["amount", "number"])
def test_an_alias_counts_where_the_name_has_no_value(reader, alias):
    def read(values):
        return reader(values if reader is Fields else list(values.items()), RENAMED)

    in_text = reader is Query
    two, seven = ("2", "7") if in_text else (2, 7)
    assert read({alias: two}).whole("count") == 2
    assert read({alias: two, "count": seven}).whole("count") == 7
    assert read({alias: two, "count": "" if in_text else None}).whole("count") == 2
    with pytest.raises(ProtocolViolation, match=f"{alias} must be a whole number in 1..9, got "):
        read({alias: "none"}).check()
