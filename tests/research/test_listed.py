"""What becomes of the money of instruments that have no prices for all of a period."""

from math import nan

import numpy as np

from flotilla.config import decode
from flotilla.research import run, sweep
from flotilla.research.listed import remarks_on_listing
from flotilla.testing import made_market

DAY = 86_400_000_000_000


def told(*columns, equal=True, step=DAY):
    close = np.array(columns, np.float64).T
    names = ["AAA", "BBB", "CCC", "DDD", "EEE"][: len(columns)]
    return remarks_on_listing(np.arange(len(close)) * step, names, close, equal)


def test_an_instrument_without_any_price_is_told_with_what_becomes_of_its_share():
    said = "AAA has no price on any bar that is traded; its share, 1 of 3, stays in cash"

    assert told([nan] * 5, [1] * 5, [2] * 5) == (said,)
    assert told([nan] * 5, [1] * 5, equal=False) == (
        "AAA has no price on any bar that is traded; its share stays in cash",
    )


def test_one_that_is_listed_late_is_told_with_its_first_day():
    assert told([1] * 6, [nan, nan, nan, 1, 1, 1]) == (
        "BBB has the first price on 1970-01-04; until then its share, 1 of 2, stays in cash",
    )


def test_one_whose_prices_end_is_told_with_its_last_day():
    assert told([1, 1, 1, nan, nan, nan], [1] * 6) == (
        "AAA has the last price on 1970-01-03; from then on it is held at that price",
    )


def test_several_are_one_sentence_of_each_kind_with_the_first_of_them():
    gone, whole = [1, 1, 1, nan, nan, nan], [1] * 6

    assert told(gone, gone, whole, gone, gone) == (
        "4 instruments of 5 have the last price: AAA on 1970-01-03, BBB on 1970-01-03, DDD on 1970-01-03 "
        "and 1 more; from then on they are held at that price",
    )
    assert told([nan] * 6, [nan] * 6, whole) == (
        "2 instruments of 3 have no price on any bar that is traded: AAA, BBB; their shares stay in cash",
    )


def test_a_gap_of_a_few_bars_is_not_told_unless_it_is_of_weeks():
    assert told([nan, *[1] * 19], [*[1] * 19, nan], [1, *[nan] * 18, 1]) == ()
    assert len(told([nan, *[1] * 19], [*[1] * 19, nan], step=31 * DAY)) == 2


def test_runs_and_sweeps_say_so_of_the_bars_that_they_trade():
    # M0 is not traded at the end, M5 is listed late: before 2001 nothing is traded.
    panel = made_market(bars=400, instruments=6)
    hold = {"strategies": {"s": {"kind": "buy_and_hold"}}}
    late = decode({"name": "one", **hold, "portfolio": {"start": "2001-01-01"}})
    many = decode({"name": "many", **hold, "sweep": {"portfolio.start": [None, "2001-01-01"]}})

    whole, part, both = (
        [said for said in result.remarks if said.startswith(("M0", "M5"))]
        for result in (
            run(decode({"name": "p", **hold}), panel=panel),
            run(late, panel=panel),
            sweep(many, panel=panel),
        )
    )

    assert [said[:21] for said in whole] == ["M5 has the first pric", "M0 has the last price"]
    assert [said[:21] for said in part] == ["M0 has the last price"]
    assert both == whole


def test_nothing_is_said_of_the_sample():
    config = decode(
        {"name": "p", "data": {"source": "sample"}, "strategies": {"s": {"kind": "buy_and_hold"}}}
    )

    assert run(config).remarks == ()
