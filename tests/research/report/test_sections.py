import math
import re

from tests.research.report.conftest import sweep_of

from flotilla.research.profit import Contribution
from flotilla.research.report.sections import CARDS, body, explored


def page(data):
    return "".join(body(data, explored(data)))


def headings(data):
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", page(data))


def test_the_page_is_read_from_what_happened_to_how_to_make_it_again(made):
    assert headings(made()) == [
        "Growth", "Returns", "Sweep", "Skill or luck", "Activity", "Measures", "Assumptions", "Parameters",
        "Lineage",
    ]  # fmt: skip


def test_risk_and_instruments_are_there_where_they_are_known(made):
    known = made(statistics={"sortino": 1.0}, contributions=[Contribution("KO", 1.0, 1.0, 1.0, 1, 0.5)])

    assert "Risk" in headings(known)
    assert "Instruments" in headings(known)


def test_the_head_shows_what_is_told_and_the_appendix_every_parameter(made):
    text = page(made(told=("cross.slow",)))

    head, appendix = text.split("<nav")[0], text.split('id="parameters"')[1]
    assert "cross.slow" in head
    assert "cross.fast" not in head
    assert "All 2 parameters" in head
    assert "cross.fast" in appendix
    assert "cross.slow" in appendix


def test_remarks_stand_beside_the_verdict(made):
    assert "<li>the record is of 9 days</li>" in page(made(remarks=["the record is of 9 days"]))


def test_a_single_run_has_no_sweep_but_is_warned_about_luck_all_the_same(made):
    single = made(sweep=None)

    assert "Sweep" not in headings(single)
    assert "Skill or luck" in headings(single)
    assert "The best of many is luck until shown otherwise." in page(single)


def test_the_warning_stands_before_the_first_number_of_merit(made):
    text = page(made())

    assert text.index("The best of 9 is luck until shown otherwise.") < text.index('class="cards"')


def test_what_is_reserved_says_that_it_is_not_computed_yet(made):
    luck = page(made()).split('id="luck"')[1].split("<section")[0]

    for name in (
        "Deflated Sharpe ratio",
        "Probability of backtest overfitting",
        "Superior predictive ability",
    ):
        assert name in luck
    assert luck.count("not computed yet") == 4


def test_every_link_leads_to_a_part_of_the_page(made):
    text = page(made())

    links, names = re.findall(r'href="#([^"]+)"', text), set(re.findall(r' id="([^"]+)"', text))
    assert links
    assert set(links) <= names


def test_no_name_is_given_twice(made):
    names = re.findall(r' id="([^"]+)"', page(made()))

    assert len(names) == len(set(names))


def test_the_cards_are_the_measures_that_there_are(made):
    measures = dict.fromkeys(CARDS[:4], 0.5)

    assert page(made(measures=measures)).count('class="value"') == 4


def test_each_assumption_and_its_absence_is_printed(made):
    data = made()
    text = page(data).replace("&amp;", "&")

    assert all(words in text for _, words in (*data.assumptions, *data.not_modelled))


def test_lineage_and_the_command_are_printed_in_full(made):
    lineage = page(made()).split('id="lineage"')[1]

    assert "ab12" * 8 in lineage
    assert "cd34" * 8 in lineage
    assert "flotilla sweep cross.yaml" in lineage


def test_a_sweep_in_which_nobody_has_the_measure_says_so(made):
    nobody = made(sweep=sweep_of({"a": [1, 2]}, score=lambda a: math.nan))

    assert "None of them has a value of Sharpe ratio." in page(nobody)
