"""Filters that calm a signal: against references, at uneven times, over gaps."""

import numpy as np
import pytest
import torch
from scipy.linalg import solve_discrete_are

from posecourse.motion.smoothing import (
    Filter,
    KalmanFilter,
    MovingAverage,
    OneEuroFilter,
    jitter,
    lag,
    smooth,
)

NAN = float("nan")
# The authors' own Python implementation, release 0.2.1: (min_cutoff, beta,
# d_cutoff) and what it answers to SIGNAL at TIMES.
SIGNAL = [0.0, 1.0, 0.5, 4.0, 9.0, 9.5, 9.4, 9.45]
TIMES = [1.0, 1.02, 1.05, 1.06, 1.10, 1.13, 1.2, 1.21]
# fmt: off
PUBLISHED = {
    (1.0, 0.0, 1.0): [0.0, 0.11163521, 0.17322992, 0.39945861, 2.12686567,
                      3.29624579, 5.16076064, 5.41432931],
    (1.5, 0.4, 1.0): [0.0, 0.31929513, 0.39425541, 1.95549973, 8.00399037,
                      9.22667397, 9.37980819, 9.41551409],
    (0.5, 2.0, 3.0): [0.0, 0.77793761, 0.58882314, 3.59394131, 8.88530554,
                      9.47629094, 9.40297369, 9.43842365],
}
# fmt: on
ALL = [
    lambda **k: OneEuroFilter(1.0, 0.05, **k),
    lambda **k: MovingAverage(0.2, **k),
    lambda **k: KalmanFilter(1.0, 50.0, **k),
]
NAMES = ["one-euro", "average", "kalman"]
each = pytest.mark.parametrize("make", ALL, ids=NAMES)


@pytest.mark.parametrize("parameters", PUBLISHED)
def test_one_euro_as_published(parameters):
    ours = smooth(OneEuroFilter(*parameters), SIGNAL, TIMES)
    np.testing.assert_allclose(ours, PUBLISHED[parameters], atol=1e-8)


def test_one_euro_by_hand():
    """dt 1/2 s, cut-off 1/pi Hz: alpha is 1 / (1 + 1) at beta 0."""
    smoother = OneEuroFilter(1 / np.pi, 0.0)
    assert smoother([8.0], 0.0) == 8
    assert smoother([4.0], 0.5) == 6
    assert smoother([0.0], 1.0) == 3


def test_moving_average_is_the_mean_of_its_window():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.09, 60))
    values = rng.normal(size=(60, 3))
    out = smooth(MovingAverage(0.2), values, times)
    for i, now in enumerate(times):
        inside = (times > now - 0.2) & (times <= now)
        np.testing.assert_allclose(out[i], values[inside].mean(0))


