"""Compiled code keeps the rules of floats, and is known by its sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import flotilla
from flotilla.kernel.compile import KERNEL_IDENTITY, compiled, compiled_apart

PACKAGE = Path(flotilla.__file__).parent


@compiled
def naive_sum(x):
    total = 0.0
    for value in x:
        total += value
    return total


@compiled_apart
def ratio(a, b, out):
    for i in range(out.shape[0]):
        out[i] = a[i] / b[i]


def test_sums_are_added_in_their_order_and_not_in_the_compilers():
    rng = np.random.default_rng(3)
    x = rng.normal(size=1001) * 10.0 ** rng.integers(0, 16, 1001)
    expected = 0.0
    for value in x.tolist():
        expected += value

    assert naive_sum(x) == expected


def test_a_product_and_a_sum_are_rounded_twice():
    x = np.array([1.0 + 2.0**-30, 1.0 - 2.0**-30, -1.0])

    @compiled
    def contracted(x):
        return x[0] * x[1] + x[2]

    assert contracted(x) == 0.0  # one rounding, as a fused operation does it, would leave -2**-60


def test_division_by_zero_is_a_number_and_no_exception():
    out = np.empty(3)

    ratio(np.array([1.0, -1.0, 0.0]), np.zeros(3), out)

    np.testing.assert_array_equal(out, [np.inf, -np.inf, np.nan])


def identity_in(folder):
    code = "from flotilla.kernel.compile import KERNEL_IDENTITY; print(KERNEL_IDENTITY)"
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout.strip()


def test_another_kernel_source_is_another_identity(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "flotilla", ignore=shutil.ignore_patterns("__pycache__"))
    same = identity_in(tmp_path)

    source = tmp_path / "flotilla" / "kernel" / "fuse.py"
    source.write_text(source.read_text() + "\n# another word\n")

    assert same == KERNEL_IDENTITY
    assert identity_in(tmp_path) != KERNEL_IDENTITY
