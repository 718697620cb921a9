"""A configuration with all that it names: what run, sweep and why are drivers of."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, UnknownName
from flotilla.research.study import opened, plugin_folder, study_of
from flotilla.testing import made_market


def config(**more):
    return decode({"name": "p", "strategies": {"cross": {"kind": "ma_cross"}}, **more})


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=4, bars=60, instruments=3)


def test_its_bars_are_those_that_the_configuration_asks_for(panel):
    asked = config(data={"instruments": list(panel.instruments[:2])})

    study = study_of(asked, None, panel)

    assert study.panel.instruments == panel.instruments[:2]
    assert study.market().panel is study.panel


def test_another_configuration_is_of_the_same_bars_and_strategies(panel):
    study = study_of(config(), None, panel)

    other = study.with_config(config(portfolio={"fee_bps": 3}))

    assert (other.panel, other.targets) == (study.panel, study.targets)
    assert other.config.portfolio.fee_bps == 3


def test_its_name_follows_what_an_answer_depends_on(panel):
    study = study_of(config(), None, panel)
    longer = study_of(config(strategies={"cross": {"kind": "ma_cross", "params": {"slow": 31}}}), None, panel)
    renamed = study.with_config(config(name="q"))

    names = [each.identity(each.trees().values()) for each in (study, longer, renamed)]

    assert names[0] == names[2] != names[1]


def test_its_stages_read_the_rows_of_its_market(panel):
    study = study_of(config(), None, panel)
    market = study.market()

    fields = study.stages(market, None).fields

    assert np.array_equal(fields["close"], panel.fields["close"], equal_nan=True)


def test_a_strategy_is_opened_as_its_configuration():
    found, folder = opened("ma_cross", None, {"fee_bps": 2})

    assert (found.portfolio.fee_bps, folder) == (2, None)


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (42, ConfigError, "is a configuration, its path or a strategy, not 42"),
        ("ma_crosss", UnknownName, "ma_cross"),
    ],
)
def test_what_is_neither_is_told_what_is_run(given, error, told):
    with pytest.raises(error, match=told):
        opened(given, None)


def test_bars_in_the_place_of_a_folder_are_told_their_name(panel):
    with pytest.raises(ConfigError, match="panel=panel"):
        plugin_folder(panel)
