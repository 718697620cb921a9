from flotilla.clock import monotonic_ns, now_ns, sleep


def test_the_time_of_day_is_the_machine_s(tmp_path):
    before = now_ns()
    (tmp_path / "written").touch()

    # A file system's clock ticks a few hundred times a second.
    assert abs((tmp_path / "written").stat().st_mtime_ns - before) < 1_000_000_000


def test_sleep_takes_its_time_and_none_where_there_is_none_left():
    start = monotonic_ns()
    sleep(-1)
    sleep(0.01)

    assert monotonic_ns() - start >= 10_000_000
