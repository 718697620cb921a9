from flotilla.research.report.axes import Mark
from flotilla.research.report.plot import beneath, box, flag, plot, side_labels, touch


def test_a_picture_can_be_heard():
    picture = plot("equity", "Equity", "From 1 to 2.", [], [], 200)

    assert 'role="img" aria-labelledby="equity-title equity-desc"' in picture
    assert '<title id="equity-title">Equity</title><desc id="equity-desc">From 1 to 2.</desc>' in picture


def test_labels_stand_at_percentages_so_that_they_do_not_stretch():
    assert 'style="top:75.00%"' in side_labels([Mark(0.25, "5")])
    assert 'style="left:25.00%"' in beneath([Mark(0.25, "2021")])


def test_every_other_label_may_go_where_there_are_many():
    marks = [Mark(k / 10, str(k)) for k in range(7)]

    assert beneath(marks).count("spare") == 3
    assert beneath(marks[:6]).count("spare") == 0


def test_a_rectangle_is_measured_from_below():
    assert box(0.0, 0.5, 0.0, 0.25) == "M0 1000H1000V750H0Z"


def test_a_strip_carries_its_words():
    assert 'data-tip="2021\n+5%"' in touch(0.0, 1.0, "2021\n+5%")


def test_a_flag_hangs_on_the_side_that_has_room():
    assert "left:20.00%" in flag(0.2, 0, "Best", "best")
    assert "right:10.00%" in flag(0.9, 0, "Best", "best")
