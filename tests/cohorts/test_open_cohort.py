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
    with pytest.raises(ValueError, match="layout must be one of .*given 'BIDS'"):
        open_cohort(tmp_path, layout="BIDS")


def test_a_path_that_does_not_exist_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is nothing at .*nowhere"):
        open_cohort(tmp_path / "nowhere")


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_a_named_cohort_that_was_not_built_says_how_to_build_it(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="has not been built.*build_simulated_cohort"):
        open_cohort(name, root=tmp_path)


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
    with pytest.raises(ValueError, match=f"^{field} must"):
        SimulatedCohortSettings(**{field: value})


def test_named_cohorts_have_their_hazards():
    kinds = {name: SimulatedCohortSettings(kind=name) for name in SIMULATED_NAMES}
    assert kinds["simulated"].hazard == "motion" and kinds["simulated"].ids[0] == "PH001"
    assert kinds["simulated-volume-hazard"].hazard == "volume"
    assert kinds["simulated-null-hazard"].hazard == "null"
    assert kinds["simulated-controls"].population == "control" and kinds["simulated-controls"].ids[-1] == "HC302"
