"""The motions that drawn people know, each a choreography."""

from __future__ import annotations

import numpy as np

from .choreography import OUT, Mover, Moves, stack
from .limbs import bump, ease, keyed
from .pose import ARMS

__all__ = ["STYLES"]


# ------------------------------------------------------------ locomotion
class Walk(Mover):
    """Walking in a circle, so that the picture holds it however long."""

    straight = 0.987
    turned = (-180.0, 180.0)
    duty = 0.62  # share of a stride during which a foot is on the ground
    under = 0.23  # the share at which it is under the body
    pitches = (
        (0, -16),
        (0.10, None),
        (0.28, None),
        (0.62, 48),
        (0.70, 54),
        (0.88, 2),
        (1, -16),
    )
    lift, bob, apart, lean = 0.05, 0.018, 0.075, 2.5

    def setup(self, rng):
        """Speed, stride and the circle."""
        self.pace = rng.uniform(1.05, 1.4) * self.speed**0.75
        self.radius = rng.uniform(1.1, 1.6) * max(1.0, self.speed)
        self.stride = self.gait_length() * rng.uniform(0.95, 1.05)
        self._finish(rng)

    def gait_length(self):
        """Metres of a stride, longer for long legs and fast people."""
        return 1.27 * self.leg / 0.83 * (self.pace / 1.25) ** 0.3

    def _finish(self, rng):
        self.rate = self.pace / self.stride  # strides per second
        self.start, self.side = rng.random(), 1 if rng.random() < 0.5 else -1
        self.swing = rng.uniform(0.8, 1.2)
        self.pitches = tuple(
            (u, self.sole.flat if p is None else p) for u, p in self.pitches
        )

    @property
    def repetitions(self):
        """Strides."""
        return int(self.seconds * self.rate + 1e-9)

    def path(self, s, left=0.0):
        """Point of the circle after `s` metres, `left` of it, and heading."""
        bend = self.side / self.radius
        yaw = bend * s
        x, z = (np.cos(yaw) - 1) / bend, -np.sin(yaw) / bend
        return (
            np.stack([x + left * np.cos(yaw), z - left * np.sin(yaw)], axis=-1),
            np.rad2deg(yaw),
        )

    def foot(self, stride, side):
        """Ankles, feet and contacts of one side ``(T, ...)``."""
        k = np.floor(stride)
        u = stride - k
        swing = (u - self.duty) / (1 - self.duty)
        ends = []
        for step in (k, k + 1):
            middle = (step + self.under - 0.5 * side - self.start) / self.rate
            ends.append(self.path(self.pace * middle, OUT[side] * self.apart))
        (here, yaw), (there, later) = ends
        toes_out = -OUT[side] * 6
        pitch = keyed(u, self.pitches)
        down, contacts = self.sole.stand(here, yaw + toes_out, pitch)
        last, first = (
            np.full(len(u), p)
            for p in (keyed([self.duty], self.pitches)[0], self.pitches[0][1])
        )
        leave, _ = self.sole.stand(here, yaw + toes_out, last)
        arrive, _ = self.sole.stand(there, later + toes_out, first)
        share = ease(swing)[:, None]
        ankles = np.where((swing <= 0)[:, None], down, leave + share * (arrive - leave))
        ankles[:, 1] -= self.lift * bump(np.clip(swing, 0, 1) ** 0.8)
        yaw = yaw + ease(swing) * (later - yaw) + toes_out
        return ankles, np.stack([yaw, pitch], axis=-1), contacts & (swing <= 0)[:, None]

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress = t * self.rate
        stride = progress + self.start
        both = [self.foot(stride + 0.5 * side, side) for side in (0, 1)]
        ankles, feet, contacts = (np.stack(x, axis=1) for x in zip(*both))
        turn = 2 * np.pi * stride
        middle = 2 * np.pi * self.duty / 2
        across = -0.018 * np.cos(turn - middle)  # over the foot that stands
        # into the bend, as riders do
        lean = np.arctan(self.pace**2 / 9.81 / self.radius)
        left = across - self.side * self.stand * np.sin(lean)
        point, yaw = self.path(self.pace * t, left)
        height = self.stand * np.cos(lean) + self.bob * np.cos(2 * (turn - middle))
        ahead = np.cos(turn)[:, None] * OUT  # +: that side's arm is in front
        return self.moves(
            t,
            progress,
            np.stack([point[:, 0], -height, point[:, 1]], axis=-1),
            ankles,
            contacts,
            feet,
            self.arms(ahead),
            yaw=yaw,
            root=stack(self.lean, 0 * t) + [0, -self.side * np.rad2deg(lean)],
            spine=stack(self.lean, 7 * self.swing * np.cos(turn), 0 * t),
            neck=stack(-self.lean, -5 * self.swing * np.cos(turn), 0 * t),
        )

    def arms(self, ahead):
        """Arms ``(T, 2, 4)`` that swing against the legs."""
        return np.stack(
            [
                2 + 22 * self.swing * ahead,
                0 * ahead + 9,
                0 * ahead + 9,
                18 + 9 * ahead,
            ],
            axis=-1,
        )


