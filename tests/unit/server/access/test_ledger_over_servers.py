"""Limits of keys over several servers with one store, restarts and days: checked against a plain model."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access.ledger import Ledger
from vivavoce.server.access.usage import day_of
from vivavoce.store import KeyLimits
from vivavoce.types import Failure

DAY_S = 86_400.0
OWNERS, SERVERS = ("aa", "bb"), (0, 1)
servers, owners = st.sampled_from(SERVERS), st.sampled_from(OWNERS)


def refusal(call, *arguments):
    """Why a call is refused; None: it is not."""
    try:
        call(*arguments)
    except ProtocolViolation as violation:
        return violation.failure
    return None


class LedgersOfOneStore(RuleBasedStateMachine):
    """Two servers that exchange use by a store; the model knows all audio at once."""

    @initialize(minutes=st.sampled_from([None, 0, 1, 2]), sessions=st.sampled_from([None, 0, 1, 2]))
    def start(self, minutes, sessions):
        self.limits = {"aa": KeyLimits(sessions, minutes), "bb": KeyLimits()}
        self.now = 20_000 * DAY_S + 0.5
        self.stored = Counter()  # what the store holds
        self.heard = Counter()  # the model: audio by day and owner, on any server
        self.unsaved = [Counter(), Counter()]  # the model: what each server has not stored
        self.open = [{}, {}]  # session id -> owner, seconds
        self.ledgers = [self.new_ledger(), self.new_ledger()]
        self.n_sessions = 0
        self.saving = None  # which server is in the middle of an exchange, and what it gave

    def new_ledger(self):
        ledger = Ledger(3, lambda owner: self.limits[owner])
        ledger.usage.saved(dict(self.stored), day_of(self.now))
        return ledger

    def known(self, server, owner):
        """What a server must know: the store as it last saw it is bounded by these two."""
        day = day_of(self.now)
        return self.unsaved[server][day, owner], self.heard[day, owner]

    @rule(server=servers, owner=owners)
    def begin(self, server, owner):
        self.n_sessions += 1
        session_id = str(self.n_sessions)
        n_open = sum(each == owner for each, _ in self.open[server].values())
        limit = min(it for it in (3, self.limits[owner].sessions) if it is not None)
        is_used_up = self.is_used_up(server, owner)
        refused = refusal(self.ledgers[server].begin, session_id, owner, self.now)
        if n_open >= limit:
            assert refused is Failure.BUSY
        else:
            assert refused is (Failure.NO_FUNDS if is_used_up else None)
        if refused is None:
            self.open[server][session_id] = (owner, 0.0)

    def is_used_up(self, server, owner):
        minutes = self.limits[owner].daily_minutes
        used = self.ledgers[server].usage.used_s(owner, day_of(self.now))
        return minutes is not None and used >= 60 * minutes

    @precondition(lambda self: any(self.open))
    @rule(data=st.data(), seconds=st.integers(0, 50))
    def speak(self, data, seconds):
        server, session_id = data.draw(st.sampled_from(self.sessions()))
        owner, heard = self.open[server][session_id]
        self.open[server][session_id] = (owner, heard + seconds)
        self.heard[day_of(self.now), owner] += seconds
        self.unsaved[server][day_of(self.now), owner] += seconds
        refused = refusal(self.ledgers[server].note_audio, session_id, heard + seconds, self.now)
        assert refused is (Failure.NO_FUNDS if self.is_used_up(server, owner) else None)

    def sessions(self):
        return [(server, session_id) for server in SERVERS for session_id in self.open[server]]

    @precondition(lambda self: any(self.open))
    @rule(data=st.data())
    def end(self, data):
        server, session_id = data.draw(st.sampled_from(self.sessions()))
        self.ledgers[server].end(session_id)
        del self.open[server][session_id]

    @precondition(lambda self: self.saving is None)
    @rule(server=servers)
    def begin_saving(self, server):
        self.saving = (server, self.ledgers[server].usage.begin_saving())

    @precondition(lambda self: self.saving is not None)
    @rule(works=st.booleans())
    def finish_saving(self, works):
        (server, given), self.saving = self.saving, None
        if not works:
            self.ledgers[server].usage.not_saved()
            return
        self.stored.update(given)
        self.unsaved[server].subtract(given)
        self.ledgers[server].usage.saved(dict(self.stored), day_of(self.now))

    @precondition(lambda self: self.saving is None)
    @rule(server=servers)
    def restart(self, server):
        """A server that stops in order writes what it has."""
        for session_id in list(self.open[server]):
            self.ledgers[server].end(session_id)
        self.open[server] = {}
        self.stored.update(self.ledgers[server].usage.begin_saving())
        self.unsaved[server] = Counter()
        self.ledgers[server] = self.new_ledger()

    @rule(seconds=st.sampled_from([1.0, 3_600.0, DAY_S, -DAY_S]))
    def let_time_pass(self, seconds):
        self.now += seconds

    @rule(minutes=st.sampled_from([None, 1, 5]))
    def change_limits(self, minutes):
        self.limits["aa"] = KeyLimits(self.limits["aa"].sessions, minutes)

    @invariant()
    def no_audio_is_lost_or_counted_twice(self):
        if not hasattr(self, "ledgers"):
            return
        totals = defaultdict(float, self.stored)
        for counter in self.unsaved:
            for key, seconds in counter.items():
                totals[key] += seconds
        assert all(totals[key] == seconds for key, seconds in self.heard.items())
        for server in SERVERS:
            for owner in OWNERS:
                own, everybodys = self.known(server, owner)
                assert own <= self.ledgers[server].usage.used_s(owner, day_of(self.now)) <= everybodys


TestLedgersOfOneStore = LedgersOfOneStore.TestCase


def test_a_new_day_begins_at_midnight_utc():
    ledger = Ledger(None, lambda _: KeyLimits(daily_minutes=1))
    ledger.begin("one", "aa", DAY_S - 1)
    ledger.note_audio("one", 59, DAY_S - 1)
    with pytest.raises(ProtocolViolation, match=r"the 1 audio minutes a day .* are used up until 00:00 UTC"):
        ledger.note_audio("one", 61, DAY_S - 1)
    ledger.note_audio("one", 61, DAY_S)


def test_without_a_key_store_no_audio_is_counted():
    ledger = Ledger(None)
    ledger.begin("one", "")
    ledger.note_audio("one", 1e9, 0.0)
    assert ledger.usage.used_s("", 0) == 0
