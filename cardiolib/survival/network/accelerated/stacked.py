"""Many networks of the ``published`` protocol trained in lockstep on one device, for a GPU.

On a processor one small network keeps a core busy, and stacking gains nothing. A GPU is idle with one: here all
networks of a generation of the search (10 settings x 6 folds) take each step together, every product batched over the
models. Widths may differ: narrower networks are padded with units whose weights are zero. A unit that is always zero
has a gradient of zero, so padding changes nothing. Same mathematics as
:class:`~cardiolib.survival.network.accelerated.batch_step.FusedBatchStep` (a test holds them together); masks come from
the device's own generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from cardiolib.survival.network.accelerated.gradient import Weights, weight_shapes
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import ADAM_EPSILON


class StackedNetworks:
    """M networks on the same patients, each with settings, weights and batches of its own.

    Parameters
    ----------
    x : (N, D) float32 array
        Scaled features.
    event, time : (N,) arrays
    settings : sequence of NetworkSettings
        M of them, all with ``protocol="published"`` and one batch size.
    weights : sequence of Weights
        Where each starts; copied.
    device : str
        "cuda", or "cpu" to test.
    seed : int
        Of the dropout masks.

    Raises
    ------
    ValueError
        For settings of another protocol or of different batch sizes.
    """

    def __init__(
        self,
        x: np.ndarray,
        event: np.ndarray,
        time: np.ndarray,
        settings: Sequence[NetworkSettings],
        weights: Sequence[Weights],
        *,
        device: str,
        seed: int = 0,
    ) -> None:
        kinds = {(s.protocol, s.activation, s.batch_size) for s in settings}
        if len(kinds) != 1 or next(iter(kinds))[:2] != ("published", "relu"):
            raise ValueError(
                f"stacked networks need the published protocol, ReLU and one batch size, got {sorted(kinds)}"
            )
        self._x, self._event = (torch.as_tensor(np.asarray(a, np.float32), device=device) for a in (x, event))
        self._time = torch.as_tensor(np.asarray(time, float), device=device)
        self._generator = torch.Generator(device).manual_seed(seed)
        self._shapes = [weight_shapes(x.shape[1], s.hidden, s.latent) for s in settings]
        widest = weight_shapes(x.shape[1], max(s.hidden for s in settings), max(s.latent for s in settings))
        zeros = {name: torch.zeros((len(settings), *shape), device=device) for name, shape in widest.items()}
        self._w, self._g = zeros, {name: torch.zeros_like(w) for name, w in zeros.items()}
        for i, start in enumerate(weights):
            for name, view in start.views.items():
                self._own(self._w, name, i).copy_(torch.as_tensor(view))
        self._keep, self._alpha, self._l1 = (
            torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]
            for values in (
                [1 - s.dropout for s in settings],
                [s.alpha for s in settings],
                [10.0**s.log10_l1 for s in settings],
            )
        )
        groups = []
        for i, s in enumerate(settings):
            parameters = [w[i] for w in self._w.values()]
            for parameter, gradient in zip(parameters, self._g.values(), strict=True):
                parameter.grad = gradient[i]
            groups.append({"params": parameters, "lr": 10.0**s.log10_learning_rate, "weight_decay": s.weight_decay})
        self._adam = torch.optim.Adam(groups, eps=ADAM_EPSILON["published"], fused=True)

    def weights(self, i: int) -> dict[str, np.ndarray]:
        """Weights of network `i`, without padding."""
        return {name: self._own(self._w, name, i).cpu().numpy() for name in self._w}

    def step(self, rows: torch.Tensor, keep: torch.Tensor | None = None) -> None:
        """One Adam step of every network.

        Parameters
        ----------
        rows : (M, B) integer tensor
            The batch of each network; -1 fills up a smaller one.
        keep : (M, B, D) float tensor, optional
            Factors on the inputs (0, or 1 / (1 - dropout)); drawn on the device unless given.
        """
        w, present = self._w, (rows >= 0).float()  # (M, B)
        clean = self._x[rows.clamp_min(0)] * present[..., None]  # (M, B, D)
        if keep is None:
            drawn = torch.empty_like(clean).uniform_(generator=self._generator)
            keep = (drawn < self._keep) / self._keep
        noisy = clean * keep
        n = present.sum(dim=1)[:, None, None]
        h = _relu(noisy, w, "encoder_hidden") * present[..., None]
        z = _relu(h, w, "encoder_code") * present[..., None]
        q = _relu(z, w, "decoder_hidden") * present[..., None]
        error = torch.baddbmm(w["decoder_output.bias"][:, None], q, w["decoder_output.weight"].mT) - clean
        error *= present[..., None] * (2 * self._alpha / (n * clean.shape[2]))
        dr = (1 - self._alpha) * self._cox_gradient((z @ w["risk.weight"].mT)[..., 0], rows, present)[..., None]
        dq = (error @ w["decoder_output.weight"]) * (q > 0)
        dz = (dq @ w["decoder_hidden.weight"] + dr * w["risk.weight"]) * (z > 0)
        dh = (dz @ w["encoder_code.weight"] + self._l1) * (h > 0)
        for name, out, inside in (
            ("decoder_output", error, q),
            ("decoder_hidden", dq, z),
            ("risk", dr, z),
            ("encoder_code", dz, h),
            ("encoder_hidden", dh, noisy),
        ):
            torch.bmm(out.mT, inside, out=self._g[f"{name}.weight"])
            if name != "risk":
                torch.sum(out, dim=1, out=self._g[f"{name}.bias"])
        self._adam.step()

    def _cox_gradient(self, risk: torch.Tensor, rows: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """(M, B) gradient of the Breslow likelihood, summed over each batch; the risk set is the batch."""
        event, time = self._event[rows.clamp_min(0)] * present, self._time[rows.clamp_min(0)]
        at_risk = (time[:, None, :] >= time[:, :, None]) & (present[:, None, :] > 0)  # (M, who died, who was there)
        share = torch.softmax(risk[:, None, :].masked_fill(~at_risk, -torch.inf).nan_to_num(neginf=-1e30), dim=2)
        return ((event[:, :, None] * share).sum(dim=1) - event) * present

    def _own(self, stack: dict[str, torch.Tensor], name: str, i: int) -> torch.Tensor:
        return stack[name][i][tuple(slice(size) for size in self._shapes[i][name])]


def _relu(x: torch.Tensor, w: dict[str, torch.Tensor], layer: str) -> torch.Tensor:
    return torch.relu(torch.baddbmm(w[f"{layer}.bias"][:, None], x, w[f"{layer}.weight"].mT))
