"""Wrong answers as students give them, and what they are told.

``{exercise: [(what of the solution, what stands there instead, words)]}``
"""

MISTAKES = {
    "H1.1": [
        (
            "return remap(keypoints, visible, get_skeleton(source), TORSO)",
            "return keypoints[:, [13, 12, 3, 2]], visible[:, [13, 12, 3, 2]]",
            "those are MPII's columns",
        ),
        (
            "return remap(keypoints, visible, get_skeleton(source), TORSO)",
            "k, v = remap(keypoints, visible, get_skeleton(source), TORSO)\n"
            "    return k, v > 0",
            "1 is labelled but hidden",
        ),
    ],
    "H1.2": [
        (
            "across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] > 0",
            "torso[:, 0, 0] > torso[:, 1, 0]",
            "comparing x alone is wrong for a handstand",
        ),
        ("down[:, 0] > 0", "down[:, 0] < 0", "the other way round"),
        (
            "# which way one has to turn from one to the other\n"
            "    return across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] > 0",
            "return ~(across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] <= 0)",
            "where a joint is NaN the answer is False",
        ),
    ],
    "H1.3": [
        (
            "right = faces_us(torso) == truth",
            "right = (torso[:, 0, 0] > torso[:, 1, 0]) == truth",
            "uses your faces_us of H1.2",
        ),
        (
            "*np.array(shares)",
            "*(100 * np.array(shares))",
            "not percent",
        ),
        (
            "constant = truth == (truth.mean() >= 0.5)",
            "constant = truth",
            "not always True",
        ),
        (
            "length = np.linalg.norm(down, axis=1)",
            "length = np.linalg.norm(torso[:, 0] - torso[:, 2], axis=1)",
            "the middle of the shoulders",
        ),
    ],
}

MISTAKES |= {
    "H2.1": [
        (
            "off[visible > 0].mean()",
            "off[visible > 1].mean()",
            "(visible 1) is labelled",
        ),
        ("off[visible > 0].mean()", "off.mean()", "must not count"),
        ("maps + torch.tensor(noise)", "maps", "the noise is missing"),
        (
            "np.linalg.norm(found.numpy() - keypoints, axis=-1)",
            "abs(found.numpy() - keypoints)",
            "np.linalg.norm over the last axis",
        ),
    ],
    "H2.2": [
        ("for noise in noises]", "for noise in noises[:1]]", "only the first draw"),
        ("float(sigmas[order[0]])", "int(order[0])", "not its place in the list"),
        ("float(sigmas[order[0]])", "float(sigmas[order[-1]])", "the largest error"),
    ],
    "H2.3": [
        ("one.clip(0)", "one", "what is below 0 in the window"),
        ("* INPUT / CELLS - 0.5", "* INPUT / CELLS", "numbers differ"),
        (
            "return (cells + 0.5) * INPUT / CELLS - 0.5",
            "return cells",
            "these are cells",
        ),
    ],
}

MISTAKES |= {
    "H3.1": [
        ("delta=0.1", "delta=1.0", "delta is 0.1"),
        (
            "target = torch.where(labelled, target, 0.0)",
            "pass",
            "take the NaN out before anything is computed",
        ),
        ("each.sum(-1)", "each.mean(-1)", "added, not averaged"),
        (
            "return weights * each.sum(-1)",
            "return each.sum(-1)",
            "the weight of each joint is missing",
        ),
    ],
    "H3.2": [
        ("2 * joints)", "32)", "Is every size made from the arguments"),
        (
            "return self.layers(images).unflatten(1, (-1, 2))",
            "return self.layers(images)",
            "yours gives (4, 32)",
        ),
        (
            "return self.layers(images)",
            "return self.layers(0 * images)",
            "the same of four different pictures",
        ),
    ],
    "H3.3": [
        (
            "predict_crops(network, each)[0]",
            "predict_crops(network, crops)[0]",
            "in its order",
        ),
        (
            "predict_crops(network, each)[0]",
            "predict_crops(network, each)",
            "gives them first",
        ),
    ],
}

MISTAKES |= {
    "H4.1": [
        ("joints[there, :2] - 1", "joints[there, :2]", "count pixels from 1"),
        ("there = joints[:, 2] > 0", "there = joints[:, 2] > -1", "(score 0) is NaN"),
        (
            "for entry in json.loads(text):",
            'for n, entry in enumerate(json.loads(text)):\n        entry["person"] = n',
            "says which row",
        ),
    ],
    "H4.2": [
        ("100 * v", "v", "percent are asked for"),
        (
            "interval = metrics.bootstrap_interval(hit)",
            "hit[np.isnan(found).any(-1)] = np.nan\n"
            "    interval = metrics.bootstrap_interval(hit)",
            "it must not be left out",
        ),
        (
            "bootstrap_interval(hit)",
            "bootstrap_interval(hit.reshape(-1, 1))",
            "persons are drawn, not joints",
        ),
    ],
    "H4.3": [
        (
            "paired_interval(first, second)",
            "paired_interval(second, first)",
            "not b minus a",
        ),
        (
            "return tuple(100 * v for v in ends)",
            "x, y = (metrics.bootstrap_interval(h) for h in (first, second))\n"
            "    return [100 * (x.value - y.value), 100 * (x.low - y.high),\n"
            "            100 * (x.high - y.low)]",
            "draw the same persons for both",
        ),
    ],
}

MISTAKES |= {
    "H5.1": [
        ("np.array([WIDTH, HEIGHT])", "np.array([HEIGHT, WIDTH])", "x goes with WIDTH"),
        (
            "return np.where(inside[..., None], flat, np.nan)",
            "return flat",
            "outside the picture is NaN",
        ),
        (
            "camera.project(points) + noise",
            "camera.project(points)",
            "the noise is missing",
        ),
    ],
    "H5.2": [
        (
            "points[(off > most).any(0)] = np.nan",
            "pass",
            "that a film contradicts is NaN",
        ),
        ("(off > most).any(0)", "(off > 30).any(0)", "use the one that is given"),
    ],
    "H5.3": [
        ("1000 * off[known].mean()", "off[known].mean()", "millimetres are asked for"),
        ("off[known].mean()", "off.mean()", "that were not rebuilt do not count"),
        (
            "(points, points), noise",
            "(points, points), (noise[0], noise[0])",
            "its own noise",
        ),
    ],
}

MISTAKES |= {
    "H6.1": [
        ("return np.where(", "return both\n    return np.where(", "take the other"),
        (
            "both = (left + right) / 2",
            "both = np.radians(left + right) / 2",
            "degrees are asked for",
        ),
        ("both = (left + right) / 2", "both = left", "the mean of both is asked for"),
    ],
    "H6.2": [
        ("longest * rate", "99 * rate", "compare their length"),
        (
            "missing <= longest * rate + 1e-9",
            "missing < longest * rate",
            "just `longest`",
        ),
        ("angle = np.array(angle, float)", "pass", "Work on a copy"),
    ],
    "H6.3": [
        (">= 0.3", ">= 0", "less than 0.3 s"),
        ("value <= down", "value < down", "<=, not <"),
        ("value >= up", "value > down", "noise around it"),
        ("(begin / rate, i / rate,", "(begin, i,", "seconds are asked for"),
    ],
}
