"""A run on disk: made once, read by every role, and not taken for another."""

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.live.folder import FILE, VERSION, Run, prepare
from flotilla.portfolio.market import first_row
from flotilla.research import panel_from
from flotilla.stream.endpoint import check_endpoint
from flotilla.stream.table import Store


def test_a_run_reads_as_it_was_prepared(run, panel):
    again = Run.read(run.folder)

    assert again.manifest == run.manifest
    assert again.config == run.config
    assert again.shape == (5, 4)
    assert again.panel().identity == panel.identity
    assert again.panel().fields["close"].tobytes() == panel.fields["close"].tobytes()
    assert again.strategies == ("cross", "monthly", "streak")


def test_the_run_begins_on_the_day_that_the_portfolio_does(run, panel):
    day = 86_400_000_000_000
    first = run.manifest.first

    assert panel.ts_event[first] // day == 10_988  # 1 February 2000
    assert run.manifest.bars == len(panel.ts_event) - first


def test_only_the_owner_may_look_inside(run):
    assert run.folder.stat().st_mode & 0o777 == 0o700
    assert run.endpoint("bars").startswith(f"ipc://{run.folder}/ipc/")
    assert (run.folder / "ipc").stat().st_mode & 0o777 == 0o700


def test_sockets_move_where_their_paths_are_short_enough(room, panel, run):
    deep = room / ("x" * 80)

    other = prepare(deep, run.config, panel, Store(room), plugins=room)

    assert not Path(other.manifest.sockets).exists()
    assert len(other.endpoint("signals").removeprefix("ipc://")) < 100
    check_endpoint(other.endpoint("signals"))
    Path(other.manifest.sockets).rmdir()


def test_the_same_run_again_is_found_and_another_is_refused(run, panel, room):
    store = Store(room)

    assert prepare(run.folder, run.config, panel, store, plugins=room).manifest == run.manifest
    faster = prepare(run.folder, run.config, panel, store, plugins=room, speed=5.0)
    assert Run.read(run.folder).manifest == faster.manifest
    assert faster.manifest == msgspec.structs.replace(run.manifest, speed=5.0)
    with pytest.raises(ConfigError, match="holds another run"):
        prepare(run.folder, run.config, panel.rows(0, 40), store, plugins=room)


def test_a_day_after_the_last_bar_is_refused(panel, room):
    strategies = {"hold": {"kind": "buy_and_hold"}}
    late = {"name": "late", "strategies": strategies, "portfolio": {"start": "2050-01-01"}}

    with pytest.raises(ConfigError, match="the data ends before 2050-01-01"):
        prepare(room / "late", decode(late), panel, Store(room))


def test_a_sweep_is_refused(run, panel, room):
    swept = msgspec.structs.replace(run.config, sweep={"portfolio.fee_bps": (5, 10)})

    with pytest.raises(ConfigError, match="portfolios of a sweep do not trade"):
        prepare(room / "other", swept, panel, Store(room))


def test_the_table_of_risk_decisions_is_kept_as_it_was(run, room, panel):
    table = (room / "risk.csv").read_text()
    assert run.decisions("made").read_text() == table

    (room / "risk.csv").write_text(table.replace("0.5", "0.6"))
    with pytest.raises(ConfigError, match="holds another run"):
        prepare(run.folder, run.config, panel, Store(room), plugins=room)
    assert Run.read(run.folder).decisions("made").read_text() == table


@pytest.mark.parametrize("text", ["", "{}", '{"version": "one"}', "\xff"])
def test_a_damaged_run_file_is_named(run, text):
    (run.folder / FILE).write_text(text, "latin-1")

    with pytest.raises(ConfigError, match=r"run\.json"):
        Run.read(run.folder)


def test_a_folder_without_a_run_and_one_of_another_version_are_named(run, room):
    with pytest.raises(ConfigError, match="No such file"):
        Run.read(room / "nothing")
    newer = msgspec.structs.replace(run.manifest, version=VERSION + 1)
    (run.folder / FILE).write_bytes(msgspec.json.encode(newer))
    with pytest.raises(ConfigError, match=f"version {VERSION + 1}"):
        Run.read(run.folder)


def test_one_strategy_of_defaults_has_no_history_before_it(room, panel):
    config = decode({"name": "plain", "strategies": {"hold": {"kind": "buy_and_hold"}}})

    assert prepare(room / "plain", config, panel, Store(room)).manifest.first == 0


def test_portfolios_of_one_run_begin_together(panel, room):
    apart = {
        "name": "late",
        "strategies": {"hold": {"kind": "buy_and_hold"}},
        "portfolios": {"now": {}, "later": {"start": "2000-03-01"}},
    }

    with pytest.raises(
        ConfigError, match=r"begin together, and .* late-now on the first, late-later on 2000-03-01"
    ):
        prepare(room / "late", decode(apart), panel, Store(room))


def test_a_day_begins_where_the_data_are_as_in_research(room):
    hours = pd.date_range("2024-01-02", periods=48, freq="h", tz="UTC")
    panel = panel_from(pd.DataFrame({"A": np.linspace(10.0, 12.0, 48)}, index=hours), zone="Asia/Kolkata")
    terms = {"start": "2024-01-03"}
    config = decode({"name": "p", "strategies": {"h": {"kind": "buy_and_hold"}}, "portfolio": terms})

    live = prepare(room / "zone", config, panel, Store(room)).manifest.first

    assert live == first_row(panel, config.portfolio) == 19  # 18:30 UTC is midnight there
