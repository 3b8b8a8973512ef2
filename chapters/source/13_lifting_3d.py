# %% [markdown] document="2 3D; 4.4 3D"
# # 13. Lifting to 3D
#
# **Recover depth from a flat skeleton, and see when that cannot work.**
#
# ![Left a drawn person does squats, with a skeleton on the picture. Right the same skeleton stands in space and turns around while it squats: hips back, arms and knees forward, seen also from where the picture was not taken.](figures/13_opening.gif)
#
# On the left is what a network found in the picture: sixteen points, flat as
# paper. On the right is what another network made of them, and it has never
# seen the picture. Where did it get the depth from? It cannot have measured
# it. That is what this chapter is about.
#
# | | |
# |---|---|
# | **You will learn** | what a camera forgets; how many bodies one picture allows; lifting networks for one pose and for a sequence; MPJPE, and what Procrustes forgives; what noise and gaps cost; triangulation; in metres from where |
# | **You need** | [chapter 1](01_concepts.ipynb) (skeletons), NumPy arrays, a first network in PyTorch ([chapter 4](04_losses.ipynb)) |
# | **Time** | 60 min to read, 60 min to do |
# | **Runs in** | 40 s on two CPU cores |
#
# The document (section 4.4) answers the question how 3D pose estimation
# differs from 2D like this: it *needs depth for every joint, and so it is more
# of a challenge. Usually 2D keypoints are estimated first and z is regressed
# from them, or 3D coordinates are regressed directly. Training needs data with
# 3D labels, such as MuCo-3DHP.* We take these three sentences one by one.

# %% tags=["setup"]
import json

import cv2
import numpy as np
import torch
from torch import nn
from posecourse import metrics
from posecourse.authoring.chapters import folder, require
from posecourse.datasets.synthetic import SyntheticMotion
from posecourse.exercises import check, hint, quiz
from posecourse.inference import Predictor
from posecourse.lifting import (HELD_OUT, Lifter, LiftingNetwork,
    PinholeCamera, depths_along_ray, joint_distances, random_poses,
    random_views, triangulate)
from posecourse.skeletons import MPII
from posecourse.visualization import animate, explore, lifting as plots
from posecourse.visualization import show_people, use_style
from posecourse.visualization.tables import table

require("0.1")
rng = np.random.default_rng(0)
torch.manual_seed(0)
use_style()
torch.set_num_threads(1)      # for tensors this small, threads only wait
PELVIS, OTHERS = 6, [*range(6), *range(7, 16)]

# %% [markdown]
# ## 1. One joint, one pinhole
#
# A camera has axes of its own: x to the right, y down, z straight ahead. A
# joint at $(x, y, z)$ sends a ray of light into the pinhole, and the ray
# meets the picture at
#
# $$u = f \, \frac{x}{z} + c_x, \qquad v = f \, \frac{y}{z} + c_y.$$
#
# The focal length $f$ says how many pixels wide something is that is as wide
# as it is far away. $(c_x, c_y)$ is the pixel straight ahead, mostly the
# middle of the picture.
#
# **Predict first.** A wrist is 40 cm to the right, 20 cm up and 4 m away; $f$
# is 500 and the middle is (127.5, 127.5). Which pixel is it? And which pixel
# is a wrist that is 80 cm to the right, 40 cm up and 8 m away?
#
# <details><summary>Answer</summary>
#
# $500 \cdot 0.4 / 4 + 127.5 = 177.5$ and $500 \cdot (-0.2) / 4 + 127.5 =
# 102.5$: up is negative. The second wrist has the same pixel, for $x / z$ and
# $y / z$ are the same. </details>

# %% tags=["nbval-check-output"]
wrist = np.array([0.4, -0.2, 4.0])       # metres: right, down, away
flat = wrist[:2] / wrist[2]              # the plane at depth 1
print("by hand", 500 * flat + 127.5)

camera = PinholeCamera([[500, 0, 127.5], [0, 500, 127.5], [0, 0, 1]])
print("package", camera.project(wrist), "twice as far and as large",
      camera.project(2 * wrist))
print("back:", camera.normalize([177.5, 102.5]), "at depth 1")

lens = PinholeCamera(camera.intrinsics, distortion=[-0.25, 0, 0, 0, 0])
bent = lens.project(wrist)
theirs = cv2.projectPoints(wrist[None], np.zeros(3), np.zeros(3),
                           lens.intrinsics, lens.distortion)[0][0, 0]
print(f"a lens: {bent.round(3)}, OpenCV {theirs.round(3)}, "
      f"undone {lens.normalize(bent).round(6)}")
plots.show_rays(
    [wrist, 2 * wrist], [0.1, 0.1], ["a wrist", "another"],
    alt="A pinhole from above. Two wrists, one at 4 and one at 8 metres, lie "
    "on one ray, which meets the picture in one point.")

