from flotilla.cli.plugins import listing
from flotilla.plugins import GROUPS, Plugin, names


def test_every_installed_plugin_is_listed_with_what_it_takes(call):
    found = call("plugins", "--json").json

    listed = {(plugin["kind"], plugin["name"]) for plugin in found}
    assert listed == {(kind, name) for kind in GROUPS for name in names(kind)}
    (cross,) = (plugin for plugin in found if plugin["name"] == "ma_cross")
    assert cross["parameters"][0] == {"name": "fast", "type": "int", "required": False, "default": 10}
    assert cross["error"] is None


def test_one_kind_can_be_asked_for(call):
    found = call("plugins", "strategy")

    assert "ma_cross" in found.out
    assert "fast=10, slow=30" in found.out
    assert "parquet" not in found.out


def test_an_unknown_kind_answers_with_the_nearest(call):
    found = call("plugins", "strategi")

    assert found.code == 2
    assert "did you mean strategy?" in found.err


def test_one_that_cannot_be_loaded_says_why():
    made = listing([Plugin("risk", "broken", "a:b", "", {}, "a cannot be imported")])

    assert str(made.columns[3]._cells[0]) == "a cannot be imported"
