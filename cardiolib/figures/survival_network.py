"""The survival network: its layers, its latent code, what it says of single patients, and of a known hazard."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ONE_COLUMN_MM,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    round_limits,
    styled,
    text_colour,
)
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.fold_comparison import HazardComparison
from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.network.tables import (
    architecture_table,
    chosen_patients,
    code_table,
    followed_time,
    predicted_curves,
    reconstruction_table,
)

_RISK_COLOURS = {"low": BLUE, "high": VERMILLION}
_COLOURS = {"code": GREEN, "log risk": VERMILLION}


@styled
def architecture(network: FittedNetwork) -> Drawing:
    """The layers of a trained network as bars, a bar as long as the logarithm of its units.

    Parameters
    ----------
    network : FittedNetwork

    Returns
    -------
    Drawing
        Table: layer, units, activation, reads (the layer before), parameters (weights and biases into it).
    """
    layers = architecture_table(network)
    figure, axes = new_figure(TWO_COLUMNS_MM, 78)
    ax = axes[0, 0]
    depth, where = {}, {}
    for row in layers.itertuples():
        depth[row.layer] = depth[row.reads] + 1 if row.reads else 0
    for row in layers.itertuples():
        siblings = [name for name, at in depth.items() if at == depth[row.layer]]
        # two layers that read the same one stand above each other
        y = 0.0 if len(siblings) == 1 else (2.3, -0.6)[siblings.index(row.layer)]
        y = where[row.reads][1] if row.reads and len(siblings) == 1 and depth[row.layer] > 3 else y
        where[row.layer] = (1.55 * depth[row.layer], y, 0.28 + 0.42 * np.log10(row.units))
    for row in layers.itertuples():
        x, y, half = where[row.layer]
        colour = _COLOURS.get(row.layer, BLUE)
        if row.reads:
            x0, y0, half0 = where[row.reads]
            corners = [(x0 + 0.11, y0 + half0), (x - 0.11, y + half), (x - 0.11, y - half), (x0 + 0.11, y0 - half0)]
            ax.add_patch(Polygon(corners, closed=True, facecolor=GREY, alpha=0.16, linewidth=0))
            middle = ((x0 + x) / 2, (y0 + y) / 2)
            ax.annotate(f"{row.parameters:,}", middle, ha="center", va="center", fontsize=6.5, color=INK)
        ax.add_patch(Rectangle((x - 0.11, y - half), 0.22, 2 * half, facecolor=colour, linewidth=0))
        ax.annotate(
            row.layer,
            (x, y + half),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=text_colour(colour),
            fontweight="bold",
        )
        ax.annotate(
            f"{row.units:,}\n{row.activation}",
            (x, y - half),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=6.5,
            color=INK,
        )
    ax.set(xlim=(-0.7, 1.55 * max(depth.values()) + 0.7), ylim=(-3.4, 3.2))
    ax.axis("off")
    figure.supxlabel("bar: units (log scale), with activation; between bars: weights and biases", fontsize=6.5)
    return Drawing(figure, layers)


@styled
def latent_code(network: FittedNetwork, data: SurvivalData) -> Drawing:
    """The latent code of all patients as an image, beside their predicted risk and their deaths.

    Parameters
    ----------
    network : FittedNetwork
    data : SurvivalData

    Returns
    -------
    Drawing
        Patients by rising log risk, units from the most harmful. Table: log_risk, event, then a column a unit with
        values from 0 to 1 (from -1 in a linear network).
    """
    table = code_table(network, data)
    units = [name for name in table.columns if name not in ("log_risk", "event")]
    figure, axes = new_figure(
        TWO_COLUMNS_MM,
        34 + 3.6 * len(units),
        nrows=2,
        sharex=True,
        gridspec_kw={"height_ratios": [24, 3.6 * len(units)]},
    )
    risk, code = axes[0, 0], axes[1, 0]
    n, died = len(table), np.flatnonzero(table["event"])
    centred = table["log_risk"].to_numpy() - table["log_risk"].mean()
    risk.plot(np.arange(n), centred, color=INK)
    risk.plot(died, centred[died], "|", color=VERMILLION, markersize=6, label="death observed")
    risk.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
    risk.set_ylabel("log risk, centred")
    risk.legend(loc="upper left")
    values = table[units].to_numpy(float).T
    low = min(0.0, float(values.min()))
    image = code.imshow(
        values,
        aspect="auto",
        cmap="viridis" if low == 0 else "RdBu_r",
        vmin=-1 if low < 0 else 0,
        vmax=1,
        extent=(-0.5, n - 0.5, len(units) - 0.5, -0.5),
    )
    code.set_yticks(range(len(units)), units)
    code.tick_params(axis="y", length=0)
    code.set(xlabel="patients, by rising predicted risk", ylabel="unit of the code,\nharmful to protective")
    figure.colorbar(image, ax=code, label="activity / largest", aspect=12)
    panel_letters(axes[:, 0])
    return Drawing(figure, table)


@styled
def reconstruction(network: FittedNetwork, data: SurvivalData) -> Drawing:
    """Mean displacement that went into the network and that came out, for patients at low and at high risk.

    Parameters
    ----------
    network : FittedNetwork
    data : SurvivalData

    Returns
    -------
    Drawing
        Table: patient, risk ("low", "high"), phase (0 is end-diastole), percent (of the cycle), kind ("motion",
        "reconstruction"), displacement_mm.
    """
    table = reconstruction_table(network, data)
    table.insert(3, "percent", 100 * table["phase"] / (data.feature_shape[0] + 1))
    risks = [risk for risk in ("low", "high") if (table["risk"] == risk).any()]
    figure, axes = new_figure(ONE_COLUMN_MM * 0.75 * len(risks), 66, ncols=len(risks), sharey=True)
    for ax, risk in zip(axes[0], risks, strict=True):
        part = table[table["risk"] == risk]
        patients = list(dict.fromkeys(part["patient"]))
        for (_, kind), curve in part.groupby(["patient", "kind"], sort=False):
            # The two may lie on one another: the input is drawn broad and pale, the output thin on top of it.
            style = (
                {"linewidth": 3.2, "alpha": 0.35, "solid_capstyle": "round"}
                if kind == "motion"
                else {"linewidth": 1.1, "zorder": 3}
            )
            ax.plot(curve["percent"], curve["displacement_mm"], color=_RISK_COLOURS[risk], **style)
        named = f" ({patients[0]})" if len(patients) == 1 else f" ({len(patients)} patients)"
        ax.set(title=f"{risk.capitalize()} predicted risk{named}", xlabel="phase (% of the cycle)", xlim=(0, 100))
    axes[0, 0].set(ylabel="mean displacement (mm)")
    axes[0, 0].set_ylim(bottom=0)
    if len(risks) > 1:
        panel_letters(axes[0])
    handles = [
        Line2D([], [], color=INK, linewidth=3.2, alpha=0.35, label="motion put in"),
        Line2D([], [], color=INK, linewidth=1.1, label="reconstructed from the code"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    return Drawing(figure, table)


@styled
def predicted_survival(network: FittedNetwork, data: SurvivalData) -> Drawing:
    """Predicted survival of five patients, at five quantiles of predicted risk, with what became of them.

    Parameters
    ----------
    network : FittedNetwork
    data : SurvivalData
        Curves end at the time until which ten patients were observed.

    Returns
    -------
    Drawing
        A cross where the patient died, a bar where observation ended (unless that was later than the curve goes).
        Table: ID, time, survival (the corners of each step curve), quantile, event and end (time of death or
        censoring).
    """
    patients = chosen_patients(network, data)
    curves = predicted_curves(network, data, patients, until=followed_time(data.time))
    figure, axes = new_figure(ONE_COLUMN_MM * 1.35, 66)
    ax = axes[0, 0]
    shades = colormaps["viridis"](np.linspace(0.9, 0.05, len(patients)))
    ends = np.array([curves.loc[curves["ID"] == name, "survival"].iloc[-1] for name in patients["ID"]])
    for row, colour, end, level in zip(patients.itertuples(), shades, ends, _apart(ends), strict=True):
        curve = curves[curves["ID"] == row.ID]
        ax.step(curve["time"], curve["survival"], where="post", color=colour)
        ax.annotate(
            f"{100 * row.quantile:.0f} %  {row.ID}",
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(12, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=INK,
        )
        ax.plot(
            [1.0, 1.035], [end, level], color=colour, transform=ax.get_yaxis_transform(), clip_on=False, linewidth=0.8
        )
        if row.time <= curve["time"].max():
            at = curve["survival"].to_numpy()[np.searchsorted(curve["time"], row.time, side="right") - 1]
            ax.plot(
                row.time,
                at,
                "X" if row.event else "|",
                color=colour,
                markersize=6 if row.event else 9,
                markeredgewidth=0.4 if row.event else 1.2,
                markeredgecolor="white" if row.event else colour,
            )
    ax.plot([], [], "X", color=GREY, markersize=6, markeredgewidth=0, label="died")
    ax.plot([], [], "|", color=GREY, markersize=9, markeredgewidth=1.2, label="observation ended")
    ax.set(
        xlim=(0, float(curves["time"].max())),
        ylim=(0, 1.02),
        xlabel=f"time ({data.time_unit})",
        ylabel="predicted survival",
    )
    ax.annotate(
        "quantile\nof risk",
        (1.0, max(1.02, _apart(ends).max() + 0.08)),
        xycoords=("axes fraction", "data"),
        xytext=(12, 0),
        textcoords="offset points",
        va="bottom",
        fontsize=6.5,
        color=GREY,
    )
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    ends = patients.set_index("ID")[["quantile", "event", "time"]].rename(columns={"time": "end"})
    return Drawing(figure, curves.join(ends, on="ID"))


@styled
def hazard_scatter(compared: HazardComparison) -> Drawing:
    """Predicted against true log hazard of every patient.

    Parameters
    ----------
    compared : HazardComparison

    Returns
    -------
    Drawing
        Slope of the regression of the truth on the prediction: 1 where predicted differences are as large as true ones,
        less where the model exaggerates them. Table: true, predicted (both centred), event.
    """
    if compared.lacks:
        return Drawing.lacking(compared.lacks)
    table = compared.table
    missing = sorted({"true", "predicted", "event"} - set(table.columns))
    if missing or len(table) < 3:
        raise ValueError(f"the table needs three rows and the columns {missing}; it has {list(table.columns)}")
    figure, axes = new_figure(ONE_COLUMN_MM, 76)
    ax = axes[0, 0]
    limits = round_limits(table[["true", "predicted"]].to_numpy())
    ax.plot(limits, limits, color=GREY, linewidth=0.6, linestyle=":")
    for died, colour, label in ((False, GREY, "censored"), (True, VERMILLION, "died")):
        part = table[table["event"].astype(bool) == died]
        ax.scatter(part["predicted"], part["true"], s=9, color=colour, alpha=0.75, linewidths=0, label=label)
    text = "the true hazard is the same for all"
    if np.ptp(table["true"]) > 0 and np.ptp(table["predicted"]) > 0:
        rank = table["true"].corr(table["predicted"], method="spearman")
        slope = table["true"].cov(table["predicted"]) / table["predicted"].var()
        ax.plot(np.array(limits), slope * np.array(limits), color=INK, linewidth=0.9)
        text = f"rank correlation {rank:.2f}, slope {slope:.2f}"
    ax.set(
        xlim=limits,
        ylim=limits,
        aspect="equal",
        xlabel="predicted log hazard, out of fold",
        ylabel="true log hazard (simulation)",
    )
    ax.set_title(text, loc="left")
    ax.legend(loc="upper left", handletextpad=0.2)
    return Drawing(figure, table)


def _apart(values: np.ndarray, *, least: float = 0.055) -> np.ndarray:
    """The values, moved up where two labels would lie on each other."""
    order, moved = np.argsort(values, kind="stable"), np.array(values, float)
    for below, above in zip(order, order[1:], strict=False):
        moved[above] = max(moved[above], moved[below] + least)
    return moved
