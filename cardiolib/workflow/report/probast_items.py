"""The signalling questions of PROBAST+AI, in our own words, with what a run and what the 2019 paper say to each.

After PROBAST+AI (Moons et al., BMJ 2025;388:e082505): 16 questions on the development of a model, 18 on its
evaluation, in four domains. The article's abstract gives the numbers. The topics were confirmed by published uses of
the tool, not by the article's own table; they are paraphrases to find one's way, and the published tool governs.
What is said of the 2019 paper was read in the source that is named in brackets. All else is not checked here.
"""

from __future__ import annotations

from typing import NamedTuple

DEVELOPMENT, EVALUATION = "development", "evaluation"
PARTICIPANTS, PREDICTORS, OUTCOME, ANALYSIS = "Participants and data sources", "Predictors", "Outcome", "Analysis"
UNCHECKED = "Not checked here."


class Question(NamedTuple):
    """One signalling question.

    Attributes
    ----------
    number : str
        As in the tool, for example "4.5"; the two parts have numbers of their own.
    part : str
        "development" or "evaluation".
    domain, topic : str
        Our paraphrase.
    run : str
        What the run says: a template over its metrics and manifest; empty where no run can say it.
    paper : str
        What is known of the 2019 paper, with its source.
    simulated : str
        What must be said besides where the patients are simulated.
    """

    number: str
    part: str
    domain: str
    topic: str
    run: str
    paper: str = UNCHECKED
    simulated: str = ""


SHARED: tuple[Question, ...] = (
    Question(
        "1.1",
        DEVELOPMENT,
        PARTICIPANTS,
        "Whether the source of the data suits the question",
        "The cohort is {manifest.cohort}, read as {cohort.layout}, with {cohort.subjects_count} subjects.",
        "302 patients with pulmonary hypertension (abstract). How they were found and recorded: not checked here.",
        "A simulator drew them; no source of patients was used.",
    ),
    Question(
        "1.2",
        DEVELOPMENT,
        PARTICIPANTS,
        "Whether the design of the study suits the question",
        "Patients are followed from the scan to death or the end of observation. The median follow-up is {follow_up}.",
        "Time runs from the date of the scan to death or the end of observation (released code).",
        "The follow-up is drawn too.",
    ),
    Question(
        "1.3",
        DEVELOPMENT,
        PARTICIPANTS,
        "Whether those taken in and left out make the data represent the patients the model is for",
        "{survival.patients_count} of {cohort.subjects_count} subjects have motion and follow-up. All of these enter.",
        'A file of the authors is named "CTEPH302" (authors\' wiki). Who was taken in and left out: not checked here.',
        "Simulated patients represent nobody.",
    ),
    Question(
        "2.1",
        DEVELOPMENT,
        PREDICTORS,
        "Whether predictors are defined and measured alike in all participants",
        "One procedure gives every patient {motion.matrix_inputs_count:,} displacements of the same surface points. "
        "{motion.flagged_subjects_count} subjects were flagged in tracking.",
        "One list of 202 surface points serves all patients: 11,514 displacements each (released code). Whether all "
        "were scanned alike: not checked here.",
    ),
    Question(
        "2.2",
        DEVELOPMENT,
        PREDICTORS,
        "Whether predictors are prepared alike for all participants",
        "The {survival.inputs_count:,} displacements of all patients are scaled in one way. It is fitted on training "
        "patients only.",
        "The released code takes the displacements as they are, in mm (released code). Whether the paper's own "
        "analysis did so: not checked here.",
    ),
    Question(
        "2.3",
        DEVELOPMENT,
        PREDICTORS,
        "Whether predictors were measured without knowing the outcome",
        "The motion is {manifest.motion_source}. Segmentation and tracking ({motion.tracked_subjects_count} subjects "
        "tracked) read no follow-up.",
        "Programs compute the motion from images (released code). What those knew who drew labels for their training: "
        "not checked here.",
    ),
    Question(
        "2.4",
        DEVELOPMENT,
        PREDICTORS,
        "Whether all predictors are there when the model is to be used",
        "All {survival.inputs_count:,} predictors come from one cine MR scan, with which follow-up starts.",
        "All predictors come from one cine MR scan, from whose date time is counted (released code).",
    ),
    Question(
        "3.1",
        DEVELOPMENT,
        OUTCOME,
        "Whether the outcome is defined and determined in a suitable way",
        "The outcome is time to death in {cohort_time_unit}. {validation.deaths_count} of {validation.patients_count} "
        "patients died.",
        "Dead or alive, with days from the scan (released code). Which causes of death count: not checked here.",
    ),
    Question(
        "3.2",
        DEVELOPMENT,
        OUTCOME,
        "Whether the outcome is defined and determined alike in all participants",
        "One column of events and one of times serve all {survival.patients_count} patients.",
        UNCHECKED,
        "One rule draws them for all.",
    ),
    Question(
        "3.3",
        DEVELOPMENT,
        OUTCOME,
        "Whether the outcome was determined without using the predictors",
        "",
        UNCHECKED,
        "By design it was not: the simulator makes the risk of death from the heart's true motion.",
    ),
    Question(
        "3.4",
        DEVELOPMENT,
        OUTCOME,
        "Whether the time between predictors and outcome is suitable",
        "Follow-up starts at the scan, and its median is {follow_up}.",
        "Time is counted from the scan (released code). The median follow-up: not checked here.",
    ),
)
"""Domains 1 to 3, which both parts ask alike."""

