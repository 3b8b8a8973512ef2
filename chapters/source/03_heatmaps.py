# %% [markdown]
# # 3. Heatmaps
#
# **Turn a joint into a picture of where it is, turn the picture back into a
# joint, and know what is lost on the way.**
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
from posecourse.exercises import check, hint
from posecourse.geometry import resize_points
from posecourse.skeletons import MPII, UPPER_BODY
from posecourse.visualization import (display_figure, heatmap_overlay,
                                      show_heatmaps, show_people, use_style)
from posecourse.visualization.widgets import explore

require("0.1")
rng = np.random.default_rng(0)
np.set_printoptions(precision=2, suppress=True, floatmode="fixed")
use_style()

# %% [markdown]
# ## 1. From a joint to a picture
#
# Where is the right wrist? The document (4.1) knows two ways to answer. A
# network $\phi$ with parameters $\Theta$ looks at a picture $I$ and gives
#
# $$Y = \phi(I; \Theta), \; Y \in \mathcal{R}^{K \times 2}
# \qquad\text{or}\qquad
# \hat{H} = \phi(I; \Theta), \; \hat{H} \in \mathcal{R}^{K \times H \times W}.$$
#
# The first is two numbers for each of the $K$ joints. The second is one
# small picture per joint, bright where the joint is: a **heatmap**. This
# chapter is about the second.
#
# The document's example (4.3) is the upper body: head, neck, shoulder,
# elbow and wrist, so $K = 5$, with maps of 64 x 64 **cells**. Below are the
# five maps of one person, laid over the picture. No network made them: they
# are what a perfect network would say.

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
# How is such a map made? The document says: the value at the joint's
# position is 1, all others are 0, and then the map is smoothed with a
# Gaussian (4.3). We do that on 8 x 8 cells, where you can see every number,
# with a wrist at $x = 5$, $y = 2$.
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
# The peak is down to **0.16**. That is no drama, but "1 at the joint" was a
# nice property: it makes the height of a peak easy to read. We can have it
# by writing the Gaussian directly. The value in row $i$ and column $j$ is
#
# $$H_{i,j} = \exp\left(-\frac{(j - x)^2 + (i - y)^2}{2 \sigma^2}\right),$$
#
# where $\sigma$ is the width of the bump in cells. The next cell checks
# that the two ways differ by a constant factor only.
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
# The two ways agree up to the factor $2 \pi \sigma^2$. In the last row the
# cells 4, 5 and 6 hold **0.43**, **0.96** and **0.78**: the right neighbour
# is larger, because the joint lies on its side. The largest value is a
# little under 1, because no cell sits exactly on the joint. The position is
# still in the map, in how the neighbours lean. Section 4 gets it out again.
#
# **Without loops.** Since $e^{a+b} = e^a e^b$, the map is a product of a row
# and a column:
#
# $$H_{i,j} = \exp\left(-\frac{(i - y)^2}{2\sigma^2}\right) \cdot
# \exp\left(-\frac{(j - x)^2}{2\sigma^2}\right).$$
#
# So we need $H + W$ exponentials instead of $H \cdot W$, and one outer
# product, for all joints at once. A training step draws thousands of maps.

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
print("loops agree:  ", np.allclose(ours, with_loops(centers, 64, 2)))
print("package agrees:", np.allclose(ours, package))
slow = timeit.timeit(lambda: with_loops(centers, 64, 2), number=2) / 2
fast = timeit.timeit(lambda: gaussian_maps(centers, 64, 2), number=100) / 100
print(f"loops take {slow / fast:.0f} times as long")

# %% [markdown]
# ## 2. Sigma: how wide a bump
#
# Sigma is ours to choose. The next figure draws the same joint with four
# of them, and below each map the row through the joint. The printed table
# counts the cells above 0.1.
#
# **Predict first.** Sigma doubles. By which factor does the number of
# bright cells grow?
#
# <details><summary>Answer</summary>
#
# By four: a bump has a width in $x$ and a width in $y$.
# </details>

