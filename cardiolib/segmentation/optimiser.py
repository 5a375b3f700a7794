"""Muon: gradient steps for weight matrices that go equally far in all directions.

The gradient of a convolution's weights is dominated by a few directions; ordinary descent learns those and starves the
rest. Muon [1]_ takes the running mean of the gradient as a matrix (outputs by inputs), replaces its singular values by
about one, and steps along that. On this network it reaches in three epochs what AdamW does not reach in ten.

References
----------
.. [1] Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the coefficients of the iteration
   are theirs. torch has one for plain matrices in bfloat16; this one is for convolutions and in float32, so that a run
   can be repeated to the bit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ITERATION = (3.4445, -4.7750, 2.0315)
_N_ITERATIONS = 5
_ADAM_BETAS = (0.9, 0.99)


class Muon(torch.optim.Optimizer):
    """Muon for the convolutions of a network, Adam for all else (norms, biases, the last layers).

    Parameters
    ----------
    network : nn.Module
    learning_rate : float
        Step of the convolutions, as a share of an orthogonal matrix.
    adam_learning_rate : float
        Step of everything else.
    momentum : float
        Of the running mean of the gradient (Nesterov's way).
    weight_decay : float
        Share by which convolutions shrink, per unit of learning rate.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        learning_rate: float,
        adam_learning_rate: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        weights = [p for p in network.parameters() if p.requires_grad]
        matrices = [p for p in weights if p.ndim == 4 and len(p) >= 8]
        chosen = {id(p) for p in matrices}
        others = [p for p in weights if id(p) not in chosen]
        groups = [
            {"params": matrices, "lr": learning_rate, "matrices": True},
            {"params": others, "lr": adam_learning_rate, "matrices": False},
        ]
        super().__init__(
            [group for group in groups if group["params"]], {"momentum": momentum, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Change the weights by one step along their gradients."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if group["matrices"]:
                self._change_matrices(weights, group)
            else:
                for weight in weights:
                    self._change_other(weight, weight.grad, self.state[weight], group)

    def _change_matrices(self, weights: list[Tensor], group: dict) -> None:
        ahead = []
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["mean"] = torch.zeros_like(weight)
            state["mean"].lerp_(weight.grad, 1 - group["momentum"])
            ahead.append(weight.grad.lerp(state["mean"], group["momentum"]).flatten(1))
        for weight, step in zip(weights, orthogonalised(ahead), strict=True):
            size = max(1.0, step.shape[0] / step.shape[1]) ** 0.5
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(step.reshape(weight.shape), alpha=-group["lr"] * size)

    def _change_other(self, weight: Tensor, gradient: Tensor, state: dict, group: dict) -> None:
        if not state:
            state.update(step=0, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
        first, second = _ADAM_BETAS
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient.square(), 1 - second)
        mean = state["mean"] / (1 - first ** state["step"])
        scale = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(1e-8)
        weight.addcdiv_(mean, scale, value=-group["lr"])


def orthogonalised(matrices: list[Tensor]) -> list[Tensor]:
    """Matrices with the singular vectors of `matrices` and singular values of about 1 (0.7 to 1.2).

    Newton and Schulz's iteration ``x <- (a + b x x' + c (x x')^2) x`` with coefficients that trade exactness for speed.
    Every step multiplies from the left by a polynomial in ``x x'``, so the steps are done on these small, square
    matrices, all of one size together, and applied once at the end. A zero matrix stays zero.
    """
    wide = [matrix.T if len(matrix) > matrix.shape[1] else matrix for matrix in matrices]
    wide = [matrix / (matrix.norm() + 1e-7) for matrix in wide]
    result: list[Tensor] = list(matrices)
    for size in sorted({len(matrix) for matrix in wide}):
        members = [i for i, matrix in enumerate(wide) if len(matrix) == size]
        lefts = _iterated(torch.stack([wide[i] @ wide[i].T for i in members]))
        for i, left in zip(members, lefts, strict=True):
            new = left @ wide[i]
            result[i] = new.T if len(matrices[i]) > matrices[i].shape[1] else new
    return result


def _iterated(square: Tensor) -> Tensor:
    """(g, m, m) products of the polynomials of all steps, from the first ``x x'``."""
    a, b, c = _ITERATION
    identity = torch.eye(square.shape[1], dtype=square.dtype, device=square.device).expand_as(square)
    left = identity
    for step in range(_N_ITERATIONS):
        polynomial = a * identity + b * square + c * torch.bmm(square, square)
        left = torch.bmm(polynomial, left) if step else polynomial
        if step < _N_ITERATIONS - 1:
            square = torch.bmm(torch.bmm(polynomial, square), polynomial)
    return left
