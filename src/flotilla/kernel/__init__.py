"""Arithmetic, compiled: every number that research and live must agree on is computed here, once."""

import os

# Intel's vector library, where it is installed, gives exp and log other bits in the middle of an array than
# at its end: a chunk of one row would differ from a long one. Numba reads this when it is first imported.
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
