"""SIGINT and SIGTERM."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from vivavoce.cli.interrupt import GRACE_S, Interrupt


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


def test_the_second_signal_exits_at_once():
    codes = []
    with Interrupt(live=True, exit_process=codes.append) as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.stop_requested
        assert codes == []
        signal.raise_signal(signal.SIGINT)
    assert codes == [130]


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
    before = signal.getsignal(signal.SIGINT)
    with Interrupt(live=True):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


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
