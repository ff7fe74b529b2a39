"""What the simulated microphone records: five blocks of 100 ms."""

__all__ = ["BLOCK", "RATE", "RECORDED"]

RATE = 16_000
BLOCK = 3200  # bytes
RECORDED = bytes(index * 11 % 256 for index in range(5 * BLOCK))
