"""Exercises of chapter 7: PoseNet."""

import numpy as np
import torch
from torch import nn

from . import exercise
from .attempt import short


def _parameters(channels, hidden, joints, side, kernel=9, bias=1):
    total, before = 0, 3
    for after in channels:
        total += (kernel * before + bias) * after
        before = after
    total += (before * side**2 + bias) * hidden
    total += (hidden + bias) * hidden
    return total + (hidden + bias) * joints * 2


@exercise(
    "07.1",
    hints=(
        "One convolution from a to b channels has (9 * a + 1) * b parameters. "
        "The first one has a = 3, each other one the channels before it.",
        "A fully connected layer from a to b numbers has (a + 1) * b. The first "
        "takes the whole last map: channels[-1] * side * side numbers.",
        "The others: (hidden + 1) * hidden, and (hidden + 1) * joints * 2 for "
        "an x and a y per joint.",
    ),
)
def _(attempt):
    document = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512]
    cases = [([4, 8], 10, 2, 2), (document, 4096, 16, 7), ([5], 7, 3, 4)]
    rng = np.random.default_rng(71)
    for _ in range(10):
        cases.append(
            (
                rng.integers(2, 40, rng.integers(2, 6)).tolist(),
                *map(int, rng.integers(2, 30, 3)),
            )
        )
    for channels, hidden, joints, side in cases:
        arguments = channels, hidden, joints, side
        right = _parameters(*arguments)
        last = channels[-1]
        attempt.gives(
            right,
            channels,
            hidden,
            joints,
            side=side,
            mistakes={
                "the biases are missing: one for every channel or number that "
                "a layer gives": _parameters(*arguments, bias=0),
                "a kernel has 3 x 3 weights per channel that it looks at": _parameters(
                    *arguments, kernel=1
                ),
                "a kernel of 3 x 3 has 9 weights per channel that it looks at": _parameters(
                    *arguments, kernel=3
                ),
                "each channel has a bias of its own, and so has each number of "
                "a fully connected layer": _parameters(*arguments, bias=0)
                + len(channels)
                + 3,
                "the first fully connected layer takes every cell of the last "
                "map: channels times side times side": right
                - last * (side**2 - 1) * hidden,
                "the last map has side times side cells": right
                - last * (side**2 - side) * hidden,
                "a joint has an x and a y": right - (hidden + 1) * joints,
                "there are two layers of `hidden` numbers, and then the "
                "coordinates": right - (hidden + 1) * hidden,
                "the picture has three colours": right - 2 * 9 * channels[0],
                "a convolution's kernels look at all channels before it": right
                - sum(9 * (a - 1) * b for a, b in zip([3, *channels], channels)),
            },
        )


def _field(layers, order="after", grows="times", counts=1):
    sees = jump = 1
    for kernel, stride in layers:
        larger = jump * stride if grows == "times" else jump + stride - 1
        larger = jump if grows == "never" else larger
        larger = stride if grows == "set" else larger
        sees += (kernel - counts) * (larger if order == "before" else jump)
        jump = larger
    return sees


@exercise(
    "07.2",
    hints=(
        "Keep two numbers, sees = 1 and jump = 1, and go through the layers in "
        "their order.",
        "A kernel adds kernel - 1 neighbours, each one jump away: "
        "sees += (kernel - 1) * jump.",
        "After that, and not before: jump *= stride.",
    ),
)
def _(attempt):
    document = [(3, 1), (3, 1), (2, 2)] * 5
    cases = [
        [(3, 1), (3, 1), (2, 2), (3, 1)],
        document,
        [(7, 2)],
        [],
        [(3, 2), (3, 2), (3, 2)],
        [(1, 1), (5, 3), (2, 2)],
    ]
    rng = np.random.default_rng(72)
    for _ in range(10):
        cases.append([tuple(map(int, pair)) for pair in rng.integers(1, 5, (6, 2))])
    for layers in cases:
        attempt.gives(
            _field(layers),
            layers,
            mistakes={
                "the jump is multiplied too early: a layer's own kernel still "
                "moves in steps of the layer before": _field(layers, "before"),
                "after a stride, neighbours lie further apart": _field(
                    layers, grows="never"
                ),
                "strides multiply: two of 2 make a jump of 4": _field(
                    layers, grows="plus"
                ),
                "each stride multiplies the jump, it does not replace it": _field(
                    layers, grows="set"
                ),
                "start with one pixel: it sees 1": _field(layers) - 1,
                "a kernel of 3 adds 2 neighbours, not 3": _field(layers, counts=0),
                "that is the jump, the pixels between two neighbours": int(
                    np.prod([stride for _, stride in layers])
                ),
            },
        )


