import pytest

GOOD = "".join(f"2024-01-{day:02},KO,{59 + day / 100}\n" for day in range(2, 20))
HEADER = "date,symbol,close\n"


@pytest.fixture
def prices(tmp_path):
    """Return what writes a file of prices."""

    def written(*rows, name="prices.csv", good=GOOD):
        path = tmp_path / name
        path.write_text(HEADER + good + "".join(f"{row}\n" for row in rows))
        return path

    return written


def test_a_file_without_a_fault_is_ok(call, prices):
    found = call("data", "check", prices())

    assert found.code == 0
    assert found.out.splitlines()[0].endswith("prices.csv: ok")
    assert "  bars, 18 rows" in found.out


def test_what_is_wrong_is_told_with_its_place_its_code_and_what_becomes_of_it(call, prices):
    found = call("data", "check", prices("2024-01-22,KO,-1"))

    assert found.code == 1
    assert "prices.csv: quarantine" in found.out
    assert "1 x a price is not above zero  [non_positive_price: quarantine]" in found.out
    assert "line 20: 2024-01-22,KO,-1" in found.out
    assert "--on-bad quarantine --out" in found.err


def test_its_json_says_the_same(call, prices):
    found = call("data", "check", prices("2024-01-22,KO,-1"), "--json")

    (told,) = found.json["files"]
    assert (found.code, found.json["exit_code"]) == (1, 1)
    assert (told["verdict"], told["kind"], told["rows"]) == ("quarantine", "bars", 19)
    assert told["findings"] == [
        {
            "code": "non_positive_price",
            "verdict": "quarantine",
            "count": 1,
            "what": "a price is not above zero",
            "places": ["line 20: 2024-01-22,KO,-1"],
            "rows": [18],
            "mend": "correct these rows or leave them out",
        }
    ]


def test_the_good_rows_are_written_where_that_is_asked_for_and_load(call, prices, tmp_path):
    path = prices("2024-01-22,KO,-1")

    found = call("data", "check", path, "--on-bad", "quarantine", "--out", tmp_path / "good.csv")

    assert found.code == 0
    assert "done: set aside 1 row" in found.out
    assert (tmp_path / "good.csv").read_text() == HEADER + GOOD
    assert "-1,line 20: non_positive_price" in (tmp_path / "good.bad.csv").read_text()
    assert call("data", tmp_path / "good.csv").code == 0


def test_a_repair_is_written_beside_the_file_and_the_file_stays(call, prices, tmp_path):
    path = prices("2024-01-01,KO,59")
    before = path.read_bytes()

    found = call("data", "check", path, "--on-bad", "repair")

    assert found.code == 0
    assert "done: sorted the rows by time" in found.out
    assert (tmp_path / "prices.good.csv").read_text() == f"{HEADER}2024-01-01,KO,59\n{GOOD}"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name a file to look at"),
        (("a.csv", "b.csv", "--on-bad", "repair", "--out", "c.csv"), "--out names one file, and there are 2"),
        (("a.csv", "--out", "c.csv"), "--out has nothing to write"),
        (("none.csv",), "none.csv cannot be read"),
        (("a.csv", "--on-bad", "guess"), "guess"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(HEADER + GOOD)

    found = call("data", "check", *words)

    assert found.code == 2
    assert told in found.err


def test_of_many_files_the_verdicts_are_counted_and_the_gravest_is_the_exit_code(call, prices, tmp_path):
    prices(name="a.csv")
    prices("2024-01-22,KO,x", name="b.csv")

    found = call("data", "check", tmp_path)

    assert found.code == 1
    assert found.out.splitlines()[-1] == "2 files: 1 ok, 1 reject"


def test_a_file_called_check_is_data_too(call, prices, tmp_path, monkeypatch):
    prices(name="check")
    monkeypatch.chdir(tmp_path)

    assert "check: 1 instrument, 18 bars" in call("data", "./check").out


def test_a_folder_that_a_source_would_refuse_as_a_whole_is_refused(call, prices, tmp_path):
    prices(name="a.csv")
    prices(name="b.csv")

    whole, alone = call("data", "check", tmp_path), call("data", "check", tmp_path / "a.csv")

    assert (whole.code, alone.code) == (1, 0)
    assert "2 files side by side" in whole.out
    assert "KO: a.csv and b.csv, 18 bars from 2024-01-02" in whole.out
