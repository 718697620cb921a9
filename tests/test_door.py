from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from flotilla.clock import monotonic_ns
from flotilla.door import NAME, Door, parse, raise_if_any, read, to_yaml, wrong_values
from flotilla.errors import ConfigError


class Wheel(Struct, frozen=True):
    inches: Annotated[int, Meta(gt=0)]
    spokes: int = 32


class Cart(Struct, frozen=True):
    wheels: dict[str, Wheel]
    brake: Wheel | None = None
    colours: tuple[str, ...] = ()


def decoded(raw):
    """Return a Cart, and the mistakes."""
    door = Door()
    return door.struct(Cart, raw, "$"), door.mistakes


def test_plain_values_become_structs_with_their_defaults():
    cart, mistakes = decoded({"wheels": {"left": {"inches": 9}}, "brake": None, "colours": ["red"]})

    assert cart == Cart({"left": Wheel(9, 32)}, None, ("red",))
    assert mistakes == []


def test_every_mistake_is_collected_with_its_path():
    cart, mistakes = decoded(
        {"wheels": {"left": {"inches": 0}, "right": {}}, "brake": {"inchs": 1}, "colours": [1]}
    )

    assert cart is None
    assert [mistake.split(":")[0] for mistake in mistakes] == [
        "$.wheels.left.inches",
        "$.wheels.right needs the key 'inches'",
        "$.brake has no key 'inchs'; did you mean inches?",
        "$.brake needs the key 'inches'",
        "$.colours[0]",
    ]


def test_one_mistake_stands_beside_its_file_and_several_below_it():
    raise_if_any([], "cart.yaml")
    with pytest.raises(ConfigError, match=r"^cart.yaml: \$.a is wrong$"):
        raise_if_any(["$.a is wrong"], "cart.yaml")
    with pytest.raises(ConfigError, match=r"^cart.yaml:\n  \$.a is wrong\n  \$.b is wrong$"):
        raise_if_any(["$.a is wrong", "$.b is wrong"], "cart.yaml")


def test_a_number_that_is_not_finite_is_found_wherever_it_is():
    assert wrong_values({"a": [1.5, float("inf")], "b": {"c": float("-inf")}, "d": "inf"}) == [
        "$.a[1] is inf, not a finite number",
        "$.b.c is -inf, not a finite number",
    ]


def test_a_file_is_read_as_yaml_and_a_bad_one_is_named(tmp_path):
    (tmp_path / "cart.yaml").write_text("country: NO\nwheels: 1e1\n")
    (tmp_path / "twice.yaml").write_text("a: 1\na: 2\n")

    assert read(tmp_path / "cart.yaml") == {"country": "NO", "wheels": 10.0}
    with pytest.raises(ConfigError, match=r"twice.yaml, line 2, column 1: the key 'a' comes twice"):
        read(tmp_path / "twice.yaml")
    with pytest.raises(ConfigError, match=r"none.yaml cannot be read: No such file"):
        read(Path("none.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "9" * 6000, "cart.yaml, line 1, column 4: a number has 6,000 digits"),
        ("a: " + "[" * 200_000, "parts are in parts too deep"),
        ("- " * 200_000, "parts are in parts too deep"),
        ("a: " + "[" * 3000 + "]" * 3000, "cart.yaml: parts are in parts too deep"),
        (f"{'x' * 900}: 1\n{'x' * 900}: 2", "the key 'xxx"),
    ],
    ids=["digits", "brackets", "dashes", "a few brackets", "keys"],
)
def test_what_no_person_writes_is_refused_in_a_line(text, said):
    with pytest.raises(ConfigError) as caught:
        parse(text, "cart.yaml")

    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "raw", ["x" * 9000, b"x" * 9000, ["x"] * 9000, -(10**6000)], ids=["text", "bytes", "list", "number"]
)
def test_a_mistake_shows_the_begin_of_what_it_is_about(raw):
    (mistake,) = decoded({"wheels": {"left": {"inches": raw}}})[1]
    (whole,) = decoded(raw)[1]

    assert max(len(mistake), len(whole)) < 200


def test_a_whole_number_is_an_int_however_it_is_written():
    assert decoded({"wheels": {"left": {"inches": 9.0}}}) == (Cart({"left": Wheel(9)}), [])
    assert decoded({"wheels": {"left": {"inches": 9.5}}})[1] == [
        "$.wheels.left.inches: expected `int`, got `float`, it is 9.5"
    ]


def test_what_is_no_file_of_a_few_megabytes_is_no_configuration(tmp_path):
    (tmp_path / "prices.csv").write_bytes(b"1,2,3\n" * 3_000_000)

    with pytest.raises(ConfigError, match=r"prices.csv is no configuration: it has more than 16 MB"):
        read(tmp_path / "prices.csv")
    with pytest.raises(ConfigError, match="zero is no configuration"):
        read(Path("/dev/zero"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: embedded null byte"):
        read(tmp_path / "a\0b")


@pytest.mark.parametrize(
    ("name", "good"),
    [("a", True), ("a-b_9", True), ("A", False), ("9a", False), ("a" * 33, False), ("", False)],
)
def test_a_name_is_a_letter_and_up_to_31_more(name, good):
    assert bool(NAME.fullmatch(name)) is good


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8))
def test_a_text_that_is_written_is_read_back(text):
    assert parse(to_yaml({"text": text})) == {"text": text}


@pytest.mark.parametrize("level", ["[{0}]", "{{<<: [{0}]}}"], ids=["lists", "merged"])
def test_a_few_lines_of_aliases_that_stand_for_a_milliard_values_are_refused_at_once(level):
    lines = ["a0: &a0 {k: 1, l: 2}"]
    lines += [f"a{n}: &a{n} " + level.format(", ".join([f"*a{n - 1}"] * 10)) for n in range(1, 10)]
    before_ns = monotonic_ns()

    with pytest.raises(ConfigError, match="its aliases stand for more than 100,000 values"):
        parse("\n".join(lines))

    assert monotonic_ns() - before_ns < 1e9


def test_aliases_within_reason_and_a_long_file_are_read():
    assert parse("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}")["c"] == {"x": 1, "y": 2}
    assert len(parse("[" + "1, " * 150_000 + "1]")) == 150_001


def test_a_long_value_is_told_by_its_beginning_and_never_whole():
    _, [whole] = decoded("symbol,close\n" * 100_000)
    _, [deep] = decoded({"wheels": {"left": {"inches": "x" * 100_000}}})

    assert len(whole) < 200
    assert whole.startswith("$ should be keys and values, it is 'symbol,close")
    assert len(deep) < 200


def test_a_file_that_is_not_there_has_its_nearest_beside_it(tmp_path):
    (tmp_path / "cross.yaml").write_text("name: x")
    (tmp_path / "cross.csv").write_text("")

    with pytest.raises(ConfigError, match=r"No such file or directory; did you mean cross\.yaml\?"):
        read(tmp_path / "crosss.yaml")
    with pytest.raises(ConfigError, match="so is its folder"):
        read(tmp_path / "none" / "cross.yaml")
    (tmp_path / "cross.yaml").unlink()
    with pytest.raises(ConfigError, match="there is no YAML file in"):
        read(tmp_path / "cross.yaml")
