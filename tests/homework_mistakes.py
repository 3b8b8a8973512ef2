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
