"""The fixtures of the emulator's tests."""

from fixtures import emulator, real

__all__ = ["emulator", "real"]
