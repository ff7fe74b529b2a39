"""The vendor's protocols: messages and parameters for both ends, and dialects for the server.

A dialect translates a protocol into the commands and events of a session, which know no protocol.
``dialects`` lists them; ``describe`` writes the protocols down as documents. This package imports nothing, so
that a client loads only what it uses.
"""
