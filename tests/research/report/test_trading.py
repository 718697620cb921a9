import numpy as np
from tests.research.report.conftest import fill

from flotilla.research.profit import Contribution
from flotilla.research.report.trading import FILLS, INSTRUMENTS, TRIPS, prices, profits, round_trips
from flotilla.research.trips import trips_of

DAY = 86_400_000_000_000


def part(name, profit, exposure=0.1):
    return Contribution(name, profit, 2.0, 100.0, 3, exposure)


def test_profits_are_ranked_and_add_up(made):
    page = profits(made(contributions=[part("KO", -1000.0), part("PEP", 5000.0)]))

    assert page.index("PEP") < page.index("KO") < page.index("All")
    assert "4,000" in page
    assert "−25%" in page
    assert "125%" in page


def test_of_many_instruments_the_middle_is_one_row(made):
    page = profits(made(contributions=[part(f"I{k:03}", float(k)) for k in range(100)]))

    assert page.count("<tr>") == 1 + 2 * (INSTRUMENTS // 2) + 1 + 1
    assert "76 between" in page
    assert "4,950" in page


def test_without_a_total_there_is_no_share_of_it(made):
    assert "n/a" in profits(made(contributions=[part("KO", 0.0)]))
    assert profits(made()) is None


def test_few_round_trips_are_all_told_and_what_is_held_is_apart(made):
    trips = trips_of([fill(0, 10.0, 100.0), fill(4 * DAY, -5.0, 110.0)], {"KO": 120.0})

    page = round_trips(made(trips=trips))

    assert "The round trips" in page
    assert "1970-01-05" in page
    assert "+9.7%" in page  # 50 earned less 0.5 and 1 of fees, of 500
    assert "Held still: 1 purchase, with 99.50 of profit" in page
    assert round_trips(made()) is None


def test_of_many_round_trips_the_best_and_the_worst_are_told(made):
    fills = [f for k in range(30) for f in (fill(2 * k, 1.0, 100.0), fill(2 * k + 1, -1.0, 100.0 + k))]

    page = round_trips(made(trips=trips_of(fills)))

    assert f"The {TRIPS} best and the {TRIPS} worst of 30 round trips" in page
    assert page.count("<tr>") == 1 + 2 * TRIPS


def test_a_price_has_a_dot_for_each_fill(made):
    data = made(prices={"KO": np.linspace(40.0, 70.0, 800), "PEP": np.r_[np.nan, np.linspace(1, 9, 799)]})

    page = prices(data)

    assert "KO: 1 purchase and 1 sale." in page
    assert "PEP: 0 purchases and 0 sales." in page
    assert page.count("h0") == 2
    assert page.count("<details>") == 1
    assert prices(made()) is None


def test_more_fills_than_can_be_told_apart_are_thinned(made):
    ts = made().ts
    many = [fill(ts[k % 800], 1.0, 50.0) for k in range(3 * FILLS)]

    assert prices(made(prices={"KO": np.full(800, 50.0)}, fills=many)).count("h0") == FILLS
