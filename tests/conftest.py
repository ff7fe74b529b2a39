"""Lets tests import ``support``: pytest puts the folder of this file on the path."""

import signal

from hypothesis import HealthCheck, settings

# Whatever starts the tests in the background may have them ignore Ctrl-C, and every program they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test asks how busy the machine is: an example may take as long as it needs.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
