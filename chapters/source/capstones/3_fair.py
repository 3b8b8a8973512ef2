# %% [markdown]
# # Capstone 3: fair for whom?
#
# Find the people for whom a network is worst, close the gap with a fixed number
# of training people, and say what it cost the others.
# [Chapter 16](../16_outlook.ipynb) has the rubric and the method (section 7).
#
# **Hand in**: rates by group before and after, with intervals; the gap,
# paired; a [model card](model_card.md) that names the worst group.

# %%
import numpy as np
import torch

from posecourse import metrics
from posecourse.datasets import SyntheticPeople, crop_in_memory
from posecourse.evaluation import predict_crops
from posecourse.models import load_model, pretrained
from posecourse.skeletons import MPII
from posecourse.visualization import show_people, use_style
from posecourse.visualization.tables import table

use_style()
torch.set_num_threads(1)
COUNTED = metrics.pckh_columns(MPII)

# %% [markdown]
# ## 1. People, and what we know about them
#
# Edition 2 draws children and old people, wide coats, headscarves,
# wheelchairs. `laptop` was trained on edition 1 alone, where all are adults.

# %%
people = SyntheticPeople(300, size=64, split="test", edition=2)
bodies = [people.stance(i).body for i in range(len(people))]
store = crop_in_memory(people, 64, margin=1.0, workers=1)
network = load_model(pretrained("laptop") / "weights.safetensors")
points, *_ = predict_crops(network, store)
hits = metrics.pck_hits(points, store.keypoints, store.visible,
                        store.head_size, 0.5)
show_people(store.crops[:6], points[:6], titles=[b.age for b in bodies[:6]],
            alt="Six drawn people of all ages, with what the network found.")

# %% [markdown]
# ## 2. A table by group
#
# An interval says what other people of the same group would change. Two that
# overlap a lot are no finding.

# %%
groups = {"everybody": np.ones(len(bodies), bool)}
groups |= {age: np.array([b.age == age for b in bodies])
           for age in ("child", "adult", "old")}
table([(name, int(rows.sum()),
        *(100 * v for v in metrics.bootstrap_interval(hits[rows], COUNTED)[:3]))
       for name, rows in groups.items()],
      ("group", "people", "PCKh@0.5", "from", "to"))

# %% [markdown]
# ## 3. Yours
#
# 1. **Find it.** Try the properties of a body (`people.stance(0).body`), of a pose
#    (`person.extra["pose"]`, `["facing"]`), and pairs of them. If you look at
#    thirty tables, one will show a gap by luck: confirm yours on another seed.
# 2. **Why?** Size in the picture, another shape, clothes, rare poses? Change one
#    thing alone: `people.render(i, body)` puts somebody else in the same place.
# 3. **Cure it.** 4,000 training people, not one more. Take some of the others'
#    places. `data/studies/outlook.py` shows a training of minutes. How does the
#    gap shrink with 50, 200, 1,000 people of the group, and what do the others
#    lose?
# 4. With photographs, nobody knows the group unless it was asked. What may you
#    note about people in a test set, who decides, and where is it kept?
