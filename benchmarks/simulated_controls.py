"""Make the table of simulated controls that the package ships: ``python -m benchmarks.simulated_controls`` (half a
minute)."""

from __future__ import annotations

import sys

from cardiolib.scan.control_hearts import N_CONTROLS, write_controls
from cardiolib.scan.controls import CONTROLS_FILE

if __name__ == "__main__":
    write_controls()
    sys.stdout.write(f"{CONTROLS_FILE}: {N_CONTROLS} simulated controls\n")
