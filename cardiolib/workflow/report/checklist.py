"""What the pages of checklists (TRIPOD+AI, PROBAST+AI) share: what a run knows, and a text filled in from it."""

from __future__ import annotations

from typing import Any

from cardiolib.workflow.report.index_page import Values
from cardiolib.workflow.report.verify import flatten

ANSWERED = "from the run"
NOT_APPLICABLE = "not applicable to a simulated cohort"
BY_AUTHORS = "for the authors to write"
NOT_COMPUTED = "This run did not compute what the answer needs."


def run_values(metrics: dict[str, Any], manifest: dict[str, Any]) -> Values:
    """Everything that an answer may name: metrics, the manifest, parameters of stages, and a few joined values.

    Parameters
    ----------
    metrics, manifest : dict
        As ``metrics.json`` and ``manifest.json`` of a run hold them.
    """
    facts = flatten(metrics) | flatten({"manifest": manifest})
    made: dict[str, Any] = next((one for one in manifest["stages"].values() if one["status"] == "complete"), {})
    facts["commit"] = made.get("git", {}).get("commit")
    for stage in ("survival", "validation"):
        parameters = manifest["stages"].get(stage, {}).get("parameters", {})
        facts |= {f"{stage}_parameters.{name}": _plain(value) for name, value in parameters.items()}
    for name, value in (metrics.get("cohort") or {}).items():
        if name.startswith("median_follow_up_"):
            unit = name.removeprefix("median_follow_up_")
            facts |= {"cohort_time_unit": unit, "follow_up": f"{value:.2f} {unit}"}
    explained = facts.get("validation.network_brier_explained")
    facts["network_explained"] = None if explained is None else f"{100 * explained:.0f} %"
    judged = sorted(name.rsplit("_", 1)[1] for name in facts if name.startswith("validation.network_ici_"))
    facts["middle_horizon"] = judged[len(judged) // 2] if judged else None
    return Values(facts)


def filled(template: str, values: Values, *, simulated: bool, applies: bool = True) -> tuple[str, str]:
    """What a run says to one item, and the status of the answer.

    Parameters
    ----------
    template : str
        ``{stage.name:format}`` stands for a value of the run; empty where no run can say anything.
    values : Values
        As `run_values` gives them.
    simulated : bool
        Whether the run's cohort is simulated.
    applies : bool
        Whether the item has a meaning for simulated patients.

    Returns
    -------
    status : str
        `ANSWERED`, `NOT_APPLICABLE` or `BY_AUTHORS`.
    text : str

    Examples
    --------
    >>> from cardiolib.workflow.report.index_page import Values
    >>> filled("{cohort.subjects_count} patients.", Values({"cohort.subjects_count": 302}), simulated=True)
    ('from the run', '302 patients.')
    """
    if simulated and not applies:
        return NOT_APPLICABLE, ""
    if not template:
        return BY_AUTHORS, ""
    text = values.fill(template)
    return (BY_AUTHORS, NOT_COMPUTED) if text is None else (ANSWERED, text)


def _plain(value: Any) -> Any:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
