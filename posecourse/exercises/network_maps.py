"""Heatmaps of a trained network, with what is true: material for a project."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["NetworkMaps", "network_maps"]


@dataclass(frozen=True)
class NetworkMaps:
    """What a network drew for N people, and where their joints are.

    Attributes
    ----------
    images:
        ``(N, 64, 64, 3)`` uint8, what the network saw.
    maps:
        ``(N, 16, 32, 32)``, the network's heatmaps; a joint's bump has
        sigma 1.5 cells if the network is sure of it.
    cells:
        ``(N, 16, 2)``, the labels ``(x, y)`` in cells, NaN where unknown.
    visible:
        ``(N, 16)``: 0 not labelled, 1 hidden, 2 visible.
    head_cells:
        ``(N,)``, the people's head sizes in cells, the unit of PCKh.
    """

    images: np.ndarray
    maps: np.ndarray
    cells: np.ndarray
    visible: np.ndarray
    head_cells: np.ndarray


def network_maps(count: int = 100, seed: int = 0) -> NetworkMaps:
    """Run the course's network on drawn people that it has not seen.

    Takes a second or two for 100 people.

    Parameters
    ----------
    seed:
        Another number, other people.
    """
    import torch

    from ..datasets import SyntheticPeople
    from ..geometry import resize_points
    from ..models import load_model, pretrained
    from ..models.base import last_stage
    from ..transforms import normalise

    network = load_model(pretrained() / "weights.safetensors").eval()
    people = SyntheticPeople(count, size=64, split="valid", seed=seed)
    drawn = [people.render(i) for i in range(count)]
    images = np.stack([one.image for one in drawn])
    with torch.no_grad():
        maps = [
            last_stage(network(normalise(torch.tensor(part).permute(0, 3, 1, 2))))
            for part in np.array_split(images, -(-count // 25))
        ]
    keypoints = np.stack([one.person.keypoints for one in drawn])
    return NetworkMaps(
        images=images,
        maps=torch.cat(maps).float().numpy(),
        cells=resize_points(keypoints, 0.5),
        visible=np.stack([one.person.visible for one in drawn]),
        head_cells=np.array([one.person.head_size for one in drawn]) / 2,
    )