class Run(Walk):
    """Running in a circle; both feet are off the ground for a while."""

    straight = 0.98
    duty = 0.35
    under = 0.10
    pitches = (
        (0, 4),
        (0.05, None),
        (0.10, None),
        (0.35, 58),
        (0.58, 92),
        (0.90, 4),
        (1, 4),
    )
    lift, bob, apart, lean = 0.24, -0.03, 0.05, 5.0

    def setup(self, rng):
        """Speed, stride and the circle."""
        self.pace = rng.uniform(2.0, 2.4) * self.speed**0.5
        self.radius = rng.uniform(1.8, 2.2) * max(1.0, self.speed)
        self.stride = self.pace / (1.36 * self.speed**0.5 * rng.uniform(0.96, 1.04))
        self._finish(rng)

    def arms(self, ahead):
        """Bent arms that swing against the legs."""
        return np.stack(
            [
                -4 + 42 * self.swing * ahead,
                0 * ahead + 13,
                0 * ahead + 16,
                92 + 6 * ahead,
            ],
            axis=-1,
        )


# --------------------------------------------------------- on the spot
class Wave(Mover):
    """Waving a raised hand; one repetition is to and fro."""

    period = 0.9
    turned = (-45.0, 45.0)

    def setup(self, rng):
        """How wide and how high."""
        super().setup(rng)
        self.wide = rng.uniform(0.75, 1.1)
        self.high = rng.normal(0, 5)
        self.other = np.array(ARMS[("hang", "hip", "relax")[int(rng.random() * 3)]])

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress, u = self.rhythm(t)
        inner = np.array([22, 102 + self.high, -80, 92 + 38 * self.wide])
        outer = np.array([26, 96 + self.high, -80, 92 - 38 * self.wide])
        lead = keyed(u, [(0, outer), (0.5, inner), (1, outer)])
        side = self.sway * self.breath(t)
        ankles, contacts, feet = self.planted(t, 0.10, 9)
        return self.moves(
            t,
            progress,
            stack(side, -self.stand, 0.0),
            ankles,
            contacts,
            feet,
            self.two(lead, self.other),
            spine=stack(0 * t, 2 * self.breath(t), -OUT[self.lead] * 2.0),
        )


class Squat(Mover):
    """Squats, the arms stretched forwards."""

    period = 2.6

    def setup(self, rng):
        """How deep and how wide."""
        super().setup(rng)
        self.depth, self.apart = rng.uniform(0.38, 0.52), rng.uniform(0.15, 0.21)
        self.toes = rng.uniform(12, 26)
        self.low_arms = np.array([122 + rng.normal(0, 5), 8, 10, 10])

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress, u = self.rhythm(t)
        down = keyed(u, [(0.05, 0), (0.45, 1), (0.53, 1), (0.95, 0)])
        ankles, contacts, feet = self.planted(t, self.apart, self.toes)
        arms = np.array(ARMS["hang"]) + down[:, None] * (self.low_arms - ARMS["hang"])
        deep = self.depth / 0.55
        return self.moves(
            t,
            progress,
            stack(
                0.3 * self.sway * self.breath(t),
                down * self.depth * self.leg - self.stand,
                0.24 * down * deep * self.leg / 0.83,
            ),
            ankles,
            contacts,
            feet,
            self.two(arms, arms),
            root=stack(28 * down * deep, 0 * t),
            spine=stack(15 * down * deep, 0 * t, 0 * t),
            neck=stack(-18 * down * deep, 0 * t, 0 * t),
        )


