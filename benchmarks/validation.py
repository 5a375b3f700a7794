"""Speed of the concordance for a million patients, and distance to the numbers that the paper's authors released."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import Unavailable
from cardiolib.cohorts import read_bootout, read_model_cstats
from cardiolib.validation import (
    BootstrapStore,
    compare_concordance,
    kaplan_meier_groups,
    paper_out_of_bag_risk,
    paper_percentile_interval,
    validate,
)

SHARED = Path(__file__).resolve().parents[2] / "shared"
ROWS, REPEATS = 1_000_000, 3


def measure() -> list[dict[str, Any]]:
    """Rows ``val.c_million_s`` and ``val.released_max_diff``.

    Raises
    ------
    Unavailable
        Without the released files, which are not distributed.
    """
    first, seconds = million_patients()
    return [
        {
            "id": "val.c_million_s",
            "value": seconds,
            "unit": "s",
            "reach": 3.0,
            "aim": 1.5,
            "better": "lower",
            "how": f"two C-indices, their standard errors and the paired test; CPU time of one core, best of {REPEATS}"
            f"; the first call in a process took {first:.1f} s more (compiled code is kept on disk)",
        },
        released_difference(),
    ]


def million_patients() -> tuple[float, float]:
    """Seconds that the first, small call takes (loading the compiled code), and CPU seconds of the large one."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=ROWS)
    death, end = rng.exponential(np.exp(-z)), rng.exponential(0.5, size=ROWS)
    event, observed = death <= end, np.minimum(death, end)
    a, b = z + rng.normal(size=ROWS), z + rng.normal(size=ROWS)
    started = time.perf_counter()
    compare_concordance(a[:50], b[:50], event[:50], observed[:50])
    first, seconds = time.perf_counter() - started, []
    for _ in range(REPEATS):
        started = time.process_time()
        compare_concordance(a, b, event, observed)
        seconds.append(time.process_time() - started)
    return first, round(min(seconds), 3)


def released_difference() -> dict[str, Any]:
    """Largest absolute difference over C_app, C_adj, all optimisms, and the log-rank chi2, both models.

    C_app is a number in the released files; it is compared with the known answer that was read from them. Everything
    else is computed here from the released predictions and bags.
    """
    folder, reference = SHARED / "data" / "4dsurvival", SHARED / "reference" / "authors_released_results.json"
    if not folder.is_dir() or not reference.is_file():
        raise Unavailable(f"the authors' released files are not in {folder}")
    entries = json.loads(reference.read_text(encoding="utf-8"))["answers"]
    answers = {entry["id"]: entry["values"] for entry in entries}
    differences: dict[str, float] = {}
    for model in ("DL", "conv"):
        bootout = read_bootout(folder / f"bootout_{model}.pkl")
        cstats = read_model_cstats(folder / f"modelCstats_{model}.pkl")
        ids = [str(i) for i in range(bootout.time.size)]
        store = BootstrapStore(ids, bootout.event, bootout.time, bootout.in_bag, bootout.predictions)
        found = validate(store, apparent_c=cstats.c_apparent)
        optimism = found.replicates["optimism"].to_numpy()
        risk = paper_out_of_bag_risk(store)
        curves = kaplan_meier_groups(risk, store.event, store.time)
        published = answers[f"modelcomp_{model}"]
        differences |= {
            f"optimism {model}": float(np.abs(optimism - cstats.optimism).max()),
            f"C_app {model}": abs(found.apparent - published["C_app"]),
            f"C_adj {model}": abs(paper_percentile_interval(found.apparent, optimism)[0] - published["C_adj"]),
            f"chi2 {model}": abs(curves.logrank_chi2 - answers[f"km_{model}"]["logrank_chi2"]),
        }
    worst = max(differences, key=differences.get)
    zero = [name for name, value in differences.items() if value == 0]
    return {
        "id": "val.released_max_diff",
        "value": differences[worst],
        "unit": "",
        "reach": 1e-6,
        "aim": 0.0,
        "better": "lower",
        "how": f"optimisms, C_app, C_adj, log-rank chi2 of both released models; largest in "
        f"{worst}; exactly 0: {', '.join(zero) or 'none'}",
    }


if __name__ == "__main__":
    from benchmarks.record import record

    record("validation", measure())
