"""The one door: errors that name every layout and what each lacked."""

from __future__ import annotations

import pytest

from cardiolib.cohorts import LAYOUTS, SIMULATED_NAMES, CohortError, SimulatedCohortSettings, open_cohort


def test_a_folder_of_no_layout_is_told_what_each_layout_lacked(tmp_path):
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(CohortError) as caught:
        open_cohort(tmp_path)
    message = str(caught.value)
    for layout in LAYOUTS:
        assert f"  {layout}: " in message
    for lacking in ("cohort.json", "Info.cfg", "subjnames.txt", "sa.nii.gz", "inputdata_DL.pkl", "not a .npz file"):
        assert lacking in message


def test_one_layout_can_be_asked_for(tmp_path):
    with pytest.raises(CohortError, match="ACDC: no patientNNN/Info.cfg") as caught:
        open_cohort(tmp_path, layout="ACDC")
    assert "4Dsegment" not in str(caught.value)
    with pytest.raises(ValueError, match="layout must be one of .*given 'DICOMDIR'"):
        open_cohort(tmp_path, layout="DICOMDIR")


def test_a_path_that_does_not_exist_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is nothing at .*nowhere"):
        open_cohort(tmp_path / "nowhere")


def test_a_named_cohort_is_built_once_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CARDIOLIB_DATA", str(tmp_path))
    tiny = {"n_subjects": 3, "n_imaged": 0, "death_fraction": 0.5}
    first = open_cohort("simulated", seed=5, **tiny)
    assert first.simulated and len(first) == 3 and first.folder.parent == tmp_path / "cohorts"
    build = "cardiolib.cohorts.simulated.named.build_simulated_cohort"
    monkeypatch.setattr(build, lambda *a, **k: pytest.fail("built again"))
    assert open_cohort("simulated", seed=5, **tiny).folder == first.folder
    assert [path.name for path in first.folder.parent.iterdir()] == [first.folder.name]

    def half(folder, **given):
        folder.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(build, half)
    for change in ({"seed": 6, **tiny}, {"seed": 5, **tiny, "hazard_strength": 2.0}):
        with pytest.raises(KeyboardInterrupt):  # another seed or setting is another cohort, and half of one is none
            open_cohort("simulated", **change)
    assert [path.name for path in first.folder.parent.iterdir()] == [first.folder.name]
    monkeypatch.setattr("cardiolib.cohorts.simulated.named.code_digest", lambda: "another simulator")
    with pytest.raises(KeyboardInterrupt):
        open_cohort("simulated", seed=5, **tiny)
    with pytest.raises(TypeError, match="n_subjects only suit"):
        open_cohort(tmp_path, n_subjects=3)


def test_a_scheme_is_only_for_the_layout_that_needs_one(tmp_path):
    (tmp_path / "subjnames.txt").write_text("a\n")
    assert open_cohort(tmp_path).ids == ("a",)
    with pytest.raises(ValueError, match="leave out scheme"):
        open_cohort(tmp_path, scheme="acdc")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "healthy"),
        ("n_subjects", 1),
        ("n_subjects", 3.0),
        ("n_subjects", True),
        ("n_imaged", -1),
        ("n_imaged", 303),
        ("n_phases", 1),
        ("death_fraction", 0.0),
        ("death_fraction", 1),
        ("death_fraction", "0.3"),
        ("hazard_strength", -1.0),
        ("separate_shape", 1),
        ("randomise_acquisition", "yes"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^SimulatedCohortSettings.{field} must"):
        SimulatedCohortSettings(**{field: value})


def test_named_cohorts_have_their_hazards():
    kinds = {name: SimulatedCohortSettings(kind=name) for name in SIMULATED_NAMES}
    assert kinds["simulated"].hazard == "motion" and kinds["simulated"].ids[0] == "PH001"
    assert kinds["simulated-volume-hazard"].hazard == "volume"
    assert kinds["simulated-null-hazard"].hazard == "null"
    assert kinds["simulated-controls"].population == "control" and kinds["simulated-controls"].ids[-1] == "HC302"
