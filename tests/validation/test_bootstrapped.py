"""A bootstrapped model in one call, with as little as one has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import cardiolib as cl
from cardiolib.survival import CoxRecipe, PcaCoxRecipe, SurvivalData
from cardiolib.validation import BootstrapSettings, FitRecipe, run_bootstrap, validate

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 3))
TIME = RNG.exponential(np.exp(-X[:, 0]))
EVENT, TIME = TIME < 2, TIME.clip(max=2)
IDS = tuple(f"p{i}" for i in range(50))


def _data(volumes: bool = True) -> SurvivalData:
    table = pd.DataFrame(X, index=list(IDS), columns=["RVEDV", "RVESV", "RVEF"]) if volumes else None
    return SurvivalData(IDS, np.hstack([X, X]).astype(np.float32), EVENT, TIME, table, (1, 2, 3), "years")


def test_it_equals_the_long_way(tmp_path) -> None:
    boot = cl.bootstrap(CoxRecipe(), X, EVENT, TIME, n=6, seed=2)
    store = run_bootstrap(
        FitRecipe(CoxRecipe()),
        X,
        EVENT,
        TIME,
        ids=IDS,
        settings=BootstrapSettings(6),
        seed=2,
        folder=tmp_path,
        model="m",
    )
    assert np.array_equal(boot.store.log_risk, store.log_risk)
    pd.testing.assert_frame_equal(boot.table(), validate(store).table())
    assert boot.store.patient_id.tolist() == [str(i) for i in range(1, 51)]


def test_a_table_brings_its_ids_and_a_folder_goes_on(tmp_path) -> None:
    table = pd.DataFrame(X, index=list(IDS))
    first = cl.bootstrap(CoxRecipe(), table, EVENT, TIME, n=3, folder=tmp_path)
    again = cl.bootstrap(CoxRecipe(), table, EVENT, TIME, n=3, folder=tmp_path)
    assert first.store.patient_id.tolist() == list(IDS)
    assert np.array_equal(first.store.seconds, again.store.seconds)  # read, not run again


def test_survival_data_give_each_recipe_what_it_reads() -> None:
    data = _data()
    cox = cl.bootstrap(CoxRecipe(), data, n=3)
    assert np.array_equal(cox.store.log_risk, cl.bootstrap(CoxRecipe(), X, EVENT, TIME, n=3).store.log_risk)
    motion = cl.bootstrap(PcaCoxRecipe(), data, n=2)
    assert np.array_equal(motion.store.log_risk, cl.bootstrap(PcaCoxRecipe(), data.X, EVENT, TIME, n=2).store.log_risk)
    assert cox.time_unit == "years" and list(cox.risk_groups(3)) == ["CoxRecipe"]
    with pytest.raises(ValueError, match="have no volumes"):
        cl.bootstrap(CoxRecipe(), _data(volumes=False), n=2)
    with pytest.raises(ValueError, match="already"):
        cl.bootstrap(CoxRecipe(), data, EVENT, TIME)
    with pytest.raises(ValueError, match="event and time are needed"):
        cl.bootstrap(CoxRecipe(), X)


def test_a_network_takes_survival_data() -> None:
    settings = cl.NetworkSettings(hidden=4, latent=2, epochs=2)
    network = cl.fit_network(_data(), settings=settings)
    plain = cl.fit_network(_data().X, EVENT, TIME, settings)
    assert network.feature_shape == (1, 2, 3) and network.provenance["time_unit"] == "years"
    assert np.array_equal(network.predict_log_risk(_data().X), plain.predict_log_risk(_data().X))


@pytest.mark.parametrize("simulated", [True, False])
def test_models_of_simulated_patients_say_so(simulated: bool) -> None:
    data = replace(_data(), simulated=simulated)
    network = cl.fit_network(data, settings=cl.NetworkSettings(hidden=4, latent=2, epochs=2))
    boot = cl.bootstrap(CoxRecipe(), data, n=2)
    for one, marked in ((network, network.simulated), (boot, boot.store.simulated)):
        assert marked == simulated == ("SIMULATED" in repr(one))
