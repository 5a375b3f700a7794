"""Figures of other centres draw the numbers that they are given, and say what is missing."""

import numpy as np
import pandas as pd
import pytest

import cardiolib as cl
from cardiolib.figures import bound_coverage, centre_map, learning_curves, left_out_centres
from cardiolib.validation import internal_external

CENTRES = pd.DataFrame(
    {
        "membership": [0.5, 0.8],
        "O/E": [1.0, 1.9],
        "O/E low": [0.8, 1.5],
        "O/E high": [1.2, 2.4],
        "C": [0.78, 0.70],
        "expected C": [0.79, 0.74],
    },
    index=["home", "abroad"],
)


def test_the_map_of_centres_holds_every_centre_twice():
    figure, table = centre_map(CENTRES)
    assert table["centre"].tolist() == ["home", "abroad"] and len(figure.axes) == 2
    drawn = [line.get_xydata().tolist() for line in figure.axes[0].lines]
    assert [[0.8, 1.9]] in drawn and [[0.74, 0.70]] in [line.get_xydata().tolist() for line in figure.axes[1].lines]
    assert [text.get_text() for text in figure.legends[0].texts] == ["home", "abroad"]


def test_left_out_centres_end_with_a_new_one():
    rng = np.random.default_rng(1)
    X, time = rng.normal(size=(240, 2)), rng.exponential(size=240)
    found = internal_external(cl.CoxRecipe(), X, time < 1, time.clip(max=1), np.repeat(list("abc"), 80))
    _, table = left_out_centres(found)
    assert table["what"].tolist() == ["a", "b", "c", "average", "a new centre"]
    assert table["low"].iloc[-1] <= table["low"].iloc[-2] and table["high"].iloc[-1] >= table["high"].iloc[-2]


def test_learning_curves_average_what_is_repeated():
    found = pd.DataFrame(
        {
            "hazard": ["linear"] * 5,
            "n": [302, 302, 2000, 302, 2000],
            "model": ["network"] * 3 + ["oracle"] * 2,
            "C": [0.70, 0.74, 0.78, 0.8, 0.8],
        }
    )
    figure, table = learning_curves(found)
    network = table[table["model"] == "network"].set_index("n")
    assert network.loc[302, "C"] == pytest.approx(0.72) and network.loc[302, "se"] == pytest.approx(0.02)
    assert np.isnan(network.loc[2000, "se"]) and figure.axes[0].get_xscale() == "log"


def test_coverage_is_drawn_by_group_and_centre():
    found = pd.DataFrame(
        {
            "centre": ["home", "home", "abroad"],
            "group": ["men", "women", "men"],
            "coverage": [0.9, 0.92, 0.7],
            "se": 0.02,
        }
    )
    figure, table = bound_coverage(found)
    assert len(table) == 3
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["home", "abroad"]


@pytest.mark.parametrize("draw", [centre_map, bound_coverage, learning_curves])
def test_tables_without_what_is_drawn_are_refused(draw):
    with pytest.raises(ValueError, match="needs rows and the columns"):
        draw(pd.DataFrame({"n": [1]}))
