# %% [markdown]
# # 3. Heatmaps
#
# **Turn a joint into a picture of where it is, turn the picture back into a
# joint, and know what is lost on the way.**
#
# ![Somebody waves. Beside it five bright spots follow head, neck, shoulder, elbow and wrist of the waving arm. On the right, a skeleton drawn from nothing but the places of the spots.](figures/03_opening.gif)
#
# Left, a picture. In the middle, five heatmaps laid over it, one for each
# joint of the arm. Right, the joints, read back from the spots alone, to a
# fraction of a pixel. This chapter builds both directions.
#
# | | |
# |---|---|
# | **You will learn** | to draw a joint as a Gaussian and to read it back in four ways; what sigma and stride do; how half a pixel gets lost; what the height of a peak means |
# | **You need** | [chapter 1](01_concepts.ipynb), NumPy arrays, the shape of a Gaussian, what a derivative is |
# | **Time** | 50 min to read, 60 min to do |
# | **Runs in** | 30 s on two CPU cores |

# %% tags=["setup"]
import timeit

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch

from posecourse import codecs
from posecourse.authoring.chapters import require
from posecourse.datasets import SyntheticPeople
from posecourse.datasets.synthetic import Difficulty
from posecourse.exercises import check, hint, quiz
from posecourse.geometry import resize_points
from posecourse.skeletons import MPII, UPPER_BODY
from posecourse.visualization import (Point, animate, display_figure,
                                      explore, heatmap_overlay,
                                      show_heatmaps, show_people, use_style)
from posecourse.visualization.diagrams import map_and_row
from posecourse.visualization.tables import table

require("0.1")
rng = np.random.default_rng(0)
np.set_printoptions(precision=2, suppress=True, floatmode="fixed")
use_style()

# %% [markdown] document="4.1 heatmaps; 4.3 upper body; 4.3 Gaussian"
# ## 1. From a joint to a picture
#
# Where is the right wrist? The document (4.1) gives a network $\phi$ with
# parameters $\Theta$ two ways to answer. It looks at a picture $I$ and gives
#
# $$Y = \phi(I; \Theta), \; Y \in \mathcal{R}^{K \times 2}
# \qquad\text{or}\qquad
# \hat{H} = \phi(I; \Theta), \; \hat{H} \in \mathcal{R}^{K \times H \times W}.$$
#
# The first is two numbers for each of the $K$ joints. The second is one
# small picture per joint, bright where the joint is: a **heatmap**. This
# chapter is about the second.
#
# The document's example (4.3):
#
# > Suppose we want to detect the 5 keypoints head, neck, shoulder, elbow and
# > wrist, so $K = 5$. Given an image of a person, the CNN outputs the heatmaps
# > of the 5 keypoints, each with a resolution of 64x64.
#
# The elements of a heatmap are called **cells**. Below are the five maps of
# one person, laid over the picture. No network made them: this is what a
# perfect network would draw.

# %%
in_the_open = Difficulty(occluders=())       # nothing in front of people
people = SyntheticPeople(100, size=256, difficulty=in_the_open,
                         skeleton=UPPER_BODY)
person = people[32]
image = people.read_image(person)                     # (256, 256, 3)
keypoints = torch.tensor(person.keypoints)[None]      # (1, 5, 2), pixels
visible = torch.tensor(person.visible)[None]          # (1, 5)

codec = codecs.HeatmapCodec(input_size=256, heatmap_size=64, sigma=2)
heatmaps, weights = codec.encode(keypoints, visible)
print("picture", image.shape, "-> heatmaps", tuple(heatmaps.shape))
show_heatmaps(heatmaps[0], image, UPPER_BODY, columns=5, size=1.8,
              alt="The same drawn person five times, each with one bright "
              "spot: on the top of the head, the neck, the right shoulder, "
              "the right elbow and the right wrist.")

# %% [markdown]
# Each map has one bright spot and is dark elsewhere. (The *right* wrist is
# the person's own right one.)
#
# How is such a map made? The document (4.3) again: "the value at the
# keypoint's coordinates $(x, y)$ is set to 1, all others to 0, and the result
# is smoothed with a Gaussian kernel." (In 4.1 it speaks of "a 2D Gaussian that
# is 1 at the keypoint's position and 0 elsewhere". A Gaussian is nowhere 0;
# what is meant is this recipe.) We follow it on 8 x 8 cells, where you can see
# every number, with a wrist at $x = 5$, $y = 2$.
#
# **Predict first.** An array is indexed `[row, column]`. Which element
# becomes 1? And is the largest value still 1 after smoothing?
#
# <details><summary>Answer</summary>
#
# `one_hot[2, 5]`: $y$ counts rows, $x$ counts columns. Smoothing spreads
# the 1 over many cells, so no single cell keeps it.
# </details>

# %% tags=["nbval-check-output"]
x, y = 5, 2
one_hot = np.zeros((8, 8))
one_hot[y, x] = 1
smoothed = cv2.GaussianBlur(one_hot, (17, 17), sigmaX=1,
                            borderType=cv2.BORDER_CONSTANT)
print("one-hot", one_hot.astype(int), "", "smoothed", smoothed, sep="\n")

# %% [markdown]
# The peak is down to **0.16**. That does no harm in itself, but "1 at the
# joint" was a nice property: it makes the height of a peak easy to read. We
# can keep it by writing the Gaussian directly. The value in row $i$ and
# column $j$ is
#
# $$H_{i,j} = \exp\left(-\frac{(j - x)^2 + (i - y)^2}{2 \sigma^2}\right),$$
#
# where $\sigma$ is the width of the bump in cells. The next cell measures how
# the two ways differ.
#
# Then it moves the joint to $x = 5.3$. A one-hot map cannot do that: there
# is no cell 5.3, and rounding to cell 5 throws the 0.3 away. The formula
# has no such trouble.
#
# **Predict first.** In the row of the joint, which neighbour of the peak is
# now larger, the left or the right one? And is the peak still 1?

