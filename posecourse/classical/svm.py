"""Linear support vector machines: one line between two kinds of windows.

Source: Cortes and Vapnik, *Support-Vector Networks* (1995); the squared
hinge as scikit-learn's `LinearSVC` minimises it.
"""

from __future__ import annotations

import numpy as np

__all__ = ["hinge_objective", "train_svm"]


def hinge_objective(weights, bias, features, labels, C: float):
    """What a linear SVM makes small, and its slope.

        |w|^2 / 2 + b^2 / 2 + C * sum of max(0, 1 - y (w x + b))^2

    Only windows on the wrong side, or less than 1 on the right one, count.

    Parameters
    ----------
    weights, bias:
        ``(D,)`` and a number.
    features, labels:
        ``(N, D)``, and ``(N,)`` of 1 and -1.
    C:
        What a wrong window costs, compared with large weights.

    Returns
    -------
    value, slope, bias_slope:
        A number, ``(D,)``, a number.
    """
    short = np.maximum(0, 1 - labels * (features @ weights + bias))
    pull = -2 * C * labels * short
    value = (weights @ weights + bias**2) / 2 + C * (short**2).sum()
    return value, weights + pull @ features, bias + pull.sum()


def train_svm(positives, negatives, C: float = 0.01):
    """The weights ``(D,)`` and bias that tell two sets of windows apart.

    Parameters
    ----------
    positives, negatives:
        ``(N, D)`` and ``(M, D)``.
    """
    from sklearn.svm import LinearSVC

    features = np.concatenate([positives, negatives])
    labels = np.repeat([1, -1], [len(positives), len(negatives)])
    # With a small C most windows never matter, which suits the dual problem.
    svm = LinearSVC(C=C, dual=True, random_state=0)
    svm.fit(features, labels)
    return svm.coef_[0], float(svm.intercept_[0])
