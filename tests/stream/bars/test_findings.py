import pytest

from flotilla.errors import DataError, OutOfOrderError
from flotilla.stream.bars.findings import Findings, Verdict, refuse


def settled(findings):
    with pytest.raises(DataError) as caught:
        findings.raise_if_any()
    return caught.value


def test_nothing_found_is_no_error():
    findings = Findings("a.csv")

    findings.add(0, "a row is odd", [], "mend it")
    findings.raise_if_any()

    assert not findings


def test_every_finding_is_told_with_its_count_its_first_places_and_what_to_do():
    findings = Findings("a.csv")

    findings.add(7, "a price is odd", (f"line {n}" for n in range(7)), "look at it")
    findings.add(1, "no close", [], "give it")

    assert str(settled(findings)).splitlines() == [
        "a.csv cannot be used:",
        "  7 x a price is odd",
        "    line 0",
        "    line 1",
        "    line 2",
        "    line 3",
        "    line 4",
        "    ... and 2 more",
        "    mend: look at it",
        "  1 x no close",
        "    mend: give it",
    ]


def test_the_error_is_of_the_kind_that_all_findings_share():
    findings = Findings("a.csv")

    findings.add(1, "a row goes back", [], "sort", OutOfOrderError)
    assert type(settled(findings)) is OutOfOrderError

    findings.add(1, "a price is odd", [], "mend")
    assert type(settled(findings)) is DataError


def test_what_others_found_is_taken_over():
    first, second = Findings("a.csv"), Findings("b.csv")
    second.add(2, "a price is odd", [], "mend")

    first.extend(second)

    assert "a.csv cannot be used:\n  2 x a price is odd" in str(settled(first))


def test_data_of_which_nothing_can_be_read_are_refused_in_the_same_words():
    assert (
        str(refuse("a.csv", "it is empty", "fill it"))
        == "a.csv cannot be used: it is empty\n    mend: fill it"
    )


def test_what_was_found_goes_with_the_error_by_its_code():
    findings = Findings("a.csv")
    findings.add(2, "a price is odd", [], "mend", code="odd", verdict=Verdict.QUARANTINE, rows=[4, 7])

    (found,) = settled(findings).findings
    (refused,) = refuse("a.csv", "it is empty", "fill it", "empty").findings

    assert (found.code, found.verdict, found.rows) == ("odd", Verdict.QUARANTINE, (4, 7))
    assert (refused.code, refused.verdict, refused.count) == ("empty", Verdict.REJECT, 1)
    assert list(findings) == [found]


def test_the_gravest_verdict_is_the_largest():
    assert max(Verdict.WARN, Verdict.REPAIR, Verdict.OK) is Verdict.REPAIR
    assert [str(each) for each in Verdict] == ["ok", "warn", "repair", "quarantine", "reject"]