def test_kalman_is_the_matrix_filter():
    """Against the textbook's matrices, at uneven times and noises."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.01, 0.2, 40))
    values, noise, q = rng.normal(size=40).cumsum(), rng.uniform(0.5, 2, 40), 3.0
    smoother = KalmanFilter(1.0, q)
    state, cov = np.array([values[0], 0]), np.diag([1, 1e6]) * noise[0] ** 2
    H = np.array([[1.0, 0.0]])
    for i, now in enumerate(times):
        if i:
            dt = now - times[i - 1]
            F = np.array([[1, dt], [0, 1]])
            Q = q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
            state, cov = F @ state, F @ cov @ F.T + Q
            gain = cov @ H.T / (H @ cov @ H.T + noise[i] ** 2)
            state = state + gain[:, 0] * (values[i] - state[0])
            cov = (np.eye(2) - gain @ H) @ cov
        ours = smoother([values[i]], now, std=[noise[i]])
        np.testing.assert_allclose(ours, state[:1], rtol=1e-6)
        np.testing.assert_allclose(smoother.velocity, state[1:], rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(smoother.std**2, cov[0, :1], rtol=1e-6)


def test_kalman_settles_where_riccati_says():
    dt, q, r = 0.04, 20.0, 2.0
    smoother = KalmanFilter(r, q)
    smooth(smoother, np.zeros(500), dt * np.arange(500))
    F = np.array([[1, dt], [0, 1]])
    Q = q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    H = np.array([[1.0, 0.0]])
    ahead = solve_discrete_are(F.T, H.T, Q, [[r**2]])[0, 0]
    assert smoother.std == pytest.approx(np.sqrt(ahead * r**2 / (ahead + r**2)))


# ------------------------------------------------------ what holds for all


@each
def test_what_stands_still_stays(make):
    times = [0, 0.1, 0.11, 0.3]
    out = smooth(make(), np.full((4, 2), 7.5), times)
    np.testing.assert_allclose(out, 7.5)


@each
def test_each_number_on_its_own(make):
    rng = np.random.default_rng(2)
    values, times = rng.normal(size=(20, 4, 2)), np.arange(20) / 25
    together = smooth(make(), values, times)
    alone = [smooth(make(), values[:, i, j], times) for i in range(4) for j in (0, 1)]
    np.testing.assert_allclose(together.reshape(20, 8).T, alone)


@each
def test_another_origin_or_unit_of_time_changes_nothing(make):
    """A film may start at 0 or anywhere else."""
    rng = np.random.default_rng(3)
    values, times = rng.normal(size=30), np.arange(30) / 30
    first = smooth(make(), values, times)
    np.testing.assert_allclose(smooth(make(), values, times + 1000), first, atol=1e-8)
    np.testing.assert_allclose(smooth(make(), values + 5, times), first + 5, atol=1e-8)


@each
def test_a_time_that_repeats_is_passed_over(make):
    rng = np.random.default_rng(4)
    values, times = rng.normal(size=20), np.arange(20) / 25
    plain = smooth(make(), values, times)
    twice = smooth(make(), np.repeat(values, 2), np.repeat(times, 2))
    np.testing.assert_allclose(twice[::2], plain)
    np.testing.assert_allclose(twice[1::2], plain)
    smoother = make()
    smoother([1.0], 0.0)
    assert smoother([99.0], 0.0) == 1


@each
def test_a_long_jump_begins_anew(make):
    smoother = make(max_gap=0.5)
    smooth(smoother, [0, 1, 5.0], [0, 0.1, 0.2])
    assert smoother(100.0, 0.2 + 0.6) == 100
    assert smoother(100.0, 0.9) == pytest.approx(100)


@each
def test_a_short_gap_is_held_and_a_long_one_is_nan(make):
    smoother = make(max_gap=0.5)
    for i in range(5):
        smoother([3.0, 3.0], 0.1 * i)
    held = [smoother([NAN, 3.0], 0.4 + 0.1 * i) for i in range(1, 8)]
    np.testing.assert_allclose([h[1] for h in held], 3)
    # five tenths of a second, and not one more
    assert np.isfinite([h[0] for h in held]).tolist() == [True] * 5 + [False] * 2
    np.testing.assert_allclose([h[0] for h in held[:5]], 3)
    assert smoother([8.0, 3.0], 1.3)[0] == 8


@each
def test_never_seen_is_nan_until_it_is_seen(make):
    smoother = make()
    assert np.isnan(smoother([NAN, 1.0], 0.0)).tolist() == [True, False]
    assert smoother([4.0, 1.0], 0.0).tolist() == [4, 1]  # seen at the same time
    assert smoother([4.0, 1.0], 0.1) == pytest.approx([4, 1])


def test_kalman_moves_on_through_a_gap():
    smoother = KalmanFilter(0.01, 0.1)
    for i in range(20):
        smoother(2.0 * i * 0.1, 0.1 * i)
    for time in (2.0, 2.1, 2.3):
        assert smoother(NAN, time) == pytest.approx(2 * time, abs=0.02)


@each
def test_whole_numbers_lists_and_tensors(make):
    whole = smooth(make(), [0, 1, 5, 9], [0, 1 / 9, 2 / 9, 3 / 9])
    for kind in (np.float32, np.int64):
        values = np.array([0, 1, 5, 9], kind)
        np.testing.assert_array_equal(smooth(make(), values, np.arange(4) / 9), whole)
    tensor = torch.tensor([0.0, 1, 5, 9])
    np.testing.assert_array_equal(smooth(make(), tensor, np.arange(4) / 9), whole)
    assert whole.dtype == np.float64


@each
def test_the_values_given_are_left_alone(make):
    smoother, values = make(), np.array([1.0, NAN])
    out = smoother(values, 0.0)
    out[:] = 77
    again = smoother(np.array([1.0, 2.0]), 0.1)
    np.testing.assert_array_equal(values, [1, NAN])
    assert again == pytest.approx([1, 2])


@each
def test_what_cannot_be_filtered(make):
    smoother = make()
    smoother([1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match="goes backwards, from 1 to 0.5"):
        smoother([1.0, 2.0], 0.5)
    with pytest.raises(ValueError, match=r"begun with values \(2,\).*\(3,\)"):
        smoother([1.0, 2.0, 3.0], 2.0)
    with pytest.raises(ValueError, match="infinite"):
        smoother([1.0, np.inf], 2.0)
    with pytest.raises(ValueError, match="time in seconds"):
        smoother([1.0, 2.0], NAN)
    assert smoother([1.0, 2.0], 1.1) == pytest.approx([1, 2])  # nothing was spoilt
    smoother.reset()
    assert smoother([[5.0]], 0.0) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneEuroFilter(0), "min_cutoff"),
        (lambda: OneEuroFilter(1, -1), "beta"),
        (lambda: OneEuroFilter(1, 0, NAN), "d_cutoff"),
        (lambda: MovingAverage(-0.1), "seconds"),
        (lambda: MovingAverage(0.1, max_gap=0), "max_gap"),
        (lambda: KalmanFilter(0, 1), "measurement_std"),
        (lambda: KalmanFilter(1, np.inf), "acceleration_psd"),
        (lambda: KalmanFilter(1, 1)([2.0], 0.0, std=[0.0]), "std is positive"),
        (lambda: smooth(MovingAverage(1), [1, 2], [0]), r"\(2,\) and \(1,\)"),
        (lambda: smooth(MovingAverage(1), 1.0, 0.0), "values"),
    ],
)
def test_parameters_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_filter_of_your_own():
    class Slow(Filter):
        """Goes one unit a second towards the value."""

        def update(self, values, onwards, step, time):
            moved = self.estimate + np.clip(values - self.estimate, -step, step)
            self.estimate[onwards] = moved[onwards]

    out = smooth(Slow(max_gap=3), [0.0, 9, NAN, 9, 1.5], [0, 1, 2, 3, 5])
    assert out.tolist() == [0, 1, 1, 3, 1.5]


# ------------------------------------------------------------- what it costs


def test_lag_of_a_known_delay():
    times = np.arange(0, 4, 1 / 30)
    truth = np.stack([np.sin(3 * times), np.cos(2 * times)], -1)
    for delay in (0.0, 0.1, 0.25):
        late = np.stack([np.sin(3 * (times - delay)), np.cos(2 * (times - delay))], -1)
        assert lag(late, truth, times) == pytest.approx(delay, abs=0.002)
    late[40:60] = NAN
    assert lag(late, truth, times) == pytest.approx(0.25, abs=0.002)


def test_a_moving_average_lags_by_half_its_window():
    times = np.arange(0, 6, 1 / 50)
    truth = np.sin(2 * times)
    calm = smooth(MovingAverage(0.4), truth, times)
    # 20 pictures: the mean is that of 0 to 19 pictures ago
    assert lag(calm, truth, times) == pytest.approx(9.5 / 50, abs=0.002)


def test_jitter_by_hand():
    assert jitter([0.0, 3, 3, -1]) == pytest.approx(np.sqrt((9 + 0 + 16) / 3))
    assert jitter([0.0, 3, 6], [1.0, 4, 7]) == 0
    assert jitter([[0.0, 1], [NAN, 1], [5, 3]]) == pytest.approx(np.sqrt((0 + 4) / 2))
    where = [True, True, False, True]
    assert jitter([0.0, 3, 3, -1], where=where) == pytest.approx(3)
    with pytest.raises(ValueError, match="two moments"):
        jitter([1.0, NAN, 2.0])
    with pytest.raises(ValueError, match="two moments"):
        jitter([1.0, 5.0, 2.0], where=[True, False, True])
    with pytest.raises(ValueError, match="alike"):
        lag([1.0, 2], [1.0, 2, 3], [0, 1])
    with pytest.raises(ValueError, match="increase"):
        lag([1.0, 2], [1.0, 2], [0, 0])
    with pytest.raises(ValueError, match="no signal"):
        lag([1.0, 2], [1.0, 2], [0, 0.1])


def test_at_equal_lag_one_euro_trembles_less():
    """A hand that rests, moves and rests: the claim of the paper."""
    rng = np.random.default_rng(5)
    times = np.arange(0, 12, 1 / 30)
    truth = 200 * np.clip(np.sin(times) ** 5, 0, None)
    noisy = truth + rng.normal(0, 1.5, len(times))
    rest = np.convolve(truth == 0, np.ones(15), "full")[: len(times)] >= 15  # settled
    average = smooth(MovingAverage(4.5 / 30), noisy, times)
    tuned = [
        smooth(OneEuroFilter(0.6, beta), noisy, times)
        for beta in np.geomspace(0.001, 0.1, 7)
    ]
    equal = min(
        (t for t in tuned if lag(t, truth, times) <= lag(average, truth, times)),
        key=lambda t: jitter(t, where=rest),
    )
    assert jitter(equal, where=rest) < 0.7 * jitter(average, where=rest)
