"""What the parent of several workers keeps of their clients."""

from vivavoce.server.options import ServerOptions
from vivavoce.server.workers.parent import _Parent


def test_clients_of_proxies_that_are_gone_take_no_memory():
    parent = _Parent(ServerOptions(), 1, [], None, engine=None, read_keys=None)
    handlers = parent._handlers(0)
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        handlers["enter_forwarded"](host)
    [load] = parent._seats.loads
    assert load.forwarded == {"192.0.2.1": 2, "192.0.2.2": 1}
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.2"):
        handlers["leave_forwarded"](host)
    assert dict(load.forwarded) == {"192.0.2.1": 1}
