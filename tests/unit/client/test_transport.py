"""The WebSocket transport, on a real pair of sockets."""

from __future__ import annotations

import asyncio
import socket
import types

from vivavoce.client.transport import _WebSocket


def test_a_transport_that_closed_once_its_last_data_was_sent_can_be_aborted():
    """asyncio forgets the loop of such a transport without noting that its connection is lost."""

    async def run():
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.setblocking(False)
            loop = asyncio.get_running_loop()
            closed = loop.create_future()

            class Peer(asyncio.Protocol):
                def connection_lost(self, error):
                    closed.set_result(error)

            transport, _ = await loop.create_connection(Peer, sock=ours)
            transport.write(bytes(1 << 22))
            transport.close()
            while not closed.done():
                await loop.sock_recv(theirs, 1 << 20)
        connection = types.SimpleNamespace(transport=transport, connection_lost_waiter=closed)
        _WebSocket(connection).abort()

    asyncio.run(run())
