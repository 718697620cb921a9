from types import SimpleNamespace

from flotilla.cli.compiler import waits_for
from flotilla.kernel.lanes import advance


def test_a_kernel_is_waited_for_until_its_code_is_in_the_cache(tmp_path):
    kernel = SimpleNamespace(stats=SimpleNamespace(cache_path=tmp_path / "cache"), py_func=advance.py_func)
    before = waits_for(kernel)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "lanes.other-20.py311.nbi").touch()
    still = waits_for(kernel)

    (tmp_path / "cache" / "lanes.advance-20.py311.nbi").touch()

    assert "compiler" in before
    assert still == before
    assert waits_for(kernel) == ""


def test_numba_says_where_the_cache_of_our_kernels_is():
    assert isinstance(waits_for(advance), str)
