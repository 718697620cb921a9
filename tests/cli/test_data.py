import numpy as np

from flotilla.cli.data import coverage, headline, is_config
from flotilla.model.panel import Panel

DAY = 86_400_000_000_000


def panel_of(*columns, per_unit=(100.0, 0.0)):
    ts = np.arange(len(columns[0]), dtype=np.int64) * DAY
    close = np.array(columns, np.float64).T.copy()
    return Panel(ts, ts + DAY, ("A", "B")[: len(columns)], {"close": close}, np.array(per_unit), "00", "made")


def test_the_source_is_told_instrument_by_instrument(call, one):
    found = call("data", one)

    assert "sample: 3 instruments, 757 bars, 2019-01-02 to 2021-12-31" in found.out
    assert "0.001" in found.out
    assert "close; longest pause between two bars: 4 days; no holes" in found.err


def test_its_json_says_the_same(call, one):
    found = call("data", one, "--json").json

    assert [each["name"] for each in found["instruments"]] == ["AAPL", "JNJ", "KO"]
    assert found["instruments"][0] == {
        "name": "AAPL",
        "first": "2019-01-02",
        "last": "2021-12-31",
        "closes": 757,
        "holes": 0,
        "longest_hole": 0,
        "tick": 0.001,
    }


def test_holes_are_bars_without_a_close_between_the_first_and_the_last():
    nan = np.nan
    panel = panel_of([nan, 1.0, nan, nan, 2.0, nan, 3.0, nan], [nan] * 8)

    known, nothing = coverage(panel, 0), coverage(panel, 1)

    assert (known.first, known.last, known.closes) == ("1970-01-02", "1970-01-07", 3)
    assert (known.holes, known.longest_hole, known.tick) == (3, 2, 0.01)
    assert nothing == ("B", None, None, 0, 0, 0, None)


PRICES = """date,symbol,close
2024-01-02,KO,59.82
2024-01-03,KO,59.97
"""


def test_a_file_of_prices_needs_no_yaml(call, tmp_path):
    (tmp_path / "prices.csv").write_text(PRICES)

    found = call("data", tmp_path / "prices.csv")

    assert "prices.csv: 1 instrument, 2 bars, 2024-01-02 to 2024-01-03" in found.out
    assert "close; longest pause between two bars: 1 day; no holes" in found.err


def test_minutes_are_told_as_minutes(call, tmp_path):
    rows = "".join(f"2024-01-02 14:{minute:02}:00,{close}\n" for minute, close in ((30, 1.5), (31, 1.6)))
    (tmp_path / "minutes.csv").write_text(f"ts,close\n{rows}")

    found = call("data", tmp_path / "minutes.csv", "--zone", "America/New_York", "--instrument", "KO")

    assert "longest pause between two bars: 1 minute; no holes" in found.err
    assert "KO" in found.out


def test_a_folder_and_a_pattern_are_each_file_of_data_in_them(call, tmp_path, monkeypatch):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(PRICES)
    (tmp_path / "notes.md").write_text("none")
    (tmp_path / "._a.csv").write_bytes(b"\0\5\x16\7")  # what macOS leaves beside a file
    monkeypatch.chdir(tmp_path)

    for given in (".", "*.csv", tmp_path):
        files = call("data", given, "--json").json["files"]
        assert [each["name"] for each in files] == ["a.csv", "b.csv"]
    assert "no file is called like that" in call("data", "*.parquet").err


def test_a_text_that_is_no_data_is_told_with_the_pattern_that_leaves_it_out(call, tmp_path):
    (tmp_path / "a.csv").write_text(PRICES)
    (tmp_path / "README.txt").write_text("These are prices.\nMine.\n")

    found = call("data", tmp_path)

    assert "1 file of 2 cannot be used" in found.err
    assert f"{tmp_path}/*.csv" in found.err.replace("\n", "")


def test_what_is_a_configuration_is_told_by_its_name_or_by_how_it_begins(tmp_path):
    for name, text, is_one in (
        ("a.yaml", "", True),
        ("a.yml", "", True),
        ("a.csv", "name: x\n", False),
        ("a.conf", "# mine\nname: x\n", True),
        ("a.dat", "date,close\n2024-01-02,1\n", False),
    ):
        (tmp_path / name).write_text(text)
        assert is_config(tmp_path / name) is is_one, name


def test_a_configuration_says_itself_how_its_data_are_read(call, one):
    found = call("data", one, "--zone", "UTC")

    assert found.code == 2
    assert "says itself how its data are read: leave out --zone" in found.err


def test_a_split_that_was_not_applied_is_said(call, tmp_path):
    days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    days = [day for day in days if np.is_busday(day)]
    rows = "".join(f"{day},{(700 if n < 20 else 100) + n % 3}\n" for n, day in enumerate(days))
    (tmp_path / "raw.csv").write_text(f"date,close\n{rows}")

    found = call("data", tmp_path / "raw.csv")

    assert "looks like a split, 7-for-1, that was not applied" in found.err + found.out


def test_one_is_not_several():
    assert headline(panel_of([1.0])) == "made: 1 instrument, 1 bar, 1970-01-01 to 1970-01-01"


def test_of_many_files_each_has_a_row_and_what_is_said_of_all_is_said_once(call, tmp_path):
    newest_first = "timestamp,open,high,low,close,volume\n2024-01-03,1,1,1,1,1\n2024-01-02,1,1,1,1,1\n"
    for name in ("KO", "PEP"):
        (tmp_path / f"{name}.csv").write_text(newest_first)
    weeks = "".join(f"2024-01-{day:02},{day}\n" for day in (5, 12, 19, 26))
    (tmp_path / "XAU.csv").write_text("date,close\n" + weeks)

    found = call("data", tmp_path)

    rows = [line.split() for line in found.out.splitlines() if ".csv" in line]
    assert [row[:2] for row in rows] == [["KO.csv", "KO"], ["PEP.csv", "PEP"], ["XAU.csv", "XAU"]]
    assert rows[0][2:] == ["2", "2024-01-02", "2024-01-03", "1", "day", "0", "1"]
    assert rows[2][2:-1] == ["4", "2024-01-05", "2024-01-26", "7", "days", "apart", "0"]
    assert found.err.count("Alpha Vantage") == 1
    assert "as one panel" in found.err
    assert "weeks or more: XAU.csv" in found.err.replace("\n", " ")
