"""Open sessions of a key over several servers with one file: checked against a plain model."""

from __future__ import annotations

import tempfile
import types
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vivavoce.store import LEASE_S, KeyStore

SERVERS, OWNERS = (0, 1, 2), ("aa", "bb")
servers, owners = st.sampled_from(SERVERS), st.sampled_from(OWNERS)


class LeasesOfOneFile(RuleBasedStateMachine):
    """Servers begin and end sessions, report them, are killed; the clock jumps."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "keys.db")
        self.now = 1_000_000.0
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("vivavoce.store.keys.time", types.SimpleNamespace(time=lambda: self.now))
        self.stores = {server: KeyStore(self.path) for server in SERVERS}
        self.open = {server: Counter() for server in SERVERS}  # what each server has, by owner
        self.reported = []  # the model: server, owner, sessions and when; the last of each counts
        self.names = dict.fromkeys(SERVERS, 0)  # which run of a server it is

    def teardown(self):
        for store in self.stores.values():
            store.close()
        self.patch.undo()
        self.folder.cleanup()

    def report(self, server, owner, sessions):
        me = (server, self.names[server], owner)
        self.reported = [it for it in self.reported if it[0] != me]
        if sessions:
            self.reported.append((me, sessions, self.now))

    def elsewhere(self, server, owner):
        me = (server, self.names[server], owner)
        self.reported = [it for it in self.reported if 0 <= self.now - it[2] < LEASE_S]
        return sum(sessions for who, sessions, _ in self.reported if who != me and who[2] == owner)

    @rule(server=servers, owner=owners, limit=st.one_of(st.none(), st.integers(0, 4)))
    def begin(self, server, owner, limit):
        wanted = self.open[server][owner] + 1
        elsewhere = self.elsewhere(server, owner)
        fits = limit is None or elsewhere + wanted <= limit
        assert self.stores[server].claim(owner, wanted, limit) is fits
        if fits:
            self.open[server][owner] = wanted
            self.report(server, owner, wanted)

    @rule(server=servers, owner=owners)
    def end(self, server, owner):
        self.open[server][owner] = max(0, self.open[server][owner] - 1)
        self.stores[server].renew({owner: self.open[server][owner]})
        self.report(server, owner, self.open[server][owner])

    @rule(server=servers)
    def renew(self, server):
        sessions = {owner: self.open[server][owner] for owner in OWNERS}
        self.stores[server].renew(sessions)
        for owner, count in sessions.items():
            self.report(server, owner, count)

    @rule(server=servers)
    def kill(self, server):
        self.stores[server].close()
        self.stores[server] = KeyStore(self.path)
        self.open[server].clear()
        self.names[server] += 1

    @rule(seconds=st.sampled_from([0.5, LEASE_S - 0.5, LEASE_S, -1.0, -3_600.0]))
    def let_time_pass(self, seconds):
        self.now += seconds

    @invariant()
    def no_server_reports_what_it_does_not_have(self):
        for who, sessions, _ in self.reported:
            server, run, owner = who
            assert run != self.names[server] or sessions == self.open[server][owner]


TestLeasesOfOneFile = LeasesOfOneFile.TestCase
TestLeasesOfOneFile.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
