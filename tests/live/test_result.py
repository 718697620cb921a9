"""What a run left behind."""

from flotilla.live.progress import simulated_bars
from flotilla.live.result import read_results
from flotilla.stream.log import LogWriter


def test_a_run_that_has_not_begun_left_nothing(run):
    (result,) = read_results(run).values()

    assert simulated_bars(run) == 0
    assert (len(result.ts), len(result.equity), result.orders, result.fills) == (0, 0, [], [])
    assert result.signals["cross"].shape == (0, 4)


def test_a_log_whose_writer_had_no_room_for_its_streams_is_one_that_has_not_begun(run):
    LogWriter(run.log("portfolio"), []).close()
    LogWriter(run.log("orders"), ["intents"]).close()

    (result,) = read_results(run).values()

    assert (simulated_bars(run), len(result.ts), result.fills) == (0, 0, [])


def test_a_run_is_read_while_it_goes_on(cast, wanted):
    cast.play(lambda: simulated_bars(cast.run) > 20)

    (result,) = read_results(cast.run).values()

    n = len(result.ts)
    assert 20 < n < len(wanted.ts) or n == len(wanted.ts)
    assert result.equity.tobytes() == wanted.equity[:n].tobytes()
    assert [order.order_id for order in result.orders] == [
        order.order_id for order in wanted.orders[: len(result.orders)]
    ]


def test_every_order_request_has_the_time_that_its_answer_took(cast):
    result = cast.finish()

    bars_with_orders = len({order.bar for order in result.orders})
    assert len(result.ack_ns) >= bars_with_orders - 1  # the last may be open still when a part is read
    assert (result.ack_ns > 0).all()
