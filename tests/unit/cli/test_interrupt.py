"""SIGINT, SIGTERM and SIGHUP."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from vivavoce.cli.interrupt import GRACE_S, SAME_REQUEST_S, Interrupt


@pytest.mark.parametrize(
    ("live", "signalled", "finished", "code"),
    [
        (True, False, True, 0),
        (True, True, True, 0),
        (True, True, False, 130),
        (False, False, True, 0),
        (False, True, True, 130),
    ],
)
def test_exit_code_after_an_orderly_end(live, signalled, finished, code):
    with Interrupt(live=live) as interrupt:
        if signalled:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupt.wait(30)
        if finished:
            interrupt.mark_finished()
    assert interrupt.exit_code == code


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_second_signal_exits_at_once(first, second):
    codes = []
    clock = Clock()
    with Interrupt(live=True, exit_process=codes.append, clock=clock) as interrupt:
        signal.raise_signal(first)
        assert interrupt.stop_requested
        assert codes == []
        clock.now_s += SAME_REQUEST_S
        signal.raise_signal(second)
    assert codes == [130]


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_signals_within_milliseconds_are_one_request(first, second):
    codes = []
    clock = Clock()
    with Interrupt(live=True, exit_process=codes.append, clock=clock) as interrupt:
        for number in (first, second, second):
            signal.raise_signal(number)
            clock.now_s += 0.05
        assert interrupt.stop_requested
        interrupt.mark_finished()
    assert codes == []
    assert interrupt.exit_code == 0


def test_an_end_by_force_cleans_up_first():
    done = []
    clock = Clock()
    with Interrupt(live=True, exit_process=done.append, clock=clock) as interrupt:
        interrupt.on_exit(lambda: done.append("clean"))
        signal.raise_signal(signal.SIGINT)
        clock.now_s += 1
        signal.raise_signal(signal.SIGINT)
    assert done == ["clean", 130]


def test_a_cleanup_that_waits_for_ever_does_not_keep_the_process():
    codes = []
    clock = Clock()
    locked = threading.Lock()
    with locked, Interrupt(live=True, exit_process=codes.append, clock=clock) as interrupt:
        interrupt.on_exit(locked.acquire)
        signal.raise_signal(signal.SIGINT)
        clock.now_s += 1
        signal.raise_signal(signal.SIGINT)
        assert codes == [130]


def test_a_hangup_that_nohup_ignores_is_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt(live=True) as interrupt:
            signal.raise_signal(signal.SIGHUP)
        assert not interrupt.stop_requested
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stop_calls_the_source_once_on_another_thread():
    calls = []
    called = threading.Event()
    with Interrupt(live=True) as interrupt:
        interrupt.on_stop(lambda: (calls.append(threading.current_thread()), called.set()))
        signal.raise_signal(signal.SIGINT)
        interrupt.request_stop()
        assert called.wait(30)
    assert len(calls) == 1
    assert calls[0] is not threading.main_thread()


def test_signal_handlers_are_restored():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupt(live=True):
        assert all(signal.getsignal(n) != handler for n, handler in zip(SIGNALS, before, strict=True))
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_run_has_less_than_two_seconds_after_ctrl_c(monkeypatch):
    codes, timers = [], []

    class Timer(threading.Timer):
        def start(self):
            timers.append(self)

    monkeypatch.setattr(threading, "Timer", Timer)
    with Interrupt(live=True, exit_process=codes.append):
        assert timers == []
        signal.raise_signal(signal.SIGINT)
        (timer,) = timers
        assert timer.interval == GRACE_S < 2
        timer.function()
        assert codes == [130]


def test_a_run_that_hangs_after_ctrl_c_is_ended_by_force():
    program = textwrap.dedent("""
        import signal, threading
        from vivavoce.cli.interrupt import Interrupt
        with Interrupt(live=True, grace_s=0.1):
            signal.raise_signal(signal.SIGINT)
            while True:
                threading.Event().wait(60)
    """)
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
