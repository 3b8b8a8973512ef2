"""What a network costs and how far it sees, counted while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from math import ceil, floor, gcd, lcm, prod

import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Layer", "Summary", "summarise"]


@dataclass(frozen=True)
class Layer:
    """One layer, in the order in which the network calls it.

    Attributes
    ----------
    name, kind:
        The module's name in the network and what it does.
    shape:
        Of its output for one picture, without the batch.
    parameters:
        Of its module; 0 when a module is called a second time.
    multiply_adds:
        For one picture.
    receptive_field:
        ``(width, height)`` in input pixels, or None for "the whole
        picture", of the cell of its output that sees most.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    receptive_field: tuple[int, int] | None


@dataclass(frozen=True)
class Summary:
    """What `summarise` found.

    Attributes
    ----------
    network, input_size:
        Name of the network; ``(width, height)`` in pixels.
    layers:
        Every `Layer` that has parameters, multiplies, or changes the size
        of a map. ReLU, additions and concatenations have no row.
    parameters:
        Trainable numbers; each counted once, also when shared.
    multiply_adds:
        For one picture, of convolutions, transposed convolutions and
        matrix products. A multiplication with the addition that goes with
        it counts as one; "FLOPs" in papers may mean this or twice this.
        Biases, normalisation, ReLU, pooling and resizing are left out:
        they cost little arithmetic (though not little memory traffic).
    activations:
        Numbers that these same layers put out for one picture. On a fast
        GPU this, and not the arithmetic, sets the time of a training step.
    output_sizes:
        Shape of every stage for one picture, for example ``(K, h, w)``.
    receptive_fields:
        For every stage the largest ``(width, height)`` in pixels that one
        cell depends on through any path (the padding around the picture
        counts as picture), None where that is the whole picture.
    weight_bytes:
        Parameters and buffers as they are stored.
    """

    network: str
    input_size: tuple[int, int]
    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int
    activations: int
    output_sizes: tuple[tuple[int, ...], ...]
    receptive_fields: tuple[tuple[int, int] | None, ...]
    weight_bytes: int

    @property
    def receptive_field(self) -> tuple[int, int] | None:
        """That of the prediction, the last stage."""
        return self.receptive_fields[-1]

    def to_dict(self) -> dict:
        """Everything as numbers, strings, lists and dictionaries."""
        return {**asdict(self), "receptive_field": self.receptive_field}

    def table(self) -> str:
        """One line per layer, then the sums."""
        rows = [("layer", "kind", "output", "parameters", "multiply-adds", "sees")]
        rows += [
            (
                layer.name,
                layer.kind,
                _times(layer.shape),
                f"{layer.parameters:,}",
                f"{layer.multiply_adds:,}",
                _times(layer.receptive_field),
            )
            for layer in self.layers
        ]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [
            "  ".join(
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths))
            ).rstrip()
            for row in rows
        ]
        lines.insert(1, "-" * max(map(len, lines)))
        return "\n".join([*lines, "", str(self)])

    def __str__(self) -> str:
        stages: dict[str, int] = {}  # equal stages share a line
        for size, field in zip(self.output_sizes, self.receptive_fields):
            key = f"{_times(size)}, a cell sees {_times(field)}"
            stages[key] = stages.get(key, 0) + 1
        outputs = [
            f"{'output' if i == 0 else '':15}{f'{n} times ' if n > 1 else ''}{text}"
            for i, (text, n) in enumerate(stages.items())
        ]
        return "\n".join(
            [
                f"{self.network} at {self.input_size[0]} x {self.input_size[1]} pixels",
                f"parameters     {self.parameters:,} ({_short(self.weight_bytes)}B)",
                f"multiply-adds  {_short(self.multiply_adds)}",
                f"activations    {_short(self.activations)}",
                *outputs,
            ]
        )


def _times(shape) -> str:
    return "whole picture" if shape is None else " x ".join(map(str, shape))