class JumpingJack(Mover):
    """Jumping jacks: out and back is one."""

    period = 1.15

    def setup(self, rng):
        """How wide and how high."""
        super().setup(rng)
        self.wide, self.high = rng.uniform(0.26, 0.36), rng.uniform(0.07, 0.10)
        self.top = np.array([14, 128 + rng.normal(0, 2), -62, 34 + rng.normal(0, 6)])

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress, u = self.rhythm(t)
        leaps = ((u - 0.14) / 0.26, (u - 0.60) / 0.26)
        out = ease(leaps[0]) - ease(leaps[1])
        up = bump(leaps[0]) + bump(leaps[1])
        # knees give before and after each leap
        give = sum(bump((u - at) / 0.26) for at in (-0.13, 0.34, 0.40, 0.87))
        give = np.minimum(give, bump(0.5))
        apart = 0.08 + out * (self.wide - 0.08)
        prints = np.stack([apart[:, None] * OUT, np.full((len(t), 2), 0.03)], axis=-1)
        yaw = np.broadcast_to(-OUT * 8.0, (len(t), 2))
        flat = np.full((len(t), 2), self.sole.flat)
        ankles, contacts = self.sole.stand(prints, yaw, flat)
        ankles[..., 1] -= self.high * up[:, None]
        pitch = flat + 26 * up[:, None]
        short = self.leg - np.sqrt(self.leg**2 - (apart - self.body.hip) ** 2)
        # arms are slower than legs
        raised = keyed(u, [(0.04, 0), (0.46, 1), (0.54, 1), (0.96, 0)])
        arms = np.array(ARMS["hang"]) + raised[:, None] * (self.top - ARMS["hang"])
        return self.moves(
            t,
            progress,
            stack(0.0, short + 0.045 * give - self.stand - 1.05 * self.high * up, 0.0),
            ankles,
            contacts & (up == 0)[:, None, None],
            np.stack([yaw, pitch], axis=-1),
            self.two(arms, arms),
        )


class PushUp(Mover):
    """Push-ups on the fists, the body straight from heels to head."""

    period = 1.9
    turned = (35.0, 145.0)  # and the same to the other side

    def setup(self, rng):
        """How deep, how wide."""
        super().setup(rng)
        self.depth = rng.uniform(0.6, 0.95)
        self.wide = self.body.shoulder + rng.uniform(0.03, 0.12)
        self.apart, self.side = rng.uniform(0.06, 0.14), rng.random()

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress, u = self.rhythm(t)
        down = keyed(u, [(0.05, 0), (0.45, 1), (0.54, 1), (0.95, 0)]) * self.depth
        body, n = self.body, len(t)
        back = 0.55  # of the ankles; the middle of the body is the origin
        pitch = np.full((n, 2), 78.0)
        yaw = np.zeros((n, 2))
        prints = np.broadcast_to(
            np.stack([OUT * self.apart, np.full(2, back)], axis=-1), (n, 2, 2)
        )
        ankles, contacts = self.sole.stand(prints, yaw, pitch)
        contacts = np.broadcast_to([False, True], contacts.shape)
        # fists under the shoulders when the arms are straight
        arm, fist = body.upper_arm + body.forearm, body.hand + 0.034
        ankle = ankles[0].mean(0)
        length = 0.992 * self.leg + body.trunk
        top, low = fist + 0.985 * arm, fist + 0.13
        shoulder = top + down * (low - top)
        rise = np.arcsin((shoulder - 0.025 + ankle[1]) / length)
        along = np.stack([0 * t, -np.sin(rise), -np.cos(rise)], axis=-1)
        pelvis = ankle + 0.99 * self.leg * along
        highest = np.arcsin((top - 0.025 + ankle[1]) / length)
        hands = ankle[2] - length * np.cos(highest) + 0.03
        wrists = np.stack([OUT * self.wide, [-fist] * 2, [hands] * 2], axis=-1)
        return self.moves(
            t,
            progress,
            pelvis,
            ankles,
            contacts,
            np.stack([yaw, pitch], axis=-1),
            np.zeros((n, 2, 4)),
            root=stack(90 - np.rad2deg(rise), 0 * t),
            neck=stack(-18.0 + 0 * t, 0 * t, 0 * t),
            wrists=np.broadcast_to(wrists, (n, 2, 3)),
            elbows=np.stack([OUT * 0.8, [-0.25, -0.25], [1.0, 1.0]], axis=-1),
        )