# %% [markdown]
# The two wrists share a pixel: a picture knows the **ray**, not the place on
# it. (A real lens bends the rays a little as well. That can be undone, if the
# lens was calibrated, and then we are back at the plane at depth 1.)
#
# So a child near the camera and a giant far away look the same. How far away,
# and how large: this pair cannot be had from one picture. We give up on it,
# and ask for less: where are the joints *relative to the pelvis*?
#
# ### Exercise 13.1 ★☆☆ A camera
#
# Write `project(points, focal, center)`: the pixels `(K, 2)` of points
# `(K, 3)` in the camera's axes. A joint that is not in front of the camera ($z
# \le 0$) has no pixel: NaN for both numbers. (10 minutes)
#
# Expected for `[[0.4, -0.2, 4], [0, 0, -1]]`, 500 and `(127.5, 127.5)`:
# `[[177.5, 102.5], [nan, nan]]`.

# %% tags=["exercise"]
def project(points, focal, center):
    """Pixels of points in the camera's axes."""
    # your code here


# %% tags=["solution"]
def project(points, focal, center):
    """Pixels of points in the camera's axes."""
    points = np.asarray(points, dtype=float)
    depth = np.where(points[:, 2:] > 0, points[:, 2:], np.nan)
    return focal * points[:, :2] / depth + np.asarray(center)


# %% tags=["check"]
check("13.1", project)

# %% [markdown]
# ## 2. How many bodies does one picture allow?
#
# Suppose we are told more than a picture says: where the pelvis is, and how
# long every bone is. Is the rest settled?
#
# Take a shoulder whose place we know, and an elbow of which we know the ray
# and that it is one upper arm away. All points one upper arm away from the
# shoulder make a ball, and a straight line goes through a ball **twice**: once
# on its near side, once on its far side (Taylor, 2000). With $r = (u, v, 1)$
# along the ray, $p$ the shoulder and $l$ the length,
# $\lVert z r - p \rVert = l$ is a quadratic equation in the depth $z$:
#
# $$z^2 \, (r \cdot r) - 2 z \, (r \cdot p) + (p \cdot p - l^2) = 0.$$

# %% tags=["nbval-check-output"]
motion = SyntheticMotion("squat", seconds=2, fps=12, seed=4, size=192)
eye = PinholeCamera.of(motion.camera)
body = eye.to_camera(motion.joints)[14]            # (16, 3) metres
rays = body[:, :2] / body[:, 2:]                   # all that a picture knows
parents = np.array(MPII.parent_indices)
lengths = np.linalg.norm(body - body[parents], axis=1)


def two_depths(flat, parent, length):
    """Where a joint's ray is a bone's length from its parent."""
    r = np.append(flat, 1.0)
    a, b, c = r @ r, r @ parent, parent @ parent - length ** 2
    root = np.sqrt(max(b * b - a * c, 0))
    return np.array([b - root, b + root]) / a


shoulder, elbow = MPII.indices(["left_shoulder", "left_elbow"])
depths = two_depths(rays[elbow], body[shoulder], lengths[elbow])
print("elbow", depths.round(3), "package", depths_along_ray(
    rays[elbow], body[shoulder], lengths[elbow]).round(3))
print(f"in truth {body[elbow, 2]:.3f}")
plots.show_bone(body[shoulder], rays[elbow], depths, lengths[elbow],
                alt="From the side: a circle around the shoulder, and the "
                "elbow's ray, which cuts it in two places, one nearer to the "
                "camera than the other.")

# %% [markdown]
# One of the two is right, and nothing in the picture says which. The wrist
# hangs on the elbow and has two answers for each of *its* answers.
#
# **Predict first.** The skeleton has 15 bones. How many bodies are there at
# most? Will all of them keep their bones?
#
# <details><summary>Answer</summary>
#
# $2^{15} = 32{,}768$. Not all: with an elbow on the wrong side, the wrist's
# ray may pass too far away from it for any forearm to reach. </details>

# %% tags=["nbval-check-output"]
def all_bodies(flat, root, lengths):
    """Both depths of every bone in all combinations, (32768, 16, 3)."""
    bodies, done = np.full((1, 16, 3), np.nan), [PELVIS]
    bodies[:, PELVIS] = root
    while len(done) < 16:                       # parents before children
        joint = next(k for k in range(16)
                     if k not in done and parents[k] in done)
        z = depths_along_ray(flat[joint], bodies[:, parents[joint]],
                             lengths[joint])    # (B, 2)
        bodies = np.repeat(bodies, 2, axis=0)
        bodies[:, joint] = z.reshape(-1, 1) * np.append(flat[joint], 1.0)
        done.append(joint)
    return bodies


every = all_bodies(rays, body[PELVIS], lengths)
bones = np.linalg.norm(every - every[:, parents], axis=-1)
whole = every[(abs(bones - lengths) < 0.001).all(1)]
again = eye.project(eye.to_world(whole)) - eye.project(eye.to_world(body))
apart = 1000 * np.linalg.norm(whole - body, axis=-1).mean(1)
print(f"{len(every)} combinations, {len(whole)} with bones of the right "
      f"length\nlargest difference in the picture {abs(again).max():.6f} px")
print(f"from the true body: median {np.median(apart):.0f} mm, "
      f"farthest {apart.max():.0f} mm")

# %% [markdown]
# **16384** bodies with the right bones, and all of them have the same sixteen
# pixels. Half of them are more than **209** mm from the truth on average over
# the joints, the worst **404** mm.
#
# Turn them. From the camera (turn 0) nobody can tell these two apart. From the
# side they have little in common.

