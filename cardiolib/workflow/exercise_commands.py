"""``cardiolib exercise`` and ``cardiolib grade``: notebooks for students out, grades for what comes back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_exercise_commands(commands: Any) -> None:
    """Add ``exercise`` and ``grade`` to a parser's subparsers."""
    sub = commands.add_parser(
        "exercise",
        help="write the notebooks of exercises for students",
        description="Write six notebooks of exercises for each student, over a simulated cohort of the student's own.",
    )
    sub.set_defaults(command=_exercise)
    sub.add_argument("students", nargs="+", metavar="STUDENT", help="id of a student: letters, digits, . _ @ -")
    sub.add_argument("--out", default="exercises", metavar="DIR", help="notebooks go to DIR/STUDENT")
    sub.add_argument("--overwrite", action="store_true", help="write over notebooks that hold work")
    sub = commands.add_parser(
        "grade",
        help="grade the notebooks of exercises that students handed in",
        description="Execute every notebook below a folder in a sandbox, judge its answers, write a table and a page.",
        epilog="What was graded before, and has not changed, is not executed again.",
    )
    sub.set_defaults(command=_grade)
    sub.add_argument("folder", metavar="DIR", help="what was handed in")
    sub.add_argument(
        "--out", default="", metavar="DIR", help="where grades go; DIR-grades beside the folder by default"
    )
    sub.add_argument("--seconds", type=int, default=30, help="time limit of a notebook (default: 30)")
    sub.add_argument("--memory-mib", type=int, default=1024, help="memory of a notebook (default: 1024)")
    sub.add_argument("--workers", type=int, default=0, help="notebooks at a time; 0 for one per core")


def _exercise(options: argparse.Namespace) -> int:
    from cardiolib.exercises.hand_out import hand_out
    from cardiolib.exercises.students import student_id

    left = 0
    for student in [student_id(text) for text in options.students]:  # all are checked before anything is written
        done = hand_out(student, options.out, overwrite=options.overwrite)
        _say(f"{student}: {len(done.written)} notebooks in {Path(options.out) / student}")
        left += len(done.left_alone)
        for path in done.left_alone:
            _say(f"  left alone, as it is there and may hold work: {path}")
    if left:
        _say("--overwrite (make exercise OVERWRITE=1) writes over them; the work in them is then lost.")
    return 1 if left else 0


def _grade(options: argparse.Namespace) -> int:
    from cardiolib.exercises.grade_page import PAGE_FILE, TABLE_FILE
    from cardiolib.exercises.grading import GradingSettings, grade_folder

    folder = Path(options.folder)
    out = Path(options.out) if options.out else folder.resolve().with_name(f"{folder.resolve().name}-grades")
    settings = GradingSettings(seconds=options.seconds, memory_mib=options.memory_mib, workers=options.workers)
    grades = grade_folder(folder, out, settings=settings, say=_say)
    _say(f"{len(grades)} notebooks: {out / TABLE_FILE}, {out / PAGE_FILE}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
