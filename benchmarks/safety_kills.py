"""What does a crash cost? A small run is killed at seeded random moments and started again.

`kills_survived` kills the runner, a notebook's kernel and a Dask worker, and lets the disk run full. A kill is survived
when nothing half-written is left outside ``*.work``, no process of the run stays behind, and the same command then ends
with what an undisturbed run ends with, byte for byte. Some twenty seconds a kill on one core.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.toy_run import RUN
from cardiolib.files import UNFINISHED, read_json
from cardiolib.workflow.work_folder import is_whole

ROOT = Path(__file__).resolve().parents[1]
VICTIMS = ("runner", "kernel", "worker", "full disk")
ENDED_S = 30.0
"""Within so many seconds all processes of a killed run have ended by themselves."""
LIMIT_S = 1800.0
TRIES, EARLIER = 6, 0.85
"""A kill that came too late is tried again, each time earlier."""

NOT_COMPARED = ("run.lock", ".doit.json", "notebook.ipynb", "stage.json", "manifest.json")
"""Files that hold times of day and durations. What of them is a result is compared by itself (`results_of`)."""
CLOCKS = (
    re.compile(
        r"data-source='[\w.]*seconds'>\d+</button>"
    ),  # durations of the stages and their sum, front page of a run
    re.compile(r"<b>[\w.]*seconds</b> = [\d.]+"),  # the same, in the note of each
    re.compile(r"<td>\d{4}-\d\d-\d\d \d\d:\d\d</td>"),  # list of runs: when it was published
)
"""Durations and times of day in pages."""


@dataclass(frozen=True)
class Kill:
    """Who is killed, and when.

    Attributes
    ----------
    victim : str
        One of `VICTIMS`.
    moment : float
        Share of the undisturbed run's time; of a full disk: share of what it writes that there is room for.
    """

    victim: str
    moment: float


def kills_survived(n: int = 50, *, seed: int = 20190211, victims: Sequence[str] = VICTIMS) -> dict[str, Any]:
    """Row ``safe.kills_survived``: share of kills after which nothing is lost.

    Parameters
    ----------
    n : int
        Kills, dealt to the victims in turn.
    seed : int
        Of their moments.
    victims : sequence of str
        Some of `VICTIMS`.
    """
    lost = {kill: reason for kill, reason in what_kills_cost(kills(n, seed=seed, victims=victims)) if reason}
    told = "; ".join(f"{kill.victim} at {kill.moment:.2f}: {reason}" for kill, reason in lost.items()) or "none"
    counts = ", ".join(f"{sum(i % len(victims) == j for i in range(n))} {one}" for j, one in enumerate(victims))
    return {
        "id": "safe.kills_survived",
        "value": round(100 * (n - len(lost)) / n, 2),
        "unit": "%",
        "reach": 100,
        "aim": 100,
        "better": "higher",
        "how": f"{n} kills ({counts}) at random moments of a small run with two notebooks, seed {seed}; the same "
        f"command then ends byte for byte as an undisturbed run, and nothing is left behind; lost: {told}",
    }


def kills(n: int, *, seed: int, victims: Sequence[str] = VICTIMS) -> list[Kill]:
    """Seeded kills, dealt to the victims in turn."""
    moments = np.random.default_rng(seed).uniform(0.02, 0.98, n)
    return [Kill(victims[i % len(victims)], float(moment)) for i, moment in enumerate(moments)]


def what_kills_cost(planned: Sequence[Kill]) -> Iterator[tuple[Kill, str]]:
    """Each kill, and what was lost by it in words; empty where nothing was."""
    with tempfile.TemporaryDirectory(prefix="cardiolib-kills-") as place:
        whole = Path(place) / "undisturbed"
        started = time.monotonic()
        code, said = _to_its_end(whole)
        seconds = time.monotonic() - started
        if code:
            raise RuntimeError(f"the undisturbed run failed: {said[-2000:]}")
        wanted = results_of(whole)
        for number, kill in enumerate(planned):
            folder = Path(place) / f"kill{number}"
            yield kill, what_one_kill_costs(kill, folder, wanted=wanted, seconds=seconds, whole=whole)
            shutil.rmtree(folder, ignore_errors=True)


def what_one_kill_costs(kill: Kill, folder: Path, *, wanted: dict[str, bytes], seconds: float, whole: Path) -> str:
    """Disturb one run, start it again, and compare; what is wrong in words, or nothing.

    A run that was over before its kill is none: on a machine that has become faster, it is run anew with its own time.
    """
    if kill.victim == "full disk":
        return _full_disk(kill, folder, wanted, whole)
    for _ in range(TRIES):
        started = time.monotonic()
        lost = _struck(kill, folder, wanted=wanted, seconds=seconds)
        if lost is not None:
            return lost
        seconds = EARLIER * (time.monotonic() - started)
        shutil.rmtree(folder)
    return f"in {TRIES} tries the run was over before it could be killed"


def _struck(kill: Kill, folder: Path, *, wanted: dict[str, bytes], seconds: float) -> str | None:
    """What one kill cost; None where the run was over by then."""
    with _started(folder) as runner:
        hit = _strike(kill, runner, seconds)
        if not hit:
            return None
        try:
            runner.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            return "the run does not end"
    if kill.victim != "runner" and runner.returncode not in (0, 1):
        return f"the runner ended with {runner.returncode}"
    broken = half_written(folder, wanted)
    if broken:
        return f"half-written: {', '.join(broken[:3])}"
    lost = _resumed(folder, wanted)  # at once: what the killed run has started may not have ended yet
    left = _still_there(hit)
    return lost or (f"processes stay behind: {', '.join(left)}" if left else "")


def half_written(folder: Path, wanted: dict[str, bytes]) -> list[str]:
    """Files outside ``*.work`` that are there under their own name and not as they should be."""
    broken = [name for name, content in results_of(folder).items() if name in wanted and content != wanted[name]]
    for record in (folder / "derived" / RUN).glob("*/stage.json"):
        if not record.parent.name.endswith((".work", ".old", ".arriving")):
            broken += [] if is_whole(record.parent, read_json(record)) else [record.parent.name]
    return sorted(broken)


def left_behind(folder: Path) -> list[str]:
    """Temporary files and folders that are there when a run has ended."""
    endings = (".work", ".old", ".arriving")
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.name.startswith(UNFINISHED) or path.name.endswith(endings)
    )


def results_of(folder: Path) -> dict[str, bytes]:
    """Content of every published file and every stage's outputs; durations and times of day taken out of pages."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        working = any(part.endswith((".work", ".old", ".arriving")) for part in path.relative_to(folder).parts)
        hidden = any(part.startswith(UNFINISHED) for part in path.relative_to(folder).parts)
        if not path.is_file() or working or hidden or path.name in NOT_COMPARED:
            continue
        content = path.read_bytes()
        if path.suffix == ".html":
            text = content.decode()
            for clock in CLOCKS:
                text = clock.sub("<td>when</td>", text)
            content = text.encode()
        # the folder itself differs from run to run
        found[name] = content.replace(str(folder).encode(), b"FOLDER").replace(folder.name.encode(), b"FOLDER")
    return found


