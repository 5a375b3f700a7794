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
    "02_displacement_curves": "Displacement over the heart cycle by region: mean and spread over the cohort.",
    "02_function": "Volumes and strains of one heart over the cycle, from the tracked mesh; dashed, the truth.",
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
    "05_latent_map": "Patients in the latent code of the network by Laplacian eigenmaps, UMAP and PCA; colour: time to "
    "death, or to censoring (open symbols).",
    "05_saliency": "Saliency: how strongly the motion of each point goes with predicted risk.",
    "05_saliency_regions": "Saliency by region, and the regions whose motion enters the hazard of the simulation.",
}
"""Figure name to one plain sentence; every figure in the stage table has one (held by a test)."""
