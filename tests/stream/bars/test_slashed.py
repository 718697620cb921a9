import pytest

from flotilla.stream.bars.slashed import is_slashed, order_of


@pytest.mark.parametrize(
    "text", ["1/2/2024", "01-02-24", "31.12.1999", "01/02/2024 09:30", "1/2/2024 9:30 PM"]
)
def test_a_date_whose_day_and_month_may_be_swapped(text):
    assert is_slashed(text)


@pytest.mark.parametrize("text", ["2024-01-02", "1/2.2024", "01/02", "", "20240102", "1/2/2024 soon"])
def test_what_is_none(text):
    assert not is_slashed(text)


def test_a_number_above_twelve_proves_which_place_is_the_days():
    day = order_of(["01/02/2024", "13/02/2024"], by_order=False)
    month = order_of(["01/02/2024", "", "02/13/2024 16:00"], by_order=False)

    assert (day.day_first, day.form, day.why) == (True, "%d/%m/%Y", "13/02/2024 proves")
    assert (month.day_first, month.form, month.said) == (
        False, "%m/%d/%Y", "dates are read month first, as 02/13/2024 16:00 proves",
    )  # fmt: skip


def test_two_proofs_are_none_and_both_are_shown():
    order = order_of(["13/02/2024", "02/13/2024"], by_order=True)

    assert order.day_first is None
    assert "13/02/2024 and 02/13/2024 are both there" in order.asked[0]


def test_the_order_of_the_rows_tells_it_where_it_runs_by_one_reading_only():
    rows = ["01/02/2024", "12/01/2024", "11/01/2024"]  # 1 Feb, 12 Jan, 11 Jan; or 2 Jan, 1 Dec, 1 Nov

    assert order_of(rows, by_order=True).day_first is True
    assert order_of(rows, by_order=False).day_first is None
    assert order_of(["05/12/2023", "04/12/2023", "03/12/2023"], by_order=True).day_first is None
    assert order_of(["01/02/2024", "01/02/2024", "01/02/2024"], by_order=True).day_first is None


def test_a_year_of_two_digits_and_a_clock_are_of_the_format():
    assert order_of(["1.31.24"], by_order=False).form == "%m.%d.%y"
    assert order_of(["1/31/2024 9:30:00"], by_order=False).form == "%m/%d/%Y %H:%M:%S"
    assert order_of(["1/31/2024 9:30 PM"], by_order=False).form == "%m/%d/%Y %I:%M %p"


def test_one_order_is_read_unasked_and_the_other_where_both_are_usual():
    day, month = (order_of([text], by_order=False) for text in ("13/02/2024", "02/13/2024"))

    assert (day.is_told(either=False), day.is_told(either=True)) == (False, True)
    assert month.is_told(either=False)
