"""The items of TRIPOD+AI, in our own words, each with what a run can say about it.

Inventory (27 items, 52 sub-items) of Collins et al., BMJ 2024;385:e078378. The topics are paraphrases to find one's
way; the published checklist governs.
"""

from __future__ import annotations

from typing import NamedTuple


class Item(NamedTuple):
    """One sub-item.

    Attributes
    ----------
    number : str
        As in the checklist, for example "12c".
    section, topic : str
        Our paraphrase.
    answer : str
        What the run says: a template over its metrics and manifest; empty where no run can say it.
    simulated : bool
        Whether the item has a meaning for a simulated cohort; where not, it is for the authors of a real one.
    """

    number: str
    section: str
    topic: str
    answer: str = ""
    simulated: bool = True


def _c(model: str) -> str:
    return (
        f"{{validation.{model}_c_632plus:.3f}} (95 % interval {{validation.{model}_c_632plus_low:.3f}} to "
        f"{{validation.{model}_c_632plus_high:.3f}})"
    )


_NETWORK_SETTINGS = (
    "{survival.best_hidden} hidden and {survival.best_latent} latent units, dropout {survival.best_dropout:.2f}, "
    "weight of reconstruction {survival.best_alpha:.2f}, log10 learning rate {survival.best_log10_learning_rate:.2f}, "
    "log10 penalty {survival.best_log10_l1:.2f}"
)