# %% tags=["nbval-check-output"]
sigmas, row = [0.5, 1, 2, 6], 30
center = np.array([[24.0, row]])
figure, axes = plt.subplots(2, 4, figsize=(9, 3.9), sharex="col",
                            sharey="row", height_ratios=[2, 1])
for sigma, top, bottom in zip(sigmas, axes[0], axes[1]):
    heatmap = gaussian_maps(center, 64, sigma)[0]
    top.imshow(heatmap, cmap="inferno", vmin=0, vmax=1)
    top.set(title=f"sigma = {sigma} cells")
    top.grid(False)
    bottom.plot(heatmap[row])
    bottom.axvspan(24 - 3 * sigma, 24 + 3 * sigma, color="0.9")
    bottom.set(ylim=(0, 1.1), xlabel="column")
    print(f"sigma {sigma}: {(heatmap > 0.1).sum():3d} of 4096 cells "
          "above 0.1")
axes[0, 0].set_ylabel("row")
axes[1, 0].set_ylabel("value")
print(f"value 3 sigma from the joint: {np.exp(-3 ** 2 / 2):.3f}")
display_figure(figure, "Four heatmaps of one joint with sigma 0.5, 1, 2 and "
               "6 cells, and below each the row through the joint: the "
               "bump grows from a single cell to a third of the map.")

# %% [markdown]
# From left to right the bump grows from almost one cell to a third of the
# map; the grey band is three sigma to each side.
#
# - **Too small.** With sigma 0.5 only **5** of 4096 cells are bright. A
#   network that draws nothing at all is nearly right, and a bump two cells
#   off has almost nothing in common with the right one: the loss can hardly
#   tell it from one that is twenty cells off.
# - **Too large.** The top is flat, so a little noise moves the largest cell
#   far (section 5 measures it), and the bumps of neighbouring joints run
#   into each other.
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
# **Spot the bug.** A colleague's training code writes `x / 4`. It looks
# right, nothing crashes, and the network trains. Its maps are read back
# with the second formula. How many pixels is every joint off, and to which
# side? Decide before you run the cell.

# %% tags=["nbval-check-output"]
stride = 4
pixels = np.array([0, 1.5, 5.3, 100, 255])
cells = (pixels + 0.5) / stride - 0.5
print("the package agrees:", np.allclose(cells, resize_points(pixels, 1 / 4)))
colleague = pixels / stride
error = (colleague + 0.5) * stride - 0.5 - pixels
print(" pixel    cell   pixel / 4   error in pixels")
for row in zip(pixels, cells, colleague, error):
    print("{:6.1f}  {:6.3f}   {:8.3f}  {:10.2f}".format(*row))
print(f"in x and y together: {np.hypot(error[0], error[0]):.2f} px")

# %% [markdown]
# Every joint lands **1.50** pixels too far to the right and too far down,
# wherever it is: $(s - 1) / 2$. Together that is **2.12** pixels.
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
#
# Expected for the map `direct` of section 1 at stride 4: `(21.5, 9.5)`.
# `hint("03.1")` gives a hint.

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

# %% [markdown]
# ## 4. From the picture to a joint
#
# **Argmax.** The document (4.3): the coordinates of the largest value are
# the prediction. But the largest value sits in a cell, and cells are 4
# pixels apart. A joint at cell 5.3 comes back as 5.
#
# **Quarter offset** (Newell et al., 2016). If the right neighbour of the
# peak is larger than the left one, the joint lies to the right of the
# cell's centre, so we add a quarter of a cell; otherwise we subtract one.
#
# We move a joint slowly from pixel 100 to pixel 116 and plot how far off
# the two answers are.
#
# **Predict first.** How large can the error of each become, in pixels? For
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
    print(f"{name:7s} largest error {abs(error).max():.1f} px, package "
          f"agrees: {np.allclose(package[:, 0], answer)}")