# %% tags=["nbval-check-output"]
def gaussian_map(x, y, width, height, sigma):
    """A (height, width) map with a Gaussian bump at (x, y), in cells."""
    heatmap = np.zeros((height, width))
    for i in range(height):              # rows: y
        for j in range(width):           # columns: x
            squared = (j - x) ** 2 + (i - y) ** 2
            heatmap[i, j] = np.exp(-squared / (2 * sigma ** 2))
    return heatmap


direct = gaussian_map(5, 2, 8, 8, sigma=1)
ratio = direct / smoothed
print(f"direct / smoothed: from {ratio.min():.3f} to {ratio.max():.3f}, "
      f"2 pi sigma^2 = {2 * np.pi:.3f}")
between = gaussian_map(5.3, 2, 8, 8, sigma=1)
print("row 2, joint at 5.0:", direct[2])
print("row 2, joint at 5.3:", between[2])

# %% [markdown]
# <details><summary>Answer</summary>
#
# The right neighbour, because the joint lies on its side: the cells 4, 5 and
# 6 hold **0.43**, **0.96** and **0.78**. The largest value is a little under
# 1, because no cell sits exactly on the joint.
# </details>
#
# The two ways differ by one constant factor, $2 \pi \sigma^2$. And although no
# cell is at 5.3, the position is still in the map, in how the neighbours
# lean. Section 4 gets it out again.
#
# **Without loops.** Since $e^{a+b} = e^a e^b$, the map is a product of a row
# and a column:
#
# $$H_{i,j} = \exp\left(-\frac{(i - y)^2}{2\sigma^2}\right) \cdot
# \exp\left(-\frac{(j - x)^2}{2\sigma^2}\right).$$
#
# So we need $H + W$ exponentials instead of $H \cdot W$, and one outer product
# for all joints at once. That matters: one training step draws thousands of
# maps.

# %%
def gaussian_maps(centers, size, sigma):
    """Centres (K, 2) in cells, as (x, y) -> maps (K, size, size)."""
    cells = np.arange(size)
    along_x = np.exp(-(cells - centers[:, :1]) ** 2 / (2 * sigma ** 2))
    along_y = np.exp(-(cells - centers[:, 1:]) ** 2 / (2 * sigma ** 2))
    return along_y[:, :, None] * along_x[:, None, :]


def with_loops(centers, size, sigma):
    return np.stack([gaussian_map(x, y, size, size, sigma)
                     for x, y in centers])


centers = rng.uniform(0, 63, (5, 2))
ours = gaussian_maps(centers, 64, 2)
package = codecs.gaussian_heatmaps(torch.tensor(centers), 64, 2).numpy()
for name, theirs in (("loops", with_loops(centers, 64, 2)),
                     ("package", package)):
    print(f"{name}: largest difference {np.abs(ours - theirs).max():.0e}")
slow = timeit.timeit(lambda: with_loops(centers, 64, 2), number=2) / 2
fast = timeit.timeit(lambda: gaussian_maps(centers, 64, 2), number=100) / 100
print(f"loops take {slow / fast:.0f} times as long")

# %% [markdown]
# ## 2. Sigma: how wide a bump
#
# Sigma is ours to choose. The next cell counts the bright cells, those above
# 0.1, for four choices. Then it lets sigma grow. The cross is the joint, the
# square the largest cell, and every cell has a little noise: a tenth of the
# peak.
#
# **Predict first.** Sigma doubles. By which factor does the number of
# bright cells grow?
#
# <details><summary>Answer</summary>
#
# By about four: a bump has a width in $x$ and a width in $y$.
# </details>

# %% tags=["nbval-check-output"]
joint = np.array([[30.0, 30.0]])
for sigma in (0.5, 1, 2, 6):
    bright = (gaussian_maps(joint, 64, sigma)[0] > 0.1).sum()
    print(f"sigma {sigma}: {bright:3d} of 4096 cells above 0.1")
print(f"value 3 sigma from the joint: {np.exp(-3 ** 2 / 2):.3f}")

noise = np.random.default_rng(0).normal(0, 0.1, (12, 64, 64))


def draw_growing(step):
    sigma = 0.5 + step / 2
    noisy = gaussian_maps(joint, 64, sigma)[0] + noise[step]
    return map_and_row(noisy, joint[0], f"sigma {sigma:.1f} cells")


animate(draw_growing, range(12), fps=2,
        alt="A bump on a noisy map grows, and beside it the row through the "
        "joint. A white cross marks the joint and stays; a blue square marks "
        "the largest cell. At first both are in one place, then the square "
        "jumps about the flat top.")

