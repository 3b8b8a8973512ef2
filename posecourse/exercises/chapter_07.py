"""Exercises of chapter 7: PoseNet."""

import numpy as np
import torch
from torch import nn

from . import exercise
from .attempt import short
from .quiz import Choice, Question

_CHANNELS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512)


def _parameters(width, side, kernel=9, bias=1, hidden=True, layers=2, whole=round):
    """Numbers that PoseNet learns at this width, with a last map of `side`."""
    total, before = 0, 3
    inside = whole(4096 * (width if hidden else 1))
    for after in (whole(channels * width) for channels in _CHANNELS):
        total += (kernel * before + bias) * after
        before = after
    total += (before * side**2 + bias) * inside
    total += (layers - 1) * (inside + bias) * inside
    return total + (inside + bias) * 32


@exercise(
    "07.1",
    hints=(
        "A convolution from `a` to `b` channels has `(9 * a + 1) * b` parameters, a "
        "fully connected layer from `a` to `b` numbers `(a + 1) * b`.",
        "`round(c * width)` channels, `round(4096 * width)` hidden numbers; the 3 "
        "colours and the 32 coordinates stay. The last map has `size // 32` cells a "
        "side.",
        "Put the counting into a loop over the widths, from 2.00 down: "
        "`for n in range(200, 0, -1): width = n / 100`. The first that fits is the "
        "largest.",
    ),
)
def _(attempt):
    def counted(budget, side, **options):
        """The largest width within the budget, or 0."""
        widths = (n / 100 for n in range(200, 0, -1))
        fits = (w for w in widths if _parameters(w, side, **options) <= budget)
        return next(fits, 0)

    exact = _parameters(0.5, 3)
    cases = [(127_312_224, 224), (4_000_000, 64), (exact, 96), (exact - 1, 96)]
    rng = np.random.default_rng(71)
    for size in (32, 64, 96, 128, 224, 256):
        cases += [(int(budget), size) for budget in 10 ** rng.uniform(5, 8.6, 2)]
    cases += [(1000, 64), (10**12, 32)]
    for budget, size in cases:
        side = size // 32
        right = counted(budget, side)
        attempt.gives(
            right,
            budget,
            size,
            mistakes={
                "a network with exactly `budget` parameters fits: <=": counted(
                    budget - 1, side
                ),
                "the biases are missing: one for every channel or number that "
                "a layer gives": counted(budget, side, bias=0),
                "a kernel has 3 x 3 weights per channel that it looks at": counted(
                    budget, side, kernel=1
                ),
                "the last map has size // 32 cells a side; it is 7 only for 224": counted(
                    budget, 7
                ),
                "the first fully connected layer takes every cell of the last "
                "map: side times side": counted(budget, side**0.5),
                "the hidden layers get narrower as well: round(4096 * width)": counted(
                    budget, side, hidden=False
                ),
                "there are two layers of hidden numbers, and then the coordinates": counted(
                    budget, side, layers=1
                ),
                "a width is asked for, not hundredths of it": 100 * right,
                "that is the smallest width; start from the other end": 0.01
                if right
                else 0,
                "round(channels * width) channels, not int(...), which cuts "
                "off": counted(budget, side, whole=int),
                "that one has too many parameters already; go one back": right + 0.01,
                "one step wider would still fit": right - 0.01,
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
        "Keep two numbers, `sees = 1` and `jump = 1`, and go through the "
        "layers in order.",
        "A kernel adds `kernel - 1` neighbours, each one jump away: `sees += "
        "(kernel - 1) * jump`.",
        "After that, and not before: `jump *= stride`.",
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
        "Each channel has one mean, over the pictures, the rows and the "
        "columns: `x.mean((0, 2, 3), keepdim=True)`.",
        "The variance is the mean of the squared differences: `(x - "
        "mean).square().mean((0, 2, 3), keepdim=True)`. Divide by `(variance "
        "+ eps).sqrt()`.",
        "`gamma` and `beta` have shape `(C,)`; `gamma[:, None, None]` fits "
        "`(N, C, H, W)`.",
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
        "Remember the values before the step, call `step(network)`, and "
        "compare afterwards with `torch.equal`.",
        "`named_parameters()` gives the tensors themselves, and the step "
        "changes them in place. Remember copies: "
        "`parameter.detach().clone()`.",
        "`before = {name: p.detach().clone() for name, p in "
        "network.named_parameters()}`, then `step(network)`, then the names "
        "whose `p` is `torch.equal` to `before[name]`.",
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


QUIZ = (
    Question(
        "You take the ReLUs out of the document's network. By which factor does each "
        "layer multiply the difference between pictures then, with PyTorch's weights?",
        (
            Choice(
                r"$1/\sqrt{6} = 0.41$, as before.",
                "The 6 is 3 from the weights times 2 from ReLU, which throws half of the "
                "mean square away.",
            ),
            Choice(
                r"$1/\sqrt{3} = 0.58$",
                "The mean square is divided by 3, and nothing throws half of it away. "
                "The signal still dies, more slowly. And without ReLU all layers together "
                "are no more than one.",
                right=True,
            ),
            Choice(
                "1: without ReLU nothing is lost.",
                r"The weights alone divide the mean square by 3: their variance is "
                r"$1/(3n)$, and $n$ of them are added up.",
            ),
        ),
    ),
    Question(
        "A colleague's loss falls from 0.9 to 0.021 in 50 steps and then stays. What do "
        "you ask for first? (Two answers are right.)",
        (
            Choice(
                "The loss of the mean pose on the same data.",
                "If it is 0.021, the network has found a constant, and the curve shows "
                "nothing else.",
                right=True,
            ),
            Choice(
                "The standard deviation of the answers.",
                "If it is 0, every picture gets the same answer.",
                right=True,
            ),
            Choice(
                "A lower learning rate.",
                "Perhaps later. First find out what 0.021 is worth.",
            ),
        ),
    ),
    Question(
        "A 3 x 3 convolution from 512 to 512 channels, once on a map of 14 x 14 and "
        "once on 56 x 56. How do the two compare?",
        (
            Choice(
                "As many parameters, 16 times the multiply-adds.",
                "The weights are the same, and there are 16 times as many cells.",
                right=True,
            ),
            Choice(
                "The second has 16 times the parameters.",
                r"Both have $9 \cdot 512 \cdot 512 + 512$: a convolution uses the same "
                "weights in every cell.",
            ),
            Choice(
                "As many parameters, 4 times the multiply-adds.",
                r"The map is 4 times as wide *and* 4 times as high.",
            ),
        ),
    ),
    Question(
        "A network with BatchNorm answers differently for the same picture, depending "
        "on which pictures are in the batch with it. What was forgotten?",
        (
            Choice(
                "`torch.no_grad()`",
                "That saves memory and time; the answer stays the same.",
            ),
            Choice(
                "`torch.manual_seed(0)`",
                "Nothing here is random: the batch is what differs.",
            ),
            Choice(
                "`network.eval()`",
                "In training mode the mean and the variance are those of the batch.",
                right=True,
            ),
        ),
    ),
    Question(
        "One batch is learned by heart perfectly, but on new pictures the score is that "
        "of the mean pose. What can be the reason? (Three answers are right.)",
        (
            Choice(
                "The labels belong to other pictures.",
                "A network can learn any labels by heart, and these say nothing about "
                "new pictures.",
                right=True,
            ),
            Choice(
                "The convolutions do not learn.",
                "Random convolutions are enough to tell sixteen pictures apart "
                "(exercise 07.4 finds this).",
                right=True,
            ),
            Choice(
                "The signal dies on its way.",
                "Then it could not even learn one batch by heart.",
            ),
            Choice(
                "There are only sixteen pictures.",
                "Then nothing is broken. Learning by heart is not learning.",
                right=True,
            ),
        ),
    ),
    Question(
        "Would it help to start with weights that are all zero?",
        (
            Choice(
                "No: all channels of a layer would stay equal.",
                "They get equal gradients, or none, and stay equal for ever. Random "
                "weights are what makes channels different.",
                right=True,
            ),
            Choice(
                "Yes: then nothing shrinks.",
                "Nothing is left to shrink: every layer gives zero.",
            ),
            Choice(
                "Yes, if BatchNorm divides by their standard deviation.",
                r"That is 0 here; $\epsilon$ keeps the division safe, and the answer is "
                "the same for every picture.",
            ),
        ),
    ),
)