axes.set(xlabel="position of the joint, pixels", ylabel="error, pixels",
         title="Argmax is exact only at the centre of a cell",
         ylim=(-2.3, 3.2))
axes.legend(loc="upper right", ncols=2)
display_figure(figure, "Error over position: argmax falls from plus 2 to "
               "minus 2 pixels and jumps back every 4 pixels, the quarter "
               "offset does the same between plus 1 and minus 1, twice as "
               "often.")

# %% [markdown]
# Both errors are saws. Argmax is off by up to **2.0** pixels, half a cell,
# and exact at 101.5, 105.5, ..., the centres of cells. The quarter offset
# halves the teeth (**1.0**).
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
# ### Exercise 03.2 ★★☆ Three numbers to a position
#
# Write `refine(left, middle, right)`: the three largest values of a row,
# the largest in the middle, all positive, to the offset of the joint from
# the middle cell, in cells. Where the logs do not curve down ($c \ge 0$,
# as for three equal values) there is no top: return 0.
#
# Expected: `refine(0.4296, 0.9560, 0.7827)` is about `0.3`.

# %% tags=["exercise"]
def refine(left, middle, right):
    """The top of the parabola through three logs, cells from the middle."""
    # your code here


# %% tags=["solution"]
def refine(left, middle, right):
    """The top of the parabola through three logs, cells from the middle."""
    low, mid, high = np.log([left, middle, right])
    slope, curvature = (high - low) / 2, high - 2 * mid + low
    return -slope / curvature if curvature < 0 else 0.0


# %% tags=["check"]
check("03.2", refine)

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
# Axis by axis the answer is off by nearly half a cell; with $l_{xy}$ it is
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
print("error in cells  centre of mass  soft_argmax  integral")
for name, (heatmap, truth) in cases.items():
    found = [center_of_mass(heatmap), codecs.soft_argmax_decode(heatmap)[0],
             codecs.integral_decode(heatmap)[0]]
    print(f"{name:14s}  {{:14.2f}}  {{:11.2f}}  {{:8.2f}}".format(
        *((f - truth).norm() for f in found)))

# %% [markdown]
# - A hundredth of the peak in every cell pulls the plain centre of mass
#   **7.76** cells off. 4096 small numbers weigh 41, the bump only
#   $2 \pi \sigma^2 \approx 25$.
# - A second bump pulls it **16.58** cells away, to a place between the two
#   where nothing is.
# - So the package's `soft_argmax` looks at 11 x 11 cells around the largest
#   value only, and first raises the map to the power $\sigma^2$, which makes
#   the bump slim and the background vanish. What remains is a small pull
#   inward at the border, where half of the bump is missing.
# - `integral` is wrong even on the clean map: $e^1$ is only 2.7 times
#   $e^0$, so the softmax is nearly flat and its mean is nearly the middle of
#   the map. It is meant for networks that are *trained* through the softmax
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
print("within        0.5    0.1   0.05 head sizes    largest error")
for name in ("argmax", "quarter", "dark", "soft_argmax"):
    found, _ = codec.decode(perfect, name)
    error = (found - truth).norm(dim=-1)
    a, b, c = (100 * (error <= share * 25.6).double().mean()
               for share in (0.5, 0.1, 0.05))
    print(f"{name:11s} {a:5.1f}  {b:5.1f}  {c:5.1f} %  {error.max():16.2f} px")

# %% [markdown]
# At 0.5 head sizes all four are perfect: there the decoder does not matter.
# At 0.05 argmax gets only **31.1 %** of the joints of a *perfect* network
# right, about as many as the geometry says: $\pi \cdot 1.28^2 / 16 = 32.2$
# %. (The 38,430 labels of the MPII validation set, rounded to cells in the
# same way, give 98.0 % at 0.1 and 32.1 % at 0.05.) So a weak score at a tight
# threshold may be the decoder's fault. Or that of a half pixel: the bug of
# section 3, **2.12 px**, fails every joint at 0.05.
#
# The quarter offset and soft-argmax lose some joints here in the outermost
# cells, where a neighbour or half of the bump is missing. Few joints lie
# there in the crop of a person.
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

