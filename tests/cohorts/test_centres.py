"""Centres differ from home in what their row says, and in nothing else."""

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.cohorts import SimulatedCohortSettings, build_simulated_cohort
from cardiolib.cohorts.simulated.centres import CENTRES, FRAMES, scan_protocol
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.digital_heart.outcomes import COHORT_KINDS, HAZARDS, WEIBULL_SHAPE

SIZE = {"n_subjects": 12, "n_imaged": 0}


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("centres")
    return {name: cl.open_cohort(name, root=folder, seed=3, **SIZE) for name in CENTRES}


def test_every_centre_is_a_named_cohort_with_the_hazard_of_its_row():
    for name, centre in CENTRES.items():
        assert COHORT_KINDS[name] == ("ph", centre.hazard) and centre.hazard in HAZARDS
        assert SimulatedCohortSettings(kind=name).centre is centre
    assert SimulatedCohortSettings(kind="simulated").centre is None


def test_other_scanner_has_the_patients_and_outcomes_of_home(cohorts):
    home, other = cohorts["simulated-home"], cohorts["simulated-other-scanner"]
    assert home.table.equals(other.table) and home.parameters.equals(other.parameters)


def test_more_deaths_has_the_patients_of_home(cohorts):
    home, other = cohorts["simulated-home"], cohorts["simulated-more-deaths"]
    assert home.parameters.equals(other.parameters)
    ratio = other.true_times() / home.true_times()
    np.testing.assert_allclose(ratio["event_time"], 2 ** (-1 / WEIBULL_SHAPE))
    np.testing.assert_allclose(ratio["censoring_time"], 1.5)


def test_milder_patients_are_milder_with_the_same_biology(cohorts):
    home, other = cohorts["simulated-home"].parameters, cohorts["simulated-milder-patients"].parameters
    for better in ("x_rvef", "x_long", "x_septal", "rvef", "tapse_mm"):
        assert other[better].mean() > home[better].mean()
    assert other["severity"].mean() < home["severity"].mean() and other["age"].mean() < home["age"].mean()
    for name in ("simulated-home", "simulated-milder-patients"):
        cohort = cohorts[name]
        traits = cohort.parameters
        expected = -0.6 * traits["x_long"] - 0.9 * traits["x_septal"] + 0.55 * traits["x_lag"]
        np.testing.assert_allclose(cohort.log_hazard(), expected, rtol=1e-9)


def test_other_biology_reads_the_delay_and_its_treated_patients_are_in_the_table(cohorts):
    cohort = cohorts["simulated-other-biology"]
    traits, treated = cohort.parameters, cohort.table["treated"]
    expected = -0.6 * traits["x_long"] - 0.3 * traits["x_septal"] + 1.1 * traits["x_lag"] + np.log(0.5) * treated
    np.testing.assert_allclose(cohort.log_hazard(), expected, rtol=1e-9)
    assert "treated" not in cohorts["simulated-home"].table


def test_abroad_differs_in_everything(cohorts):
    abroad = CENTRES["simulated-abroad"]
    for name in ("simulated-other-scanner", "simulated-milder-patients", "simulated-more-deaths"):
        one, home = CENTRES[name], CENTRES["simulated-home"]
        for field in ("other_scanner", "case_mix", "hazard_ratio", "follow_up"):
            if getattr(one, field) != getattr(home, field):
                assert getattr(abroad, field) == getattr(one, field)
    assert abroad.hazard == CENTRES["simulated-other-biology"].hazard


def test_protocols_of_the_other_scanner_vary_as_its_row_says():
    rng = np.random.default_rng(4)
    drawn = [scan_protocol(AcquisitionSettings(), rng) for _ in range(60)]
    assert {n for _, n in drawn} == set(FRAMES)
    assert {(one.thickness_mm, one.gap_mm) for one, _ in drawn} == {(6.0, 4.0), (10.0, 0.0), (6.0, 0.0)}
    assert all(one.three_tesla and one.banding >= 0.2 for one, _ in drawn)
    for one, _ in drawn:  # the heart is in the stack and in the image
        assert one.n_slices * one.slice_distance_mm >= 114 and 145 <= one.grid_size * one.spacing_mm <= 185


def test_a_scan_of_the_other_scanner_is_made_again_the_very_same(tmp_path):
    settings = SimulatedCohortSettings(kind="simulated-other-scanner", n_subjects=2, n_imaged=1)
    cohort = build_simulated_cohort(tmp_path / "c", settings=settings, seed=5)
    cine, again = cohort.image("PH001"), cohort.scan("PH001")
    assert cine.voxels.shape == again.cine.voxels.shape and cine.simulated
    assert cine.voxels.shape[3] in FRAMES and again.settings.three_tesla
    assert cohort.labels("PH001")[0].labels.shape == cine.voxels.shape
    assert cohort.true_landmarks("PH001").shape[0] == 20  # the truth is of the phases of the cycle, not of the frames


def test_deaths_of_a_centre_cannot_be_asked_for():
    with pytest.raises(ValueError, match="death_fraction must be left out for 'simulated-abroad'"):
        SimulatedCohortSettings(kind="simulated-abroad", death_fraction=0.5)
