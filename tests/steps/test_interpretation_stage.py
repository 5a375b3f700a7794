"""The steps of notebook 05: with and without stored bootstraps, truth and surface; every sentence from numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import SimulatedCohortSettings, build_simulated_cohort
from cardiolib.interpretation import fit_null_network, regression_motion
from cardiolib.interpretation.explained_network import NO_SURFACE, InterpretationInputs
from cardiolib.interpretation.maps_of_risk import PlantedTests
from cardiolib.interpretation.patient_maps import TITLES
from cardiolib.interpretation.planted import BASELINE, PlantedTest
from cardiolib.interpretation.risk_motion import REGRESSION
from cardiolib.meshes import SurfaceMesh
from cardiolib.steps import interpretation as stage
from cardiolib.steps import risk_hearts as stage_risk
from cardiolib.steps import saliency as stage_saliency
from cardiolib.steps.survival import MODEL_FILE, load_survival_data, train_final
from cardiolib.survival import NetworkSettings
from cardiolib.validation import BootstrapStore, draw_bag, write_bootstrap
from cardiolib.work import Work

SETTINGS = stage.InterpretationStageSettings(
    n_neighbours=5, n_permutations=50, n_refits=2, n_planted=2, n_true_hearts=50
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Inputs of a small simulated cohort with a stored bootstrap, its folders, refits and maps."""
    root = tmp_path_factory.mktemp("run")
    cohort = build_simulated_cohort(
        root / "cohort", settings=SimulatedCohortSettings(n_subjects=50, n_imaged=0, death_fraction=0.5), seed=3
    )
    data = load_survival_data(cohort, Work(seed=0, folder=root, inputs={"motion": root / "motion"}))
    (root / "survival").mkdir()
    (root / "validation").mkdir()
    network = train_final(
        data,
        NetworkSettings(hidden=10, latent=4, epochs=15, log10_learning_rate=-3.5),
        Work(seed=1, folder=root / "survival"),
    )
    network.save(root / "survival" / MODEL_FILE)
    bags = np.stack([draw_bag(7, b, 50) for b in range(20)])
    risk = np.tile(cohort.log_hazard().loc[list(data.ids)].to_numpy(), (20, 1))
    write_bootstrap(
        BootstrapStore(data.ids, data.event, data.time, bags, risk), root / "validation" / stage.BOOTSTRAP_FILE
    )
    inputs = stage.load_inputs(
        cohort,
        Work(
            seed=0,
            folder=Path(),
            inputs={"motion": root / "motion", "survival": root / "survival", "validation": root / "validation"},
        ),
    )
    refits = stage.refits(inputs, SETTINGS, Work(seed=5, folder=Path()))
    saliency = stage_saliency.saliency(inputs, refits, SETTINGS, Work(seed=5, folder=root))
    hearts = stage_risk.risk_hearts(inputs, refits, cohort, SETTINGS, Work(seed=5, folder=root))
    return cohort, inputs, refits, saliency, hearts, root


def test_risks_are_out_of_bag_where_they_are_stored_and_apparent_otherwise(run):
    cohort, inputs, _, _, _, root = run
    truth = cohort.log_hazard().loc[list(inputs.data.ids)].to_numpy()
    assert inputs.risk.source == "out-of-bag"
    assert np.corrcoef(inputs.risk.log_risk, truth)[0, 1] > 0.99  # the stored predictions, not the network's
    without = stage.load_inputs(
        cohort,
        Work(
            seed=0,
            folder=Path(),
            inputs={"motion": root / "motion", "survival": root / "survival", "validation": root / "nowhere"},
        ),
    )
    assert without.risk.source == "apparent"
    np.testing.assert_allclose(without.risk.log_risk, inputs.network.predict_log_risk(inputs.data.X))


def test_saliency_tells_what_it_counts(run):
    _, _, _, saliency, _, root = run
    table = pd.read_csv(root / "saliency.csv", index_col="vertex")
    np.testing.assert_allclose(table["correlation"], saliency.vertices["correlation"], rtol=1e-5)  # six digits stored
    sentences = stage_saliency.saliency_claims(saliency)
    assert sentences[0].startswith(f"{int((table['p_family'] <= 0.05).sum())} of 202 vertices go with the out-of-bag")
    assert sentences[1].startswith(f"{int((table['p_family_death'] <= 0.05).sum())} of 202")
    assert saliency.attribution.relative_completeness_error < 1e-10
    assert set(saliency.summary_by_phase.index.get_level_values("method")) == set(saliency.by_method)
    np.testing.assert_allclose(saliency.shares().sum(), 1)
    assert saliency.n_phases == 20 and len(saliency.with_units) == 3


