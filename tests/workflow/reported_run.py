"""Metrics and manifest of a run as pages of checklists read them."""

from __future__ import annotations

METRICS = {
    "cohort": {"subjects_count": 302, "deaths_percent": 28.15, "median_follow_up_years": 2.99, "layout": "simulated"},
    "survival": {
        "inputs_count": 11514,
        "patients_count": 302,
        "settings_tried_count": 42,
        "best_hidden": 100,
        "best_latent": 12,
        "best_dropout": 0.3,
        "best_alpha": 0.5,
        "best_log10_learning_rate": -5.0,
        "best_log10_l1": -5.5,
    },
    "motion": {"flagged_subjects_count": 0, "matrix_inputs_count": 11514},
    "validation": {
        "patients_count": 302,
        "deaths_count": 85,
        "supported_parameters": 3.87,
        "network_c_632plus": 0.7931,
        "network_c_632plus_low": 0.742,
        "network_c_632plus_high": 0.836,
        "network_c_apparent": 0.888,
        "network_failed_replicates_count": 0,
        "network_brier_explained": 0.24,
        "network_ici_1y": 0.01,
        "network_ici_3y": 0.02,
        "network_ici_5y": 0.01,
    },
}


def manifest(simulated=True):
    stage = {"status": "complete", "git": {"commit": "abc1234"}, "parameters": {}}
    validation = stage | {"parameters": {"n_replicates": 100, "n_folds": 6, "n_repeats": 2, "search_in_bag": False}}
    survival = stage | {"parameters": {"epochs": 100, "n_folds": 6}}
    return {
        "simulated": simulated,
        "cohort": "simulated",
        "seed": 7,
        "motion_source": "truth",
        "stages": {"cohort": stage, "survival": survival, "validation": validation},
    }
