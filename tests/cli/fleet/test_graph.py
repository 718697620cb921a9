def test_the_graph_of_a_file_is_drawn(call, file):
    found = call("fleet", "graph", file)

    assert found.out == "feed\n└─ strategy\n   └─ portfolio\nreport\n"


def test_levels_are_the_order_of_a_start(call, file):
    found = call("fleet", "graph", file, "--levels")

    assert found.out == " 1  feed, report\n 2  strategy\n 3  portfolio\n"


def test_a_fleet_that_is_up_shows_its_states(call, fleet):
    fleet.states["strategy"] = "backoff"

    found = call("fleet", "graph")

    assert "└─ strategy  backoff" in found.out


def test_a_fleet_that_is_down_still_has_a_graph(call, folder):
    assert call("fleet", "graph").out.startswith("feed\n")


def test_for_graphviz_and_for_mermaid(call, file):
    file.write_text(file.read_text().replace("needs: [feed]", "needs: {feed: started}"))

    dot, mermaid = call("fleet", "graph", file, "--dot").out, call("fleet", "graph", file, "--mermaid").out

    assert '"feed" -> "strategy";' in dot
    assert "    feed -->|started| strategy\n    strategy --> portfolio\n" in mermaid


def test_json_has_needs_and_levels(call, file):
    found = call("fleet", "graph", file, "--json").json

    assert found["needs"]["strategy"] == {"feed": "ready"}
    assert found["levels"] == [["feed", "report"], ["strategy"], ["portfolio"]]


def test_a_circle_is_named_with_its_path(call, file):
    file.write_text(file.read_text().replace("feed: {", "feed: {needs: [portfolio], "))

    found = call("fleet", "graph", file)

    assert (found.code, found.out) == (2, "")
    assert "feed -> portfolio -> strategy -> feed" in found.err


def test_of_two_forms_none_is_drawn(call, file):
    found = call("fleet", "graph", file, "--dot", "--mermaid")

    assert (found.code, found.out) == (2, "")
    assert "--levels, --dot and --mermaid: one of them" in found.err
