"""The vendor's streaming package; :mod:`vivavoce.streaming.v3` has its third version."""