DEVELOPMENT_ANALYSIS: tuple[Question, ...] = (
    Question(
        "4.1",
        DEVELOPMENT,
        ANALYSIS,
        "Whether the sample is large enough",
        "{validation.patients_count} patients with {validation.deaths_count} deaths are enough for about "
        "{validation.supported_parameters:.0f} of a model's parameters (Riley et al. 2019, 15 % of the largest "
        "possible R2). The network has far more.",
        "302 patients (abstract), and a network with 11,514 inputs (released code). The number of deaths: not checked "
        "here.",
    ),
    Question(
        "4.2",
        DEVELOPMENT,
        ANALYSIS,
        "Whether continuous and categorical predictors are handled in a suitable way",
        "{survival.inputs_count:,} displacements in mm enter as numbers. Nothing is cut into categories.",
        "Displacements in mm enter as numbers (released code).",
    ),
    Question(
        "4.3",
        DEVELOPMENT,
        ANALYSIS,
        "Whether missing and censored data are handled in a suitable way",
        "Censored patients enter Cox's partial likelihood. {survival.patients_count} of {cohort.subjects_count} "
        "subjects have all that is needed. Nothing is imputed.",
        "Censored patients enter Cox's partial likelihood, whose risk sets are formed within batches of 16 patients "
        "(released code). Missing data: not checked here.",
    ),
    Question(
        "4.4",
        DEVELOPMENT,
        ANALYSIS,
        "Where imbalance of the outcome was corrected, whether the model was recalibrated",
        "No correction was made ({cohort.deaths_percent:.0f} % died), so the question does not arise.",
        "The released code makes no correction (released code).",
    ),
    Question(
        "4.5",
        DEVELOPMENT,
        ANALYSIS,
        "Whether overfitting was worked against",
        "Dropout ({survival.best_dropout:.2f}), a penalty and the reconstruction of the input hold the network back. "
        "{survival.settings_tried_count} settings were tried by {survival_parameters.n_folds}-fold cross-validation. "
        "The C-index is {validation.network_c_apparent:.3f} on the training patients and "
        "{validation.network_c_oob:.3f} out of bag.",
        "Dropout, a penalty and the reconstruction of the input. A particle swarm tries settings by 6-fold "
        "cross-validation (released code).",
    ),
)

