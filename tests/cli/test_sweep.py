import pytest

from flotilla.research import sweep
from flotilla.research.runs import folder_of_run, kept_in


def test_a_sweep_ranks_its_portfolios_and_warns_of_luck(call, six):
    found = call("sweep", six, "--top", 3)

    assert found.code == 0
    assert "The 3 best of 6 portfolios, by Sharpe ratio" in found.out
    assert "The best of 6 is luck until shown otherwise." in found.out
    assert "Not computed yet: Deflated Sharpe ratio" in found.out
    assert "6 portfolios × 3 instruments × 757 bars in " in found.err


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_many_axes_in_a_narrow_terminal_cut_no_number(call, six, width, monkeypatch):
    axes = "  portfolio.fee_bps: [5, 12.3456789]\n  portfolio.cash: [1000000, 12345678.9]\n"
    six.write_text(six.read_text() + axes + "  portfolio.slippage_bps: [0, 2]\n  cross.weight: [1, 0.3333]\n")
    call("sweep", six, "--json")
    monkeypatch.setenv("COLUMNS", str(width))

    found = call("sweep", six)

    assert "…" not in found.out
    assert "Sharpe" in found.out.partition("─")[0]
    assert "no room for" in found.out


def test_what_comes_next_can_be_pasted_into_a_shell(call, six):
    spaced = six.rename(six.with_name("my study.yaml"))

    found = call("sweep", spaced)

    assert f"flotilla report '{spaced}'" in found.err


def test_its_json_is_the_table_of_research(call, six):
    expected = sweep(six)

    found = call("sweep", six, "--json").json

    assert found["best"] == expected.best(10).to_dicts()
    assert found["identity"] == expected.identity
    assert found["axes"] == {"cross.fast": [3, 5], "cross.slow": [20, 30, 40]}
    assert set(found["skill_or_luck"].values()) == {None}


def test_the_same_sweep_is_found_in_the_store_unless_it_is_to_be_fresh(call, six):
    first = call("sweep", six, "--json", "--workers", 1).json

    again, anew = call("sweep", six), call("sweep", six, "--fresh", "--json").json

    assert "found in the store" in again.err
    assert (first["reused"], anew["reused"]) == (False, False)
    assert first["best"] == anew["best"]


def test_its_best_is_kept_for_why(call, six):
    best = call("sweep", six, "--json").json["best"][0]["portfolio"]

    assert kept_in(folder_of_run(f"small-{best}")).config.name == f"small-{best}"


def test_the_measure_that_ranks_is_shown(call, six):
    six.write_text(six.read_text() + "rank_by: volatility\n")

    found = call("sweep", six)

    assert "by Volatility" in found.out
    volatilities = [row["volatility"] for row in call("sweep", six, "--json").json["best"]]
    assert volatilities == sorted(volatilities)


@pytest.mark.parametrize("option", [("--top", 0), ("--workers", 0)])
def test_counts_are_above_zero(call, six, option):
    assert call("sweep", six, *option).code == 2


def test_without_a_sweep_it_names_the_command_for_one(call, one):
    found = call("sweep", one)

    assert found.code == 2
    assert "`flotilla run` simulates what there is" in found.err
