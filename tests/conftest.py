"""Lets tests import ``support``: pytest puts the folder of this file on the path."""

import signal

# Whatever starts the tests in the background may have them ignore Ctrl-C, and every program they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
