"""The recipe for photographs, in little: what the start is worth."""

import pytest

from posecourse.models.efficientnet_lite import imagenet_weights
from posecourse.training import config_for, train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_imagenet_is_worth_more_than_nothing(shared_data, tmp_path):
    """600 photographs, each seen once; scored on 200 others."""
    try:
        imagenet_weights(0)
    except FileNotFoundError as error:
        pytest.skip(str(error))

    def score(name, **start):
        rows = []
        config = config_for(
            "efficientnet_lite0",
            {"input_size": 96},
            "photos-imagenet",
            data=str(shared_data / "lspet"),
            train_people=600,
            valid_people=200,
            epochs=1,
            batch_size=5,
            out=str(tmp_path / name),
            **start,
        )
        train(config, on_epoch=rows.append)
        return rows[-1]["score"], rows[-1]["mean_pose"]

    started, mean_pose = score("started", init="imagenet")
    scratch, _ = score("scratch", freeze=())  # noise must not be frozen
    assert started > 2 * mean_pose
    assert started > scratch + 4
