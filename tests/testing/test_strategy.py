"""A check is worth what it finds: here is one strategy for every promise, and it breaks it."""

import itertools

import numpy as np
import pytest

from flotilla.errors import ConfigError, StageError, UnknownName
from flotilla.stage.expression import close, high
from flotilla.stage.fold import Fold, OnBar
from flotilla.stage.operators import ema, sma
from flotilla.stage.window import Window
from flotilla.testing import check_strategy, made_market


class Breakout(Window):
    """Long at the highest close of the last rows."""

    def __init__(self, n: int = 5) -> None:
        self.lookback = n

    def over(self, x):
        out = np.full(x.shape, np.nan)
        for t in range(self.lookback - 1, len(x)):
            out[t] = x[t] >= x[t + 1 - self.lookback : t + 1].max(axis=0)
        return out


class Countdown(OnBar):
    """Long every third time it hears of an instrument."""

    def start(self, instruments):
        return {"heard": np.zeros(instruments)}

    def on_bar(self, state, bar):
        state["heard"] += np.isfinite(bar.close)
        return (state["heard"] % 3 == 0).astype(float)


def cross(fast: int = 5, slow: int = 20):
    """Long while the fast average is above the slow one."""
    return sma(close, fast) > ema(close, slow)


@pytest.mark.parametrize("good", [Breakout, Countdown, cross])
def test_a_strategy_that_keeps_its_promises_passes(good):
    check_strategy(good)


def test_parameters_are_handed_on_and_the_market_may_be_given():
    check_strategy(cross, made_market(9, bars=90), fast=3, slow=30)
    check_strategy("ma_cross", fast=3, slow=5)


def breaks(target, message, **params):
    with pytest.raises(AssertionError, match=message):
        check_strategy(target, **params)


def test_a_window_that_looks_ahead_is_told_the_row():
    class Peeking(Breakout):
        def over(self, x):
            ahead = np.roll(super().over(x), -1, axis=0)
            ahead[: self.lookback - 1] = np.nan
            return ahead

    breaks(Peeking, r"row \d+ \(M\d\) saw the future: it says .* when later rows are there")


def test_a_window_that_compares_with_the_whole_of_history_saw_the_future():
    class Normalised(Breakout):
        def over(self, x):
            out = (x > np.nan_to_num(x).mean(axis=0)).astype(float)
            out[: self.lookback - 1] = np.nan
            return out

    breaks(Normalised, "saw the future")


def test_a_window_that_looks_back_further_than_it_says_is_told_so():
    class Deep(Breakout):
        def over(self, x):
            out = np.full(x.shape, np.nan)
            out[10:] = x[10:] > x[:-10]
            return out

    breaks(Deep, "looks back further than its lookback of 5 rows")


def test_a_window_that_speaks_before_it_is_full_is_told_so():
    class Early(Breakout):
        def over(self, x):
            return np.zeros(x.shape)

    breaks(Early, r"row 0 \(M0\) has a signal before its window of 5 rows is full")


def test_a_fold_that_remembers_outside_of_its_state_is_told_so():
    class Secret(Fold):
        def __init__(self):
            self.count = 0

        def start(self, instruments):
            return np.zeros(instruments)

        def advance(self, state, x):
            first, self.count = self.count, self.count + len(x)
            return (np.arange(first, self.count)[:, None] % 2) * np.ones(x.shape)

    breaks(Secret, "goes on differently when its state is written down after 1 rows and read back")


def test_a_fold_that_counts_chunks_is_told_so():
    class Chunky(Fold):
        def start(self, instruments):
            return {"chunks": np.zeros(1)}

        def advance(self, state, x):
            state["chunks"] += 1
            return np.full(x.shape, state["chunks"][0] % 2)

    breaks(Chunky, r"row \d .* when they come a bar at a time, as live hands them in: all that it remembers")


def test_a_fold_whose_state_cannot_be_written_down_is_told_what_it_is():
    class Clinging(Countdown):
        def start(self, instruments):
            return {"heard": np.zeros(instruments), "later": lambda: None}

    with pytest.raises(TypeError, match=r"later is a function"):
        check_strategy(Clinging)


def test_a_strategy_that_throws_dice_is_told_so():
    dice = itertools.count()

    class Gambling(Window):
        def __init__(self):
            self.luck = next(dice)

        def over(self, x):
            return np.full(x.shape, float(self.luck % 2))

    breaks(Gambling, "when it is built and run again")


def test_a_signal_out_of_range_is_told_where_and_what():
    breaks(lambda: close / 10, r"row \d+ \(M\d\) says \d+\.\d+: a signal is between -1 and 1")


def test_a_strategy_that_never_speaks_is_told_so():
    breaks(lambda: (close > 1) + np.nan, "no signal in any of 300 rows; by its plan it needs 1")


def test_a_strategy_is_one_of_four_things():
    with pytest.raises(ConfigError, match="not a float"):
        check_strategy(lambda: 1.0)
    with pytest.raises(UnknownName, match="did you mean ma_cross"):
        check_strategy("ma_cros")