# %%
rank = np.argsort(apart)
chosen = {"one of many": rank[len(rank) // 2], "another": rank[2000],
          "the farthest": rank[-1]}


def two_bodies(turn, other):
    pair = [body - body[PELVIS], whole[chosen[other]] - body[PELVIS]]
    return plots.show_bodies(pair, ["the true body", other], turn, size=3.2,
                             reach=1.05)


explore(two_bodies, "The true body and {other} of those with the same "
        "picture, seen from {turn:.0f} degrees to the side of the camera.",
        turn=(-175, 180, 60, 5), other=list(chosen))

# %% [markdown]
# You do not hesitate, though, when you look at a flat skeleton. You know that
# knees bend forward, that people seldom fall, which way they usually lean. The
# depth does not come from the picture: **it comes from what you know about
# people**. A lifting network has to learn just that, from people whose depth
# is known. Where the picture leaves something open, it can only guess what is
# usual.
#
# ### Exercise 13.2 ★★☆ The chain
#
# Write `chains(flat, root, lengths)` for a chain such as an arm: `flat`
# `(J, 2)` are the J joints on the plane at depth 1, `root` `(3,)` is the place
# of the first, `lengths` `(J - 1,)` are the bones'. Return all chains whose
# bones have the right length, `(C, J, 3)`, in any order. Where a ray misses
# its ball (the root of the equation is negative), that branch *ends*: it has
# no answer. Where it just touches it, count it once or twice, as you like. (20
# minutes)
#
# Expected for `flat = np.zeros((3, 2))`, `root = (0, 0, 4)`, `lengths = (0.3,
# 0.2)`: four chains, which end at the depths 3.5, 3.9, 4.1 and 4.5.

# %% tags=["exercise"]
def chains(flat, root, lengths):
    """All chains with these bones in this picture, (C, J, 3)."""
    # your code here


# %% tags=["solution"]
def chains(flat, root, lengths):
    """All chains with these bones in this picture, (C, J, 3)."""
    found = [[np.asarray(root, dtype=float)]]
    for seen, length in zip(np.asarray(flat)[1:], lengths):
        longer = []
        for chain in found:
            r, p = np.append(seen, 1.0), chain[-1]
            a, b, c = r @ r, r @ p, p @ p - length ** 2
            if b * b >= a * c:
                root = np.sqrt(b * b - a * c)
                longer += [[*chain, z * r] for z in ((b - root) / a,
                                                    (b + root) / a)]
        found = longer
    return np.array(found).reshape(-1, len(flat), 3)


# %% tags=["check"]
check("13.2", chains)

# %% [markdown]
# ## 3. How wrong is a body?
#
# **MPJPE**, the mean per-joint position error, is what it says: how far each
# joint is off, on average, usually in millimetres, both bodies moved so that
# their pelvises meet. Here is a body of three joints (pelvis, thorax, wrist)
# and an answer.
#
# **Predict first.** The wrist is 90 mm too low and 120 mm too far away. By how
# much is it off? And what is the MPJPE?
#
# <details><summary>Answer</summary>
#
# $\sqrt{90^2 + 120^2} = 150$ mm, so $(0 + 120 + 150) / 3 = 90$ mm. The pelvis
# is at 0 by definition. Many papers count it all the same; we leave it out:
# 135 mm. </details>

# %% tags=["nbval-check-output"]
truth = np.array([[[0, 0, 0], [0, -500, 0], [300, -500, 0.0]]])
answer = truth + [[[0, 0, 0], [0, 0, 120], [0, 90, 120]]]
off = np.linalg.norm(answer - truth, axis=-1)
print("off by", off[0], "mm")
print(f"with the pelvis {off.mean():.0f} mm, without {off[0, 1:].mean():.0f} "
      f"mm, package {metrics.mpjpe(answer, truth):.0f} mm")


def procrustes(points, target):
    """`points` (K, 3) turned, scaled and moved onto `target`."""
    a, b = points - points.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    flip = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])  # no mirror
    scale = (s * flip).sum() / (a ** 2).sum()
    return scale * a @ (u * flip) @ vt + target.mean(0)


mine = 1000 * (body - body[PELVIS])
noisy = mine + rng.normal(0, 40, mine.shape)
ours = np.linalg.norm(procrustes(noisy, mine) - mine, axis=1).mean()
print(f"aligned: by hand {ours:.6f} mm, "
      f"package {metrics.pa_mpjpe(noisy[None], mine[None]):.6f} mm")

# %% [markdown]
# The last function is **Procrustes**, after a host who made every guest fit
# his bed. It finds the turn, the size and the shift that make an answer look
# best, and only then is the error taken: **PA-MPJPE**. **N-MPJPE** fits the
# size alone. The singular value decomposition finds the turn; its only trap is
# the sign in the fourth line. Without it, a body may be *mirrored* to fit.
#
# What does each of the three forgive? Below, answers that are wrong in one
# way each.
#
# **Predict first.** Which of them get 0 from PA-MPJPE?

