"""One caption a figure, for the report and the README's gallery."""

CAPTIONS: dict[str, str] = {
    "01_segmentations": "Short-axis cine of a subject the network has not seen, apex to base, at end-diastole and "
    "end-systole. Lines: network; dashed: reference.",
    "01_shape_model": "The shape step: from thick, shifted slices to a smooth biventricular model.",
    "01_best_case": "The scan with the highest mean Dice; dashed, the reference.",
    "01_worst_case": "The scan with the lowest mean Dice; dashed, the reference.",
    "01_agreement": "Automated against reference volumes and ejection fractions (Bland-Altman: mean difference and "
    "95 % limits of agreement).",
    "01_training": "Training of the segmentation network on simulated, domain-randomised cine images: loss, landmark "
    "loss, and Dice on subjects kept aside.",
    "02_endpoint_error": "Distance between tracked and true positions of material points, by phase and by region.",
    "02_motion_of_the_heart": "Displacement of the right ventricular surface from end-diastole to end-systole.",
    "02_displacement_curves": "Displacement over the cardiac cycle by region: mean and spread over the cohort.",
    "02_function": "Volumes and strains of one heart over the cycle, from the tracked mesh; dashed, the truth.",
    "02_beating_heart": "A heart of the cohort, beating; colour: displacement from end-diastole.",
    "02_in_the_images": "A real patient: the tracked cavities beating in the patient's own cine.",
    "02_two_hearts": "Two hearts of the cohort beating side by side: lowest and highest true hazard; of patients, "
    "whose risk is not known yet, lowest and highest RV ejection fraction.",
    "03_architecture": "The trained network: layers, units, weights.",
    "03_search": "Particle swarm search of the network's hyper-parameters: score of every particle by generation.",
    "03_searched_settings": "The settings of every particle by generation, coloured by score, and the best so far.",
    "03_training": "Training of the denoising autoencoder: reconstruction and Cox loss.",
    "03_latent_code": "The code of every patient, by predicted risk; units from harmful to protective.",
    "03_predicted_survival": "Predicted survival of patients at five quantiles of predicted risk, and what became of "
    "them.",
    "03_hazard": "True against predicted log hazard, every patient predicted by a network that had not seen it.",
    "03_reconstruction": "Motion put in and motion reconstructed, for subjects at low and high predicted risk.",
    "04_concordance": "C-index of the network and of the conventional Cox model: apparent, optimism-corrected, "
    "out-of-bag and .632+.",
    "04_kaplan_meier": "Kaplan-Meier curves of the halves of the cohort at low and high predicted risk (out-of-bag), "
    "for both models.",
    "04_kaplan_meier_thirds": "The same by thirds of the predicted risk: does risk rise evenly?",
    "04_risk_over_time": "Area under the ROC curve and Brier score over the follow-up, and net benefit of deciding by "
    "the predicted risk; all out of bag.",
    "04_calibration": "Predicted against observed risk of death: smooth curve, and Kaplan-Meier in fifths with 95 % "
    "intervals; out of bag.",
    "05_latent_map": "Patients in the latent code of the network by Laplacian eigenmaps, UMAP and PCA, and by a "
    "network trained on shuffled outcomes; colour: time to death, or to censoring (open symbols).",
    "05_latent_stability": "Where networks trained again on bootstrap bags put the same patients.",
    "05_saliency": "Saliency: how strongly the motion of each point goes with predicted risk (ringed: family-wise "
    "significant), and integrated gradients of the network.",
    "05_region_phase": "Saliency by region and phase of the cycle, for three methods.",
    "05_saliency_regions": "Share of each region in the saliency, and in the true change of motion with the hazard.",
    "05_planted": "A test with a known answer: a hazard planted in a patch of wall (ringed), and where motion goes "
    "with the risk of the network trained on it.",
    "05_risk_hearts": "The decoded hearts at low and at high risk at end-systole.",
    "05_risk_curves": "Function over the cycle at low and at high risk; dashed, the truth.",
    "05_risk_motion": "Where motion changes with risk: decoded from the code, and in truth.",
}
"""Figure name to one plain sentence; every figure in the stage table has one (held by a test)."""
