import html
import json
import math
import re
import struct
import zlib

import numpy as np
from tests.research.report.conftest import sweep_of

from flotilla.research.report.heatmap import distribution, heat_map, histogram, palette, png, shades
from flotilla.research.report.surface import spread_of, surface_of


def decoded(image):
    """Return the pixels of a palette PNG, by its standard: uint8[R, C]."""
    chunks, at = {}, 8
    while at < len(image):
        (size,) = struct.unpack(">I", image[at : at + 4])
        kind, body = image[at + 4 : at + 8], image[at + 8 : at + 8 + size]
        assert struct.unpack(">I", image[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert len(chunks[b"PLTE"]) == 3 * 256
    return lines[:, 1:]


def drawn(data):
    surface = surface_of(data.sweep)
    return heat_map(data, data.sweep, surface, spread_of(data.sweep, surface))


def test_the_best_cell_is_lightest_and_an_empty_one_has_no_colour():
    values = np.array([[1.0, 2.0], [math.nan, 3.0]])

    assert shades(values, higher=True).tolist() == [[0, 255], [1, 128]]
    assert shades(values, higher=False).tolist() == [[0, 1], [255, 128]]


def test_equal_cells_have_equal_colours():
    assert len(set(shades(np.ones((2, 2)), higher=True).ravel())) == 1


def test_an_image_holds_the_pixels_that_went_in():
    pixels = np.random.default_rng(1).integers(0, 256, (7, 11)).astype(np.uint8)

    assert decoded(png(pixels)).tolist() == pixels.tolist()


def test_the_colours_run_from_dark_to_light_without_turning_back():
    light = palette() @ np.array([0.2126, 0.7152, 0.0722])

    assert palette().shape == (255, 3)
    assert np.all(np.diff(light) > -0.5)
    assert light[-1] > light[0] + 150


def test_ten_thousand_cells_are_a_small_image():
    cells = np.random.default_rng(1).normal(size=(100, 100))

    assert len(png(shades(cells, higher=True))) < 15_000


def test_the_map_carries_each_cells_figures_for_the_tips(made):
    data = made()

    carried = json.loads(html.unescape(re.search(r'data-plot="([^"]*)"', drawn(data)).group(1)))

    assert carried["values"] == surface_of(data.sweep).values.tolist()
    assert (carried["down"], carried["across"]) == (["2", "3", "4"], ["10", "20", "30"])
    assert carried["best"] == [2, 2]


def test_the_best_is_marked_and_said(made):
    picture = drawn(made())

    assert "The ring marks the best: cross.fast 4, cross.slow 30." in picture
    assert 'class="ring" style="left:83.33%;top:16.67%"' in picture


def test_a_cell_that_is_the_best_of_several_says_that_it_flatters(made):
    data = made(sweep=sweep_of({"a": [1, 2, 3], "b": [1, 2, 3], "fee": [5, 10]}))

    assert "Each cell shows the best over fee, which flatters it." in drawn(data)


def test_one_parameter_is_a_line_and_not_a_map(made):
    picture = drawn(made(sweep=sweep_of({"fast": [1, 2, 3]})))

    assert "Sharpe ratio against fast" in picture
    assert "<img" not in picture


def test_every_portfolio_is_in_one_bin():
    counts, edges = histogram(np.random.default_rng(1).normal(size=10_000))

    assert (counts.sum(), len(counts), len(edges)) == (10_000, 60, 61)


def test_the_distribution_marks_the_best_the_median_and_the_benchmark(made):
    data = made()

    picture = distribution(data, data.sweep, spread_of(data.sweep, surface_of(data.sweep)))

    assert [
        m.replace("</span>", "") for m in re.findall(r"(?:Best|Median|Buy and hold) [\d.]+</span>", picture)
    ] == [
        "Best 34.00",
        "Median 23.00",
        "Buy and hold 0.50",
    ]