# %% tags=["nbval-check-output"]
answers = {
    "10 % too large": 1.1 * mine,
    "turned by 20 degrees": plots.turned(mine, 20),
    "another body, same picture": 1000 * (whole[chosen["one of many"]]
                                          - body[PELVIS]),
    "depth mirrored": mine * (1, 1, -1),
}
table([(name, *(metric(points[None, OTHERS], mine[None, OTHERS])
                for metric in (metrics.mpjpe, metrics.n_mpjpe,
                               metrics.pa_mpjpe)))
       for name, points in answers.items()],
      ("mm", "MPJPE", "N-MPJPE", "PA-MPJPE"), digits=0)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The first two: size and turn are forgiven. The other two are different
# bodies, and no turn makes them fit. </details>
#
# Ten per cent of size cost **55** mm and a turn of 20 degrees **138** mm,
# though nothing is wrong with either pose. Bones on the wrong side cost
# **223** mm, and Procrustes takes away only a part of it.
#
# A camera that points a little elsewhere turns the whole body. N-MPJPE and
# PA-MPJPE are not "better" numbers: they answer other questions. Quote the
# name with the number, and **the unit**: an error of 45 is good in millimetres
# and absurd in centimetres. (Hand `metrics.pck3d` metres for millimetres, and
# it refuses: nobody is 1.7 mm tall.)
#
# ## 4. Lifting, learned in a minute
#
# Martinez and others surprised the field in 2017: a plain network of fully
# connected layers, which sees 16 points and no picture, beat the systems that
# saw the picture. We build it.
#
# **What goes in?** Nothing about a body can be learned from where in the
# picture it is, nor from how large. So the points are moved and scaled: their
# middle to 0, their root mean square distance from it to 1. One thing needs
# care. A person at the edge of the picture is seen a little from the side. So
# before that, we turn the camera (in thought) to look straight at them, and
# turn the answer back at the end.
#
# **What comes out?** Metres from the pelvis, in the axes of that camera.
#
# **Learned from what?** From bodies in space, nothing else. Every step puts a
# camera somewhere around them and makes its own picture: 1,500 bodies are
# millions of examples. This is why one may learn to lift without a single
# photograph with 3D labels.

# %% tags=["nbval-check-output"]
bodies = torch.from_numpy(random_poses(1500)).float()        # (1500, 16, 3)
others = torch.from_numpy(random_poses(300, "valid")).float()


def look(some, seed):
    """A picture of each from anywhere, and what it shows in truth."""
    dice = torch.Generator().manual_seed(seed)
    views = random_views(some[:, None], dice)
    return views.inputs[:, 0], views.target                  # (N, 16, 3) each


x, y = look(bodies[:3], seed=5)
print("in", tuple(x.shape), "out", tuple(y.shape))
print(f"middle {x[0, :, :2].mean(0).abs().max():.4f}, root mean square "
      f"distance {x[0, :, :2].square().sum(1).mean().sqrt():.4f}")
print("known:", x[0, :, 2].int().tolist())
plots.show_bodies(
    [*y, *y], ["as seen"] * 3 + ["from the side"] * 3, size=1.8, tilt=0,
    columns=3, turn=[0] * 3 + [90] * 3, alt="Three bodies as a camera sees "
    "them, and below the same three from the side, where one sees how far "
    "arms and legs reach towards the camera.")

# %% [markdown]
# The third number says whether a joint is known at all. A lifter that has to
# live with a real network in front of it should not be lost when a wrist is
# missing.
#
# **The network.** Sixteen times three numbers go in; two blocks of two layers,
# each with a shortcut around it; sixteen times three come out. The loss is
# MPJPE itself.

# %% tags=["nbval-check-output"]
class SmallLifter(nn.Module):
    joints, root, frames = 16, PELVIS, 1

    def __init__(self, width=128):
        super().__init__()
        def layer(before):
            return nn.Sequential(nn.Linear(before, width),
                                 nn.BatchNorm1d(width), nn.ReLU())
        self.first = layer(48)
        self.blocks = nn.ModuleList(
            nn.Sequential(layer(width), layer(width)) for _ in range(2))
        self.last = nn.Linear(width, 48)

    def forward(self, inputs):                    # (N, 16, 3)
        x = self.first(inputs.flatten(1))
        for block in self.blocks:
            x = x + block(x)                      # the shortcut
        points = self.last(x).unflatten(1, (16, 3))
        return points - points[:, [PELVIS]]       # from the pelvis


network, package = SmallLifter(), LiftingNetwork(width=128)
for name, some in (("ours", network), ("package", package),
                   ("the paper's", LiftingNetwork(inputs=2))):
    print(f"{name}: {sum(p.numel() for p in some.parameters()):,} parameters")

# %% tags=["nbval-check-output"]
def error(points, truth):
    """MPJPE without the pelvis, mm."""
    return 1000 * joint_distances(points, truth)[..., OTHERS].mean().item()


x_new, y_new = look(others, seed=1)
average = look(bodies, seed=2)[1].mean(0)
optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3)
falling = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, 800)
for step in range(801):
    if step % 200 == 0:
        network.eval()
        with torch.no_grad():
            print(f"step {step:3d}: {error(network(x_new), y_new):.0f} mm")
        network.train()
    if step < 800:
        some = torch.randint(1500, (96,), generator=torch.Generator(
            ).manual_seed(step))
        x, y = look(bodies[some], seed=1000 + step)
        loss = joint_distances(network(x), y).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
