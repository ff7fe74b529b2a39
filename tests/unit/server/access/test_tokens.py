import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.token_requests import TokenTerms, read_v2_request, read_v3_query
from vivavoce.server.access import Admission, Grant, TicketMint, TokenMint
from vivavoce.types import Failure


def refusal(call, *arguments, **options):
    with pytest.raises(ProtocolViolation) as caught:
        call(*arguments, **options)
    return caught.value.failure, caught.value.detail


def test_a_token_is_64_hex_digits_and_never_the_same_twice():
    mint = TokenMint(["key"])
    tokens = {mint.issue(expires_in_s=60, unix_now=0) for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 64 and bytes.fromhex(token) for token in tokens)


def test_a_token_opens_one_session_in_time():
    mint = TokenMint(["key"])
    token = mint.issue(expires_in_s=60, max_session_s=120, unix_now=1_000.7)
    late = mint.issue(expires_in_s=60, unix_now=1_000.7)
    assert mint.redeem(token, 1_059.9) == Grant("", 120)
    assert refusal(mint.redeem, token, 1_059.9) == (Failure.UNAUTHORIZED, "the token was used before")
    assert refusal(mint.redeem, late, 1_060.0) == (Failure.TOKEN_EXPIRED, "the token has expired")


def test_used_tokens_are_forgotten_once_they_have_expired():
    mint = TokenMint(["key"])
    for now in range(1_000):
        mint.redeem(mint.issue(expires_in_s=10, unix_now=now), now)
    assert len(mint._used) <= 11


def test_servers_with_the_same_keys_accept_each_others_tokens():
    token = TokenMint(["a", "b"]).issue(expires_in_s=60, unix_now=0)
    assert TokenMint(["b", "a"]).knows(token)
    assert not TokenMint(["a"]).knows(token)
    assert not TokenMint().knows(TokenMint().issue(expires_in_s=60, unix_now=0))


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_changed_token_is_not_a_token(place, digit):
    mint = TokenMint(["key"])
    token = mint.issue(expires_in_s=60, unix_now=0)
    changed = token[:place] + digit + token[place + 1 :]
    assert mint.knows(changed) == (changed == token)


@given(st.text())
def test_arbitrary_text_is_not_a_token(text):
    assert not TokenMint(["key"]).knows(text)


def test_keys_and_tokens_open_a_session_and_only_keys_issue_tokens():
    admission = Admission(["secret"])
    token = admission.tokens.issue(expires_in_s=60, max_session_s=90, unix_now=0)
    mine = admission.admit((None, "secret"), 0)
    assert mine == admission.admit(("secret", None), 0) == admission.check_key("secret")
    assert mine.owner
    assert mine != Admission(["other"]).check_key("other")
    assert admission.admit((None, f"Bearer {token}"), 0) == Grant("", 90)
    theirs = admission.tokens.issue(expires_in_s=60, owner=mine.owner, unix_now=0)
    assert admission.admit((theirs,), 0) == mine
    assert refusal(admission.admit, (token, "None"), 0)[0] is Failure.UNAUTHORIZED
    assert refusal(admission.admit, (None, None), 0) == (Failure.UNAUTHORIZED, "Missing Authorization header")
    assert refusal(admission.admit, ("no", None), 0)[1] == "the key or token is not valid"
    admission.check_key("secret")
    another = admission.tokens.issue(expires_in_s=60, unix_now=0)
    assert refusal(admission.check_key, another)[0] is Failure.UNAUTHORIZED
    assert refusal(admission.check_key, None)[1] == "Missing Authorization header"


def test_an_open_server_admits_every_client_but_applies_the_terms_of_a_token():
    admission = Admission()
    assert admission.admit((None, None), 0) == admission.admit(("whatever", None), 0) == Grant()
    token = admission.tokens.issue(expires_in_s=60, max_session_s=90, unix_now=0)
    assert admission.admit((token,), 1) == Grant("", 90)
    assert refusal(admission.admit, (token,), 1)[0] is Failure.UNAUTHORIZED


