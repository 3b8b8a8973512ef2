"""Homework 3: what its grade asks."""

import numpy as np
import torch
from torch.nn.functional import huber_loss

from .. import hidden_test
from ..attempt import FILL_IN, NotYet, as_numbers, empty


@hidden_test("H3.1")
def _(attempt):
    generator = torch.Generator().manual_seed(31)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    for people, joints in ((2, 3), (1, 16), (5, 4)):
        output, target = draw(people, joints, 2) * 0.3, draw(people, joints, 2) * 0.3
        weights = (draw(people, joints) > 0).float() * torch.tensor([1.0, 0.5])[
            people % 2
        ]
        weights[0, :2] = torch.tensor([1.0, 0.0])
        target[weights == 0] = float("nan")
        filled = torch.where(weights[..., None] > 0, target, output)

        def loss(delta, weights=weights, output=output, filled=filled):
            each = huber_loss(output, filled, reduction="none", delta=delta)
            return weights * each.sum(-1)

        error = (output - filled).abs()
        right = loss(0.1)
        attempt.gives(
            right,
            output,
            target,
            weights,
            tolerance=1e-5,
            mistakes={
                "NaN * 0 is NaN: take the NaN out before anything is computed": torch.where(
                    weights > 0, right, float("nan")
                ),
                "delta is 0.1, not 1": loss(1.0),
                "x and y are added, not averaged": right / 2,
                "that is the squared error": weights * (error**2).sum(-1),
                "that is the L1 loss": weights * error.sum(-1),
                "the weight of each joint is missing": torch.where(
                    weights > 0, right / weights.clamp(min=0.5), right
                ),
                "one value for each joint, (N, K), is asked for": right.mean(),
            },
        )
        trained = output.clone().requires_grad_()
        gradient = torch.autograd.grad(
            attempt.answer(trained, target, weights).sum(), trained
        )[0]
        attempt.require(
            bool(torch.isfinite(gradient).all()),
            "The loss of a joint without a label is 0, but its gradient is NaN: "
            "torch.where has to come before the loss, for the target and the output.",
        )


@hidden_test("H3.2")
def _(attempt):
    pictures = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(32))
    for options in ({"width": 4}, {"width": 6}, {"width": 4, "joints": 5}):
        network = attempt(**options)
        joints = options.get("joints", 16)
        found = network(pictures)
        if empty(found):
            raise NotYet("Your network gives nothing. " + FILL_IN)
        numbers = as_numbers(found)
        attempt.require(
            numbers is not None and numbers.shape == (4, joints, 2),
            f"With {options}, pictures (4, 3, 32, 32) become (4, {joints}, 2); yours "
            f"gives {tuple(getattr(found, 'shape', ()))}. Is every size made from the "
            "arguments?",
        )
        attempt.require(
            bool(np.isfinite(numbers).all()),
            "The network gives numbers that are not finite.",
        )
        attempt.require(
            np.ptp(numbers, axis=0).max() > 1e-6,
            "The network says the same of four different pictures: is the picture "
            "used at all?",
        )
        moved = as_numbers(network(torch.roll(pictures, 8, -1)))
        attempt.require(
            np.abs(moved - numbers).max() > 1e-6,
            "The network says the same where everything in the picture has moved by 8 "
            "pixels. A mean over all places (global pooling) forgets where things "
            "are; use Flatten.",
        )
