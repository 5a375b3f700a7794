"""The page: works offline, says what it must, crosses out what should not be used."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from made_scans import part, with_quality

import cardiolib as cl
from cardiolib.scan import analyse_scan, read_risk_model, risk_of
from cardiolib.scan.cine_player import cine_frames
from cardiolib.scan.page import NOT_CLINICAL, scan_page
from cardiolib.scan.writing import provenance
from cardiolib.segmentation import segmentation_from_labels


class Page(HTMLParser):
    """Tags with their attributes, text outside scripts, and what would be loaded from elsewhere."""

    LOADING = ("src", "href", "data", "poster", "srcset", "action")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text, self._script = "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._script = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._script = False

    def handle_data(self, data):
        self.text += "" if self._script else data

    @property
    def loaded(self) -> list[str]:
        found = [attrs[name] for _, attrs in self.tags for name in self.LOADING if attrs.get(name)]
        return [one for one in found if not one.startswith("data:")]


@pytest.fixture(scope="module")
def text(result) -> str:
    return scan_page(result, risk=None, made_with=provenance())


def test_nothing_is_loaded_from_elsewhere(text) -> None:
    assert Page(text).loaded == []
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    assert "url(" not in styles and "@import" not in styles


def test_the_page_says_what_it_must(text, result) -> None:
    page = Page(text)
    assert NOT_CLINICAL in page.text and "SIMULATED: no patient" in page.text
    assert "500 simulated controls" in page.text and "no reference range of people" in page.text
    assert re.search(r"<title>heart: simulated scan, cardiolib report</title>", text)
    assert ("html", {"lang": "en"}) in page.tags
    for heading in ("What can be used", "The cine and its contours", "Strain of the left ventricle", "All numbers"):
        assert heading in page.text
    assert all(row["reason"].split(" ")[0] in page.text for _, row in result.verdicts.iterrows())


def test_everything_that_is_seen_is_told(text) -> None:
    page = Page(text)
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in page.tags if tag in ("svg", "canvas"))
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1 and max(headings) == 2


def test_what_should_not_be_used_is_crossed_out_and_what_is_fine_is_not(result) -> None:
    bad = scan_page(with_quality(result, "folding"), risk=None, made_with=provenance())
    value = f"{result.indices.loc['lv_ef_mesh_percent', 'value']:.0f}"
    assert f"<del title='do not use'>{value}</del>" in bad and "The motion should not be used" in bad
    good = scan_page(with_quality(result), risk=None, made_with=provenance())
    assert "<del title" not in good and "The motion should not be used" not in good


def test_one_frame_has_a_page_without_motion(scan) -> None:
    cine, labels = part(scan, frames=[0])
    one = analyse_scan(cine, segmentation=segmentation_from_labels(labels, cine), scan_id="<b>one</b>")
    text = scan_page(one, risk=None, made_with=provenance())
    page = Page(text)
    assert "one frame" in page.text and "Plotly.newPlot" not in text and "Strain of the left" not in page.text
    assert "<b>one</b>" not in text and "&lt;b&gt;one" in text
    assert not [attrs for tag, attrs in page.tags if tag == "button"]


def test_the_player_holds_every_frame_and_its_contours_lie_on_the_heart(text, scan, found) -> None:
    content = re.search(r"<script type='application/json' data-role='data'>(.*?)</script>", text, re.S)
    data = json.loads(content[1])
    assert len(data["frames"]) == len(data["contours"]) == scan.cine.n_frames
    assert data["frameMs"] == pytest.approx(scan.cine.frame_time_ms)
    assert data["marks"] == {str(found.ed): "ED", str(found.es): "ES"}
    frames = cine_frames(scan.cine, found.labels, base_is_last=True)
    areas = [
        sum(_area(line) for line in frame["lv_cavity"]) * frames.pixel_mm**2 * scan.cine.spacing_mm[2] / 1000
        for frame in frames.contours
    ]
    assert np.allclose(areas, found.volumes["lv_cavity_ml"], rtol=0.08)
    inside = frames.pictures[0].shape
    points = np.concatenate(frames.contours[0]["lv_wall"])
    assert (points >= 0).all() and (points <= inside[::-1]).all()


def _area(line: np.ndarray) -> float:
    x, y = line.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, object]:
    """Models of motion that say that they are of simulated, and of real patients."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 11514))
    quick = cl.NetworkSettings(hidden=4, latent=2, epochs=2)
    model = cl.fit_network(X, np.ones(20), np.arange(20.0), quick)
    folder, found = tmp_path_factory.mktemp("models"), {}
    for name, simulated in (("simulated", "yes"), ("real", "no")):
        replace(model, provenance={"simulated": simulated, "cohort": name}).save(folder / f"{name}.npz")
        found[name] = read_risk_model(folder / f"{name}.npz")
    return found


def test_a_risk_comes_with_its_origin_and_is_crossed_out_where_motion_is_bad(result, models) -> None:
    risk = risk_of(with_quality(result), models["simulated"])
    expected = models["simulated"].network.predict_log_risk(result.motion.motion[None])[0]
    assert risk.usable and risk.log_risk == expected == risk.as_record()["log_risk"]
    page = scan_page(result, risk=risk, made_with=provenance())
    assert "20 simulated patients" in Page(page).text and "60 simulated controls" in Page(page).text
    bad = risk_of(with_quality(result, "folding"), models["simulated"])
    assert not bad.usable and bad.as_record()["log_risk"] is None and "because of folding" in bad.warnings[0]
    assert re.search(r"<del><b>[+-]\d", scan_page(result, risk=bad, made_with=provenance()))


def test_a_model_of_simulated_patients_says_nothing_about_a_real_one(result, models) -> None:
    real = replace(
        with_quality(result),
        cine=replace(result.cine, simulated=False),
        segmentation=replace(result.segmentation, labels=replace(result.segmentation.labels, simulated=False)),
    )
    assert not risk_of(real, models["simulated"]).usable
    assert "says nothing about a real patient" in " ".join(risk_of(real, models["simulated"]).warnings)
    told = risk_of(real, models["real"])
    assert told.usable and "another hospital" in told.warnings[0]
    assert "no patient has this risk" in " ".join(risk_of(with_quality(result), models["real"]).warnings)


def test_a_heart_without_motion_has_no_risk_and_other_files_are_no_model(result, models, tmp_path) -> None:
    assert risk_of(replace(result, motion=None, lacks="x"), models["real"]) is None
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="is not a model file"):
        read_risk_model(tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError, match="there is no risk model"):
        read_risk_model(tmp_path / "none.npz")
    small = cl.fit_network(np.eye(20), np.ones(20), np.arange(20.0), cl.NetworkSettings(hidden=4, latent=2, epochs=2))
    small.save(tmp_path / "small.npz")
    with pytest.raises(ValueError, match="takes 20 numbers"):
        read_risk_model(tmp_path / "small.npz")
