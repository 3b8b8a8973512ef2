"""ViTPose: its published size, its attention, what it refuses."""

import pytest
import torch

from posecourse import models
from posecourse.models.vitpose import Block, ViTPose


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_the_published_size():
    """ViTPose-B has 86 million weights; its trunk is ViT-B/16, without a class."""
    with torch.device("meta"):
        model = models.build("vitpose_b", input_size=(192, 256))
    block = 4 * 768 * 768 + 4 * 768 + 2 * 768 * 3072 + 3072 + 768 + 4 * 768
    trunk = 12 * block + (3 * 16 * 16 + 1) * 768 + 192 * 768 + 2 * 768
    assert count(model) == trunk + 16 * (768 * 9 + 1)
    assert round(count(model) / 1e6) == 86
    assert model.patch == 16 and model.grid == (16, 12)


def test_a_block_is_that_of_pytorch():
    """The same as `nn.TransformerEncoderLayer` that normalises first."""
    torch.manual_seed(0)
    ours = Block(16, 4).eval()
    theirs = torch.nn.TransformerEncoderLayer(
        16, 4, 64, dropout=0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    names = {
        "self_attn.in_proj_": "qkv.",
        "self_attn.out_proj.": "mix.",
        "linear1.": "mlp.0.",
        "linear2.": "mlp.2.",
    }
    state = ours.state_dict()
    renamed = {}
    for key in theirs.state_dict():
        for their, our in names.items():
            if key.startswith(their):
                renamed[key] = state[our + key.removeprefix(their)]
        renamed.setdefault(key, state.get(key))
    theirs.load_state_dict(renamed)
    x = torch.randn(2, 5, 16)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_tokens_are_patches_row_by_row():
    model = ViTPose(input_size=(16, 24), patch=8, width=8, heads=2)
    images = torch.randn(1, 3, 24, 16)
    tokens = model.tokens(images) - model.places
    assert tokens.shape == (1, 6, 8)
    third = images[:, :, 8:16, :8]  # the second row's first
    by_hand = (model.patches.weight * third).sum((1, 2, 3)) + model.patches.bias
    torch.testing.assert_close(tokens[0, 2], by_hand)


def test_every_patch_counts_everywhere():
    """One pixel changes the maps at the other end."""
    torch.manual_seed(0)
    model = ViTPose(input_size=32, width=8, depth=1, heads=2).eval()
    torch.nn.init.normal_(model.head.weight)
    image = torch.zeros(1, 3, 32, 32)
    changed = image.clone()
    changed[..., 0, 0] = 5
    off = (model(changed)[0] - model(image)[0]).abs().amax(1)
    assert off[0, 7, 7] > 1e-6


@pytest.mark.parametrize(
    "options, why",
    [
        ({"patch": 6}, "multiple of 4"),
        ({"width": 10, "heads": 4}, "one of heads"),
        ({"input_size": 60}, "multiples of 8"),
    ],
)
def test_what_cannot_be_built_is_said(options, why):
    with pytest.raises(ValueError, match=why):
        models.build("vitpose_tiny", **options)
    model = ViTPose(input_size=32)
    with pytest.raises(ValueError, match="built for pictures of 32 x 32"):
        model(torch.zeros(1, 3, 64, 64))