# %% [markdown]
# While the bump grows from almost one cell to an eighth of the map, its top
# becomes flat, and the noise carries the largest cell away from the joint.
# (The picture shows the middle of the map. From 13 to 61 cells is more than
# four times: whole cells measure a small bump only roughly.)
#
# - **Too small.** With sigma 0.5 only **5** of 4096 cells are bright. A
#   network that draws nothing at all is nearly right, and a bump two cells
#   off has almost nothing in common with the right one: the loss can hardly
#   tell it from one that is twenty cells off.
# - **Too large.** A little noise moves the largest cell far (section 5
#   measures it), and the bumps of neighbouring joints run into each other.
# - **Usual.** Sigma 2 on 64 x 64 maps (SimpleBaseline, HRNet), sigma 1
#   (Hourglass).
#
# Much public code draws the bump only up to three sigma, to save time in a
# loop, and rounds its centre to a cell. At three sigma the value is
# **0.011**, so the cut does little harm. The rounding does: it moves the
# target by up to half a cell. We do neither. The outer product is fast
# without a cut, and it takes any centre.
#
# ## 3. Stride: from pixels to cells
#
# The picture has 256 pixels across, the map 64 cells. So a cell covers
# $s = 4$ pixels across and 4 down. $s$ is the **stride** of the map.
#
# ![Eight pixels in a row above the two cells that cover them. The centre of cell 0 lies between pixels 1 and 2, at 1.5, that of cell 1 at 5.5; a joint at pixel 5.3 is at cell 0.95](figures/03_stride.svg)
#
# In this course the centre of pixel $i$ has the coordinate $i$, and so has
# the centre of cell $i$. Pixels 0 to 3 are covered by cell 0, whose centre
# lies between pixels 1 and 2: at 1.5, not at 0. Hence
#
# $$x_\text{cell} = \frac{x + 0.5}{s} - 0.5, \qquad
# x = (x_\text{cell} + 0.5) \, s - 0.5.$$
#
# The half pixels are there because a picture does not begin at the centre
# of its first pixel, but half a pixel before.
#
# **Predict first.** A colleague's training code writes `x / 4`. It looks
# right, nothing crashes, and the network trains. Its maps are read back
# with the second formula. How many pixels is every joint off, and to which
# side?

# %% tags=["nbval-check-output"]
stride = 4
pixels = np.array([0, 1.5, 5.3, 100, 255])
cells = (pixels + 0.5) / stride - 0.5
colleague = pixels / stride
error = (colleague + 0.5) * stride - 0.5 - pixels
off = np.abs(cells - resize_points(pixels, 1 / 4)).max()
print(f"our cells and the package's differ by {off:.3f}")
print(f"in x and y together: {np.hypot(error[0], error[0]):.2f} px")
table(zip(pixels, cells, colleague, error),
      ("pixel", "cell", "pixel / 4", "error in pixels"),
      digits={"cell": 3, "pixel / 4": 3, "error in pixels": 2})

# %% [markdown]
# <details><summary>Answer</summary>
#
# Every joint lands **1.50** pixels too far to the right and too far down,
# wherever it is: $(s - 1) / 2$. Together that is **2.12** pixels.
# </details>
#
# If both directions forget the half pixels, a round trip is exact and hides
# the bug. A mirrored picture shows it: pixel $x$ goes to $255 - x$ and cell
# $j$ to $63 - j$, and with `x / 4` these two disagree by $(s - 1) / s$ of a
# cell. Older code shifts mirrored maps by one cell, which nearly makes up
# for it.
#
# ### Exercise 03.1 ★☆☆ From the map to the picture
#
# Write `decode(heatmap, stride)`: the position `(x, y)` **in pixels** of
# the cell with the largest value. `heatmap` is an `(H, W)` array.
# (10 minutes)
#
# Expected for the map `direct` of section 1 at stride 4: `(21.5, 9.5)`.
# Stuck? `hint("03.1")`.

# %% tags=["exercise"]
def decode(heatmap, stride):
    """The (x, y) of the largest cell of an (H, W) array, in pixels."""
    # your code here


# %% tags=["solution"]
def decode(heatmap, stride):
    """The (x, y) of the largest cell of an (H, W) array, in pixels."""
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return (column + 0.5) * stride - 0.5, (row + 0.5) * stride - 0.5


# %% tags=["check"]
check("03.1", decode)

# %% [markdown] document="4.3 peak"
# ## 4. From the picture to a joint
#
# **Argmax.** The document (4.3): "the coordinates of the largest value of
# each heatmap are the predicted coordinates of that keypoint." But the
# largest value sits in a cell, and cells are 4 pixels apart. A joint at cell
# 5.3 comes back as 5.
#
# **Quarter offset** (Newell et al., 2016). If the right neighbour of the
# peak is larger than the left one, the joint lies to the right of the
# cell's centre, so we add a quarter of a cell; otherwise we subtract one.
#
# We move a joint slowly from pixel 100 to pixel 116 and plot how far off
# the two answers are.
#
# **Predict first.** How large can the error of each become, in pixels? At
# which positions is argmax exact?

# %% tags=["nbval-check-output"]
x = np.linspace(100, 116, 1000)                   # the joint, pixels
cell = resize_points(x, 1 / 4)
rows = np.exp(-(np.arange(64) - cell[:, None]) ** 2 / (2 * 2 ** 2))
best = rows.argmax(1)
left, right = (rows[np.arange(1000), best + step] for step in (-1, 1))
answers = {"argmax": best, "quarter": best + np.sign(right - left) / 4}

where = torch.tensor(np.stack([cell, np.full(1000, 20.0)], 1))
maps = codecs.gaussian_heatmaps(where, 64, 2)     # (1000, 64, 64)
figure, axes = plt.subplots(figsize=(7.5, 3))
for name, answer in answers.items():
    error = resize_points(answer, 4) - x
    axes.plot(x, error, label=name)
    package, _ = codecs.DECODERS[name](maps, 2)
    apart = np.abs(package[:, 0].numpy() - answer).max()
    print(f"{name:7s} largest error {abs(error).max():.1f} px "
          f"(package: {apart:.4f} cells from ours)")
axes.set(xlabel="position of the joint, pixels", ylabel="error, pixels",
         title="Argmax is exact only at the centre of a cell",
         ylim=(-2.3, 3.2))
