"""Checks that the networks share."""

from __future__ import annotations


def pair(size, multiple: int, network: str) -> tuple[int, int]:
    """An input size as ``(width, height)``, checked."""
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < multiple or width % multiple or height % multiple:
        raise ValueError(
            f"{network}: input size {width} x {height}: width and height "
            f"must be multiples of {multiple}, because the network halves "
            "the picture again and again; the nearest is "
            f"{max(1, round(width / multiple)) * multiple} x "
            f"{max(1, round(height / multiple)) * multiple}"
        )
    return int(width), int(height)


def check_images(images, size, exact: bool = False, multiple: int = 1):
    """Complain about a batch that a network cannot take."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"a network takes normalised pictures (N, 3, height, width), "
            f"got {tuple(images.shape)}; a single picture needs a leading "
            "dimension, and (N, H, W, 3) needs permute(0, 3, 1, 2)"
        )
    height, width = images.shape[2:]
    if exact and (width, height) != tuple(size):
        raise ValueError(
            f"this network was built for pictures of {size[0]} x {size[1]} "
            f"(width x height), got {width} x {height}; build it with "
            f"input_size=({width}, {height}) or resize the pictures"
        )
    if width % multiple or height % multiple:
        raise ValueError(
            f"pictures of {width} x {height} (width x height): both must "
            f"be multiples of {multiple}; this network was built for "
            f"{size[0]} x {size[1]}"
        )


def look(model, images, flip_test: bool = False, decoder: str | None = None):
    from ..geometry import flip_heatmaps, flip_points

    codec, skeleton = model.codec, model.skeleton
    options = {"decoder": decoder} if decoder else {}
    if decoder and codec.kind != "heatmap":
        raise ValueError(
            f"decoder {decoder!r}: {model.name} gives no "
            "heatmaps that could be decoded in several ways"
        )
    output = model(images)[-1].float()
    if not flip_test:
        return codec.decode(output, **options)
    mirrored = model(images.flip(-1))[-1].float()
    if codec.kind == "heatmap":
        output = (output + flip_heatmaps(mirrored, skeleton)) / 2
        return codec.decode(output, **options)
    points, scores = codec.decode(output)
    others, _ = codec.decode(mirrored)
    others = flip_points(others, images.shape[-1], skeleton)
    return (points + others) / 2, scores