class _Once(Mover):
    """Something that is done once, early in the time."""

    turned = (20.0, 110.0)

    def setup(self, rng):
        """When it happens, and how fast."""
        length = min(
            self.period / self.speed * rng.uniform(0.9, 1.1), 0.8 * self.seconds
        )
        self.begin = rng.uniform(0.3, 0.7) * min(self.seconds - length, 0.8)
        self.length = length

    @property
    def repetitions(self):
        """Once."""
        return 1

    def phase(self, t):
        """From 0 before to 1 afterwards."""
        return np.clip((t - self.begin) / self.length, 0, 1)


class SitDown(_Once):
    """Sitting down on a stool."""

    period = 1.5

    def setup(self, rng):
        """How the feet stand, how far they lean forwards."""
        super().setup(rng)
        self.apart, self.toes = rng.uniform(0.10, 0.16), rng.uniform(6, 16)
        self.lean = rng.uniform(30, 42)

    @property
    def seat(self):
        """Where the pelvis is when they sit."""
        body = self.body
        height = self.sole.height + 0.99 * body.shin + 0.012
        return np.array([0.0, -height, 0.93 * body.thigh])

    def down(self, t):
        """0 standing ... 1 sitting."""
        return self.phase(t)

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        phase = self.down(t)
        start = np.array([0.0, -self.stand, 0.0])
        back, low = ease(phase / 0.85), ease((phase - 0.12) / 0.88)
        pelvis = start + np.stack([0 * t, low, back], axis=-1) * (self.seat - start)
        pelvis[:, 0] += 0.3 * self.sway * self.breath(t)
        forward = bump((phase - 0.02) / 0.96)
        sitting = ease((phase - 0.3) / 0.7)[:, None]
        reach = forward[:, None] * np.array([32.0, 0, 4, 14])
        knee = np.array([30.0, 9, 10, 42])
        arms = ARMS["hang"] + sitting * (knee - ARMS["hang"]) + reach
        ankles, contacts, feet = self.planted(t, self.apart, self.toes)
        return self.moves(
            t,
            phase if self.down(np.zeros(1))[0] == 0 else 1 - phase,
            pelvis,
            ankles,
            contacts,
            feet,
            self.two(arms, arms),
            root=stack(self.lean * forward - 3 * phase, 0 * t),
            spine=stack(12 * forward + 4 * phase, 0 * t, 0 * t),
            neck=stack(-15 * forward, 0 * t, 0 * t),
        )


class StandUp(SitDown):
    """Rising from a stool."""

    period = 1.4

    def down(self, t):
        """1 sitting ... 0 standing."""
        return 1 - self.phase(t)


