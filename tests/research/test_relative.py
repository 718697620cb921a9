"""Statistics beside a benchmark are those of the formulas that empyrical and the text books give."""

from math import isnan

import numpy as np
import pytest

from flotilla.research.relative import beta, capture, correlation, relative_stats


def two(seed=5, days=500):
    rng = np.random.default_rng(seed)
    b = 0.0004 + 0.01 * rng.standard_normal(days)
    return 0.0002 + 0.6 * b + 0.004 * rng.standard_normal(days), b


def test_twice_the_benchmark_has_a_beta_of_two_and_no_alpha():
    b = np.array([0.01, -0.02, 0.03])

    told = relative_stats(2.0 * b, b, 252.0)

    assert told["beta"] == pytest.approx(2.0)
    assert told["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert told["correlation"] == pytest.approx(1.0)
    assert told["up_capture"] == told["down_capture"] == pytest.approx(2.0)
    assert told["tracking_error"] == pytest.approx(b.std(ddof=1) * np.sqrt(252.0))


def test_the_formulas_are_those_of_numpy():
    r, b = two()
    covariance = np.cov(r, b, ddof=1)
    slope, active = covariance[0, 1] / covariance[1, 1], r - b

    told = relative_stats(r, b, 252.0)

    assert told == pytest.approx({
        "beta": slope,
        "alpha": (r.mean() - slope * b.mean()) * 252.0,
        "correlation": np.corrcoef(r, b)[0, 1],
        "tracking_error": active.std(ddof=1) * np.sqrt(252.0),
        "information_ratio": active.mean() / active.std(ddof=1) * np.sqrt(252.0),
        "up_capture": r[b > 0].mean() / b[b > 0].mean(),
        "down_capture": r[b < 0].mean() / b[b < 0].mean(),
    })  # fmt: skip


def test_the_benchmark_itself_has_no_tracking_error_and_so_no_information_ratio():
    _, b = two()

    told = relative_stats(b, b.copy(), 252.0)

    assert told["tracking_error"] == 0.0
    assert isnan(told["information_ratio"])
    assert told["beta"] == pytest.approx(1.0)


def test_a_benchmark_that_does_not_move_explains_nothing():
    r, _ = two()
    still = np.zeros(len(r))

    assert isnan(beta(r, still))
    assert isnan(correlation(r, still))
    assert isnan(capture(r, still, still > 0.0))
    assert isnan(relative_stats(r, still, 252.0)["alpha"])


def test_bars_that_one_of_them_lacks_do_not_count():
    r, b = two()
    holed = np.where(np.arange(len(b)) % 7 == 0, np.nan, b)
    kept = np.isfinite(holed)

    assert relative_stats(r, holed, 252.0) == relative_stats(r[kept], b[kept], 252.0)
    assert all(isnan(v) for v in relative_stats(np.zeros(0), np.zeros(0), 252.0).values())