print(f"mean pose: {error(average.expand_as(y_new), y_new):.0f} mm")

# %% [markdown]
# After 800 steps, a few seconds, unknown people are **96** mm off instead of
# the **273** mm of the mean pose. That is what a body's habits are worth:
# nobody has told this network a single depth of the people it is tested on.
#

# ## 5. New people, new motions
#
# Two networks of this kind come with the course, trained for longer: `single`
# looks at one pose like ours, `temporal` at 27 frames. Both have seen people
# walk, run, wave, dance, fall, sit down, stand up and do push-ups. We show
# them what they have **never** seen: other people, before other cameras, who
# squat, jump and throw.
#
# `single` is our network with two ideas more:
#
# - **It copies what it can.** x and y are nearly known: they are the
#   picture's, times one size. The network says that size, and its last layer
#   only corrects. (Ours has to learn to pass 32 numbers through its layers.)
# - **It has seen limbs mixed.** While it learned, many a body got the arms of
#   one person and the legs of another. Who has seen squats only with the hands
#   on the knees cannot know that arms go their own ways.

# %% tags=["nbval-check-output"]
lifters = {name: Lifter.load(name) for name in ("single", "temporal")}
tests = [SyntheticMotion(style, seconds=3, fps=12, seed=50 + n, size=256,
                         camera=n) for style in HELD_OUT for n in range(3)]
cameras = [PinholeCamera.of(test.camera) for test in tests]
spaces = [c.to_camera(t.joints) for c, t in zip(cameras, tests)]
truths = [s - s[:, [PELVIS]] for s in spaces]
pixels = [t.camera.project(t.joints) for t in tests]    # (36, 16, 2) each


def scores(points):
    """MPJPE, N-MPJPE, PA-MPJPE in mm, share within 150 mm in percent."""
    said, true = (np.concatenate(some)[:, OTHERS] for some in (points, truths))
    return (*(1000 * metric(said, true) for metric in (
        metrics.mpjpe, metrics.n_mpjpe, metrics.pa_mpjpe)),
        100 * metrics.pck3d(said, true, unit="m"))


own = Lifter(network)
rows = {"mean pose": [np.broadcast_to(average.numpy(), t.shape)
                      for t in truths]}
for name, lifter in (("ours", own), *lifters.items()):
    rows[name] = [lifter(p, c) for p, c in zip(pixels, cameras)]
table([(name, *scores(points)) for name, points in rows.items()],
      ("exact pixels in", "MPJPE, mm", "N-MPJPE, mm", "PA-MPJPE, mm",
       "within 150 mm, %"), digits=0)

# %% [markdown]
# Exact pixels go in, so all of this error is depth and size. Compare the
# columns: N-MPJPE and PA-MPJPE are smaller, so a part of it is size and turn.
# The mean pose is far behind everybody. Our network has only seen people in
# random poses, and for a few seconds; more bodies, more steps and the two
# ideas take it from **94** mm to **56** mm.
#
# Below, three of the bodies turn: `temporal` in colours, the truth in grey.

# %%
def turning(n):
    shown = [(rows["temporal"][k][t], truths[k][t])
             for k, t in ((0, n), (3, n), (6, n))]
    return plots.show_bodies([said for said, _ in shown], turn=10 * n,
                             others=[true for _, true in shown],
                             titles=[s.replace("_", " ") for s in HELD_OUT],
                             reach=1.1, size=2.2)


animate(turning, range(0, 36, 2), "Three lifted bodies in colours over the "
        "true ones in grey turn around while they squat, jump and throw; "
        "mostly they lie on each other.", fps=6)

# %% [markdown]
# ## 6. Noise, gaps, and time
#
# Exact pixels do not exist. The next figure shows what noise and missing
# joints cost: measured on 36 clips of such motions, and stored with the
# networks (`data/weights/lifter`; the card says how).
#
# **Predict first.** Which of the two suffers more from noise, and why?
#
# <details><summary>Answer</summary>
#
# `single`. The noise of one frame is not that of the next, but the person is
# the same: what looks at 27 frames can tell the two apart. </details>

# %% tags=["nbval-check-output"]
weights = folder().parent / "data" / "weights" / "lifter"
measured = json.loads((weights / "evaluation.json").read_text("utf-8"))["test"]
plots.show_loss_of(
    measured, alt="Two panels of curves with intervals. With noise both "
    "rise, the temporal lifter more slowly. With missing joints both "
    "stay low up to four and rise to eight.")
table([(f"{amount} {unit}", row["single"][0], row["temporal"][0],
        *row["gained by time"][:3])
       for what, unit in (("noise", "px"), ("missing", "missing"))
       for amount, row in measured[what].items()],
      ("MPJPE, mm", "single", "temporal", "gained", "from", "to"), digits=1)

