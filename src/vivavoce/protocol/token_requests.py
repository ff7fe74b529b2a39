"""Temporary tokens over HTTP: ``POST /v2/realtime/token`` and ``GET /v3/token``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.json_failures import JSON_FAILURES
from vivavoce.protocol.parameters import whole
from vivavoce.protocol.query import Query
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.parameters import Parameter

__all__ = [
    "V2_EXPIRY_S",
    "V2_TOKEN_PATH",
    "V3_TOKEN_PARAMETERS",
    "V3_TOKEN_PATH",
    "HttpError",
    "TokenTerms",
    "V2Token",
    "V2TokenRequest",
    "V3Token",
    "decode_v2_token",
    "read_v2_request",
    "read_v3_query",
]

V2_TOKEN_PATH: Final = "/v2/realtime/token"  # noqa: S105  - a path
V3_TOKEN_PATH: Final = "/v3/token"  # noqa: S105  - a path
V2_EXPIRY_S: Final = range(60, 360_001)
"""How long a v2 token can open a session, in seconds."""
V3_TOKEN_PARAMETERS: Final[dict[str, Parameter]] = {
    "expires_in_seconds": whole("How long the token can open a session, in s.", 1, 600, is_required=True),
    "max_session_duration_seconds": whole("How long that session can last, in s.", 60, 10_800),
}
"""The query of ``GET /v3/token``."""


class V2TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The request for a v2 token.

    Attributes:
        expires_in: How long the token can open a session, in seconds.
    """

    expires_in: Annotated[int, msgspec.Meta(ge=V2_EXPIRY_S.start, lt=V2_EXPIRY_S.stop)]


# Made once: two threads that decode a type for the first time at once crash (msgspec 0.22).
_decode_v2_request = msgspec.json.Decoder(V2TokenRequest).decode


class V2Token(msgspec.Struct, frozen=True, kw_only=True):
    """A v2 token, which opens one session.

    Attributes:
        token: 64 hexadecimal digits.
    """

    token: str


decode_v2_token = msgspec.json.Decoder(V2Token).decode


class V3Token(msgspec.Struct, frozen=True, kw_only=True):
    """A v3 token, which opens one session.

    Attributes:
        token: 64 hexadecimal digits.
        expires_in_seconds: How long the token can open a session.
    """

    token: str
    expires_in_seconds: int


class HttpError(msgspec.Struct, frozen=True, kw_only=True):
    """A refused request.

    Attributes:
        error: The reason.
    """

    error: str


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a client asks for when it requests a token.

    Attributes:
        expires_in_s: How long the token can open a session, in seconds.
        max_session_s: How long that session can last, in seconds; None: as long as any session.
    """

    expires_in_s: int
    max_session_s: int | None = None


def read_v2_request(body: bytes) -> TokenTerms:
    """Read the body of a request for a v2 token.

    Raises:
        ProtocolViolation: The body is not JSON, or has no number of seconds in 60..360000.
    """
    try:
        return TokenTerms(_decode_v2_request(body).expires_in)
    except msgspec.ValidationError as error:
        expected = f"expires_in must be a whole number of seconds in {_bounds(V2_EXPIRY_S)}"
        raise ProtocolViolation(Failure.BAD_OPTION, f"{expected}: {error}") from error
    except JSON_FAILURES as error:
        raise ProtocolViolation(Failure.BAD_JSON, f"the body is not JSON: {error}") from error


def read_v3_query(pairs: Sequence[tuple[str, str]]) -> TokenTerms:
    """Read the query of a request for a v3 token.

    Raises:
        ProtocolViolation: A number is missing, not a whole number, or out of bounds.
    """
    query = Query(pairs, V3_TOKEN_PARAMETERS)
    return TokenTerms(query.required_whole("expires_in_seconds"), query.whole("max_session_duration_seconds"))


def _bounds(numbers: range) -> str:
    return f"{numbers.start}..{numbers.stop - 1}"
