from pathlib import Path

from flotilla.fleet.rules.states import ALIVE, AT_REST, LEAVING, RUNNING, TABLE, State, as_mermaid


def test_every_state_is_reached_and_left():
    assert {row.after for row in TABLE} == set(State)
    assert {row.before for row in TABLE} == set(State)


def test_no_arrow_is_drawn_twice():
    assert len({row[:3] for row in TABLE}) == len(TABLE)


def test_a_new_process_begins_in_starting_alone():
    born = [row for row in TABLE if row.before not in ALIVE and row.after in ALIVE]

    assert {row.on for row in born} == {"go", "adopted"}
    assert {row.after for row in born if row.on == "go"} == {State.STARTING}


def test_states_are_of_one_kind():
    assert not ALIVE & AT_REST
    assert LEAVING | RUNNING == ALIVE
    assert set(State) - ALIVE - AT_REST == {State.WAITING, State.BACKOFF}


def test_the_diagram_shows_every_arrow_between_two_states():
    drawn = as_mermaid()

    assert drawn.startswith("stateDiagram-v2")
    for row in TABLE:
        assert f"    {row.before} --> {row.after}: " in drawn


def test_the_manual_shows_the_diagram_as_it_is():
    manual = Path(__file__).parents[3] / "docs" / "fleet.md"

    assert f"```mermaid\n{as_mermaid()}\n```" in manual.read_text()