def _short(count: float) -> str:
    """A large number with its prefix: 7.23 G."""
    prefix = ""
    for larger in "kMG":
        if count < 1000:
            break
        count, prefix = count / 1000, larger
    return f"{count:.2f} {prefix}" if prefix else f"{count} "


def summarise(model, input_size=None) -> Summary:
    """Count a network's parameters, multiply-adds and receptive fields.

    The network runs once on tensors that have a shape but no numbers, so
    this is quick for the largest one, needs no memory and changes nothing.
    Every operation that runs is counted, whichever way it is called.

    Parameters
    ----------
    model:
        A network that takes ``(N, 3, H, W)``.
    input_size:
        ``(width, height)`` or one number, pixels; the network's own where
        it has one.

    Examples
    --------
    >>> from posecourse.models import build
    >>> summary = summarise(build("simple_baseline_50"))
    >>> summary.parameters, f"{summary.multiply_adds / 1e9:.2f}"
    (33999440, '7.23')

    For comparison: the document's PoseNet takes 9.92 G multiply-adds at
    224 x 224. The 12.0 "GFLOPs" published for SimpleBaseline come from
    counting its transposed convolutions on the larger, output map.
    """
    if input_size is None:
        input_size = getattr(model, "input_size", None)
        if input_size is None:
            raise ValueError(
                "this network has no attribute input_size: "
                "say for which size to count, for example "
                "summarise(model, input_size=256)"
            )
    width, height = (
        (input_size, input_size) if isinstance(input_size, int) else input_size
    )
    tensors = [*model.named_parameters(), *model.named_buffers()]
    training = {module: module.training for module in model.modules()}
    counter = _Counter(model)
    images = torch.empty(
        1,
        3,
        height,
        width,
        device="meta",
        dtype=next((p.dtype for _, p in tensors if p.is_floating_point()), None),
    )
    counter.reach[id(images)] = (_PIXELS, _PIXELS)
    try:
        model.eval()  # normalisation must not ask for a larger batch
        with torch.no_grad(), counter:
            outputs = torch.func.functional_call(
                model, {name: t.to("meta") for name, t in tensors}, (images,)
            )
    finally:
        counter.close()
        for module, flag in training.items():
            module.training = flag
    outputs = list(_flatten(outputs))
    return Summary(
        network=getattr(model, "name", type(model).__name__),
        input_size=(width, height),
        layers=tuple(counter.layers),
        parameters=sum(p.numel() for p in model.parameters()),
        multiply_adds=sum(x.multiply_adds for x in counter.layers),
        activations=sum(prod(x.shape) for x in counter.layers if x.multiply_adds),
        output_sizes=tuple(tuple(out.shape[1:]) for out in outputs),
        receptive_fields=tuple(_size(counter.reach.get(id(out))) for out in outputs),
        weight_bytes=sum(t.numel() * t.element_size() for _, t in tensors),
    )