ITEMS: tuple[Item, ...] = (
    Item("1", "Title", "Name the study as developing or evaluating a prediction model, with population and outcome"),
    Item("2", "Abstract", "Structured summary (TRIPOD+AI for abstracts)"),
    Item("3a", "Introduction", "Healthcare context, and existing models"),
    Item("3b", "Introduction", "Target population, purpose, place in the care pathway, users"),
    Item("3c", "Introduction", "Known health inequalities between groups"),
    Item(
        "4",
        "Introduction",
        "Objectives: development, evaluation or both",
        "This run develops a network that predicts survival from the cardiac motion of {survival.patients_count} "
        "patients, and evaluates it internally against simpler models. There is no external evaluation.",
    ),
    Item(
        "5a",
        "Methods: data",
        "Source of the data, and how representative it is",
        "The name of the cohort is {manifest.cohort}; its layout is {cohort.layout}. The motion is "
        "{manifest.motion_source}.",
    ),
    Item("5b", "Methods: data", "Dates of accrual and end of follow-up", simulated=False),
    Item("6a", "Methods: participants", "Setting, number and place of centres", simulated=False),
    Item("6b", "Methods: participants", "Eligibility criteria", simulated=False),
    Item("6c", "Methods: participants", "Treatments received", simulated=False),
    Item(
        "7",
        "Methods: data preparation",
        "Preprocessing and quality checks",
        "Displacements of matched surface points from end-diastole, {survival.inputs_count:,} numbers per patient in "
        "mm, are joined with follow-up by subject ID. Scaling is fitted on training patients only. "
        "{motion.flagged_subjects_count} subjects were flagged in tracking.",
    ),
    Item(
        "8a",
        "Methods: outcome",
        "Outcome, time horizon, how assessed",
        "The outcome is time to death in {cohort_time_unit}. The median follow-up is {follow_up}.",
    ),
    Item("8b", "Methods: outcome", "Qualifications of those who assessed the outcome", simulated=False),
    Item("8c", "Methods: outcome", "Blinding of outcome assessment", simulated=False),
    Item(
        "9a",
        "Methods: predictors",
        "Choice of the initial predictors",
        "The network has all displacements of the right ventricular surface as predictors, without selection "
        "({survival.inputs_count:,}). The conventional model has 3 predictors: RVEDV, RVESV and RVEF.",
    ),
    Item(
        "9b",
        "Methods: predictors",
        "Definition of the predictors, how and when measured",
        "Notebooks 01 and 02 define the predictors: segmentation of cine MR, and motion of matched points over the "
        "cardiac cycle, which gives {motion.matrix_inputs_count:,} numbers per patient.",
    ),
    Item("9c", "Methods: predictors", "Qualifications of those who assessed the predictors", simulated=False),
    Item(
        "10",
        "Methods: sample size",
        "How the size was arrived at, for development and evaluation",
        "{validation.patients_count} patients with {validation.deaths_count} deaths are enough for about "
        "{validation.supported_parameters:.0f} of a model's parameters at 15 % of the largest possible R2 (Riley et "
        "al. 2019). The network has far more parameters.",
    ),
    Item(
        "11",
        "Methods: missing data",
        "How missing data were handled",
        "Patients must have motion and follow-up; {survival.patients_count} of {cohort.subjects_count} do. Nothing is "
        "imputed. A missing value in a row that is used stops the run.",
    ),
    Item(
        "12a",
        "Methods: analysis",
        "How the data were divided",
        "The data were not split. {validation_parameters.n_replicates} bootstrap bags of the patients are the same for "
        "all models. Beside them there are {validation_parameters.n_repeats} times {validation_parameters.n_folds} "
        "folds, with deaths spread evenly.",
    ),
    Item(
        "12b",
        "Methods: analysis",
        "How predictors entered (form, scaling)",
        "{survival.inputs_count:,} displacements in mm entered on one common scale. Nothing was cut into categories.",
    ),
    Item(
        "12c",
        "Methods: analysis",
        "Type of model, all steps of building it, tuning, internal validation",
        "The model is a supervised denoising autoencoder with a Cox head, trained for {survival_parameters.epochs} "
        "epochs. A particle swarm tried {survival.settings_tried_count} settings with "
        "{survival_parameters.n_folds}-fold cross-validation. The chosen setting is "
        + _NETWORK_SETTINGS
        + ". Search repeated in each bag: {validation_parameters.search_in_bag}.",
    ),
    Item("12d", "Methods: analysis", "Heterogeneity between clusters (centres, countries)", simulated=False),
    Item(
        "12e",
        "Methods: analysis",
        "Measures of performance and how models are compared",
        "The measures are the C-index (apparent, optimism-corrected, out-of-bag, .632+, cross-validated), AUC and "
        "Brier score at a time, calibration, net benefit and Kaplan-Meier curves. Models are compared over the same "
        "{validation.patients_count} patients and bags, with the variance of training included.",
    ),
    Item(
        "12f",
        "Methods: analysis",
        "Recalibration or updating",
        "No model was updated. The predictions of the {validation_parameters.n_replicates} bootstrap models are used "
        "as they are.",
    ),
    Item(
        "12g",
        "Methods: analysis",
        "How predictions were calculated in the evaluation",
        "The log risk comes from the models whose bag did not hold the patient. It is centred in each model and "
        "averaged over {validation_parameters.n_replicates} replicates. Probabilities use each model's own Breslow "
        "baseline.",
    ),
    Item(
        "13",
        "Methods: class imbalance",
        "Methods against imbalance of the outcome",
        "No method was used, because the Cox likelihood needs none ({cohort.deaths_percent:.0f} % died).",
    ),
    Item("14", "Methods: fairness", "Approaches to fairness between groups"),
    Item(
        "15",
        "Methods: output",
        "Output of the model and thresholds",
        "The model gives a log risk and the probability of death by a time. Halves and thirds of the cohort in the "
        "figures are cut at quantiles, not at thresholds of action. Net benefit is shown over all thresholds at "
        "{middle_horizon}.",
    ),
    Item(
        "16",
        "Methods: training and evaluation",
        "Differences between training and evaluation data",
        "There are no differences by design: validation is internal, on {validation.patients_count} patients of one "
        "cohort.",
    ),
    Item("17", "Methods: ethics", "Ethical approval and consent", simulated=False),
    Item("18a", "Open science", "Funding"),
    Item("18b", "Open science", "Conflicts of interest"),
    Item("18c", "Open science", "Protocol"),
    Item("18d", "Open science", "Registration"),
    Item(
        "18e",
        "Open science",
        "Availability of the data",
        "The code and the seed {manifest.seed} make the simulated cohort again, byte for byte.",
    ),
    Item(
        "18f",
        "Open science",
        "Availability of the code",
        "The code is cardiolib at commit {commit}. Environment, parameters and hashes of every file are in "
        "manifest.json.",
    ),
    Item("19", "Patient and public involvement", "How patients and the public were involved"),
    Item(
        "20a",
        "Results: participants",
        "Flow of participants, with and without the outcome",
        "Of {cohort.subjects_count} subjects, {survival.patients_count} have motion and follow-up. Of these, "
        "{validation.deaths_count} died. The median follow-up is {follow_up}.",
    ),
    Item("20b", "Results: participants", "Characteristics, missing values, differences between groups"),
    Item(
        "20c",
        "Results: participants",
        "Comparison of development and evaluation data",
        "Both are the same {validation.patients_count} patients.",
    ),
    Item(
        "21",
        "Results: model development",
        "Participants and events in each analysis",
        "Every analysis has {validation.patients_count} patients and {validation.deaths_count} deaths. The number of "
        "replicates in which the network failed is {validation.network_failed_replicates_count}.",
    ),
    Item(
        "22",
        "Results: full model",
        "The model in full, so that others can use it",
        "network.npz of the run holds weights, scaling and baseline hazard, without pickle. The settings are "
        + _NETWORK_SETTINGS
        + ".",
    ),
    Item(
        "23a",
        "Results: performance",
        "Performance with confidence intervals, also in groups of patients",
        f"The .632+ C-index of the network is {_c('network')}, and its apparent C-index is "
        "{validation.network_c_apparent:.3f}. Its integrated Brier score is {network_explained} below that of "
        "Kaplan-Meier. Performance by group of patients was not computed.",
    ),
    Item("23b", "Results: performance", "Heterogeneity of performance between clusters", simulated=False),
    Item("24", "Results: updating", "Results of updating", "The models were not updated."),
    Item("25", "Discussion", "Interpretation, with fairness, and in the light of other studies"),
    Item("26", "Discussion", "Limitations"),
    Item(
        "27a",
        "Discussion: usability",
        "Handling of poor or unavailable input",
        "Motion that is absent or not finite is refused with a message. {motion.flagged_subjects_count} subjects were "
        "flagged in tracking.",
    ),
    Item("27b", "Discussion: usability", "Whether users must handle the input or the model, and expertise needed"),
    Item("27c", "Discussion: usability", "Next steps: applicability and generalisability"),
)
