"""The named parameters of one digital heart."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

# Two-sided limits a field must keep, both ends allowed.  They bound what the closed forms can carry (al < pi/2,
# eps < 1/(2 - beta), ...) with room to spare for the draws of the population; they are not physiology.
_RANGES = {
    "length_mm": (40.0, 160.0),
    "apex_height_mm": (1.0, 30.0),
    "wall_mm": (2.0, 25.0),
    "rv_wall_mm": (0.5, 15.0),
    "outflow_mm": (0.0, 50.0),
    "rv_half_angle_rad": (0.5, 1.5),
    "septal_flattening_ed": (0.0, 1.0),
    "septal_flattening_es": (0.0, 1.0),
    "lvedv_ml": (20.0, 600.0),
    "lvef": (0.05, 0.95),
    "rvedv_ml": (20.0, 900.0),
    "rvef": (0.05, 0.95),
    "tapse_mm": (0.0, 50.0),
    "mapse_mm": (0.0, 40.0),
    "twist_rad": (-1.0, 1.0),
    "heart_rate_per_min": (30.0, 200.0),
    "lag": (-0.2, 0.3),
    "rv_contraction_slope": (-2.0, 2.0),
    "beta": (0.0, 1.0),
    "lv_axis_ratio_ed": (0.5, 2.0),
    "lv_axis_ratio_es": (0.5, 2.0),
    "lv_axis_angle_rad": (-2 * math.pi, 2 * math.pi),
    "septal_flow": (0.5, 2.0),
    "axis_bend_x_mm": (-30.0, 30.0),
    "axis_bend_y_mm": (-30.0, 30.0),
    "sway_x_mm": (-20.0, 20.0),
    "sway_y_mm": (-20.0, 20.0),
    "base_tilt_x": (-0.5, 0.5),
    "base_tilt_y": (-0.5, 0.5),
    "flattening_start": (0.0, 0.9),
    "flattening_rise": (0.0, 1.0),
    "flattening_edge": (0.0, 1.0),
    "rv_wall_floor": (0.0, 1.0),
    "rv_cuff_rad": (0.0, 0.5),
    "region_angle_rad": (-math.pi, math.pi),
    "region_height": (0.0, 1.0),
    "region_reach_rad": (0.2, 2 * math.pi),
    "region_reach_height": (0.1, 2.0),
    "region_contraction_loss": (0.0, 1.5),
    "region_thickening": (-0.7, 3.0),
}


@dataclass(frozen=True)
class HeartParameters:
    """One subject's anatomy and motion, as numbers with a meaning.

    The symbols in brackets are those of the equations in `anatomy` and `kinematics`.  The default values are
    those of the mean control heart; `mean_parameters` gives a control or a pulmonary hypertension (PH) heart.

    Parameters
    ----------
    length_mm : float
        Apex to base of the left ventricle [L].
    apex_height_mm : float
        Height of the endocardial apex above the epicardial apex [Ze].
    wall_mm, rv_wall_mm : float
        Wall thickness of the left ventricle at its widest level [h] and of the right ventricle [h_rv].
    outflow_mm : float
        How far the right ventricle rises above the base plane on its outflow side [Hot].
    rv_half_angle_rad : float
        Half of the angle that the right ventricle takes around the left one [al].
    septal_flattening_ed, septal_flattening_es : float
        Flattening of the septum at end-diastole and at the peak of right ventricular activation [d_ED, d_ES]:
        0 round, 1 a straight chord between the insertions.
    lvedv_ml, rvedv_ml : float
        End-diastolic cavity volumes; the radius [R] and the depth of the right ventricle [D] are solved for.
    lvef, rvef : float
        Ejection fractions in (0, 1); the contraction amounts [k_L, k_R] are solved for.
    tapse_mm, mapse_mm : float
        Descent of the base at the RV free wall and at the LV.
    twist_rad : float
        Amplitude of the twist [phi_max].
    heart_rate_per_min : float
        Heart rate [HR].
    lag : float
        Delay of RV and septum behind the LV as a fraction of the RR interval.
    rv_contraction_slope : float
        Apex-to-base gradient of the RV's radial contraction [s_a].
    beta : float
        Share of the longitudinal strain that does not vary with height.
    lv_axis_ratio_ed, lv_axis_ratio_es : float
        Axis ratio of the LV's elliptical short axis at ED and at peak RV activation [p]; 1 is round.
    lv_axis_angle_rad : float
        Direction of the long axis of that ellipse [Th0]; pi/2 is anterior-inferior.
    septal_flow : float
        Circumferential flow of the wall at peak RV activation [k]; above 1 widens the septum, 1 is none.
    axis_bend_x_mm, axis_bend_y_mm : float
        Sideways offset of the long axis at the base (grows with the square of the height).
    sway_x_mm, sway_y_mm : float
        Sideways translation of the whole heart at peak activation.
    base_tilt_x, base_tilt_y : float
        Slopes of the base plane (mm of height per mm sideways).
    flattening_start, flattening_rise : float
        The flattening sets in at height `flattening_start` and is complete `flattening_rise` higher
        (fractions of L); a rise of 0 makes it uniform along the axis.
    flattening_edge : float
        Share of the half-angle over which the flattening fades out towards the insertions; 0 leaves the kink,
        and below about 0.5 the corners of the flat septum turn into dents of the epicardium.
    rv_wall_floor : float
        Least thickness of the RV wall at its borders, as a fraction of `rv_wall_mm`.
    rv_cuff_rad : float
        Angle beyond the insertions over which that thickness fades into the LV epicardium.
    region_angle_rad, region_height : float
        Middle of the one region of the LV wall that may differ from the rest: angle from the middle of the septum
        (anterior is positive) and height as a share of L.
    region_reach_rad, region_reach_height : float
        How far from its middle that region reaches; what differs fades out smoothly towards its edge.
    region_contraction_loss : float
        Share of the contraction that its middle lacks, as after an infarct: 0 none, 1 all (akinesia), above 1 it bulges
        (dyskinesia). The rest contracts more, so that `lvef` holds.
    region_thickening : float
        Share of wall thickness that its middle has in addition, as a hypertrophic septum has; negative is thinner.
    close_rv_apex : bool
        Keep the RV free wall on the LV at the RV apex (otherwise they part by up to about a millimetre).

    Raises
    ------
    ValueError
        When a field is not a finite number, or lies outside the range the model can carry.
    """

    length_mm: float = 88.0
    apex_height_mm: float = 7.0
    wall_mm: float = 8.0
    rv_wall_mm: float = 3.27
    outflow_mm: float = 18.0
    rv_half_angle_rad: float = 1.103
    septal_flattening_ed: float = 0.0475
    septal_flattening_es: float = 0.03875
    lvedv_ml: float = 143.65
    lvef: float = 0.6295
    rvedv_ml: float = 154.2
    rvef: float = 0.573
    tapse_mm: float = 23.725
    mapse_mm: float = 14.425
    twist_rad: float = 0.242
    heart_rate_per_min: float = 68.35
    lag: float = 0.01225
    rv_contraction_slope: float = 0.0
    beta: float = 0.4
    lv_axis_ratio_ed: float = 1.0
    lv_axis_ratio_es: float = 1.0
    lv_axis_angle_rad: float = math.pi / 2
    septal_flow: float = 1.0
    axis_bend_x_mm: float = -3.0
    axis_bend_y_mm: float = 2.0
    sway_x_mm: float = -1.5
    sway_y_mm: float = 1.0
    base_tilt_x: float = 0.03
    base_tilt_y: float = -0.06
    flattening_start: float = 0.1
    flattening_rise: float = 0.3
    flattening_edge: float = 0.75
    rv_wall_floor: float = 0.3
    rv_cuff_rad: float = 0.12
    region_angle_rad: float = 0.0
    region_height: float = 0.5
    region_reach_rad: float = 1.5
    region_reach_height: float = 0.6
    region_contraction_loss: float = 0.0
    region_thickening: float = 0.0
    close_rv_apex: bool = True

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            try:
                inside = not isinstance(value, str | bool) and low <= float(value) <= high
            except (TypeError, ValueError):
                inside = False
            if not inside:
                raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}")
            object.__setattr__(self, name, float(value))
        if not self.apex_height_mm < 0.3 * self.length_mm:
            raise ValueError(
                f"apex_height_mm ({self.apex_height_mm:g}) must be below 0.3 length_mm ({self.length_mm:g})"
            )
        worst = max(self.tapse_mm, self.mapse_mm) / self.length_mm
        if not worst < 0.9 / (2.0 - self.beta):
            raise ValueError(
                "the base descends too far for the wall to stay unfolded: tapse_mm and mapse_mm must be below "
                f"0.9 / (2 - beta) of length_mm, got a ratio of {worst:.3f}"
            )
        object.__setattr__(self, "close_rv_apex", bool(self.close_rv_apex))

    def without_extensions(self) -> HeartParameters:
        """The same subject in the plain model: round LV, straight axis, kinked and uniform flattening.

        Examples
        --------
        >>> mean_parameters("ph").without_extensions().lv_axis_ratio_ed
        1.0
        """
        return replace(
            self,
            lv_axis_ratio_ed=1.0,
            lv_axis_ratio_es=1.0,
            septal_flow=1.0,
            axis_bend_x_mm=0.0,
            axis_bend_y_mm=0.0,
            sway_x_mm=0.0,
            sway_y_mm=0.0,
            base_tilt_x=0.0,
            base_tilt_y=0.0,
            flattening_rise=0.0,
            flattening_edge=0.0,
            rv_wall_floor=0.0,
            rv_cuff_rad=0.0,
            region_contraction_loss=0.0,
            region_thickening=0.0,
            close_rv_apex=False,
        )


PARAMETER_NAMES: tuple[str, ...] = tuple(field.name for field in fields(HeartParameters))


def parameters_at_severity(severity: float, *, bsa_m2: float = 1.85) -> HeartParameters:
    """Mean heart at one severity of pulmonary hypertension (the centres of the population's draws).

    Parameters
    ----------
    severity : float
        0 healthy to 1 severe.
    bsa_m2 : float
        Body surface area; lengths scale with its cube root, volumes with itself.
    """
    size = (bsa_m2 / 1.85) ** (1 / 3)
    d_ed, d_es = 0.04 + 0.30 * severity, 0.02 + 0.75 * severity
    return HeartParameters(
        length_mm=88.0 * size,
        apex_height_mm=7.0 * size,
        wall_mm=8.0 * size,
        rv_wall_mm=3.2 + 2.8 * severity,
        outflow_mm=18.0 * size,
        rv_half_angle_rad=1.10 + 0.12 * severity,
        septal_flattening_ed=d_ed,
        septal_flattening_es=d_es,
        lvedv_ml=(78.0 - 14.0 * severity) * bsa_m2,
        lvef=0.63 - 0.02 * severity,
        rvedv_ml=(82.0 + 55.0 * severity) * bsa_m2,
        rvef=0.58 - 0.28 * severity,
        tapse_mm=24.0 - 11.0 * severity,
        mapse_mm=14.5 - 3.0 * severity,
        twist_rad=math.radians(14.0 - 5.0 * severity),
        heart_rate_per_min=68.0 + 14.0 * severity,
        lag=0.01 + 0.09 * severity,
        **septal_extensions(d_ed, d_es),
    )


def septal_extensions(flattening_ed: float, flattening_es: float) -> dict[str, float]:
    """Mean ellipse and circumferential flow that go with a septal flattening, by field name.

    A flattened septum alone cannot carry the eccentricity seen in severe PH (about 1.3 at end-systole): the
    whole short axis becomes oval, and the septum widens as it straightens.
    """
    return {
        "lv_axis_ratio_ed": 1.0 + 0.15 * flattening_ed,
        "lv_axis_ratio_es": 1.0 + 0.15 * flattening_es,
        "septal_flow": 1.0 + 0.15 * flattening_es,
    }


def mean_parameters(kind: str = "control") -> HeartParameters:
    """Mean heart of a population: "control" or "ph" (pulmonary hypertension of middle severity)."""
    severity = {"control": 0.025, "ph": 0.5}.get(kind)
    if severity is None:
        raise ValueError(f"kind must be 'control' or 'ph', got {kind!r}")
    return parameters_at_severity(severity)
