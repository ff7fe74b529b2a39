"""The HTTP endpoints that issue temporary tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.parameters import whole
from vivavoce.protocol.query import Query
from vivavoce.protocol.token_requests import (
    V2_TOKEN_PATH,
    V3_TOKEN_PATH,
    HttpError,
    TokenTerms,
    V2Token,
    V3Token,
    read_v2_request,
    read_v3_query,
)
from vivavoce.server.access.refusals import log_refusal
from vivavoce.server.request_body import BodyError, read_body
from vivavoce.types import Failure

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.server.access.admission import Admission
    from vivavoce.server.access.tokens import Grant

__all__ = ["token_routes"]

_MAX_BODY_BYTES: Final = 4_096
_PAGE_TOKEN_S: Final = 60
_TICKET_PARAMETERS: Final = {"hours": whole("How long the ticket is valid, in hours.", 1, 168)}
_UNAUTHORIZED_FAILURES: Final = frozenset({Failure.UNAUTHORIZED, Failure.NO_FUNDS, Failure.UNPAID})


class PageToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token for the next session of a page.

    Attributes:
        token: A v3 token, valid for a minute.
    """

    token: str


class PageTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows to get tokens, without a key.

    Attributes:
        ticket: 60 hexadecimal digits.
    """

    ticket: str


def token_routes(admission: Admission) -> list[Route]:
    """Return the routes that issue tokens of either protocol.

    Args:
        admission: Checks the keys and issues the tokens.
    """

    def issue(grant: Grant, terms: TokenTerms) -> str:
        return admission.tokens.issue(
            expires_in_s=terms.expires_in_s,
            max_session_s=terms.max_session_s,
            owner=grant.owner,
            unix_now=time.time(),
        )

    async def v2(request: Request) -> Response:
        try:
            grant = admission.check_key(request.headers.get("authorization"))
            terms = read_v2_request(await _read_body(request))
        except ProtocolViolation as violation:
            return _respond_error(request, violation)
        return _respond(V2Token(token=issue(grant, terms)))

    async def v3(request: Request) -> Response:
        try:
            grant = admission.check_key(request.headers.get("authorization"))
            terms = read_v3_query(request.query_params.multi_items())
        except ProtocolViolation as violation:
            return _respond_error(request, violation)
        return _respond(V3Token(token=issue(grant, terms), expires_in_seconds=terms.expires_in_s))

    async def page(request: Request) -> Response:
        """A token for a page of ours: for its next session, at once."""
        try:
            grant = admission.check_ticket(request.headers.get("authorization"), time.time())
        except ProtocolViolation as violation:
            return _respond_error(request, violation)
        return _respond(PageToken(token=issue(grant, TokenTerms(_PAGE_TOKEN_S))))

    async def ticket(request: Request) -> Response:
        """A ticket for a page, for somebody who has a key."""
        try:
            grant = admission.check_key(request.headers.get("authorization"))
            hours = Query(request.query_params.multi_items(), _TICKET_PARAMETERS).whole("hours") or 12
        except ProtocolViolation as violation:
            return _respond_error(request, violation)
        text = admission.tickets.issue(expires_in_s=3_600 * hours, owner=grant.owner, unix_now=time.time())
        return _respond(PageTicket(ticket=text))

    return [
        Route(V2_TOKEN_PATH, v2, methods=["POST"]),
        Route(V3_TOKEN_PATH, v3, methods=["GET"]),
        Route("/live/token", page, methods=["POST"]),
        Route("/live/ticket", ticket, methods=["POST"]),
    ]


async def _read_body(request: Request) -> bytes:
    try:
        return await read_body(request, _MAX_BODY_BYTES)
    except BodyError as error:
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from None


def _respond(body: msgspec.Struct, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def _respond_error(request: Request, violation: ProtocolViolation) -> Response:
    log_refusal(request, violation)
    status = 401 if violation.failure in _UNAUTHORIZED_FAILURES else 400
    return _respond(HttpError(error=violation.detail), status)
