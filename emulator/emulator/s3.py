"""Repair of moto's S3: a conditional write is atomic."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

from moto.s3.responses import S3Response

# The methods that check If-None-Match or If-Match and then write; the request's body has been
# read before, so they do not wait for a client.
_CONDITIONAL_WRITES = ("put_object", "_key_response_post", "delete_object")


def install() -> None:
    """Repair moto."""
    # moto's server responds in many threads, and checks the condition and then writes without a
    # lock: of two writers with If-None-Match both could succeed.
    lock = threading.RLock()
    for name in _CONDITIONAL_WRITES:
        setattr(S3Response, name, _locked(getattr(S3Response, name), lock))


def _locked(write: Callable[..., object], lock: threading.RLock) -> Callable[..., object]:
    @functools.wraps(write)
    def locked(*args: object, **named: object) -> object:
        with lock:
            return write(*args, **named)

    return locked
