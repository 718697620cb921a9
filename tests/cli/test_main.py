import os
import signal
import subprocess
import sys

import pytest

from flotilla.cli.commands import COMMANDS, overview
from flotilla.cli.main import _KEYS
from flotilla.config import DataConfig
from flotilla.model.terms import PortfolioConfig

PROGRAM = (sys.executable, "-m", "flotilla.cli.main")
HEAVY = (
    "cyclopts",
    "rich",
    "numpy",
    "numba",
    "polars",
    "pandas",
    "pyarrow",
    "plotly",
    "flotilla.research",
    "flotilla.live",
)
SUBCOMMANDS = [(command.name,) for command in COMMANDS] + [("stages", "rm"), ("stages", "verify")]


def ran(*argv, **env):
    return subprocess.run(
        [*PROGRAM, *argv], capture_output=True, text=True, env=os.environ | env, check=False
    )


def imported_by(*argv):
    """Return what a call says, and which of the libraries that take long to load it has loaded."""
    code = (
        f"import sys; from flotilla.cli.main import main; code = main({[*argv]});"
        f"print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return found.returncode, found.stdout, found.stderr.split()


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",), ("--debug", "--help")])
def test_help_lists_every_command_and_loads_nothing_for_it(argv):
    code, said, heavy = imported_by(*argv)

    assert (code, heavy) == (0, [])
    assert said == f"{overview()}\n"


@pytest.mark.parametrize("argv", SUBCOMMANDS, ids=" ".join)
def test_the_help_of_a_command_does_not_load_what_the_command_needs(argv):
    code, said, heavy = imported_by(*argv, "--help")

    assert code == 0
    assert said.startswith("Usage:")
    assert set(heavy) <= {"cyclopts", "rich"}


@pytest.mark.parametrize("argv", SUBCOMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_offers_json(argv):
    found = ran(*argv, "--help")

    assert (found.returncode, found.stderr) == (0, "")
    assert f"Usage: flotilla {' '.join(argv)}" in found.stdout
    assert "--json" in found.stdout
    assert len(argv) > 1 or f"Try:\n  flotilla {argv[0]}" in found.stdout


def test_version_is_one_line(call):
    assert call("--version").out == "flotilla 0.1.0\n"


def test_no_command_shows_the_help(call):
    found = call()

    assert found.code == 0
    assert "flotilla COMMAND --help" in found.out


def test_a_mistyped_command_answers_with_the_nearest_without_importing_any():
    found = ran("swep")

    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "error: no command is called 'swep'; did you mean sweep?\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("run", "x.yaml", "--jsn"), "Unknown option: --jsn. Did you mean --json? See: flotilla run --help"),
        (
            ("run", "x.yaml", "--start", "2018-01-01"),
            "--start is no option of run: the configuration says it",
        ),
        (("run", "--cash", "5", "x.yaml"), "as portfolio: {cash: ...}"),
        (("sweep", "x.yaml", "--fee-bps=5"), "as portfolio: {fee_bps: ...}"),
        (("sweep", "x.yaml", "--fee_bps=5"), "as portfolio: {fee_bps: ...}"),
        (("report", "x.yaml", "--instruments", "KO"), "as data: {instruments: ...}"),
        (("run",), "parameter CONFIG requires an argument. See: flotilla run --help"),
        (("sweep", "x.yaml", "--top", "ten"), "ten"),
        (("stages", "verfy"), "verfy"),
        (("run", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_call_is_answered_in_one_line_and_with_2(call, argv, said):
    found = call(*argv)

    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: ")
    assert found.err.count("\n") == 1
    assert said in found.err


def test_every_mistake_of_a_configuration_is_told_at_once(call, one):
    one.write_text(one.read_text().replace("fee_bps", "fee_bsp").replace("ma_cross", "ma_cros"))

    found = call("run", one)

    assert found.code == 2
    assert "fee_bps" in found.err


def test_an_error_that_is_not_the_configurations_is_1(call, one):
    bars = one.with_name("bars.csv")
    bars.write_text("date,AAPL\n2020-01-02,-1\n")
    one.write_text(
        one.read_text()
        .replace("source: sample", f"source: csv, params: {{path: '{bars}'}}")
        .replace(", instruments: [AAPL, JNJ, KO]", "")
    )

    found = call("run", one)

    assert found.code == 1
    assert "Traceback" not in found.err


def test_a_disk_that_refuses_is_named(call, one):
    found = call("report", one, "-o", one / "folder")

    assert found.code == 1
    assert found.err == f"error: {one / 'folder' / 'report.json'}: Not a directory\n"


@pytest.mark.parametrize(
    ("argv", "kind", "code"),
    [
        (("run", "nowhere.yaml"), "ConfigError", 2),
        (("run", "nowhere.yaml", "--jsn"), "UsageError", 2),
        (("stages", "rm", "3fa9"), "UnknownName", 2),
    ],
)
def test_a_program_that_asked_for_json_reads_the_error_as_json(call, argv, kind, code):
    found = call(*argv, "--json")

    told = found.json["error"]
    assert (found.code, told["kind"], told["exit_code"]) == (code, kind, code)
    assert found.err == f"error: {told['message']}\n"


def test_debug_shows_the_code_behind_an_error(call):
    found = call("run", "nowhere.yaml", "--debug")

    assert found.code == 2
    assert "Traceback" in found.err
    assert "No such file or directory" in found.err.splitlines()[-1]


def test_colour_is_for_terminals_that_want_it():
    plain = ran("swep")
    forced = ran("swep", FORCE_COLOR="1")
    refused = ran("swep", FORCE_COLOR="1", NO_COLOR="1")

    assert "\x1b[" not in plain.stderr
    assert "\x1b[31m" in forced.stderr or "\x1b[1;31m" in forced.stderr
    assert "\x1b[31m" not in refused.stderr
    assert "\x1b[1;31m" not in refused.stderr


def test_ctrl_c_ends_it_with_130_and_no_traceback(one):
    # More than can be swept before the signal arrives, however busy the machine is.
    many = "sweep:\n  cross.fast: {from: 2, to: 101}\n  cross.slow: {from: 105, to: 304}\n"
    one.write_text(one.read_text().replace("start: 2019-01-01", "start: 1995-01-01") + many)
    process = subprocess.Popen([*PROGRAM, "sweep", str(one), "--fresh"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("sweeping 20,000 portfolios ...")  # it has begun

    process.send_signal(signal.SIGINT)

    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.startswith("stopped; how far it is was written down every 2 s, and the same command without")
    assert "Traceback" not in said


def test_a_reader_that_has_seen_enough_is_no_error(six):
    shell = f"{' '.join(PROGRAM)} plugins | head -n 1"

    found = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)

    assert "Traceback" not in found.stderr
    assert "Exception ignored" not in found.stderr


def test_the_keys_that_are_typed_as_options_are_those_of_the_configuration():
    data, portfolio = DataConfig.__struct_fields__, PortfolioConfig.__struct_fields__

    told = {word: key for word, key in _KEYS.items() if key.startswith(("portfolio: {", "data: {"))}

    assert {*told} == {name.replace("_", "-") for name in (*data, *portfolio)} - {"params"} | {"set"}
    assert told["start"] == "portfolio: {start: ...}"


def test_mistakes_of_the_file_and_of_its_plugins_are_told_together(call, tmp_path):
    file = tmp_path / "two.yaml"
    strategies = "strategies: {a: {kind: ma_cros}, b: {kind: ma_cross, params: {fats: 3}}, c: {kind: 5}}"
    file.write_text(f"name: two\nportfolio: {{fee_bsp: 1}}\n{strategies}\n")

    found = call("run", file)

    assert found.code == 2
    assert "fee_bsp'; did you mean fee_bps?" in found.err
    assert "$.strategies.a: no strategy is called 'ma_cros'; did you mean ma_cross?" in found.err
    assert "$.strategies.b: no parameter of ma_cross is called 'fats'" in found.err
    assert "$.strategies.c.kind: expected `str`" in found.err