class Fall(_Once):
    """Slipping, and falling on the back."""

    period = 1.5
    turned = (40.0, 130.0)

    def setup(self, rng):
        """How they land."""
        super().setup(rng)
        self.arms = rng.normal(0, 1, (2, 4))
        self.bent = rng.uniform(0.80, 0.96, 2)  # reach of the legs at the end
        self.roll = rng.normal(0, 2)

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        u, n = self.phase(t), len(t)
        body = self.body
        thick = body.seat * body.build**0.8 * (0.70 + 0.35 * (body.build - 1))
        lying = max(0.118, thick) + 0.008  # as `figure` draws the seat
        back = 0.48
        pelvis = stack(
            0.0,
            keyed(u, [(0.10, -self.stand), (0.66, -lying)]),
            back * ease(u / 0.66),
        )
        slip = np.stack([(u - 0.12) / 0.62, (u - 0.18) / 0.62], axis=-1)
        slip = slip[:, :: 1 if self.lead == 0 else -1]
        begin = np.stack([OUT * 0.10, [0.03, 0.03]], axis=-1)
        end = np.stack([OUT * 0.15, back - self.bent * self.leg + 0.06], axis=-1)
        yaw = np.broadcast_to(-OUT * 10.0, (n, 2))
        pitch = self.sole.flat + ease(slip) * (-68 - self.sole.flat)
        first, contacts = self.sole.stand(np.broadcast_to(begin, (n, 2, 2)), yaw, pitch)
        last, _ = self.sole.stand(np.broadcast_to(end, (n, 2, 2)), yaw, pitch)
        ankles = first + ease(slip)[..., None] * (last - first)
        ankles[..., 1] -= 0.22 * bump(slip)
        still = (slip <= 0) | (slip >= 1)
        flung = np.array([64.0, 46, -8, 34]) + self.arms * (14, 10, 8, 8)
        rest = np.array([-7.0, 38, 0, 8]) + np.abs(self.arms) * (0, 8, 6, 3)
        hang = np.broadcast_to(ARMS["hang"], (2, 4))
        return self.moves(
            t,
            u,
            pelvis,
            ankles,
            contacts & still[..., None],
            np.stack([yaw, pitch], axis=-1),
            keyed(u, [(0.06, hang), (0.44, flung), (1.0, rest)]),
            root=stack(
                keyed(u, [(0.06, 0), (0.64, -40), (1, -88)]), self.roll * ease(u)
            ),
            spine=stack(keyed(u, [(0.1, 0), (0.6, 34), (1, 2)]), 0 * t, 0 * t),
            neck=stack(keyed(u, [(0.1, 0), (0.6, 22), (1, -2)]), 0 * t, 0 * t),
        )


class Throw(Mover):
    """Throwing something far, over the shoulder, with a step."""

    period = 2.3

    def setup(self, rng):
        """How strongly."""
        super().setup(rng)
        self.force, self.step = rng.uniform(0.85, 1.1), rng.uniform(0.28, 0.40)

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress, u = self.rhythm(t)
        hang, force = np.array(ARMS["hang"]), self.force
        lead = keyed(
            u,
            [
                (0.04, hang),
                (0.30, (-18, 92, -70, 96)),
                (0.44, (-14, 100, -80, 104)),
                (0.57, (112, 42, -30, 30)),
                (0.70, (44, 8, 34, 30)),
                (0.96, hang),
            ],
        )
        other = keyed(
            u,
            [
                (0.04, hang),
                (0.36, (80, 24, 6, 16)),
                (0.58, (10, 26, 20, 66)),
                (0.96, hang),
            ],
        )
        # towards the throwing hand, then past the front
        twist = force * keyed(u, [(0.04, 0), (0.38, 1), (0.60, -0.8), (0.96, 0)])
        twist *= -OUT[self.lead]
        front = 1 - self.lead
        ahead = self.step * keyed(u, [(0.30, 0), (0.46, 1), (0.76, 1), (0.92, 0)])
        air = bump((u - 0.30) / 0.16) + bump((u - 0.76) / 0.16)
        side = np.arange(2) == front
        x = np.broadcast_to(OUT * 0.12, (len(t), 2))
        z = 0.10 - ahead[:, None] * side
        yaw = np.broadcast_to(-OUT * np.where(side, 4.0, 28.0), (len(t), 2))
        pitch = np.full((len(t), 2), self.sole.flat)
        ankles, contacts = self.sole.stand(np.stack([x, z], axis=-1), yaw, pitch)
        ankles[..., 1] -= 0.09 * air[:, None] * side
        contacts = contacts & ((air == 0)[:, None] | ~side)[..., None]
        weight = keyed(
            u,
            [
                (0.04, 0),
                (0.32, -0.05),
                (0.58, 0.62 * self.step),
                (0.72, 0.62 * self.step),
                (0.96, 0),
            ],
        )
        bow = (
            keyed(u, [(0.04, 0), (0.36, -5), (0.62, 20), (0.74, 20), (0.96, 0)]) * force
        )
        dip = 0.045 * keyed(u, [(0.1, 0), (0.48, 1), (0.72, 1), (0.96, 0)])
        return self.moves(
            t,
            progress,
            stack(0.0, dip - self.stand, 0.07 - weight),
            ankles,
            contacts,
            np.stack([yaw, pitch], axis=-1),
            self.two(lead, other),
            yaw=16 * twist,
            root=stack(0.5 * bow, 0 * t),
            spine=stack(0.8 * bow, 30 * twist, 0 * t),
            neck=stack(-0.6 * bow, -28 * twist, 0 * t),
        )


