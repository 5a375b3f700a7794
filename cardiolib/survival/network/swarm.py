"""A particle swarm on the unit cube, from pyswarms, kept from touching anything outside itself.

pyswarms 1.3.0 reconfigures the root logger and opens `report.log` in the working directory whenever it is
imported or builds a part, and draws from numpy's global generator. Here every call into it runs with a logging
configuration that changes nothing, and with a random state that belongs to the swarm; the caller's logging,
folder and random stream are as before afterwards.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy.stats import qmc

_NO_LOGGING_CHANGES = "version: 1\nincremental: true\n"


class ParticleSwarm:
    """Minimise a cost by asking for positions and telling what they cost, one generation at a time.

    Parameters
    ----------
    n_particles, n_dimensions : int
    seed : int
        Of the start (a scrambled Sobol sequence) and of the moves.
    inertia, cognitive, social : float
        Weights of a particle's own velocity, of its own best and of the swarm's best position.
    velocity_clamp : float
        Largest move of a particle per generation and dimension, as a fraction of the range.

    Attributes
    ----------
    position : (n_particles, n_dimensions) array
        Where the cost is wanted next, in [0, 1].

    Notes
    -----
    Particles are reflected at the walls of the cube. Source: Kennedy and Eberhart, IEEE ICNN (1995);
    Miranda, PySwarms, JOSS 3:433 (2018).
    """

    def __init__(
        self,
        n_particles: int,
        n_dimensions: int,
        *,
        seed: int,
        inertia: float = 0.4,
        cognitive: float = 1.5,
        social: float = 2.0,
        velocity_clamp: float = 0.2,
    ) -> None:
        self._clamp = (-velocity_clamp, velocity_clamp)
        sobol, moves = np.random.SeedSequence(seed).spawn(2)
        start = qmc.Sobol(n_dimensions, rng=np.random.default_rng(sobol))
        points = start.random_base2(int(np.ceil(np.log2(max(n_particles, 1)))))[:n_particles]
        generator = np.random.RandomState(np.random.MT19937(moves))  # noqa: NPY002  pyswarms needs this kind
        self._random_state = generator.get_state(legacy=False)
        with self._isolated() as backend:
            self._swarm = backend.create_swarm(
                n_particles,
                n_dimensions,
                options={"c1": cognitive, "c2": social, "w": inertia},
                init_pos=points,
                clamp=self._clamp,
            )
        self._swarm.pbest_cost = np.full(n_particles, np.inf)

    @property
    def position(self) -> np.ndarray:
        return self._swarm.position.copy()

    @property
    def best_position(self) -> np.ndarray:
        """(n_dimensions,) position of the lowest cost so far; empty before a finite cost was told."""
        return np.array(self._swarm.best_pos)

    @property
    def best_cost(self) -> float:
        """Lowest cost so far; infinite before a finite cost was told."""
        return float(self._swarm.best_cost)

    def tell(self, cost: np.ndarray) -> None:
        """Give the cost of each particle at `position` (NaN counts as infinite) and move the swarm."""
        swarm = self._swarm
        cost = np.asarray(cost, dtype=float)
        if cost.shape != (swarm.n_particles,):
            raise ValueError(f"{swarm.n_particles} particles need as many costs, got shape {cost.shape}")
        swarm.current_cost = np.where(np.isnan(cost), np.inf, cost)
        with self._isolated() as backend:
            swarm.pbest_pos, swarm.pbest_cost = backend.compute_pbest(swarm)
            best = int(np.argmin(swarm.pbest_cost))
            if swarm.pbest_cost[best] < swarm.best_cost:
                swarm.best_pos, swarm.best_cost = swarm.pbest_pos[best].copy(), float(swarm.pbest_cost[best])
            attractor = swarm.best_pos
            if attractor.size == 0:  # everything failed so far: no particle is drawn anywhere
                swarm.best_pos = swarm.pbest_pos
            walls = (np.zeros(swarm.dimensions), np.ones(swarm.dimensions))
            swarm.velocity = backend.compute_velocity(
                swarm, self._clamp, backend.VelocityHandler(strategy="unmodified"), walls
            )
            swarm.best_pos = attractor
            swarm.position = backend.compute_position(swarm, walls, backend.BoundaryHandler(strategy="reflective"))

    def state(self) -> dict:
        """Everything that changes, as lists and numbers for a JSON file."""
        s, generator = self._swarm, self._random_state["state"]
        return {
            "position": s.position.tolist(),
            "velocity": s.velocity.tolist(),
            "pbest_pos": s.pbest_pos.tolist(),
            "pbest_cost": s.pbest_cost.tolist(),
            "best_pos": np.array(s.best_pos).tolist(),
            "best_cost": float(s.best_cost),
            "key": generator["key"].tolist(),
            "pos": int(generator["pos"]),
        }

    def restore(self, state: dict) -> None:
        """Continue from a :meth:`state` as the swarm that gave it would have."""
        s = self._swarm
        for name in ("position", "velocity", "pbest_pos", "pbest_cost", "best_pos"):
            setattr(s, name, np.array(state[name], dtype=float))
        s.best_cost = float(state["best_cost"])
        self._random_state["state"] = {"key": np.array(state["key"], dtype=np.uint32), "pos": int(state["pos"])}

    @contextmanager
    def _isolated(self) -> Iterator:
        with _silent_pyswarms() as backend:
            callers = np.random.get_state(legacy=False)  # noqa: NPY002  the swarm's state stands in for it
            np.random.set_state(self._random_state)  # noqa: NPY002
            try:
                yield backend
            finally:
                self._random_state = np.random.get_state(legacy=False)  # noqa: NPY002
                np.random.set_state(callers)  # noqa: NPY002


@contextmanager
def _silent_pyswarms() -> Iterator:
    """The module pyswarms.backend, imported and used under a logging configuration that changes nothing."""
    before = os.environ.get("LOG_CFG")
    with tempfile.TemporaryDirectory() as folder:
        configuration = os.path.join(folder, "logging.yml")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(_NO_LOGGING_CHANGES)
        os.environ["LOG_CFG"] = configuration
        try:
            import pyswarms.backend as backend

            yield backend
        finally:
            if before is None:
                del os.environ["LOG_CFG"]
            else:
                os.environ["LOG_CFG"] = before