def test_the_true_direction_scores_by_its_own_measure(run):
    _, inputs, _, _, hearts, _ = run
    assert hearts.methods.loc[REGRESSION, "cosine with truth"] == pytest.approx(
        regression_motion(inputs.risk.log_risk, inputs.data.X, n_vertices=202).cosine(hearts.truth)
    )
    table = hearts.physiology
    claims = stage_risk.risk_claims(hearts)
    assert len(claims) == 4 + len(table)
    assert f"{hearts.methods.loc[REGRESSION, 'cosine with truth']:.2f}" in claims[2]
    metrics = stage_risk.risk_metrics(hearts)
    assert metrics["tapse_change_mm"] == pytest.approx(table.loc["TAPSE", "high risk"] - table.loc["TAPSE", "low risk"])
    assert set(hearts.cycle_curves["heart"]) == set(hearts.hearts)
    assert len(hearts.changes) == 2 and list(hearts.learnt) == ["low risk", "high risk"]


def test_scores_stand_beside_those_of_maps_that_know_nothing(run):
    _, inputs, _, saliency, hearts, _ = run
    truth = hearts.truth
    null = fit_null_network(inputs.data.X, inputs.data.event, inputs.data.time, inputs.network.settings, seed=1)
    scores = stage_saliency.true_scores(saliency, truth, inputs, null, Work(seed=1, folder=Path()), n_shuffles=10)
    assert not scores.lacks and BASELINE in scores.table.index
    assert scores.table["shuffled"].drop(BASELINE).between(0, 1).all()
    patch = np.arange(202) < 20
    test = PlantedTest(
        0,
        "amplitude",
        patch,
        {"correlation": patch * 1.0},
        {
            name: 0.5
            for name in (
                "correlation",
                "slope",
                "change of motion",
                "integrated gradients",
                "correlation with the true log hazard",
                BASELINE,
            )
        },
        0.1,
        0.9,
    )
    planted = PlantedTests([test], inputs.mesh)
    claims = stage_saliency.score_claims(scores, planted)
    assert f"{scores.table.loc[BASELINE, 'average precision']:.2f}" in claims[0]
    assert "correlation 5.0" in claims[1]
    (wall,) = planted.one_a_wall
    assert planted.one_a_wall[wall] is test and wall in ("free wall", "septum")
    metrics = stage_saliency.saliency_metrics(saliency, scores, planted)
    assert metrics["planted_paper_saliency_times_chance"] == pytest.approx(5)


def test_a_cohort_without_surface_and_truth_is_told_so(run):
    _, inputs, _, saliency, hearts, _ = run
    points = SurfaceMesh(np.zeros((202, 3)), np.zeros((0, 3), int), np.zeros(202, int), ("all",))
    bare = InterpretationInputs(inputs.data, inputs.network, inputs.risk, points)
    assert bare.lacks == NO_SURFACE and not inputs.lacks
    planted = stage_saliency.planted(bare, SETTINGS, Work(seed=1, folder=Path()))
    assert planted.tests == [] and planted.table.empty and planted.lacks == NO_SURFACE
    flat = replace(hearts, mesh=points, truth=None)
    assert flat.lacks == NO_SURFACE and flat.physiology.empty and flat.cycle_curves.empty
    assert len(stage_risk.risk_claims(flat)) == 3
    scores = stage_saliency.true_scores(saliency, None, bare, None, Work(seed=1, folder=Path()))
    assert "cannot be scored" in scores.lacks and scores.table.empty
    assert stage_saliency.score_claims(scores, planted) == [scores.lacks]


@pytest.mark.slow
def test_maps_of_patients_come_with_quality_stability_and_a_null(run):
    _, inputs, refits, _, _, root = run
    maps = stage.latent_maps(inputs, refits, SETTINGS, Work(seed=5, folder=root))
    assert maps.quality.index.tolist() == list(TITLES)
    assert maps.quality["neighbours kept"].between(0, 1).all()
    claims = stage.latent_claims(maps)
    assert len(claims) == 4
    assert f"C = {maps.null.c_index:.2f}" in claims[3]
    assert {one.shape for one in maps.aligned.values()} == {(3, 50, 2)}
    assert stage.latent_metrics(maps, inputs)["explained_risk"] == "out-of-bag"


@pytest.mark.parametrize("change", [{"n_refits": 1}, {"n_planted": 0}, {"risk_sd": 0.0}, {"n_true_hearts": 3}])
def test_settings_that_make_no_sense(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        stage.InterpretationStageSettings(**change)