class Dance(Mover):
    """A side step to and fro, the arms as they please; a repetition is
    four beats."""

    period = 2.2
    poses = (
        "up",
        "up_wide",
        "side",
        "wave",
        "flex",
        "hip",
        "chest",
        "relax",
        "forward",
    )

    def setup(self, rng):
        """What the arms do in each half bar, and how large all is."""
        super().setup(rng)
        self.step, self.bounce = rng.uniform(0.20, 0.32), rng.uniform(0.02, 0.045)
        self.hips, self.turn = rng.uniform(3, 7), rng.uniform(8, 22)
        self.first = 1 if rng.random() < 0.5 else -1
        count = 2 * (len(self.rhythm.bounds) - 1)
        # never the same pose twice running
        steps = rng.integers(1, len(self.poses), size=(count, 2))
        choice = np.cumsum(steps, axis=0) % len(self.poses)
        poses = [[ARMS[self.poses[i]] for i in pair] for pair in choice]
        self.keys = list(enumerate([*poses, poses[0]]))

    def __call__(self, t) -> Moves:
        """The moves at times ``(T,)``, seconds."""
        progress, u = self.rhythm(t)
        first = 0 if self.first < 0 else 1  # the foot that steps out first
        steps = []
        for side in (0, 1):
            out, home = (0.0, 0.75) if side == first else (0.25, 0.5)
            steps.append(((u - out - 0.03) / 0.17, (u - home - 0.03) / 0.17))
        away = np.stack([ease(a) - ease(b) for a, b in steps], axis=-1)
        air = np.stack([bump(a) + bump(b) for a, b in steps], axis=-1)
        x = OUT * 0.11 + self.first * self.step * away
        yaw = np.broadcast_to(-OUT * 12.0, x.shape)
        pitch = self.sole.flat + 16 * air
        flat = np.full(x.shape, self.sole.flat)
        ankles, contacts = self.sole.stand(
            np.stack([x, np.full(x.shape, 0.03)], axis=-1), yaw, flat
        )
        ankles[..., 1] -= 0.08 * air
        middle = keyed(u, [(0, 0), (0.25, 0.5), (0.5, 1), (0.75, 0.5), (1, 0)])
        beat = np.pi * 8 * u
        turn = np.sin(2 * np.pi * u)
        arms = keyed(2 * progress, self.keys)
        return self.moves(
            t,
            progress,
            stack(
                self.first * self.step * middle,
                self.bounce * (0.5 + 0.5 * np.cos(beat)) - self.stand,
                0.0,
            ),
            ankles,
            contacts & (air == 0)[..., None],
            np.stack([yaw, pitch], axis=-1),
            arms,
            yaw=self.turn * turn,
            root=stack(3 + 0 * t, self.hips * np.sin(beat / 2)),
            spine=stack(
                2 + 0 * t, 0.5 * self.turn * turn, -1.2 * self.hips * np.sin(beat / 2)
            ),
            neck=stack(5 * np.cos(beat), -0.5 * self.turn * turn, 0 * t),
        )


STYLES = {
    "walk": Walk,
    "run": Run,
    "wave": Wave,
    "squat": Squat,
    "jumping_jack": JumpingJack,
    "push_up": PushUp,
    "sit_down": SitDown,
    "stand_up": StandUp,
    "fall": Fall,
    "throw": Throw,
    "dance": Dance,
}