# %% [markdown]
# Eight pixels of noise double the error of `single`, from **54.6** to
# **115.0** mm. With exact pixels `temporal` is as good, **54.6** mm, and with
# every pixel of noise it gains more: **4.3** mm at 2 pixels (95 % interval
# **3.3** to **5.3**), **9.4** at 4 (**8.1** to **10.7**), **15.2** at 8
# (**13.5** to **17.0**). Missing joints are guessed from the others: without
# two of sixteen `single` is at **65.3** mm, without eight at **117.6**.
#
# The temporal network first lifts each frame with `single`. On top of that
# stands a convolution over three frames, then one over three *of its outputs*,
# which have seen nine frames together, then 27. Its answer is a **correction**
# of what `single` said of the frame in the middle. Before it has learned
# anything the correction is almost 0: it starts where `single` ends. From
# exact pixels there is little to mend. Where every frame is spoiled, there is
# more; though not all that could be had, as the project below shows.
#
# Neither knows what a bone is. They guess each joint for itself, and so bones
# grow and shrink from frame to frame: one thing that the project below can
# mend.
#
# ## 7. The document's two ways
#
# *Usually 2D keypoints first, then z; or 3D coordinates directly.* Which is
# better? A stored study (`data/studies/lifting.py`) gives both the same
# budget: 1,000 drawn pictures, the trunk of the network `laptop`, the same
# layers behind it, 600 steps.
#
# - **2D, then z**: the layers see the 16 keypoints that `laptop` finds.
# - **3D directly**: they see the 2,304 features in the middle of `laptop`,
#   from which it makes its keypoints.
#
# Both are tested on pictures of held-out motions. Beside them stand the mean
# pose and the lifter that comes with the course, which has never seen a
# picture, nor a network's mistakes.
#
# **Predict first.** The features know all that the keypoints know, and
# shadows and overlaps besides. Which way wins?
#
# <details><summary>Answer</summary>
#
# The table says. An argument for each side: the features know more; but they
# know it in 2,304 numbers, from which 1,000 pictures must teach where the
# joints are all over again. </details>

# %% tags=["hide-input", "nbval-check-output"]
studies = folder().parent / "data" / "studies"
study = json.loads((studies / "lifting.json").read_text("utf-8"))
print("2D first gains", *(f"{seed}: {value:.0f} mm ({low:.0f} to {high:.0f})"
                          for seed, (value, low, high) in
                          study["gained by 2-D first"].items()))
table([(name, *row["MPJPE"], row["N-MPJPE"], row["PA-MPJPE"])
       for name, row in study["rows"].items()],
      ("mm", "MPJPE", "from", "to", "N-MPJPE", "PA-MPJPE"), digits=0)

# %% [markdown]
# With this budget, 2D first wins with both seeds, by **28** and **35** mm: a
# keypoint is the most useful thing one can know about a pose. The gap between
# the last two rows, 97 against 58 mm, is what the mistakes in 2D cost. And the
# lifter that never saw a picture (97 mm) beats the one that learned from these
# (129 and 124 mm): it has seen far more bodies. That is the real argument for
# this way: *bodies are cheap, labelled pictures are not*.
#
# Be fair: the trunk was frozen and 1,000 pictures are few. Systems that see
# millions of pictures and train all their layers predict 3D directly, and
# well.
#
# ## 8. Two cameras end it
#
# With a second camera there is nothing to guess: a joint lies where its two
# rays cross. Because of noise they never quite meet. In one view, with the
# rows $r_1, r_2, r_3$ of $[R \,|\, t]$ and the point $(u, v)$ at depth 1,
#
# $$(u \, r_3 - r_1) \cdot X = 0, \qquad (v \, r_3 - r_2) \cdot X = 0,$$
#
# where $X = (x, y, z, 1)$. Two views make four equations for three unknowns:
# least squares. This is the **direct linear transform**, DLT.
#
# **Predict first.** Two cameras may stand 72 degrees apart or 5. What does the
# angle do to 2 pixels of noise?

# %% tags=["nbval-check-output"]
def dlt(flat, matrices):
    """A point from V views: (V, 2) at depth 1, and (V, 3, 4)."""
    rows = [row for (u, v), m in zip(flat, matrices)
            for row in (u * m[2] - m[0], v * m[2] - m[1])]
    x = np.linalg.svd(np.array(rows))[2][-1]       # nearest to rows @ x = 0
    return x[:3] / x[3]


point, clouds = np.array([0.3, -1.2, 0.0]), {}     # a wrist in the world
for degrees in (5, 20, 72):
    half = np.deg2rad(degrees / 2)
    two = [PinholeCamera.looking(cameras[0].intrinsics, (side * 5 * np.sin(
        half), -1, -5 * np.cos(half)), (0, -1, 0)) for side in (-1, 1)]
    seen = np.stack([eye.project(point) + rng.normal(0, 2, (400, 2))
                     for eye in two])
    clouds[degrees] = triangulate(seen, two)
    off = 1000 * np.linalg.norm(clouds[degrees] - point, axis=1).mean()
    print(f"{degrees:2d} degrees apart: off by {off:.0f} mm")
ours = dlt([eye.normalize(p[0]) for eye, p in zip(two, seen)],
           [eye.matrix for eye in two])
