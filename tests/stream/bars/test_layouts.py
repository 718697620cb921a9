import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.layouts import LEVEL, layout_of, plain_name
from flotilla.stream.bars.options import Options


def layout(names, **options):
    return layout_of(names, "x.csv", Options(**options))


def wrong(names, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        layout(names, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ["date", "KO", "LOW", "PEP"],
        ["date", "OPEN", "LOW", "PEP", "KO"],
        ["date", "TIME", "KO"],
        ["date", "VOLUME", "KO", "PEP"],
    ],
)
def test_tickers_may_be_called_as_fields_among_others_in_capitals(names):
    found = layout(names)

    assert (found.time, found.fields) == ("date", {})
    assert "is taken for a ticker" in found.remarks[0]


@pytest.mark.parametrize(
    "names", [["date", "open", "high", "low", "price"], ["Date", "Low", "Ko"], ["date", "OPEN"]]
)
def test_fields_without_a_close_are_no_tickers(names):
    assert "no column close" in wrong(names)


def test_a_close_that_may_be_a_ticker_is_asked_for():
    names = ["date", "CLOSE", "KO", "PEP"]

    assert "CLOSE may be the closes or an instrument beside KO, PEP" in wrong(names)
    assert layout(names, layout="wide").fields == {}
    assert layout(names, layout="one").fields == {"close": "CLOSE"}
    assert layout(["date", "OPEN", "HIGH", "LOW", "CLOSE", "RSI"]).fields["close"] == "CLOSE"


def test_columns_are_said_where_names_do_not_say_it():
    names = ["open_time", "Price", "Sentiment", "note"]

    found = layout(names, columns={"time": "open_time", "close": "price", "sentiment": "Sentiment"})

    assert (found.time, found.fields) == ("open_time", {"close": "Price", "sentiment": "Sentiment"})
    assert found.numbers(names, Options()) == ["Price", "Sentiment"]
    assert "has no column 'Prize'; did you mean Price?" in wrong(names, columns={"close": "Prize"})


def test_columns_beside_the_bars_are_kept_by_name():
    found = layout(["date", "close", "open", "open_interest"], extra=("open_interest",))

    assert list(found.fields) == ["open", "close", "open_interest"]


def test_columns_that_are_not_read_may_come_twice():
    assert layout(["date", "close", "Plot", "Plot"]).fields == {"close": "close"}


def test_an_adjusted_close_is_read_where_it_was_asked_for():
    names = ["date", "close", "Adj Close"]

    assert layout(names).numbers(names, Options()) == ["close"]
    assert layout(names, adjusted=True).numbers(names, Options(adjusted=True)) == ["close", "Adj Close"]
    assert "no column of adjusted closes" in wrong(["date", "close"], adjusted=True)


@pytest.mark.parametrize("name", ["closeadj", "close_adjusted", "AdjPrice", "Adjusted", "adj"])
def test_an_adjusted_close_under_another_name_is_seen(name):
    names = ["ticker", "date", "close", name, "closeunadj"]

    assert layout(names).adjusted == name
    assert layout(names, adjusted=True).numbers(names, Options(adjusted=True)) == ["close", name]
    assert "several columns of adjusted closes: " in wrong([*names, "Adj Close"], adjusted=True)
    assert layout(["DATE", "CLOSE", name.upper()]).adjusted == name.upper()


def test_a_column_that_speaks_of_an_adjustment_is_told_where_no_adjusted_close_is_there():
    names = ["date", "close", "adj_value"]

    (remark,) = layout(names).remarks
    assert "the column close is taken as it is, and adj_value beside it is not read" in remark
    assert layout(names, adjusted=False).remarks == ()
    assert layout(names, columns={"adjusted": "adj_value"}, adjusted=True).adjusted == "adj_value"
    assert layout(["date", "adj_close", "adj_open"], columns={"close": "adj_close"}).remarks == ()


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["underlying", "expiry", "strike", "right", "ts", "open", "high", "low", "close"], "it is options"),
        (["date", "root", "contract_month", "open", "close"], "a chain of futures"),
        (["symbol", "ts", "bid_close", "ask_close"], "bars of quotes, bid and ask apart"),
        (["symbol", "ts", "bid", "bid_size", "ask", "ask_size"], "quotes and not bars"),
        (["symbol", "ts", "price", "size", "side"], "trades and not bars"),
        (["symbol", "ts", "funding_rate"], "funding rates and not bars"),
        (["symbol", "ts", "open_interest"], "open interest without prices"),
        (["series", "date", "rate"], "interest rates and not bars"),
    ],
)
def test_other_data_is_told_what_it_is(names, what):
    assert what in (text := wrong(names))
    assert "mend: " in text


def test_quotes_may_be_bars_of_one_side():
    names = ["symbol", "ts", "bid_open", "bid_close", "ask_close"]

    assert layout(names, columns={"close": "bid_close"}).fields == {"close": "bid_close"}


def test_columns_called_by_field_and_instrument_are_levels():
    names = ["Date", f"Close{LEVEL}KO", f"Adj Close{LEVEL}KO", f"Close{LEVEL}PEP"]

    found = layout(names)

    assert found.levels == {names[1]: ("close", "KO"), names[3]: ("close", "PEP")}
    assert "Adj Close beside it is not read" in found.remarks[0]
    assert layout(names[:3], adjusted=True).numbers(names, Options()) == names[1:3]
    assert "no column Close in its lines of header" in wrong(["Date", f"Open{LEVEL}KO"])


def test_numbers_before_names_are_left_out():
    assert (plain_name("4. close"), plain_name("1a. Open "), plain_name("Adj Close")) == (
        "close",
        "open",
        "adj close",
    )


def test_a_layout_that_is_none_is_a_mistake_of_the_configuration():
    assert "layout 'wied' is none; did you mean wide?" in wrong(["date", "A"], ConfigError, layout="wied")
