import shutil

from flotilla.research import run
from flotilla.research.runs import live_folder_of


def test_an_order_of_research_is_explained_down_to_the_prices(call, one):
    order = run(one).orders[-1]
    call("run", one)

    found = call("why", order.order_id)

    assert found.code == 0
    assert found.out.startswith(f"order {order.order_id}: {order.instrument}")
    assert "because cross said" in found.out
    assert "sma(close, 5) =" in found.out
    assert "sma(close, 20) =" in found.out
    assert found.err == "in research\n"


def test_a_fill_leads_to_its_order(call, one):
    fill = run(one).fills[3]
    call("run", one)

    found = call("why", fill.fill_id, "--json").json

    assert found["where"] == "research"
    assert found["order"]["order_id"] == fill.order_id
    assert [each["fill_id"] for each in found["fills"]] == [fill.fill_id]
    assert found["signals"][0]["strategy"] == "cross"


def test_the_best_of_a_sweep_is_known_without_running_it(call, six):
    best = call("sweep", six, "--json").json["best"][0]["portfolio"]
    order = call("run", six, "--portfolio", best, "--json", "--full").json["orders"][0]

    assert call("why", order["order_id"]).code == 0


def test_an_order_of_live_is_explained_as_live_recorded_it(call, one):
    call("live", "--replay", one, "--start", "2021-06-01")
    order = call("run", one, "--json", "--full").json["orders"][-1]["order_id"]
    live = order.replace("small-", "small-20210601-")

    found, fill = call("why", live), call("why", f"{live}-f0", "--json").json

    assert found.code == 0
    assert f"as live recorded it in {live_folder_of('small-20210601')}" in found.err
    assert fill["where"] == "live"
    assert fill["order"]["order_id"] == live


def test_live_and_research_give_the_same_reasons_from_what_live_kept(call, one):
    table = one.with_name("risk.csv")
    table.write_text("ts_recv,scale,cap,reason\n2019-06-03T00:00:00Z,0.5,0.4,var\n")
    terms = "allocation: 0.9, max_drawdown: 0.15, decisions: risk.csv"
    one.write_text(one.read_text().replace("{fee_bps: 5}", f"{{fee_bps: 5, {terms}}}"))
    call("live", "--replay", one)
    orders = [o["order_id"] for o in call("run", one, "--json", "--full").json["orders"]]
    asked = [orders[0], orders[len(orders) // 2], orders[-1]]

    text = table.read_text()
    table.write_text(text.replace("0.5", "0.1"))  # later, and none of the run's business
    live = [call("why", order, "--json").json for order in asked]
    table.write_text(text)
    shutil.rmtree(live_folder_of("small"))
    research = [call("why", order, "--json").json for order in asked]

    assert {each.pop("where") for each in live} == {"live"}
    assert {each.pop("where") for each in research} == {"research"}
    assert {each["terms"].pop("decisions") for each in research} == {"risk.csv"}
    assert [each["terms"].pop("decisions") is not None for each in live] == [True] * len(asked)
    assert live == research
    assert live[-1]["decisions"][0]["scale"] == 0.5


def test_a_live_run_that_cannot_be_read_leaves_research_to_answer(call, one):
    order = run(one).orders[0].order_id
    call("run", one)
    (live_folder_of("small")).mkdir()
    (live_folder_of("small") / "run.json").write_text("{}")

    assert call("why", order, "--json").json["where"] == "research"


def test_a_file_says_which_portfolio_is_meant(call, six):
    order = call("run", six, "--portfolio", 4, "--json", "--full").json["orders"][0]["order_id"]

    assert call("why", order, "--run", six).code == 0
    assert call("why", order.replace("small-4", "small-5"), "--run", six).code in (0, 2)


def test_what_is_not_there_answers_with_what_is_near(call, one):
    order = run(one).orders[0].order_id
    call("run", one)

    nobody, no_order = call("why", "smal" + order[5:]), call("why", f"{order[:-1]}7")

    assert (nobody.code, no_order.code) == (2, 2)
    assert "did you mean small?" in nobody.err
    assert order in no_order.err
