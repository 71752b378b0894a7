"""The emulator's own fixtures, for what the engine deploys to it."""

from fixtures import emulator, real

__all__ = ["emulator", "real"]
