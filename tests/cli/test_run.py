from flotilla.model.measures import RANKED
from flotilla.research import run


def test_a_run_tells_its_measures_beside_buying_and_holding(call, one):
    found = call("run", one)

    assert found.code == 0
    assert "small: 2019-01-02 to 2021-12-31, 757 bars" in found.out
    assert "Sharpe ratio" in found.out
    assert f"flotilla report {one}" in found.err


def test_its_json_has_every_measure_to_the_last_bit(call, one):
    expected = run(one)

    found = call("run", one, "--json").json

    assert found["measures"] == expected.measures
    assert list(found["buy_and_hold"]) == list(RANKED)
    assert found["identity"] == expected.identity
    assert (found["orders"], found["fills"]) == (len(expected.orders), len(expected.fills))


def test_it_is_held_against_what_is_named(call, one):
    found = call("run", one, "--benchmark", "KO", "--full")

    assert found.code == 0
    assert "Information ratio" in found.out
    assert "buy and hold" not in found.out
    told = call("run", one, "--benchmark", "KO", "--json").json
    assert told["benchmark"]["name"] == "KO"
    assert "buy_and_hold" not in told
    assert call("run", one, "--benchmark", "NOPE").code == 2


def test_full_json_has_every_order_fill_and_bar(call, one):
    expected = run(one)

    found = call("run", one, "--json", "--full").json

    assert [order["order_id"] for order in found["orders"]] == [o.order_id for o in expected.orders]
    assert [fill["price"] for fill in found["fills"]] == [fill.price for fill in expected.fills]
    assert found["equity"] == expected.equity.tolist()


def test_one_portfolio_of_a_sweep_is_run_by_its_number(call, six):
    assert call("run", six, "--portfolio", 4, "--json").json["portfolio"] == "small-4"
    assert call("run", six).code == 2


def test_the_plan_is_told_and_nothing_is_run(call, one, home):
    found = call("run", one, "--plan")

    assert "reads close" in found.out
    assert "sma(close" in found.out
    assert not home.exists()
    assert "reads close" in call("run", one, "--plan", "--json").json["plan"]


def test_a_strategy_beside_the_configuration_is_found_and_run(call, one):
    one.with_name("mine.py").write_text(
        "from flotilla.stage import close, delay\n\n\ndef up(days: int = 3):\n"
        '    """Long what rose."""\n    return close > delay(close, days)\n'
    )
    one.write_text(one.read_text().replace("kind: ma_cross, params: {fast: 5, slow: 20}", 'kind: "mine:up"'))

    assert call("run", one, "--json").json["orders"] > 0