print("by hand", ours.round(5), "package", clouds[72][0].round(5))
plots.show_spread(
    list(clouds.values()), point, [f"{d} degrees" for d in clouds],
    alt="Three clouds of 400 triangulated points from above: at 5 degrees a "
    "long streak along the line of sight, at 72 small and almost round.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# With 5 degrees between them the rays are almost parallel: a little noise
# moves their crossing far along the line of sight. </details>
#
# Across, all three are equally good. Along, 5 degrees apart are **190** mm off
# and 72 degrees only **22** mm. Two eyes 6 cm apart do not measure
# somebody at 5 metres either.
#
# **Predict first.** Now the whole body, with 0, 2 and 8 pixels of noise:
# lifting from one camera against two, three and five. Is there an amount of
# noise at which guessing beats measuring?
#
# <details><summary>Answer</summary>
#
# Yes. Two cameras measure each joint for itself, and know nothing of people:
# with enough noise their arms and legs go anywhere. What a lifter says is
# always a body. </details>

# %% tags=["nbval-check-output"]
around = [SyntheticMotion("throw", seconds=3, fps=12, seed=50, size=256,
                          camera=k) for k in range(5)]
eyes = [PinholeCamera.of(view.camera) for view in around]
seen = np.stack([view.camera.project(view.joints) for view in around])
moved = around[0].joints - around[0].joints[:, [PELVIS]]

results = []
for noise in (0, 2, 8):
    now = seen + rng.normal(0, 1, seen.shape) * noise
    guesses = {f"lifted, {name}": lifter(now[0], eyes[0]) @ eyes[0].rotation
               for name, lifter in lifters.items()}    # in the world's axes
    for views in (2, 3, 5):
        found = triangulate(now[:views], eyes[:views])
        guesses[f"{views} cameras"] = found - found[:, [PELVIS]]
    results.append({name: 1000 * np.linalg.norm(
        points - moved, axis=-1)[:, OTHERS].mean()
        for name, points in guesses.items()})
table([(name, *(result[name] for result in results)) for name in results[0]],
      ("MPJPE, mm", "0 px", "2 px", "8 px"), digits=0)

# %% [markdown]
# Without noise two cameras are exact, and with 2 pixels they are off by **34**
# mm, five by **21** mm. Lifting is off by **64** mm before there is any noise.
# But with 8 pixels two cameras (**142** mm) are worse than one and a lifter
# (**126** mm, with time **111**). Each knows something that the other does
# not: where *this* joint is, and how people look. The best systems use both.
#
# ### Exercise 13.3 ★★★ As many cameras as there are
#
# Write `locate(flat, matrices, scores)` for one joint: `flat` `(V, 2)` where V
# views see it on the plane at depth 1 (NaN: not seen), `matrices` `(V, 3, 4)`,
# `scores` `(V,)` how sure each view is: both equations of a view are
# multiplied by its score. Fewer than two views that see it (with a score above
# 0): NaN.
# (25 minutes)

# %% tags=["exercise"]
def locate(flat, matrices, scores):
    """A point (3,) from the views that see it, weighted by their scores."""
    # your code here


# %% tags=["solution"]
def locate(flat, matrices, scores):
    """A point (3,) from the views that see it, weighted by their scores."""
    used = np.isfinite(flat).all(1) & (np.asarray(scores) > 0)
    if used.sum() < 2:
        return np.full(3, np.nan)
    rows = []
    for (u, v), m, weight in zip(flat[used], matrices[used], scores[used]):
        rows += [weight * (u * m[2] - m[0]), weight * (v * m[2] - m[1])]
    x = np.linalg.svd(np.array(rows))[2][-1]
    return x[:3] / x[3]


# %% tags=["check"]
check("13.3", locate)

# %% [markdown]
# ## 9. In metres from where?
#
# What is z? People who use such systems ask this more than anything else. Here
# it is the distance from the *pelvis*, in metres, along the camera's line of
# sight: -0.2 is 20 cm nearer to the camera. Where the pelvis is in the room,
# no lifter says. Who believes its size can compute it: choose the depth at
# which the body's joints fall on their pixels. The answer is as good as the
# focal length: a telephone does not tell it, and if the guess is 30 % too
# long, the pelvis is put 30 % too far away.
#
# To walk through a room, a body needs the room: where the camera is and how it
# is turned. `camera.to_world` does the rest.
#
# ## 10. From a picture to a body
#
# Now the whole way: a drawn picture, the network `laptop` of chapter 10, the
# lifter. Nothing here is exact.
#
# **Predict first.** From exact pixels the lifters are off by a few
# centimetres. What does a network in front of them cost?
#
# <details><summary>Answer</summary>
#
# More than noise of a pixel or two: it confuses left and right at times, and
# the lifter believes it and bends the body to it. </details>

# %% tags=["nbval-check-output"]
predictor = Predictor.load("laptop", device="cpu")
pictures, found, true = [], [], []
rows = {"exact 2D": [], "the network's 2D": []}
for style in HELD_OUT:
    clip = SyntheticMotion(style, seconds=3, fps=2, seed=70, size=128)
    eye = PinholeCamera.of(clip.camera)
    for t in (2, 4):
        pictures.append(clip.read_image(clip[t]))
        pose, = predictor(pictures[-1], boxes=[clip[t].box])
        found.append(pose.keypoints)
        space = eye.to_camera(clip.joints[t])
        true.append(space - space[PELVIS])
        for flat, row in zip((eye.project(clip.joints[t]), pose.keypoints),
                             rows.values()):
            row.append(lifters["single"](flat[None], eye)[0])
for name, points in rows.items():
    off = np.linalg.norm(np.subtract(points, true)[:, OTHERS], axis=-1)
    print(f"from {name}: {1000 * off.mean():.0f} mm")
show_people(pictures, found, columns=3, size=1.8, alt="Six "
            "pictures of a person who squats, jumps and throws, with the "
            "skeletons that the network found.")
plots.show_bodies(rows["the network's 2D"], turn=60, others=true, size=1.8,
                  columns=3, alt="The six bodies from the side, lifted ones "
                  "in colours over true ones in grey; arms and legs differ.")

# %% [markdown]
# From exact pixels **73** mm (these six poses are hard ones), from the
# network's **133** mm. Nearly all of the skeletons on the pictures look right
# (in the second squat both ankles are on one foot), and yet arms and legs are
# off in depth. In the squats the person leans forward and reaches out (grey);
# the lifter sets the trunk more upright and keeps the arms nearer to it.
#
# And a **photograph**? `posecourse predict me.jpg --lift` does all of this and
# writes `me-3d.json` and a picture that turns. What you will see is
# *plausible*: bones of human length, knees that bend forward. That is what a
# lifter has learned to make, whatever it is shown. Nobody has measured the
# true depth in your photo, and these lifters have only ever seen drawn
# bodies. So it is **unverified**, and it will look just as good where it is
# wrong. To verify it takes a second camera, or a room full of them, as those
# in which the data sets of the next section were made.
#
# ## 11. The data
#
# Labels in 3D cannot be clicked. They are measured:
#
# | data set | how | what to know |
# |---|---|---|
# | Human3.6M | 4 cameras, markers on the body | 17 joints; the standard of papers; one room, 11 actors |
# | MPI-INF-3DHP | 14 cameras, no markers | 28 joints, 17 of them used; joints are given in each camera's axes, so project them with the intrinsics alone |
# | MuCo-3DHP | people of MPI-INF-3DHP pasted into one picture | the one the document names: several people, with true depth between them |
#
# The skeletons differ: a "neck" of one is not the "upper neck" of another.
# `skeletons.remap` matches by name and leaves gaps; `posecourse.datasets` has
# readers for the last two.
#
# ## Project
#
# **A steadier body.** A camera and four clips of people whom no lifter has
# seen. Each joint of each frame has 5 pixels of noise. Write `lift(pixels,
# camera)`: `(T, 16, 2)` pixels of one person, 12 frames a second, to
# `(T, 16, 3)` metres from the pelvis. `Lifter.load("single")` on each frame is
# where you start. Be better by 15 %.
#
# | | |
# |---|---|
# | **Measured** | MPJPE at most 85 % of the single lifter's |
# | **Explained** | one sentence for each step: which error does it take away? |
# | **Honest** | what you tried that did not help; where it is still wrong |
# | **Beyond** | better than the temporal lifter alone |

# %% tags=["project"]
lift = None       # your code here: def lift(pixels, camera): ...

# %% tags=["check"]
check("13.project", lift)

# %% [markdown]
# ## Quiz

# %%
quiz("13")

# %% [markdown]
# ## Summary
#
# - A pixel is a ray. Size and distance cannot be had from one picture, and
#   every bone may point towards the camera or away.
# - A lifter does not measure depth; it knows what people look like.
# - It learns from bodies in space without pictures, because cameras can be
#   made up.
# - MPJPE with its unit; N-MPJPE forgives size, PA-MPJPE turn and size. Always
#   beside the mean pose.
# - Noise in 2D costs more than anything else; neighbouring frames take a
#   part of it away.
# - Two cameras far apart measure what one must guess.
# - What comes out is relative to the pelvis, in the camera's axes, for the
#   focal length you believe in.
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | the body leans or lies down | y grows downwards in the camera's axes, upwards in your plot |
# | good at the middle, turned at the edge | the camera was not turned to the person first |
# | a thousand times too good | metres scored as millimetres |
# | a mirrored body with an error of 0 | Procrustes without the sign |
# | good on one data set, useless on yours | other joints under the same names; another focal length |
# | labels are projected and miss the person | world coordinates taken for the camera's, or the reverse |
#
# ## Further reading
#
# - Taylor: *Reconstruction of Articulated Objects from Point Correspondences
#   in a Single Uncalibrated Image* (2000). Two answers per bone.
# - Martinez, Hossain, Romero, Little: *A Simple Yet Effective Baseline for 3D
#   Human Pose Estimation* (2017). The network of section 4.
# - Pavllo, Feichtenhofer, Grangier, Auli: *3D Human Pose Estimation in Video
#   with Temporal Convolutions and Semi-Supervised Training* (2019). Time, and
#   how to learn without 3D labels.
# - Mehta et al.: *Single-Shot Multi-Person 3D Pose Estimation from Monocular
#   RGB* (2018). MuCo-3DHP.
# - Hartley, Zisserman: *Multiple View Geometry in Computer Vision* (2004).
#   Cameras and triangulation; chapters 6 and 12.