# %% tags=["nbval-check-output"]
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
# Left: decoders that look at one to nine cells grow worse quickly; those
# that average over many cells suffer far less. At noise 0.1 argmax is
# **2.43** pixels off and soft-argmax **0.53**. DARK needs its blur, with which
# it is best (**0.39**). Right: a large sigma makes the flat top that we feared
# in section 2, and the three that read few cells pay for it. A small sigma
# hurts soft-argmax, because a small power $\sigma^2$ no longer silences the
# background.
#
# Our noise is independent from cell to cell. A trained network's errors are
# not: neighbouring cells err together, and no decoder averages that away. On
# MPII, DARK and targets that are not rounded move HRNet-W32 from 90.3 to 90.6
# at `PCKh@0.5` and from 37.7 to 42.0 at the tight threshold (as published by
# the authors of both; "0.1" in their tables is really 0.11).
#
# **Play.** Move the joint, widen the bump, coarsen the map, add noise. The
# legend says how far off each decoder is. Watch what happens at stride 16,
# where the map has 4 x 4 cells.

# %%
def draw(position, sigma, stride, noise):
    own = codecs.HeatmapCodec(64, 64 // stride, sigma)
    truth = torch.tensor([[[position, 30.0]]])
    maps, _ = own.encode(truth, torch.ones(1, 1))
    maps = maps[0, 0].numpy()
    maps = maps + noise * np.random.default_rng(0).normal(size=maps.shape)
    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    axes.imshow(maps, cmap="gray", extent=(-0.5, 63.5, 63.5, -0.5))
    axes.grid(False)
    for name, look in (("argmax", "ws"), ("quarter", "c^"),
                       ("dark", "mo"), ("soft_argmax", "yD")):
        found, _ = own.decode(torch.tensor(maps)[None, None], name)
        x, y = found[0, 0].tolist()
        off = np.hypot(x - position, y - 30)
        axes.plot(x, y, look, mec="k", label=f"{name}: {off:.2f} px off")
    axes.plot(position, 30, "r+", markersize=18, label="the joint")
    axes.set(xlim=(15.5, 47.5), ylim=(45.5, 14.5), xlabel="pixels")
    axes.legend(bbox_to_anchor=(1.02, 1), loc="upper left")
    return figure


explore(draw, "A bump with sigma {sigma:.1f} cells at stride {stride}, noise "
        "{noise:.2f}, the joint at pixel {position:.1f}, and where the four "
        "decoders see it.", position=(18.0, 46.0, 31.2, 0.1), noise=(
            0.0, 0.3, 0.0), sigma=(0.5, 5.0, 2.0), stride=[4, 2, 8, 16])

# %% [markdown]
# ## 6. The document's case, there and back
#
# Five joints of a person become five maps of 64 x 64, and the maps become
# joints again. The alternative is coordinate regression: the network gives
# a $5 \times 2$ matrix directly, a row $(x, y)$ per joint (document 4.3).
# `CoordinateCodec` makes that target; it scales pixels so that 0 and 1 are
# the edges of the picture.
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
print("error in pixels  argmax  DARK     coordinates, 0 to 1")
for k, name in enumerate(UPPER_BODY.joints):
    a, b = ((found - keypoints)[0, k].norm() for found in (
        by_argmax, by_dark))
    print(f"{name:16s} {a:6.2f}  {b:4.2f}        ",
          "({:.2f}, {:.2f})".format(*matrix[0, k]))
print(heatmaps.numel(), "numbers in the heatmaps,", matrix.numel(),
      "in the matrix")
show_people([image] * 3, [keypoints[0], by_argmax[0], hasty(heatmaps)[0]],
            skeleton=UPPER_BODY, titles=["labels", "argmax", "hasty"],
            size=3, alt="A drawn person three times. The labelled arm and "
            "the one read with argmax lie on the body; the one of the hasty "
            "decoder lies on its side, away from the body.")

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
# **Predict first.** What does a decoder answer on an empty map?

# %% tags=["nbval-check-output"]
nan = float("nan")
cases = {"inside": (100.0, 80.0), "just outside": (-5.0, 80.0),
         "far outside": (-60.0, 80.0), "not labelled": (nan, nan)}
points = torch.tensor([list(cases.values())])              # (1, 4, 2)
seen = torch.tensor([[2, 2, 2, 0]])
maps, weights = codec.encode(points, seen)
found, scores = codec.decode(maps, "dark")
print("case          weight  peak   decoded")
for k, name in enumerate(cases):
    print(f"{name:13s} {weights[0, k]:6.0f}  {scores[0, k]:.2f}",
          "  ({:.1f}, {:.1f})".format(*found[0, k]))

# %% [markdown]
# - *Just outside*: the map shows the tail of a bump, and the answer
#   stops at the edge of the picture.
# - *Far outside* and *not labelled*: the map is empty and the weight 0. The
#   decoder still answers, with the first cell. Only the **peak** tells that
#   there is nothing. So a decoder returns two things, a position and a
#   **score**, the height of the peak.
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
# weight 0; all others weight 1, also those far outside (simpler than in the
# package). No loop over cells.

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
# believes "the right wrist is here" with 0.6 and "there" with 0.4. It is
# trained with the squared error, and the map with the smallest *expected*
# squared error is the mean of the possible targets: 0.6 of one bump and 0.4
# of the other. So the height of a peak can be read as a probability. (If the
# network is unsure by $\tau$ cells around one place, the mean is a wide, low
# bump of height $\sigma^2 / (\sigma^2 + \tau^2)$.)
#
# **Predict first.** What do the decoders say to such a map? What would a
# network say that must answer with two numbers, under the squared error?

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
# The three that look at the highest peak choose a wrist. The centre of mass,
# and a network that must say two numbers, answer with a place **55.2** pixels
# from the nearest wrist. That is a strong argument for heatmaps; chapter 5
# tests how much it is worth. It has a price: with 0.5 and 0.5 a breath of
# noise decides between two places far apart, and in a video the wrist jumps.
#
# ## Quiz
#
# **1.** Sigma is 2 and the peak of a map is 0.95. Is the network unsure?
#
# <details><summary>Answer</summary>
#
# Not necessarily. Where a joint lies between cells, no cell reaches 1: at
# the corner of four cells the largest value is $\exp(-0.5 / 8) = 0.94$.
# </details>
#
# **2.** Why does DARK not need to know sigma?
#
# <details><summary>Answer</summary>
#
# Slope and curvature of the log both carry the factor $1 / \sigma^2$, and
# the offset is their ratio. (Its blur does use sigma, to know how much to
# smooth.)
# </details>
#
# **3.** The input grows from 256 to 384 pixels across, the maps from 64 to
# 96 cells. What happens to sigma, if a bump shall cover the same part of
# the body?
#
# <details><summary>Answer</summary>
#
# It grows by 1.5, from 2 to 3 cells: sigma counts cells, and a cell now
# covers less of the body.
# </details>
#
# **4.** A decoder is off by exactly 1.5 pixels right and down on every
# picture. What do you suspect first?
#
# <details><summary>Answer</summary>
#
# Half a pixel forgotten in one direction at stride 4: $(s - 1) / 2 = 1.5$.
# </details>
#
# **5.** You report `PCKh@0.5` only. Is it worth the effort to replace argmax
# by DARK?
#
# <details><summary>Answer</summary>
#
# Hardly on 64 x 64 maps: with perfect maps both have 100 %. At tight
# thresholds, on coarser maps and for smooth motion in video it is.
# </details>
#
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
# | joints pile up in the top left corner | empty maps decoded without a look at the score (section 7) |
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
