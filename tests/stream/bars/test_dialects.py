"""Files in the true shapes of their vendors, with made values: each becomes the same few bars."""

import numpy as np
import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.file import draft_of_file
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality.check import look_at

# Each: the file's name, its text, options, and what comes out: the instruments, the first time, the closes,
# the volumes of the first instrument, and a word of the remark ("" where there is nothing to say).
VENDORS = {
    "yahoo": (
        "KO.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume\n"
        "2024-01-02,59.07,59.99,58.92,59.82,57.9,14396000\n2024-01-03,null,null,null,null,null,null\n",
        {},
        ("KO", "2024-01-02T00:00", [59.82, np.nan], [14396000, np.nan], "Adj Close beside it is not read"),
    ),
    "yfinance, one": (
        "ko.csv",
        "Price,Close,High,Low,Open,Volume\nTicker,KO,KO,KO,KO,KO\nDate,,,,,\n"
        "2024-01-02,59.82,59.99,58.92,59.07,14396000\n2024-01-03,59.97,60.2,59.55,59.8,12563000\n",
        {},
        ("KO", "2024-01-02T00:00", [59.82, 59.97], [14396000, 12563000], "3 lines of header"),
    ),
    "yfinance, many": (
        "many.csv",
        "Price,Adj Close,Adj Close,Close,Close,Volume,Volume\nTicker,KO,PEP,KO,PEP,KO,PEP\nDate,,,,,,\n"
        "2024-01-02,57,160,59.82,171.48,1,2\n2024-01-03,58,161,59.97,,3,\n",
        {"adjusted": False},
        ("KO PEP", "2024-01-02T00:00", [59.82, 59.97], [1, 3], "3 lines of header"),
    ),
    "yfinance, by ticker": (
        "many.csv",
        "Ticker,PEP,PEP,KO,KO\nPrice,Open,Close,Open,Close\nDatetime,,,,\n"
        "2024-01-02 14:30:00+00:00,171,171.48,59.8,59.82\n2024-01-02 14:31:00+00:00,171,171.5,59.8,59.97\n",
        {},
        ("PEP KO", "2024-01-02T14:30", [171.48, 171.5], None, "3 lines of header"),
    ),
    "yfinance, older": (
        "older.csv",
        ",Close,Close\n,KO,PEP\nDate,,\n2024-01-02,59.82,171.48\n2024-01-03,59.97,169.71\n",
        {},
        ("KO PEP", "2024-01-02T00:00", [59.82, 59.97], None, "3 lines of header"),
    ),
    "yfinance, its index put back": (
        "ko.csv",
        "Date,Close,Volume\n,KO,KO\n2024-01-02,59.82,1\n2024-01-03,59.97,2\n",
        {},
        ("KO", "2024-01-02T00:00", [59.82, 59.97], [1, 2], "2 lines of header"),
    ),
    "stooq, daily": (
        "aapl.us.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,D,20240102,000000,187,188.5,183.9,185.64,82488700,0\n"
        "AAPL.US,D,20240103,000000,184.2,185.9,183.4,184.25,58414500,0\n",
        {},
        ("AAPL.US", "2024-01-02T00:00", [185.64, 184.25], [82488700, 58414500], "Stooq"),
    ),
    "stooq, five minutes": (
        "aapl.us.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,5,20240102,153500,187,188.5,183.9,185.64,10,0\n"
        "AAPL.US,5,20240102,154000,184.2,185.9,183.4,184.25,20,0\n",
        {"zone": "Europe/Warsaw"},
        ("AAPL.US", "2024-01-02T14:35", [185.64, 184.25], [10, 20], "Stooq"),
    ),
    "stooq, its pages": (
        "aapl_us_d.csv",
        "Date,Open,High,Low,Close,Volume\n2024-01-02,187,188.5,183.9,185.64,1\n"
        "2024-01-03,184.2,185.9,183.4,184.25,2\n",
        {"dialect": "stooq"},
        ("AAPL.US", "2024-01-02T00:00", [185.64, 184.25], [1, 2], "is called AAPL.US, after the file"),
    ),
    "stooq, polish": (
        "cdr_d.csv",
        "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\n2024-01-02,115,116,113,114.5,7\n"
        "2024-01-03,114,115,110,110.9,8\n",
        {},
        ("CDR", "2024-01-02T00:00", [114.5, 110.9], [7, 8], "Zamkniecie is the close"),
    ),
    "alpha vantage": (
        "daily_IBM.csv",
        "timestamp,open,high,low,close,volume\n2024-01-03,161,162,160,160.1,5\n2024-01-02,162,163,160,161.5,4\n",
        {},
        ("IBM", "2024-01-02T00:00", [161.5, 160.1], [4, 5], "a split is a jump, and returns"),
    ),
    "alpha vantage, its JSON": (
        "IBM.csv",
        "date,1. open,2. high,3. low,4. close,5. volume\n2024-01-03,161,162,160,160.1,5\n"
        "2024-01-02,162,163,160,161.5,4\n",
        {},
        ("IBM", "2024-01-02T00:00", [161.5, 160.1], [4, 5], "Alpha Vantage"),
    ),
    "investing": (
        "AAPL Historical Data.csv",
        '"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"01/16/2024","1,183.63","1,182.16","1,184.26","1,180.93","65.08M","-1.23%"\n'
        '"01/12/2024","1,185.92","1,186.06","1,186.74","1,185.19","12.5K","0.18%"\n'
        '"01/11/2024","1,185.59","1,186.54","1,187.05","1,183.62","-","-0.32%"\n',
        {"instrument": "AAPL"},
        ("AAPL", "2024-01-11T00:00", [1185.59, 1185.92, 1183.63], [np.nan, 12500, 65080000], "month first"),
    ),
    "investing, days first": (
        "x.csv",
        '"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"16/01/2024","3","3","3","3","1.1B","1%"\n"12/01/2024","2","2","2","2","","1%"\n',
        {},
        ("x", "2024-01-12T00:00", [2, 3], [np.nan, 1_100_000_000], "read day first, as 16/01/2024 proves"),
    ),
    "nasdaq": (
        "HistoricalData.csv",
        "Date,Close/Last,Volume,Open,High,Low\n01/03/2024,$184.25,58414460,$184.22,$185.88,$183.43\n"
        "01/02/2024,$185.64,82488670,$187.15,$188.44,$183.885\n",
        {},
        ("HistoricalData", "2024-01-02T00:00", [185.64, 184.25], [82488670, 58414460], "Close/Last"),
    ),
    "tradingview, seconds": (
        "NASDAQ_AAPL, 60.csv",
        "time,open,high,low,close,Volume,Plot,Plot\n1704205800,187,188,183,185.5,10,1,2\n1704209400,185,186,184,184.5,20,1,2\n",
        {},
        ("AAPL", "2024-01-02T14:30", [185.5, 184.5], [10, 20], "seconds since 1970"),
    ),
    "tradingview, ISO": (
        "aapl.csv",
        "time,open,high,low,close,Plot,Plot\n2024-01-02T09:30:00-05:00,187,188,183,185.5,1,2\n"
        "2024-01-02T10:30:00-05:00,185,186,184,184.5,1,2\n",
        {},
        ("aapl", "2024-01-02T14:30", [185.5, 184.5], None, ""),
    ),
    "metatrader 5": (
        "EURUSD_H1_200703301600_202401020000.csv",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2007.03.30\t16:00:00\t1.3319\t1.3325\t1.3311\t1.3323\t512\t0\t2\n"
        "2007.03.30\t17:00:00\t1.3323\t1.3330\t1.3320\t1.3328\t400\t0\t2\n",
        {"zone": "UTC"},
        ("EURUSD", "2007-03-30T16:00", [1.3323, 1.3328], [512, 400], "<TICKVOL>"),
    ),
    "metatrader 5, daily": (
        "EURUSD_Daily.csv",
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2007.03.29\t1.3319\t1.3325\t1.3311\t1.3323\t512\t0\t2\n2007.03.30\t1.3323\t1.3330\t1.3320\t1.3328\t400\t0\t2\n",
        {},
        ("EURUSD", "2007-03-29T00:00", [1.3323, 1.3328], [512, 400], "<TICKVOL>"),
    ),
    "metatrader 4": (
        "EURUSD60.csv",
        "2007.03.30,16:00,1.3319,1.3325,1.3311,1.3323,512\n2007.03.30,17:00,1.3323,1.3330,1.3320,1.3328,400\n",
        {"zone": "UTC"},
        ("EURUSD", "2007-03-30T16:00", [1.3323, 1.3328], [512, 400], "no line of names"),
    ),
    "binance, milliseconds": (
        "BTCUSDT-1h-2024-12.csv",
        "1704067200000,42283.58,42554.57,42261.02,42475.23,1271.6,1704070799999,53957248.9,47134,682.5,28957416.8,0\n"
        "1704070800000,42475.23,42775,42431.65,42613.56,1196.3,1704074399999,50984137.8,39493,645.8,27520020.5,0\n",
        {},
        ("BTCUSDT", "2024-01-01T00:00", [42475.23, 42613.56], [1271.6, 1196.3], "Binance"),
    ),
    "binance, microseconds": (
        "BTCUSDT-1h-2025-01.csv",
        "1735689600000000,93576,94509.42,93489.03,94401.14,755.9,1735693199999999,71176544.1,144043,458.8,43204432.1,0\n"
        "1735693200000000,94401.13,94408.72,93578.77,93607.74,586.5,1735696799999999,55103712.2,103263,244.1,22941021.3,0\n",
        {},
        ("BTCUSDT", "2025-01-01T00:00", [94401.14, 93607.74], [755.9, 586.5], "Binance"),
    ),
    "binance, with names": (
        "BTCUSDT-1h-2024-01.csv",
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
        "1704067200000,42283.58,42554.57,42261.02,42475.23,1271.6,1704070799999,53957248.9,47134,682.5,28957416.8,0\n"
        "1704070800000,42475.23,42775,42431.65,42613.56,1196.3,1704074399999,50984137.8,39493,645.8,27520020.5,0\n",
        {},
        ("BTCUSDT", "2024-01-01T00:00", [42475.23, 42613.56], [1271.6, 1196.3], "open_time is the time"),
    ),
    "kite": (
        "INFY.csv",
        "date,open,high,low,close,volume\n2024-01-02 09:15:00+05:30,1540,1545,1539,1544.5,100\n"
        "2024-01-02 09:16:00+05:30,1544,1546,1543,1545.5,200\n",
        {"dialect": "kite"},
        ("INFY", "2024-01-02T03:45", [1544.5, 1545.5], [100, 200], ""),
    ),
    "kite, daily": (
        "INFY.csv",
        "date,open,high,low,close,volume\n2024-01-01 00:00:00+05:30,1540,1545,1539,1544.5,100\n"
        "2024-01-02 00:00:00+05:30,1544,1546,1543,1545.5,200\n",
        {},
        ("INFY", "2024-01-01T00:00", [1544.5, 1545.5], [100, 200], ""),
    ),
    "nse, old": (
        "cm01JAN2024bhav.csv",
        "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
        "INFY,EQ,1540,1545,1539,1544.5,1544,1540,100,154450,01-JAN-2024,9,INE009A01021,\n"
        "INFY,BE,1,1,1,1,1,1,1,1,01-JAN-2024,9,INE009A01021,\n"
        "TCS,EQ,3790,3800,3780,3795,3795,3790,50,189750,01-JAN-2024,9,INE467B01029,\n",
        {},
        ("INFY TCS", "2024-01-01T00:00", [1544.5], [100], "1 row of other SERIES (BE) are not read"),
    ),
    "nse, new": (
        "BhavCopy_NSE_CM_0_0_0_20240708_F_0000.csv",
        "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,OpnPric,HghPric,LwPric,ClsPric,"
        "LastPric,PrvsClsgPric,TtlTradgVol\n"
        "2024-07-08,2024-07-08,CM,NSE,STK,1594,INE009A01021,INFY,EQ,,1540,1545,1539,1544.5,1544,1540,100\n"
        "2024-07-08,2024-07-08,CM,NSE,STK,99,INE0,GOLD,GB,,1,1,1,1,1,1,1\n",
        {},
        ("INFY", "2024-07-08T00:00", [1544.5], [100], "TckrSymb is the symbol"),
    ),
    "ib, a zone in words": (
        "spy.csv",
        "date,open,high,low,close,volume,average,barCount\n"
        "20240102  09:30:00 US/Eastern,472.1,473,471,472.6,10,472.2,7\n"
        "20240102  09:31:00 US/Eastern,472.6,473,471,472.7,20,472.2,7\n",
        {},
        ("spy", "2024-01-02T14:30", [472.6, 472.7], [10, 20], "Interactive Brokers"),
    ),
    "ib, days": (
        "spy.csv",
        "Date/Time,Open,High,Low,Close,Volume\n20240102,472.1,473,471,472.6,10\n20240103,472.6,473,471,472.7,20\n",
        {},
        ("spy", "2024-01-02T00:00", [472.6, 472.7], [10, 20], "Date/Time is the time"),
    ),
    "ib, seconds": (
        "spy.csv",
        ",date,open,high,low,close,volume,average,barCount\n"
        "0,1704205800,472.1,473,471,472.6,10,472.2,7\n1,1704205860,472.6,473,471,472.7,20,472.2,7\n",
        {},
        ("spy", "2024-01-02T14:30", [472.6, 472.7], [10, 20], "Interactive Brokers"),
    ),
    "polygon, minutes": (
        "2024-01-02.csv",
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        "AAPL,100,187,187.5,188,186,1704205800000000000,9\nAAPL,50,187.5,187.6,188,187,1704205860000000000,9\n",
        {},
        ("AAPL", "2024-01-02T14:30", [187.5, 187.6], [100, 50], "window_start is the time"),
    ),
    "polygon, days": (
        "2024-03-11.csv",
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        "AAPL,100,187,187.5,188,186,1710129600000000000,9\nMSFT,50,401,402,403,400,1710129600000000000,9\n",
        {},
        ("AAPL MSFT", "2024-03-11T00:00", [187.5], [100], "America/New_York"),
    ),
    "a day and a clock": (
        "x.csv",
        "Date,Time,Open,High,Low,Close\n2024-01-02,09:30,1,2,1,1.5\n2024-01-02,09:31,1.5,2,1,1.75\n",
        {"zone": "America/New_York"},
        ("x", "2024-01-02T14:30", [1.5, 1.75], None, "Date and Time are read as one time"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_file_becomes_its_bars(tmp_path, vendor):
    name, text, options, (instruments, first, closes, volumes, remark) = VENDORS[vendor]
    (tmp_path / name).write_text(text)

    panel = panel_of(draft_of_file(tmp_path / name, Options(**options)))

    assert list(panel.instruments) == instruments.split() or panel.instruments == (instruments,)
    assert str(panel.ts_event[:1].astype("M8[ns]").astype("M8[m]")[0]) == first
    assert np.array_equal(panel.fields["close"][:, 0], closes, equal_nan=True)
    if volumes is not None:
        assert np.array_equal(panel.fields["volume"][:, 0], volumes, equal_nan=True)
    assert remark in "\n".join(panel.remarks)
    assert panel.remarks or not remark


INVESTING = '"Date","Price","Open","High","Low","Vol.","Change %"\n'


@pytest.mark.parametrize(
    ("dates", "first", "why"),
    [
        # 3 to 5 December, or 12 March, April and May: both fall from row to row.
        (["05/12/2023", "04/12/2023", "03/12/2023"], None, ""),
        (
            ["01/02/2024", "12/01/2024", "11/01/2024"],
            "2024-01-11",
            "day first, as the order of the rows tells",
        ),
        (
            ["02/01/2024", "01/12/2024", "01/11/2024"],
            "2024-01-11",
            "month first, as the order of the rows tells",
        ),
        (["01/02/2024", "30/01/2024", "09/01/2024"], "2024-01-09", "day first, as 30/01/2024 proves"),
        (["31/01/2024", "01/30/2024", "01/02/2024"], None, ""),  # both are proved, so none is
        (["02/01/2024", "01/01/2024"], None, ""),
    ],
)
def test_which_of_day_and_month_comes_first_is_told_by_the_file_or_asked(tmp_path, dates, first, why):
    path = tmp_path / "x.csv"
    path.write_text(INVESTING + "".join(f'"{date}","3","3","3","3","7","1%"\n' for date in dates))
    options = Options()

    look = look_at(path, options)
    if first is None:
        with pytest.raises(DataError, match='date_format: "%m/%d/%Y", or "%d/%m/%Y"'):
            panel_of(draft_of_file(path, options))
        assert look.codes[0] == "ambiguous_date_format"
        assert look.verdict is Verdict.REJECT
        return
    panel = panel_of(draft_of_file(path, options))
    assert str(panel.ts_event[0].astype("M8[ns]").astype("M8[D]")) == first
    assert why in panel.remarks[1]
    assert look.verdict is Verdict.WARN
    assert why in look.remarks[1]


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("open,high,low,close,adjusted_close", "2024-01-0{}"),
        ("open,high,low,close,volume", "2024-01-02 1{}:00:00"),
    ],
)
def test_alpha_vantages_prices_are_as_they_were_paid_unless_they_are_adjusted(tmp_path, header, time):
    path = tmp_path / "IBM.csv"
    rows = "".join(f"{time.format(n)},5,5,5,5,5\n" for n in (5, 4, 3))
    path.write_text(f"timestamp,{header}\n{rows}")

    panel = panel_of(draft_of_file(path, Options(zone="America/New_York")))

    assert "turned round" in panel.remarks[0]
    assert "a split is a jump" not in panel.remarks[0]


def test_a_dialect_may_be_named_and_must_then_fit(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("date,open,high,low,close\n2024-01-02,1,2,1,1.5\n")

    with pytest.raises(DataError, match="it is not as metatrader writes; its first line is date, open"):
        draft_of_file(path, Options(dialect="metatrader"))
    with pytest.raises(ConfigError, match="no dialect is called 'yahho'; did you mean yahoo"):
        draft_of_file(path, Options(dialect="yahho"))


def test_what_a_user_says_comes_before_the_dialect(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        '"Date","Price","Open","High","Low","Vol.","Change %"\n"02/01/2024","3","3","3","3","7","1%"\n'
    )

    draft = draft_of_file(
        path, Options(date_format="%d/%m/%Y", columns={"close": "Open", "volume": "Change %"})
    )

    assert str(draft.ts[:1].astype("M8[ns]").astype("M8[D]")[0]) == "2024-01-02"
    assert draft.fields["volume"].tolist() == [[1.0]]


def test_a_clock_without_a_zone_is_asked_for_whoever_wrote_it(tmp_path):
    name, text, *_ = VENDORS["metatrader 4"]
    (tmp_path / name).write_text(text)

    with pytest.raises(DataError, match="2 x a time has no zone\n    line 1: 2007-03-30T16:00:00"):
        panel_of(draft_of_file(tmp_path / name, Options()))
