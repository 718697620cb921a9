import io
import json
import math

import numpy as np
import pytest
from rich.console import Group
from rich.text import Text

from flotilla.cli import say


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_json_has_null_for_what_is_no_number_and_lists_for_arrays(capsys):
    say.show_json({"a": math.nan, "b": np.array([1.0, math.inf]), "c": np.float64(0.1), "d": np.int64(3)})

    out = capsys.readouterr().out

    assert json.loads(out, parse_constant=pytest.fail) == {"a": None, "b": [1.0, None], "c": 0.1, "d": 3}
    assert out.endswith("}\n")


def test_json_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="object has no JSON"):
        say.show_json(object())


def test_results_go_to_stdout_and_notes_to_stderr(capsys):
    say.show("a result")
    say.note("a note")

    assert capsys.readouterr() == ("a result\n", "a note\n")


def test_brackets_are_letters_and_a_long_line_stays_one_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    say.show("[red]" + "x" * 200, Text("y " * 100))

    assert capsys.readouterr().out == "[red]" + "x" * 200 + "\n" + "y " * 100 + "\n"


def test_figures_stand_at_the_right_and_are_not_cut(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    made = say.table("name", ">final equity")
    made.add_row("a", "1,234,567")
    made.add_row("long " * 6, "9")

    say.show(made)

    lines = capsys.readouterr().out.splitlines()
    assert any(line.rstrip().endswith("1,234,567") for line in lines)
    assert any(line.rstrip().endswith("        9") for line in lines)


@pytest.mark.parametrize("width", range(15, 70, 3))
def test_where_there_is_no_room_columns_are_left_out_whole_and_named(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    made = say.table(">rank", ">final equity", ">fee_bps_of_it", ">sharpe", spare=(2, 1, 3))
    made.add_row("1,001", "1,234,567.89", "0.123456", "-1.25")

    say.show(made)

    out = capsys.readouterr().out
    shown = [text for text in ("1,001", "1,234,567.89", "0.123456", "-1.25") if text in out]
    assert "…" not in out
    assert "1,001" in shown
    said = " ".join(out.split())
    left = said.partition("no room for ")[2].partition(": widen")[0]
    names = ["final equity", "fee_bps_of_it", "sharpe"]
    assert len(shown) == 4 - len([name for name in names if name in left])
    if 4 > len(shown) > 1:
        assert "fee_bps_of_it" in left  # the first that is spared


def test_a_table_inside_of_something_else_leaves_out_columns_too(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    made = say.table("name", ">final equity", ">sharpe")
    made.add_row("a", "1,234,567.89", "-1.25")

    say.show(Group(Text("above"), made))

    out = capsys.readouterr().out
    assert "…" not in out
    assert "no room for sharpe: widen" in " ".join(out.split())


@pytest.mark.parametrize("width", range(20, 50))
def test_a_figure_with_its_unit_is_not_cut(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    made = say.table("name", ">for", "why")
    made.columns[2].min_width = 12
    made.add_row("a", "12 m 5 s", "died of it")

    say.show(made)

    out = capsys.readouterr().out
    assert ("12 m 5 s" in out) is not ("no room for" in out and "for:" in out.replace(",", ":").split())
    assert "died of it" in out or "why" in out.partition("no room for ")[2]


def test_a_long_text_in_a_cell_begins_where_its_row_does(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    made = say.table("name", ">final equity", "why")
    made.add_row("a", "1", "words that go over two lines")

    say.show(made)

    lines = capsys.readouterr().out.splitlines()
    assert ["final" in lines[0], "name" in lines[1], "equity" in lines[1]] == [True, True, True]
    assert "words" in next(line for line in lines if line.split()[:1] == ["a"])


def test_a_command_is_quoted_as_a_shell_needs_it():
    assert (
        say.command("run", "my study.yaml", "--portfolio", 3) == "flotilla run 'my study.yaml' --portfolio 3"
    )


def test_progress_without_a_terminal_is_a_line_at_each_end(capsys):
    with say.progress("sweeping", "bars", "the compiler first") as told:
        told(100, 8_313)
        told(8_313, 8_313)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "sweeping ... the compiler first"
    assert err.splitlines()[1].startswith("sweeping: 8,313 bars in ")


def test_progress_on_a_terminal_leaves_nothing_behind(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    with say.progress("sweeping", "bars") as told:
        told(5, 10)

    assert "5/10" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")


def test_next_steps_are_aligned(capsys):
    say.show(say.steps(("flotilla a", "one"), ("flotilla abc", "two")))

    assert capsys.readouterr().out == "Next:\n  flotilla a     one\n  flotilla abc   two\n"


def test_sizes_have_three_figures_and_times_are_utc():
    assert [say.size(n) for n in (0, 999, 1_000, 1_330_080, 999_600)] == [
        "0 B",
        "999 B",
        "1 kB",
        "1.33 MB",
        "1 MB",
    ]
    assert say.utc(1_700_000_000_000_000_000) == "2023-11-14 22:13"


def test_remarks_are_notes_each_once(capsys):
    say.remarks("prices stop early", "x never spoke", "prices stop early")

    assert capsys.readouterr() == ("", "note: prices stop early\nnote: x never spoke\n")