def _flatten(value):
    """The tensors in nested tuples and lists."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _flatten(part)


# --------------------------------------------------------- receptive fields


@dataclass(frozen=True)
class _Reach:
    """Which pixels the cells of one axis of a map depend on, exactly.

    Cells repeat: after one *period* of cells comes the same picture,
    `step` pixels further. Cell ``q * period + r`` depends on the pixels
    ``first[r] + q * step ... last[r] + q * step``. (Most maps have period
    1. Enlarging makes neighbours differ: of two cells that repeat one
    cell, only one can see past the border to the next.)
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    step: int

    @property
    def period(self) -> int:
        return len(self.first)

    @property
    def size(self) -> int:
        """Pixels that the cell with the widest view depends on."""
        return max(b - a + 1 for a, b in zip(self.first, self.last))

    def cell(self, index: int) -> tuple[int, int]:
        q, r = divmod(index, self.period)
        return self.first[r] + q * self.step, self.last[r] + q * self.step

    def resampled(
        self, cells: Callable[[int], tuple[int, int]], stride: Fraction
    ) -> _Reach:
        """The view of a new map.

        New cell i is made of the old cells ``cells(i)``, first and last;
        neighbours in the new map are `stride` old cells apart.
        """
        period = stride.denominator
        advance = stride.numerator  # old cells per `period` new ones
        repeat = self.period // gcd(self.period, advance)
        views = []
        for i in range(period * repeat):
            a, b = cells(i)
            seen = [self.cell(j) for j in range(a, b + 1)]
            views.append((min(v[0] for v in seen), max(v[1] for v in seen)))
        first, last = zip(*views)
        return _Reach(first, last, self.step * advance * repeat // self.period)

    def __or__(self, other: _Reach) -> _Reach | None:
        """What is seen by either of two maps of the same size."""
        count = lcm(self.period, other.period)
        step = self.step * count // self.period
        if step != other.step * count // other.period:
            return None  # not the same pixels per cell
        pairs = [(self.cell(i), other.cell(i)) for i in range(count)]
        return _Reach(
            tuple(min(a[0], b[0]) for a, b in pairs),
            tuple(max(a[1], b[1]) for a, b in pairs),
            step,
        )


_PIXELS = _Reach((0,), (0,), 1)  # a pixel sees itself


def _size(reach):
    """``(width, height)`` of a pair of reaches (height, width) or None."""
    return (reach[1].size, reach[0].size) if reach else None


def _convolved(reach, kernel, stride, padding, dilation):
    def axis(r, k, s, p, d):
        return r.resampled(lambda i: (i * s - p, i * s - p + (k - 1) * d), Fraction(s))

    return tuple(map(axis, reach, kernel, stride, padding, dilation))


def _deconvolved(reach, kernel, stride, padding, dilation):
    def axis(r, k, s, p, d):
        # old cell j is spread over the new cells j * s - p + (0 ... k - 1)
        def cells(i):
            last = floor(Fraction(i + p, s))
            return min(ceil(Fraction(i + p - (k - 1) * d, s)), last), last

        return r.resampled(cells, Fraction(1, s))

    return tuple(map(axis, reach, kernel, stride, padding, dilation))


def _enlarged(reach, before, after, how: str, align_corners):
    if align_corners or any(b % a for a, b in zip(before, after)):
        return None  # not the same everywhere in the picture

    def axis(r, factor):
        def cells(i):
            if how == "nearest":
                return i // factor, i // factor
            place = Fraction(2 * i + 1, 2 * factor) - Fraction(1, 2)
            return floor(place), ceil(place)

        return r.resampled(cells, Fraction(1, factor))

    return tuple(map(axis, reach, (b // a for a, b in zip(before, after))))


def _union(one, other):
    """What is seen by either of two maps, None for the whole picture."""
    both = one and other and tuple(a | b for a, b in zip(one, other))
    return both if both and None not in both else None


# ----------------------------------------------------------------- counting

_aten = torch.ops.aten
# matrix products: the factor whose rows are multiplied
_PRODUCTS = {
    _aten.mm: "self",
    _aten.bmm: "self",
    _aten.addmm: "mat1",
    _aten.baddbmm: "batch1",
}
_POOLS = {_aten.max_pool2d_with_indices: "max pool", _aten.avg_pool2d: "average pool"}
_ENLARGERS = {
    _aten.upsample_nearest2d: "nearest",
    _aten.upsample_bilinear2d: "bilinear",
}
_NORMS = {
    _aten.native_batch_norm,
    _aten.cudnn_batch_norm,
    _aten._native_batch_norm_legit_no_training,
    _aten._batch_norm_no_update,
}
# work on channels or copy: a cell stays where it was, unless the shape says
# otherwise (a slice of rows, say)
_CHANNELWISE = _NORMS | {
    _aten.detach,
    _aten.alias,
    _aten.clone,
    _aten.cat,
    _aten.slice,
    _aten.split,
    _aten._to_copy,
}


def _two(value) -> tuple[int, int]:
    """A number for both axes or a pair, as PyTorch's arguments are."""
    value = (value,) if isinstance(value, int) else tuple(value)
    return value * 2 if len(value) == 1 else value


def _named(function, args, kwargs) -> dict:
    """The arguments of an operation by name, defaults included."""
    declared = function._schema.arguments
    values = {a.name: a.default_value for a in declared}
    return {**values, **dict(zip(values, args)), **kwargs}


class _Counter(TorchDispatchMode):
    """Sees every operation, whichever module or function it comes from."""

    def __init__(self, model):
        super().__init__()
        self.layers: list[Layer] = []
        self.reach: dict[int, tuple | None] = {}  # by the tensor's id
        self.kept = []  # ids stay unique while the tensors live
        self.running = []  # the modules we are inside of
        self.counted = set()  # modules whose parameters have a row
        self.handles = []
        for name, module in model.named_modules():
            label = name or type(model).__name__
            self.handles += [
                module.register_forward_pre_hook(partial(self.enter, label)),
                module.register_forward_hook(self.leave),
            ]

    def enter(self, label, module, args):
        self.running.append((label, module))

    def leave(self, module, args, output):
        self.running.pop()

    def close(self):
        for handle in self.handles:
            handle.remove()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        outputs = function(*args, **kwargs)
        made = list(_flatten(outputs))
        sources = [t for t in _flatten(args) if id(t) in self.reach]
        self.kept += made
        if made and sources:  # else parameters among themselves
            kind, multiply_adds, reach = self.read(
                function, _named(function, args, kwargs), sources, made[0]
            )
            self.reach.update((id(tensor), reach) for tensor in made)
            if kind:
                shape = tuple(made[0].shape)
                self.add(
                    kind, shape[1:] if shape[0] == 1 else shape, multiply_adds, reach
                )
        return outputs

    def add(self, kind, shape, multiply_adds, reach):
        """A row of the table."""
        label, module = self.running[-1]
        own = 0
        if module not in self.counted:
            self.counted.add(module)
            own = sum(p.numel() for p in module.parameters(recurse=False))
        self.layers.append(Layer(label, kind, shape, own, multiply_adds, _size(reach)))

    def read(self, function, given, sources, made):
        """One operation: its kind or None, multiply-adds, what is seen."""
        operation = function.overloadpacket
        reach = self.reach[id(sources[0])]
        if operation is _aten.convolution:
            weight, spread = given["weight"], given["transposed"]
            kernel = tuple(weight.shape[2:])
            # each weight works once per cell of the output; where each
            # input cell is spread over many, once per cell of the input
            cells = given["input"] if spread else made
            work = weight.numel() * len(cells) * prod(cells.shape[2:])
            if reach:
                reach = (_deconvolved if spread else _convolved)(
                    reach,
                    kernel,
                    *(_two(given[key]) for key in ("stride", "padding", "dilation")),
                )
            return (
                (f"{'transposed ' if spread else ''}convolution {_times(kernel)}"),
                work,
                reach,
            )
        if operation in _PRODUCTS:
            factor = given[_PRODUCTS[operation]]
            return "matrix product", made.numel() * factor.shape[-1], None
        if operation in _POOLS:
            kernel = _two(given["kernel_size"])
            if reach:
                reach = _convolved(
                    reach,
                    kernel,
                    _two(given["stride"] or kernel),
                    _two(given["padding"]),
                    _two(given.get("dilation", 1)),
                )
            return f"{_POOLS[operation]} {_times(kernel)}", 0, reach
        if operation in _ENLARGERS:
            return (
                f"enlarge, {_ENLARGERS[operation]}",
                0,
                reach
                and _enlarged(
                    reach,
                    sources[0].shape[2:],
                    made.shape[2:],
                    _ENLARGERS[operation],
                    given.get("align_corners"),
                ),
            )
        kind = "normalisation" if operation in _NORMS else None
        stays = (
            operation in _CHANNELWISE
            or torch.Tag.pointwise in function.tags
            or (
                operation is _aten.flip
                and {d % made.ndim for d in given["dims"]} <= {0, 1}
            )
        )
        if not stays or any(t.shape[2:] != made.shape[2:] for t in sources):
            return kind, 0, None  # may mix all cells
        for other in sources[1:]:
            reach = _union(reach, self.reach[id(other)])
        return kind, 0, reach
