"""Ends a Python process of Spark together with the JVM that started it.

Python runs this file when it starts, because the folder is on PYTHONPATH. Without it the driver
of a job whose JVM is killed could live on, and write.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if sys.platform == "linux":
    _parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != _parent:
        os._exit(1)
