"""The vendor's streaming surface; its third version is in :mod:`vivavoce.streaming.v3`."""