def _resumed(folder: Path, wanted: dict[str, bytes]) -> str:
    code, said = _to_its_end(folder)
    if code:
        return f"the same command fails: {said.strip().splitlines()[-1] if said.strip() else code}"
    return _difference(folder, wanted)


def _difference(folder: Path, wanted: dict[str, bytes]) -> str:
    found, left = results_of(folder), left_behind(folder)
    if left:
        return f"left behind: {', '.join(left[:3])}"
    other = [name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)]
    return f"not the same: {', '.join(sorted(other)[:3])}" if other else ""


def _strike(kill: Kill, runner: subprocess.Popen, seconds: float) -> list[psutil.Process]:
    """Kill the victim at its moment; the processes of the run just before, none where the run was over by then."""
    pick: dict[str, Callable[[list[psutil.Process]], list[psutil.Process]]] = {
        "runner": lambda family: family[:1],
        "kernel": lambda family: [one for one in family if "ipykernel_launcher" in _command(one)],
        "worker": lambda family: [one for one in family if "spawn_main" in _command(one)],
    }
    try:
        runner.wait(kill.moment * seconds)
    except subprocess.TimeoutExpired:
        pass
    while runner.poll() is None:
        family = _family(runner.pid)
        victims = pick[kill.victim](family)
        if victims:
            try:
                victims[int(kill.moment * 997) % len(victims)].send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
            return family
        time.sleep(0.02)  # a kernel or a worker that has not started yet
    return []


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _still_there(family: list[psutil.Process]) -> list[str]:
    """Processes that have not ended by themselves; they are ended then."""
    _, alive = psutil.wait_procs(family[1:], timeout=ENDED_S)
    names = [_command(one)[:60] for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    for one in alive:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            pass
    return names


def _to_its_end(folder: Path) -> tuple[int, str]:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(_line(folder), cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stdout + done.stderr


@contextmanager
def _started(folder: Path) -> Iterator[subprocess.Popen]:
    folder.mkdir(parents=True)
    with subprocess.Popen(_line(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.toy_run", str(folder)]


def _full_disk(kill: Kill, folder: Path, wanted: dict[str, bytes], whole: Path) -> str:
    """A small disk for the run, made larger for the second try; where none can be had, a limit on the size of files."""
    bytes_needed = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    size = max(int(kill.moment * bytes_needed) // 4096, 8) * 4096
    folder.mkdir(parents=True)
    line = " ".join(_line(folder / "disk" / folder.name))
    script = (
        f"mkdir {folder}/disk && mount -t tmpfs -o size={size} tmpfs {folder}/disk || exit 77\n"
        f"mkdir {folder}/disk/{folder.name}\n{line} > {folder}/said 2>&1; echo $? > {folder}/status\n"
        f"mount -o remount,size=256m {folder}/disk && {line} > {folder}/said2 2>&1 || exit 78\n"
        f"cp -a {folder}/disk/{folder.name} {folder}/result\n"
    )
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        timeout=2 * LIMIT_S,
    )
    if done.returncode == 78:
        return f"the same command fails: {(folder / 'said2').read_text().strip().splitlines()[-1]}"
    if done.returncode:
        return _limited_files(kill, folder / "limited", wanted)
    said = (folder / "said").read_text()
    if (folder / "status").read_text().strip() != "0" and "Free some space" not in said:
        return f"a full disk is not told: {said.strip().splitlines()[-1]}"
    (folder / "result").rename(folder / "disk" / folder.name)
    return _difference(folder / "disk" / folder.name, wanted)


def _limited_files(kill: Kill, folder: Path, wanted: dict[str, bytes]) -> str:
    """No file may grow beyond a size, so that writing breaks off in its middle."""
    folder.mkdir(parents=True)
    kilobytes = 1 + int(kill.moment * 60)
    line = f"ulimit -f {kilobytes}; exec {' '.join(_line(folder))}"
    subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, timeout=LIMIT_S)
    return _resumed(folder, wanted)


if __name__ == "__main__":
    sys.stdout.write(f"{kills_survived(int(sys.argv[1]) if len(sys.argv) > 1 else 50)}\n")
