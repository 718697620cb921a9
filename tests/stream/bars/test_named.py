import pytest

from flotilla.stream.bars.named import instrument_of


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("KO", "KO"),
        ("prices_AAPL_daily_2020", "AAPL"),
        ("daily_IBM", "IBM"),
        ("daily_adjusted_IBM", "IBM"),
        ("intraday_5min_IBM", "IBM"),
        ("KO_2021", "KO"),
        ("KO_2024-01", "KO"),
        ("BRK.B 1d", "BRK.B"),
        ("AAPL Historical Data", "AAPL"),
        ("US 500 Historical Data (1)", "US 500"),
        ("BATS_AAPL, 1D", "AAPL"),
        ("NASDAQ_AAPL, 60", "AAPL"),
        ("EURUSD60", "EURUSD"),
        ("aapl_us_d", "AAPL.US"),
        ("cdr_d", "CDR"),
        ("^spx_d", "^SPX"),
        ("AAPL (1)", "AAPL"),
    ],
)
def test_an_instrument_is_a_part_of_the_files_name(stem, name):
    assert instrument_of(stem) == name


@pytest.mark.parametrize(
    "stem",
    ["AAPL.US", "BTC-USD", "ES-202403", "ES_20240315", "US30", "prices", "data_2020", "KO_PEP", "D", "x"],
)
def test_what_tells_no_part_of_it_is_the_name_as_it_is(stem):
    assert instrument_of(stem) == stem
