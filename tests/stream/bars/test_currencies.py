import pytest

from flotilla.stream.bars.currencies import currencies_told


@pytest.mark.parametrize(
    ("instruments", "told"),
    [
        (["INFY.NS", "VOD.L"], "VOD.L in GBP, INFY.NS in INR"),
        (["INFY.NS", "AAPL"], "INFY.NS in INR, AAPL in USD"),
        (["BTCUSDT", "BTCEUR"], "BTCEUR in EUR, BTCUSDT in USD"),
        (["EUR/USD", "USD/JPY"], "USD/JPY in JPY, EUR/USD in USD"),
    ],
)
def test_names_of_several_currencies_are_told(instruments, told):
    (remark,) = currencies_told(instruments)

    assert told in remark


@pytest.mark.parametrize(
    "instruments",
    [["AAPL", "BRK.B"], ["INFY.NS", "TCS.BO"], ["BTCUSDT", "ETHUSD", "SOL-USDC"], ["000001"], ["A"]],
)
def test_names_of_one_currency_are_not(instruments):
    assert currencies_told(instruments) == ()
