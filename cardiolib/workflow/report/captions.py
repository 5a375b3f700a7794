"""One caption a figure, for the report and the README's gallery."""

CAPTIONS: dict[str, str] = {
    "00_volume_by_slices": (
        "The areas of the labelled cavities, slice by slice, and the volume as area times slice distance is added up."
    ),
    "00_contours": "One scan at end-diastole and end-systole, with the contours that were found, from apex to base.",
    "00_volumes": "The curves show the volumes of both cavities over the cardiac cycle: of the labels, frame by frame, "
    "and of the tracked mesh.",
    "00_strain": "Peak strain of the left ventricle's 16 segments, and the mean curves over the cardiac cycle.",
    "00_beating_heart": "The tracked cavities beat in a slice of the scan.",
    "00_page": "The page of one scan, as `cardiolib scan` writes it.",
    "01_network_input": (
        "A slice as it is stored, with the network's window, and the three neighbouring slices that the "
        "network reads: cut out, turned and scaled."
    ),
    "01_network_output": (
        "What the network answers for one slice: the probability of each structure, and a heat map for "
        "each of the six landmarks."
    ),
    "01_segmentations": "Short-axis slices, from apex to base, of a subject that the network has not seen, at "
    "end-diastole and end-systole. Solid lines are the network's contours; dashed lines are the reference.",
    "01_shape_model": "The shape step makes a smooth model of both ventricles from thick, shifted slices.",
    "01_best_case": "This scan has the highest mean Dice. Dashed lines are the reference.",
    "01_worst_case": "This scan has the lowest mean Dice. Dashed lines are the reference.",
    "01_agreement": "Automated volumes and ejection fractions are compared with the reference (Bland-Altman: mean "
    "difference and 95 % limits of agreement).",
    "01_quality": "The Dice that the quality gate predicted without a reference is compared with the Dice against the "
    "reference. Dashed lines are the limits below which a structure should be looked at and should not be used.",
    "01_training": "The segmentation network was trained on simulated cine images with randomised contrast "
    "and noise. The curves show the loss, the landmark loss, and Dice on subjects that were kept aside.",
    "02_tracker_at_work": (
        "Points of one heart after a few iterations of the tracker (dots), and where they truly are "
        "(rings), in the image of one phase. The curve gives their mean distance."
    ),
    "02_endpoint_error": "The figure shows the distance between tracked and true positions of material points, by "
    "phase and by region.",
    "02_motion_of_the_heart": "The figure shows the displacement of the right ventricular surface from end-diastole "
    "to end-systole.",
    "02_displacement_curves": "The curves show the displacement over the cardiac cycle by region: mean and spread "
    "over the cohort.",
    "02_function": "The curves show volumes and strains of one heart over the cardiac cycle, from the tracked mesh. "
    "Dashed lines are the truth.",
    "02_displacement_encoded": "One heart was imaged once more, tagged and with displacement in its phase. The curves "
    "show how far tracked points are from where the measured displacement puts them.",
    "02_beating_heart": "A heart of the cohort beats. The colour is the displacement from end-diastole.",
    "02_in_the_images": "The tracked cavities of a real patient beat in the patient's own cine.",
    "02_two_hearts": "Two hearts of the cohort beat side by side. Simulated hearts are those with the lowest and the "
    "highest true hazard. The risk of patients is not known yet, so they are those with the lowest and the highest RV "
    "ejection fraction.",
    "03_four_patients": (
        "Four patients in the partial likelihood: how long each was seen, and which way the loss pushes the log risk."
    ),
    "03_alpha": (
        "What the weight of the reconstruction trades: motion given back, C-index of patients trained on "
        "and held out, and the code of the patients at one weight."
    ),
    "03_architecture": "The figure shows the trained network: its layers, units and weights.",
    "03_search": "A particle swarm searched the settings of the network. The figure shows the score of every particle "
    "by generation.",
    "03_searched_settings": "The figure shows the settings of every particle by generation, coloured by score, and "
    "the best so far.",
    "03_training": "The curves show the training of the denoising autoencoder: its reconstruction loss and its Cox "
    "loss.",
    "03_latent_code": "The figure shows the code of every patient, by predicted risk. The units run from harmful to "
    "protective.",
    "03_predicted_survival": "The curves show the predicted survival of patients at five quantiles of predicted risk, "
    "and what became of these patients.",
    "03_hazard": "The figure shows the true against the predicted log hazard. Every patient is predicted by a network "
    "that had not seen the patient.",
    "03_reconstruction": "The motion that was put in is compared with the motion that was reconstructed, for subjects "
    "at low and high predicted risk.",
    "04_one_bag": (
        "One bootstrap bag: how often each patient was drawn, the predicted risks of those outside it, "
        "and the pairs of them that the model orders rightly."
    ),
    "04_concordance": "The figure shows the C-index of every model, by estimator: apparent, optimism-corrected, "
    "out-of-bag and .632+.",
    "04_kaplan_meier": "Kaplan-Meier curves show the halves of the cohort at low and high predicted risk "
    "(out-of-bag), for both models.",
    "04_kaplan_meier_thirds": "The same curves for thirds of the predicted risk show whether risk rises evenly.",
    "04_risk_over_time": "The figure shows the area under the ROC curve and the Brier score over the follow-up, and "
    "the net benefit of deciding by the predicted risk. All are out of bag.",
    "04_calibration": "Predicted and observed risk of death are compared by a smooth curve, and by Kaplan-Meier in "
    "fifths with 95 % intervals. All are out of bag.",
    "05_few_patients": (
        "The neighbour graph of a few patients, coloured by its two slowest modes, and the map that the modes make."
    ),
    "05_one_vertex": (
        "The regression behind one value of the saliency map: log risk on the mean displacement of one vertex."
    ),
    "05_latent_map": "The figure maps the patients by the code of the network (Laplacian eigenmaps, UMAP and PCA), "
    "and by that of a network trained on shuffled outcomes. The colour is the time to death, or to censoring (open "
    "symbols).",
    "05_latent_stability": "The figure shows where networks that were trained again on bootstrap bags put the same "
    "patients.",
    "05_saliency": "Saliency shows how strongly the motion of each point goes with predicted risk (ringed points are "
    "family-wise significant). Integrated gradients of the network stand beside it.",
    "05_region_phase": "The figure shows the saliency by region and phase of the cardiac cycle, for three methods.",
    "05_saliency_regions": "The figure shows the share of each region in the saliency, and in the true change of "
    "motion with the hazard.",
    "05_planted": "This test has a known answer: a hazard was planted in a patch of wall (ringed). The colour shows "
    "where motion goes with the risk of the network that was trained on it.",
    "05_risk_hearts": "The figure shows the decoded hearts at low and at high risk, at end-systole.",
    "05_risk_curves": "The curves show the function over the cardiac cycle at low and at high risk. Dashed lines are "
    "the truth.",
    "05_risk_motion": "The figure shows where motion changes with risk, decoded from the code and in truth.",
}
"""Figure name to its caption in plain sentences; every figure in the stage table has one (held by a test)."""