def test_requests_for_tokens():
    assert read_v2_request(b'{"expires_in":60}') == TokenTerms(60)
    assert read_v2_request(b'{"expires_in": 360000, "later": 1}') == TokenTerms(360_000)
    assert read_v3_query([("expires_in_seconds", "600")]) == TokenTerms(600)
    pairs = [("expires_in_seconds", "1"), ("max_session_duration_seconds", "10800")]
    assert read_v3_query(pairs) == TokenTerms(1, 10_800)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"{}", b'{"expires_in":59}', b'{"expires_in":360001}',
             b'{"expires_in":"60"}', b'{"expires_in":60.5}', b'{"expires_in":null}', b"[" * 4_000]
)  # fmt: skip
def test_a_bad_request_for_a_v2_token_says_what_is_wrong(body):
    assert refusal(read_v2_request, body)[1]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], "expires_in_seconds is missing"),
        ([("expires_in_seconds", "0")], "expires_in_seconds must be a whole number in 1..600, got '0'"),
        ([("expires_in_seconds", "601")], "601"),
        ([("expires_in_seconds", "soon")], "'soon'"),
        ([("expires_in_seconds", "60"), ("max_session_duration_seconds", "59")], "in 60..10800, got '59'"),
        ([("expires_in_seconds", "60"), ("max_session_duration_seconds", "10801")], "10801"),
    ],
)
def test_a_bad_request_for_a_v3_token_says_what_is_wrong(pairs, said):
    assert said in refusal(read_v3_query, pairs)[1]


# --- tickets ----------------------------------------------------------------------------------


def test_a_ticket_gets_tokens_until_it_expires():
    tickets = TicketMint(["key"])
    ticket = tickets.issue(expires_in_s=3_600, unix_now=1_000)
    for now in (1_000, 4_599):
        assert tickets.check(ticket, now) == Grant()
    assert refusal(tickets.check, ticket, 4_600) == (Failure.UNAUTHORIZED, "the speaker's link has expired")
    assert TicketMint(["key"]).check(ticket, 1_000) == Grant()
    assert refusal(TicketMint(["other"]).check, ticket, 1_000)[0] is Failure.UNAUTHORIZED


def test_tickets_are_not_tokens_and_tokens_are_not_tickets():
    ticket = TicketMint(["key"]).issue(expires_in_s=60, unix_now=0)
    token = TokenMint(["key"]).issue(expires_in_s=60, unix_now=0)
    assert not TokenMint(["key"]).knows(ticket)
    assert refusal(TicketMint(["key"]).check, token, 0)[0] is Failure.UNAUTHORIZED


@given(st.text())
def test_arbitrary_text_is_not_a_ticket(text):
    assert refusal(TicketMint(["key"]).check, text, 0)[0] is Failure.UNAUTHORIZED


def test_a_page_needs_a_ticket_where_sessions_need_a_key():
    assert Admission().check_ticket(None, 0) == Grant()
    admission = Admission(["key", "old disabled"])
    owner = admission.check_key("key").owner
    ticket = admission.tickets.issue(expires_in_s=60, owner=owner, unix_now=0)
    assert admission.check_ticket(f"Bearer {ticket}", 0) == Grant(owner)
    for wrong in (None, "", "key", "00"):
        assert refusal(admission.check_ticket, wrong, 0)[0] is Failure.UNAUTHORIZED


def test_a_ticket_of_a_key_that_was_withdrawn_is_refused():
    admission = Admission(["a", "b"])
    ticket = admission.tickets.issue(expires_in_s=60, owner=admission.check_key("a").owner, unix_now=0)
    changed = Admission(["a disabled", "b"])
    assert refusal(changed.check_ticket, ticket, 0) == (Failure.UNAUTHORIZED, "this key is disabled")


def test_processes_of_an_open_server_accept_the_same_tokens():
    """Without a key or a store each would sign with a secret of its own, and not know the token."""
    first, second, foreign = Admission(), Admission(), Admission()
    for each in (first, second):
        each.share(b"secret of the parent")
    token = first.tokens.issue(expires_in_s=60, unix_now=0.0, max_session_s=7)
    assert second.admit([token], 1.0).max_session_s == 7
    assert not foreign.tokens.knows(token)


def test_keys_and_stores_sign_as_before():
    for arguments in ({"keys": ["a"]}, {"records": [], "secret": b"s"}):
        alone, shared = Admission(**arguments), Admission(**arguments)
        shared.share(b"secret of the parent")
        assert alone.tokens.knows(shared.tokens.issue(expires_in_s=60, unix_now=0.0))