axes.legend(loc="upper right", ncols=2)
display_figure(figure, "Error over position: argmax falls from plus 2 to "
               "minus 2 pixels and jumps back every 4 pixels, the quarter "
               "offset does the same between plus 1 and minus 1, twice as "
               "often.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Argmax is off by up to half a cell, **2.0** pixels. It is exact at the
# centres of cells: 101.5, 105.5, ... The quarter offset halves that, to
# **1.0** pixel.
# </details>
#
# Both curves are saws; the quarter offset's teeth are half as long.
#
# **DARK** (Zhang et al., 2020). The quarter offset asks only *which*
# neighbour is larger. By how much it is larger tells the rest. Take the
# logarithm of the row through the bump:
#
# $$\ln h(j) = -\frac{(j - x)^2}{2 \sigma^2}.$$
#
# That is a parabola in $j$, and three points fix a parabola. Call the
# logarithms at the largest cell and its neighbours $l_0, l_-, l_+$. Slope
# and curvature at the middle are differences of them, and the top of the
# parabola lies one Newton step away:
#
# $$d = \frac{l_+ - l_-}{2}, \qquad c = l_+ - 2 l_0 + l_-, \qquad
# \text{offset} = -\frac{d}{c}.$$
#
# Sigma is in $d$ and in $c$, and cancels. By hand, with the numbers of
# section 1 (joint at 5.3, sigma 1): $\ln 0.43 = -0.845$, $\ln 0.96 =
# -0.045$, $\ln 0.78 = -0.245$ (from the unrounded values). So $d = 0.3$,
# $c = -1$, and the offset is 0.3.

# %% tags=["nbval-check-output"]
values = between[2]                    # row 2 of the 8 x 8 map, joint at 5.3
low, mid, high = np.log(values[4:7])
d, c = (high - low) / 2, high - 2 * mid + low
print(f"logs {low:.3f} {mid:.3f} {high:.3f}: d = {d:.2f}, c = {c:.2f}, "
      f"joint at {5 - d / c:.4f}")

fine = np.linspace(2.5, 7.5, 200)
figure, (one, two) = plt.subplots(1, 2, figsize=(8, 3))
one.plot(np.arange(8), values, "o")
one.plot(fine, np.exp(-(fine - 5.3) ** 2 / 2), "-", color="0.6")
one.set(title="the map is a Gaussian", ylabel="value", xlim=(2.5, 7.5))
two.plot([4, 5, 6], [low, mid, high], "o")
two.plot(fine, mid + d * (fine - 5) + c * (fine - 5) ** 2 / 2, "-",
         color="0.6")
two.set(title="its log is a parabola: top at 5.3", ylabel="log of the value")
for axes in (one, two):
    axes.axvline(5.3, color="#D55E00", linestyle=":")
    axes.set_xlabel("column")
display_figure(figure, "Left: the values of one row on a Gaussian curve "
               "whose top is at 5.3, between two cells. Right: the logs of "
               "the three largest on a parabola with its top at 5.3.")

# %% [markdown]
# Three numbers, and the joint is back at **5.3000**.
#
# ### Exercise 03.2 ★★☆ What else do three numbers tell?
#
# The parabola knows more than where its top is. Write
# `read_bump(left, middle, right)` for the three largest values of a row, the
# largest in the middle, all positive. It returns three things:
#
# - the **offset** of the joint from the middle cell, in cells, as above;
# - the **height** of the bump *at the joint*, between the cells, where it is
#   higher than any of the three;
# - the **sigma** of the bump, in cells. (Compare $c$ with the formula for
#   $\ln h(j)$: what is its second derivative?)
#
# Where the logs do not curve down ($c \ge 0$, as for three equal values)
# there is no top: return `(0.0, middle, np.inf)`. (20 minutes)
#
# Expected: `read_bump(0.4296, 0.9560, 0.7827)` is about `(0.3, 1.0, 1.0)`.
# You will want this with a real network: a bump that is lower and wider than
# the target says that the network is unsure.

# %% tags=["exercise"]
def read_bump(left, middle, right):
    """Offset, height and sigma of the bump through three values."""
    # your code here


# %% tags=["solution"]
def read_bump(left, middle, right):
    """Offset, height and sigma of the bump through three values."""
    low, mid, high = np.log([left, middle, right])
    slope, curvature = (high - low) / 2, high - 2 * mid + low
    if curvature >= 0:
        return 0.0, middle, np.inf
    height = np.exp(mid - slope ** 2 / (2 * curvature))
    return -slope / curvature, height, np.sqrt(-1 / curvature)


# %% tags=["check"]
check("03.2", read_bump)

# %% [markdown]
# In two dimensions the slope becomes a vector $g$ (the gradient) and the
# curvature a matrix $A$ (the Hessian), all from the 3 x 3 cells around the
# largest one $m$. The Newton step is
#
# $$\mu = m - A^{-1} g, \qquad
# A = \begin{pmatrix} l_{xx} & l_{xy} \\ l_{xy} & l_{yy} \end{pmatrix}.$$
#
# For a round bump $l_{xy} = 0$, and we could do $x$ and $y$ apart. A
# network's bumps are not always round: along a forearm it is less sure than
# across it, so the bump is long and tilted. The next cell reads such a bump
# with and without $l_{xy}$.

# %% tags=["nbval-check-output"]
def dark(heatmap):
    """Axis by axis, and with the whole Hessian: (x, y) in cells."""
    i, j = np.unravel_index(heatmap.argmax(), heatmap.shape)
    log = np.log(heatmap[i - 1:i + 2, j - 1:j + 2])
    g = np.array([log[1, 2] - log[1, 0], log[2, 1] - log[0, 1]]) / 2
    xx = log[1, 2] - 2 * log[1, 1] + log[1, 0]
    yy = log[2, 1] - 2 * log[1, 1] + log[0, 1]
    xy = (log[2, 2] - log[2, 0] - log[0, 2] + log[0, 0]) / 4
    m = np.array([j, i])
    return m - g / [xx, yy], m - np.linalg.solve([[xx, xy], [xy, yy]], g)


i, j = np.mgrid[:64, :64]
x, y = j - 30.3, i - 25.4                    # around the joint
cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
along, across = x * cos + y * sin, y * cos - x * sin
tilted = np.exp(-(along / 4) ** 2 / 2 - (across / 1.5) ** 2 / 2)
apart, whole = dark(tilted)
package, _ = codecs.dark_decode(torch.tensor(tilted))
print("the joint     [30.30 25.40]")
print("axis by axis ", apart)
print("whole Hessian", whole, " package:", package.numpy())

# %% [markdown]
# Axis by axis the answer is off by nearly half a cell. With $l_{xy}$ it is
# exact, for any tilt and any width.
#
# **Soft-argmax.** The last decoder uses all cells: the centre of mass,
#
# $$x = \frac{\sum_{i,j} j \, H_{i,j}}{\sum_{i,j} H_{i,j}}, \qquad
# y = \frac{\sum_{i,j} i \, H_{i,j}}{\sum_{i,j} H_{i,j}}.$$
#
# The next cell writes it down and tries it on a clean map, on the same map
# with 0.01 added to every cell, with a second bump of height 0.8 elsewhere,
# and near the border. Beside it are the package's `soft_argmax`, and
# `integral`, which takes a softmax over the map first.
#
# **Predict first.** 0.01 is a hundredth of the peak. Does it matter? And
# what does a softmax make of a map whose values lie between 0 and 1?

# %% tags=["nbval-check-output"]
def center_of_mass(heatmap):
    """The mean position of an (H, W) tensor's mass: (x, y) in cells."""
    y, x = (torch.arange(n) for n in heatmap.shape)
    return torch.stack([(heatmap.sum(0) * x).sum(),
                        (heatmap.sum(1) * y).sum()]) / heatmap.sum()


joint, other = torch.tensor([[40.3, 22.6], [15.0, 50.0]]).double()
edge = torch.tensor([1.2, 30.0]).double()
clean = codecs.gaussian_heatmaps(joint, 64, 2)
cases = {"clean": (clean, joint), "plus 0.01": (clean + 0.01, joint),
         "second bump": (clean + 0.8 * codecs.gaussian_heatmaps(
             other, 64, 2), joint),
         "at the border": (codecs.gaussian_heatmaps(edge, 64, 2), edge)}
rows = []
for name, (heatmap, truth) in cases.items():
    found = [center_of_mass(heatmap), codecs.soft_argmax_decode(heatmap)[0],
             codecs.integral_decode(heatmap)[0]]
    rows.append((name, *((f - truth).norm().item() for f in found)))
table(rows, ("error in cells", "centre of mass", "soft_argmax", "integral"),
      digits=2)

# %% [markdown]
# <details><summary>Answer</summary>
#
# It matters a great deal: the plain centre of mass is **7.76** cells off.
# 4096 small numbers weigh 41 together, the bump only
# $2 \pi \sigma^2 \approx 25$. And the softmax is nearly flat, because $e^1$
# is only 2.7 times $e^0$. Its mean is nearly the middle of the map, so
# `integral` is wrong even on the clean map.
# </details>
#
# - A second bump pulls the centre of mass **16.58** cells away, to a place
#   between the two where nothing is.
# - So the package's `soft_argmax` looks at 11 x 11 cells around the largest
#   value only, and first raises the map to the power $\sigma^2$, which makes
#   the bump slim and the background vanish. What remains is a small pull
#   inward at the border, where half of the bump is missing.
# - `integral` is meant for networks that are *trained* through the softmax
#   and learn to make their values large (chapter 5).
#
# ## 5. Four decoders compared
#
# On perfect maps, what share of joints would each decoder get right? The
# usual unit is the head size. On MPII it is a tenth of the standard crop's
# side, 25.6 pixels in a crop of 256. So `PCKh@0.5` asks for an error of at
# most 12.8 pixels, `PCKh@0.1` for 2.56, `PCKh@0.05` for 1.28.
#
# **Predict first.** The error of argmax is anywhere in a square of 4 x 4
# pixels. A circle of radius 2.56 covers nearly all of it. And one of radius
# 1.28?

# %% tags=["nbval-check-output"]
truth = torch.tensor(rng.uniform(-0.5, 255.5, (4000, 1, 2))).float()
perfect, _ = codec.encode(truth, torch.ones(4000, 1))
rows = []
for name in ("argmax", "quarter", "dark", "soft_argmax"):
    found, _ = codec.decode(perfect, name)
    error = (found - truth).norm(dim=-1)
    rows.append((name, *(100 * (error <= share * 25.6).double().mean().item()
                         for share in (0.5, 0.1, 0.05)), error.max().item()))
table(rows, ("decoder", "% within 0.5 heads", "0.1 heads", "0.05 heads",
             "largest error, px"), digits={"largest error, px": 2})

# %% [markdown]
# <details><summary>Answer</summary>
#
# A circle of radius 1.28 covers about a third of the square:
# $\pi \cdot 1.28^2 / 16 = 32.2$ %. Argmax gets **31.1 %** of the joints of a
# *perfect* network right at 0.05.
# </details>
#
# At 0.5 head sizes all four are perfect; there the decoder does not matter.
# At 0.05 it decides. (The 38,430 labels of the MPII validation set, rounded
# to cells in the same way, give 98.0 % at 0.1 and 32.1 % at 0.05.) So a weak
# score at a tight threshold may be the decoder's fault. Or that of a half
# pixel: the bug of section 3, **2.12 px**, fails every joint at 0.05.
#
# The quarter offset and soft-argmax lose some joints here in the outermost
# cells, where a neighbour or half of the bump is missing. In the crop of a
# person few joints lie there.
#
# Perfect maps are the best case. Now we add noise to every cell and look at
# the median error over 100 joints. DARK can also smooth the map before it
# takes the logarithm, as its authors do ("DARK + blur").
#
# **Predict first.** Which decoders suffer most from noise: those that look
# at one cell, at 3 x 3 cells, or at many?

# %%
truth = torch.tensor(rng.uniform(24, 232, (100, 1, 2))).float()
noise = torch.tensor(rng.normal(size=(100, 1, 64, 64))).float()


def errors(sigma, level):
    """Decoder -> median error in pixels on noisy maps."""
    own = codecs.HeatmapCodec(256, 64, sigma)
    maps = own.encode(truth, torch.ones(100, 1))[0] + level * noise
    found = {name: own.decode(maps, name)[0]
             for name in ("argmax", "quarter", "dark", "soft_argmax")}
    blurred, _ = codecs.dark_decode(maps, sigma, blur=True)
    found["dark + blur"] = own.to_pixels(blurred)
    return {name: (f - truth).norm(dim=-1).median().item()
            for name, f in found.items()}


levels = [0, 0.025, 0.05, 0.1, 0.15, 0.2]
widths = [0.5, 1, 1.5, 2, 3, 4]
over_noise = [errors(2, level) for level in levels]
over_sigma = [errors(sigma, 0.05) for sigma in widths]

# %% tags=["nbval-check-output", "hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
for name, marker in zip(over_noise[0], "os^Dv"):
    axes[0].plot(levels, [e[name] for e in over_noise], marker=marker)
    axes[1].plot(widths, [e[name] for e in over_sigma], marker=marker,
                 label=name)
axes[0].set(xlabel="noise in every cell (the peak is 1)", ylim=(0, 4.5),
            ylabel="median error, pixels", title="sigma = 2 cells",
            xticks=[0, 0.05, 0.1, 0.15, 0.2])
axes[1].set(xlabel="sigma, cells", title="noise 0.05")
axes[1].legend(loc="upper left", ncols=2)
for name in ("argmax", "dark", "soft_argmax", "dark + blur"):
    print(f"sigma 2, noise 0.1, {name:11s} {over_noise[3][name]:.2f} px")
display_figure(figure, "Two line plots of the error of five decoders. Left: "
               "with growing noise argmax, quarter and DARK grow worse "
               "quickly, soft-argmax and DARK with blur slowly. Right: the "
               "first three grow worse with sigma, soft-argmax is best at "
               "1.5, DARK with blur stays the same.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Those that look at few cells, one to nine, grow worse quickly. Those that
# average over many suffer far less. At noise 0.1 argmax is **2.43** pixels
# off and soft-argmax **0.53**. DARK needs its blur; with it, it is the best
# (**0.39**).
# </details>
#
# The right panel shows the flat top of section 2 once more: with a large
# sigma, the three that read few cells pay for it. A small sigma hurts
# soft-argmax, because a small power $\sigma^2$ no longer silences the
# background.
#
# Our noise is independent from cell to cell. A trained network's errors are
# not: neighbouring cells err together, and no decoder averages that away. On
# MPII, DARK and targets that are not rounded move HRNet-W32 from 90.3 to 90.6
# at `PCKh@0.5` and from 37.7 to 42.0 at the tight threshold (as published by
# the authors of both; "0.1" in their tables is really 0.11).
#
# **Play.** Drag the joint (the ring) across the map, widen the bump, coarsen
# the map, add noise. The legend says how far off each decoder is. Watch what
# happens at stride 16, where the map has 4 x 4 cells, and at the border.

# %% tags=["hide-input"]
def draw(joint, sigma, stride, noise):
    own = codecs.HeatmapCodec(64, 64 // stride, sigma)
    maps, _ = own.encode(torch.tensor([[joint]]), torch.ones(1, 1))
    maps = maps[0, 0].numpy()
    maps = maps + noise * np.random.default_rng(0).normal(size=maps.shape)
    figure, axes = plt.subplots(figsize=(7.5, 4.6))
    axes.imshow(maps, cmap="gray", extent=(-0.5, 63.5, 63.5, -0.5))
    axes.grid(False)
    for name, look in (("argmax", "ws"), ("quarter", "c^"),
                       ("dark", "mo"), ("soft_argmax", "yD")):
        found, _ = own.decode(torch.tensor(maps)[None, None], name)
        x, y = found[0, 0].tolist()
        off = np.hypot(x - joint[0], y - joint[1])
        axes.plot(x, y, look, mec="k", label=f"{name}: {off:.2f} px off")
    axes.plot(*joint, "r+", markersize=18, label="the joint")
    axes.set(xlim=(-0.5, 63.5), ylim=(63.5, -0.5), xlabel="pixels")
    axes.legend(bbox_to_anchor=(1.02, 1), loc="upper left")
    return figure


explore(draw, "A bump with sigma {sigma:.1f} cells at stride {stride}, noise "
        "{noise:.2f}, and where the four decoders see its joint.",
        joint=Point(31.2, 30.0), sigma=(0.5, 5.0, 2.0), stride=[4, 2, 8, 16],
        noise=(0.0, 0.3, 0.0))

# %% [markdown] document="4.3 upper body"
# ## 6. The document's case, there and back
#
# Five joints of a person become five maps of 64 x 64, and the maps become
# joints again. The document (4.3) adds the alternative: "with coordinate
# regression, the CNN directly outputs a 5x2 coordinate matrix, each row
# holding the x and y of one keypoint." `CoordinateCodec` makes that target;
# it scales pixels so that 0 and 1 are the edges of the picture.
#
# **Spot the bug.** `hasty` below is one more decoder. It raises no error and
# its result has the right shape. The picture shows what is wrong. Which
# line is it?

# %% tags=["nbval-check-output"]
def hasty(heatmaps):
    width = heatmaps.shape[-1]
    flat = heatmaps.flatten(-2).argmax(-1)                   # (1, 5)
    cells = torch.stack([flat // width, flat % width], -1)   # (1, 5, 2)
    return codec.to_pixels(cells)


by_argmax, _ = codec.decode(heatmaps, "argmax")
by_dark, _ = codec.decode(heatmaps, "dark")
matrix, _ = codecs.CoordinateCodec(256).encode(keypoints, visible)
off = [(found - keypoints)[0].norm(dim=-1) for found in (by_argmax, by_dark)]
print(heatmaps.numel(), "numbers in the heatmaps,", matrix.numel(),
      "in the matrix")
show_people([image] * 3, [keypoints[0], by_argmax[0], hasty(heatmaps)[0]],
            skeleton=UPPER_BODY, titles=["labels", "argmax", "hasty"],
            size=3, alt="A drawn person three times. The labelled arm and "
            "the one read with argmax lie on the body; the one of the hasty "
            "decoder lies on its side, away from the body.")
table([(joint, *(o[k].item() for o in off), *matrix[0, k].tolist())
       for k, joint in enumerate(UPPER_BODY.joints)],
      ("joint", "argmax, px off", "DARK, px off", "x, 0 to 1", "y, 0 to 1"),
      digits=2)

# %% [markdown]
# The first two pictures look alike: an error of a pixel or two does not
# show. In the third the skeleton is mirrored along the diagonal of the
# picture.
#
# <details><summary>Answer</summary>
#
# The line with `torch.stack`. The flat index is `row * width + column`, so
# `flat // width` is the row, which is $y$, and `flat % width` the column,
# $x$. They are stacked in the wrong order, and on a square map every answer
# is still inside the picture. On maps that are 48 wide and 64 high, $x$
# could become 63: outside. So test code for coordinates on pictures that
# are **not square**, and test that decoding undoes encoding.
# </details>
#
# ## 7. Joints that are not there, and joints in two places
#
# Labels have gaps. The codec gives every joint a **weight** for the loss:
# 1 counts, 0 does not. A joint outside the picture keeps weight 1 as long
# as its bump (up to three sigma) reaches into the map.
#
# **Predict first.** What does a decoder give you for an empty map?

# %% tags=["nbval-check-output"]
nan = float("nan")
cases = {"inside": (100.0, 80.0), "just outside": (-5.0, 80.0),
         "far outside": (-60.0, 80.0), "not labelled": (nan, nan)}
points = torch.tensor([list(cases.values())])              # (1, 4, 2)
seen = torch.tensor([[2, 2, 2, 0]])
maps, weights = codec.encode(points, seen)
found, scores = codec.decode(maps, "dark")
table([(name, int(weights[0, k]), scores[0, k].item(), *found[0, k].tolist())
       for k, name in enumerate(cases)],
      ("joint", "weight", "peak", "decoded x", "decoded y"),
      digits={"peak": 2})

# %% [markdown]
# <details><summary>Answer</summary>
#
# It still gives you a position: that of the first cell, because no other is
# larger. Only the **peak** says that there is nothing.
# </details>
#
# - *Just outside*: the map shows the tail of a bump, and the decoded position
#   stops at the edge of the picture.
# - *Far outside* and *not labelled*: the map is empty and the weight 0.
#
# So a decoder returns two things: a position and a **score**, the height of
# the peak.
#
# An empty map with weight 1 would teach the network "there is no wrist in
# this picture". We do not know that. Weight 0 says "no opinion".
#
# ### Exercise 03.3 ★★★ Encode a batch
#
# Write `encode(keypoints, visible, size, stride, sigma)` in NumPy:
# `keypoints` `(N, K, 2)` in pixels, NaN where not labelled, and `visible`
# `(N, K)`, 0 where not labelled, to `(heatmaps, weights)` of shapes
# `(N, K, size, size)` and `(N, K)`. An unlabelled joint has a zero map and
# weight 0; all others have weight 1, even those far outside (simpler than in
# the package). No loop over cells. (25 minutes)
#
# Expected: `encode(keypoints.numpy(), visible.numpy(), 64, 4, 2)` gives the
# `heatmaps` of section 1, and five times weight 1.

# %% tags=["exercise"]
def encode(keypoints, visible, size, stride, sigma):
    """Keypoints in pixels -> heatmaps and weights."""
    # your code here


# %% tags=["solution"]
def encode(keypoints, visible, size, stride, sigma):
    """Keypoints in pixels -> heatmaps and weights."""
    labelled = visible > 0
    centers = (keypoints + 0.5) / stride - 0.5
    centers = np.where(labelled[..., None], centers, 0)      # no NaN below
    x, y = centers[..., :1], centers[..., 1:]                # (N, K, 1)
    cells = np.arange(size)
    along_x = np.exp(-(cells - x) ** 2 / (2 * sigma ** 2))
    along_y = np.exp(-(cells - y) ** 2 / (2 * sigma ** 2))
    heatmaps = along_y[..., :, None] * along_x[..., None, :]
    return heatmaps * labelled[..., None, None], labelled.astype(float)


# %% tags=["check"]
check("03.3", encode)

# %% [markdown]
# **Two places at once.** Suppose a network cannot tell left from right and
# believes with 0.6 that the right wrist is *here* and with 0.4 that it is
# *there*. It is trained with the squared error, and the map with the smallest
# *expected* squared error is the mean of the possible targets: 0.6 of one
# bump and 0.4 of the other. So the height of a peak can be read as a
# probability. (If the network is unsure by $\tau$ cells around one place, the
# mean is a wide, low bump of height $\sigma^2 / (\sigma^2 + \tau^2)$.)
#
# **Predict first.** What do the decoders make of such a map? And what would a
# network give that has to commit to two numbers, under the squared error?

# %% tags=["nbval-check-output"]
whole_body = SyntheticPeople(100, size=256)[32]
sides = MPII.indices(["right_wrist", "left_wrist"])
wrists = torch.tensor(whole_body.keypoints[sides])
maps, _ = codec.encode(wrists[None], torch.ones(1, 2))
unsure = 0.6 * maps[:, :1] + 0.4 * maps[:, 1:]          # (1, 1, 64, 64)
found = {n: codec.decode(unsure, n)[0][0, 0]
         for n in ("argmax", "dark", "soft_argmax")}
found["centre of mass"] = codec.to_pixels(center_of_mass(unsure[0, 0]))
found["two numbers"] = 0.6 * wrists[0] + 0.4 * wrists[1]

for name, at in found.items():
    off = (wrists - at).norm(dim=-1).min()
    print(f"{name:15s} {off:5.1f} px from the nearest wrist")
print(f"height of the peak {unsure.max():.2f}")
figure, axes = plt.subplots(figsize=(4.6, 4.6))
axes.imshow(heatmap_overlay(image, unsure[0, 0]))
arrow = {"arrowstyle": "->", "color": "white", "linewidth": 2}
for text, name, corner in (
        ("argmax, DARK, soft-argmax", "dark", (8, 14)),
        ("centre of mass, two numbers", "two numbers", (8, 246))):
    axes.annotate(text, found[name].tolist(), corner, arrowprops=arrow,
                  bbox={"facecolor": "white"})
axes.set_axis_off()
display_figure(figure, "Bright spots on both wrists of a drawn person. Three "
               "decoders say the brighter one, two a place in between.")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The three decoders that look at the highest peak choose a wrist. The centre
# of mass, and a network that has to commit to two numbers, give a place
# **55.2** pixels from the nearest wrist.
# </details>
#
# That is a strong argument for heatmaps; chapter 5 tests how much it is
# worth. It has a price: with 0.5 and 0.5 a breath of noise decides between
# two places far apart, and in a video the wrist jumps.
#
# ## Quiz

# %%
quiz("03")

# %% [markdown]
# ## Summary
#
# - A heatmap is a small picture per joint: a Gaussian with its top, 1, at
#   the joint, which may lie between cells.
# - The Gaussian is an outer product of a column and a row; no loop, no cut,
#   no rounding.
# - Sigma trades bright cells to learn from against a flat top and merging
#   bumps; 2 cells is usual on 64 x 64.
# - $x_\text{cell} = (x + 0.5) / s - 0.5$. Forget the half pixels at stride 4
#   and every joint moves by 1.5 pixels in x and in y.
# - Argmax is off by up to half a cell and the quarter offset by up to a
#   quarter. DARK is exact on a Gaussian, from 3 x 3 cells; soft-argmax
#   averages noise away.
# - The height of a peak is the decoder's score. Missing labels have weight
#   0; an empty map decodes to nonsense with score 0.
# - A map can say "here or there". Two numbers can only say "in between".
#
# ## Common mistakes
#
# | what goes wrong | why |
# |---|---|
# | joints drawn too far right and down by the same amount everywhere | half pixel forgotten (section 3) |
# | skeleton lies on its side | row and column swapped (section 6) |
# | good at `PCKh@0.5`, poor at 0.1 | argmax, or targets rounded to cells (sections 2, 5) |
# | loss is NaN | $0 \cdot \text{NaN}$: NaN labels must be replaced before the arithmetic, not multiplied by 0 after it |
# | joints pile up in the top left corner | empty maps were decoded and nobody looked at the score (section 7) |
# | all answers near the middle of the map | softmax over a map that was not trained for it (section 4) |
#
# ## Further reading
#
# - Tompson, Jain, LeCun, Bregler: *Joint Training of a Convolutional Network
#   and a Graphical Model for Human Pose Estimation* (2014). Where networks
#   that draw heatmaps come from.
# - Newell, Yang, Deng: *Stacked Hourglass Networks for Human Pose Estimation*
#   (2016). The quarter offset, in a few lines of its evaluation section.
# - Zhang, Zhu, Dai, Ye, Zhu: *Distribution-Aware Coordinate Representation
#   for Human Pose Estimation* (2020). DARK: the derivation of section 4, and
#   what it gains on real networks at several resolutions.
# - Huang, Zhu, Guo, Huang: *The Devil Is in the Details: Delving into
#   Unbiased Data Processing for Human Pose Estimation* (2020). How much
#   half pixels and mirrored maps cost in published systems.
# - Sun, Xiao, Wei, Liang, Wei: *Integral Human Pose Regression* (2018), and
#   Nibali, He, Morgan, Prendergast: *Numerical Coordinate Regression with
#   Convolutional Neural Networks* (2018). Training through a soft-argmax.