def test_a_market_without_what_is_read_is_refused():
    panel = made_market()
    closes = type(panel)(**{**vars(panel), "fields": {"close": panel.fields["close"]}})

    with pytest.raises(ConfigError, match="no high"):
        check_strategy(lambda: close > high, closes)


def test_a_stage_is_opened_before_it_runs_and_closed_after_even_when_it_fails():
    life = []

    class Model(Window):
        def open(self):
            life.append("open")

        def over(self, x):
            life.append("over")
            raise ArithmeticError("no")

        def close(self):
            life.append("close")

    with pytest.raises(StageError, match="Model: ArithmeticError: no"):
        check_strategy(Model)

    assert life == ["open", "over", "close"]


def test_a_window_that_counts_rows_from_the_first_is_told_so():
    class Refitting(Breakout):
        def over(self, x):
            out = np.full(x.shape, np.nan)
            level = np.zeros(x.shape[1])
            for t in range(self.lookback - 1, len(x)):
                if t % 20 == self.lookback - 1:
                    level = x[t + 1 - self.lookback : t + 1].mean(axis=0)
                out[t] = x[t] > level
            return out

    breaks(Refitting, r"depends on where the rows that it is handed begin: .* counts from the first")


def test_a_window_that_adds_up_along_the_rows_is_told_so():
    class Running(Breakout):
        def over(self, x):
            total = np.cumsum(np.nan_to_num(x), axis=0)
            return np.where(np.isnan(super().over(x)), np.nan, (total % 7.0) / 7.0)

    breaks(Running, r"depends on where the rows that it is handed begin: .* adds up along them")


def test_a_window_that_looks_back_too_far_is_told_the_lookback_that_it_needs():
    class Deep(Breakout):
        def over(self, x):
            out = np.full(x.shape, np.nan)
            out[10:] = x[10:] > x[:-10]
            return out

    breaks(Deep, "needs 11, so say lookback = 11 or more")


class Norm(OnBar):
    """Long what is above the mean price of the day, found out in place."""

    def start(self, instruments):
        return {}

    def on_bar(self, state, bar):
        x = bar.close
        x /= x.mean()
        return (x > 1).astype(float)


class Forced(Norm):
    """The same by force."""

    def on_bar(self, state, bar):
        bar.close.base.setflags(write=True)
        np.frombuffer(bar.close.base.data)[:] = 1.0
        return bar.close * 0.0


class InPlace(Breakout):
    """Logarithms in the place of the prices."""

    def over(self, x):
        return super().over(np.log(x, out=x))


@pytest.mark.parametrize("writing", [Norm, InPlace])
def test_a_stage_that_writes_to_its_inputs_is_told_the_line(writing):
    breaks(
        writing, r"it writes to what it is handed: .*read-only \(.*test_strategy.py, line \d+\); .*x.copy\(\)"
    )


def test_a_stage_that_changes_its_inputs_by_force_is_told_where():
    breaks(
        Forced, r"it changed what it was handed: Forced.on_bar \(.*test_strategy.py, line \d+\) made 1.0 of "
    )


def test_a_strategy_that_changes_a_list_that_it_is_handed_is_told_so():
    def sorting(levels):
        levels.sort()
        return close > levels[0]

    breaks(sorting, r"changed its parameter levels from \[3, 2\] to \[2, 3\]", levels=[3, 2])


@pytest.mark.parametrize(("said", "told"), [("1", "a str"), (1j, "a complex"), (None, "None")])
def test_what_is_no_number_is_refused(said, told):
    class Odd(Countdown):
        def on_bar(self, state, bar):
            return [said] * len(bar.close)

    with pytest.raises(StageError, match=f"Odd at 2000-01-03T00:00:00Z: gave .*{told}; it must give numbers"):
        check_strategy(Odd)


@pytest.mark.parametrize("rows", [-3, 0, 2.0, True, "3"])
def test_a_lookback_that_is_no_number_of_rows_is_refused(rows):
    with pytest.raises(StageError, match=r"its lookback is .* whole number of rows, 1 or more"):
        check_strategy(Breakout, n=rows)


@pytest.mark.parametrize(
    "made", [close > sma(close, 3), Breakout(), Countdown()], ids=["tree", "window", "onbar"]
)
def test_a_strategy_that_is_made_already_is_tried_as_it_is(made):
    check_strategy(made)
    with pytest.raises(ConfigError, match="is made already and takes no n: give its class, or the function"):
        check_strategy(made, n=3)


def test_what_is_no_strategy_is_refused():
    with pytest.raises(
        ConfigError, match="a strategy is a function, a class, an expression or a name; it is 5"
    ):
        check_strategy(5)


def test_a_made_market_is_not_longer_than_memory():
    with pytest.raises(
        ConfigError, match="it needs 20,000,000 rows for its first signal: a made market of 60,0"
    ):
        check_strategy(lambda n: close > sma(close, n), n=20_000_000)