EVALUATION_ANALYSIS: tuple[Question, ...] = (
    Question(
        "4.1",
        EVALUATION,
        ANALYSIS,
        "Whether more was evaluated than performance on the training data",
        "C-index of the network: apparent {validation.network_c_apparent:.3f}, optimism-corrected "
        "{validation.network_c_harrell:.3f}, out-of-bag {validation.network_c_oob:.3f}, .632+ "
        "{validation.network_c_632plus:.3f}. All are internal.",
        "The C-index is 0.75, 95 % interval 0.70 to 0.79 (abstract). It is corrected for optimism by 100 bootstrap "
        "resamples (released code). Other cohorts: not checked here.",
    ),
    Question(
        "4.2",
        EVALUATION,
        ANALYSIS,
        "Whether the sample is large enough",
        "{validation.patients_count} patients with {validation.deaths_count} deaths give an out-of-bag C-index with a "
        "95 % interval of {validation.network_c_oob_low:.3f} to {validation.network_c_oob_high:.3f}.",
        "302 patients (abstract). The number of deaths: not checked here.",
    ),
    Question(
        "4.3",
        EVALUATION,
        ANALYSIS,
        "Whether missing and censored data are handled in a suitable way",
        "{validation.patients_count} of the {survival.patients_count} patients of the training are evaluated. The "
        "C-index takes the pairs that censoring leaves comparable. {validation.network_failed_replicates_count} "
        "replicates of the network failed.",
        "The C-index is Harrell's, which takes the pairs that censoring leaves comparable (released code). Missing "
        "data: not checked here.",
    ),
    Question(
        "4.4",
        EVALUATION,
        ANALYSIS,
        "Where imbalance was corrected, whether the evaluation used uncorrected data",
        "No correction was made ({cohort.deaths_percent:.0f} % died), so the question does not arise.",
        "The released code makes no correction (released code).",
    ),
    Question(
        "4.5",
        EVALUATION,
        ANALYSIS,
        "Where data were split, whether nothing leaked from test to training",
        "A patient's risk comes only from bags that left the patient out. Copies of a patient in a bag share a fold. "
        "Search repeated in each bag: {validation_parameters.search_in_bag}. Where it is not, the settings have seen "
        "all patients.",
        "Within a resample, copies of one patient can lie in training and test folds of the search. The corrected "
        "C-index is computed on all patients, also those the resample trained on (released code).",
    ),
    Question(
        "4.6",
        EVALUATION,
        ANALYSIS,
        "Where resampling was used, whether it repeats all steps of the development",
        "Each of {validation_parameters.n_replicates} bags of {validation.patients_count} patients trains anew. "
        "Search repeated in each bag: {validation_parameters.search_in_bag}. Segmentation and tracking are not "
        "repeated.",
        "The search is repeated in each of 100 resamples of the finished motion (released code).",
    ),
    Question(
        "4.7",
        EVALUATION,
        ANALYSIS,
        "Whether performance is measured in a suitable way: discrimination, calibration, net benefit",
        "Out-of-bag C-index {validation.network_c_oob:.3f}. Calibration slope "
        "{validation.network_calibration_slope:.2f}. Integrated Brier score {network_explained} below that of "
        "Kaplan-Meier. Net benefit at {middle_horizon}.",
        "The C-index, and Kaplan-Meier curves of two halves by out-of-bag risk, without calibration, Brier score or "
        "net benefit (released code). Whether the paper has them: not checked here.",
    ),
)

APPLICABILITY: dict[str, str] = {
    PARTICIPANTS: "Whether participants and setting are those of your question",
    PREDICTORS: "Whether the predictors can be had, and mean the same, where you would use the model",
    OUTCOME: "Whether outcome and time are those of your question",
}
"""Domain to what its applicability asks; both parts ask it, for three of the four domains."""

AS_DEVELOPED = "The evaluation has the same {validation.patients_count} patients: see development {number}."
PAPER_AS_DEVELOPED = "The bootstrap has the same patients (released code): see development {number}."


def questions() -> tuple[Question, ...]:
    """All 34 questions, in the order of the tool."""
    again = tuple(
        question._replace(
            part=EVALUATION,
            run=AS_DEVELOPED.replace("{number}", question.number),
            paper=PAPER_AS_DEVELOPED.replace("{number}", question.number),
            simulated="",
        )
        for question in SHARED
    )
    return (*SHARED, *DEVELOPMENT_ANALYSIS, *again, *EVALUATION_ANALYSIS)
