"""Lets tests import ``support``: pytest puts the folder of this file on the path."""

import signal

from hypothesis import HealthCheck, settings

# Whatever starts the tests in the background may have them ignore Ctrl-C or a closed terminal, and with them
# every program that they start.
for each in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(each) is signal.SIG_IGN:
        signal.signal(each, signal.default_int_handler if each is signal.SIGINT else signal.SIG_DFL)

# No test asks how busy the machine is: an example may take as long as it needs.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