@exercise(
    "07.3",
    hints=(
        "Each channel has one mean: over the pictures, the rows and the "
        "columns, x.mean((0, 2, 3), keepdim=True).",
        "The variance is the mean of the squared differences: "
        "(x - mean).square().mean((0, 2, 3), keepdim=True). Divide by "
        "(variance + eps).sqrt().",
        "gamma and beta have shape (C,); gamma[:, None, None] fits (N, C, H, W).",
    ),
)
def _(attempt):
    generator = torch.Generator().manual_seed(73)
    one = torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1)
    cases = [(one, torch.tensor([10.0]), torch.tensor([5.0]), 0.0)]
    for shape, size, eps in (
        ((4, 3, 2, 5), 2.0, 1e-5),
        ((6, 4, 3, 3), 0.05, 0.001),
        ((5, 2, 4, 4), 1.0, 0.1),
    ):
        x = size * torch.randn(shape, generator=generator)
        x = x + torch.arange(shape[1])[:, None, None]
        gamma, beta = torch.randn(2, shape[1], generator=generator)
        cases.append((x, gamma, beta, eps))
    for x, gamma, beta, eps in cases:

        def normal(
            axes=(0, 2, 3),
            eps=eps,
            unbiased=0,
            outside=False,
            x=x,
            gamma=gamma,
            beta=beta,
        ):
            variance = x.var(axes, keepdim=True, correction=unbiased)
            below = variance.sqrt() + eps if outside else (variance + eps).sqrt()
            scaled = (x - x.mean(axes, keepdim=True)) / below
            return gamma[:, None, None] * scaled + beta[:, None, None]

        plain = normal(gamma=torch.ones_like(gamma), beta=torch.zeros_like(beta))
        attempt.gives(
            normal(),
            x,
            gamma,
            beta,
            eps,
            tolerance=1e-4,
            mistakes={
                "gamma and beta are missing": plain,
                "gamma is the new scale and beta the new middle, not the other "
                "way round": beta[:, None, None] * plain + gamma[:, None, None],
                "beta is missing": gamma[:, None, None] * plain,
                "one mean for all channels together; each channel has its own": normal(
                    (0, 1, 2, 3)
                ),
                "each picture is normalised by itself, so what tells pictures "
                "apart is lost; take the mean over the pictures too": normal((2, 3)),
                "that is one mean per picture; BatchNorm has one per channel": normal(
                    (1, 2, 3)
                ),
                "that is a mean per cell; take it over rows and columns too": normal(
                    (0,)
                ),
                "the variance divides by the number of values, not by one "
                "less: var(..., correction=0)": normal(unbiased=1),
                "eps belongs under the root, beside the variance": normal(outside=True),
                "eps is missing": normal(eps=0.0),
                "divide by the standard deviation, the root of the variance": gamma[
                    :, None, None
                ]
                * plain
                / (x.var((0, 2, 3), keepdim=True, correction=0) + eps).sqrt()
                + beta[:, None, None],
            },
        )


class _Network(nn.Module):
    """Three layers that are used and one that is not."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3)
        self.last, self.spare = nn.Linear(3, 2), nn.Linear(2, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


@exercise(
    "07.4",
    hints=(
        "Remember the values before the step, call step(network), and compare "
        "afterwards with torch.equal.",
        "named_parameters() gives the tensors themselves, and the step changes "
        "them in place. Remember copies: parameter.detach().clone().",
        "before = {name: p.detach().clone() for name, p in "
        "network.named_parameters()}, then step(network), then the names whose "
        "p is torch.equal to before[name].",
    ),
)
def _(attempt):
    def step_of(given, called, rate):
        """A training step with only the parameters of some layers."""

        def step(network):
            called.append(True)
            chosen = [
                p for name, p in network.named_parameters() if name.startswith(given)
            ]
            optimise = torch.optim.AdamW(chosen, lr=rate)
            network.zero_grad()
            x = torch.linspace(-1, 1, 12).reshape(3, 4)
            x[:, 0] = 0  # at a tiny rate a part of first.weight stays
            network(x).square().sum().backward()
            optimise.step()

        return step

    def names(layers):
        return [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]

    every = ("first", "second", "last", "spare")
    # what is frozen, what the optimiser has, its rate
    cases = [
        (("first",), every, 0.1),
        ((), every, 0.1),
        ((), ("second", "last"), 0.1),
        (("last",), ("first", "last"), 0.1),
        ((), every, 0.0),
        ((), every, 1e-7),
    ]
    for frozen, given, rate in cases:
        torch.manual_seed(74)
        network = _Network()
        for layer in frozen:
            getattr(network, layer).requires_grad_(False)
        moving = [
            layer
            for layer in given
            if rate and layer not in frozen and layer != "spare"
        ]
        right = names(x for x in every if x not in moving)
        called = []
        got = attempt(network, step_of(given, called, rate))
        attempt.require(
            isinstance(got, (list, tuple))
            and all(isinstance(name, str) for name in got),
            f"A list of names is asked for, you return {short(got)}.",
        )
        got = list(got)
        if not called:
            why = "Your function never calls step(network)."
        elif rate == 1e-7:
            why = (
                "The step is tiny here. A tensor has stayed if all of its "
                "numbers are exactly as before: torch.equal."
            )
        elif got == names(every):
            why = (
                "Everything seems to have stayed. You compare the tensors "
                "with themselves: keep copies, .clone()."
            )
        elif got == names(moving):
            why = "Those are the ones that did move."
        elif not got:
            why = "Nothing seems to have stayed."
        elif got == names(frozen):
            why = (
                "requires_grad tells only what is frozen. A parameter "
                "can stay behind for other reasons: compare values."
            )
        elif got == names(x for x in every if x in frozen or x == "spare"):
            why = (
                "A parameter with a gradient stays where it is if the "
                "optimiser does not have it: compare values."
            )
        else:
            why = "The names are not right."
        attempt.require(
            got == right,
            f"{why}\n  frozen: {', '.join(frozen) or 'nothing'}\n"
            f"  the optimiser has: {', '.join(given)}; its rate: {rate}\n"
            "  the loss does not use: spare\n"
            f"  expected: {right}\n  your answer: {got}",
        )
