"""Make poses.jpg: held-out drawn people and the poses a network found.

python data/samples/make_poses.py          (the network of the course)
python data/samples/make_poses.py RUN      (a folder of `posecourse train`)
"""

import sys
from pathlib import Path

import cv2

from posecourse.datasets import SyntheticPeople
from posecourse.drawing import draw_pose, grid
from posecourse.inference import Predictor

people = SyntheticPeople(21, size=192, split="test")
predictor = Predictor.load(sys.argv[1] if sys.argv[1:] else "laptop", device="cpu")
pictures = []
for person in people:
    image = people.read_image(person)
    crop = person.crop(predictor.model.input_size)
    keypoints, _ = predictor.in_crops(image, [crop])
    pictures.append(draw_pose(image, keypoints[0], skeleton=predictor.skeleton))
image = grid(pictures, columns=7, pad=4)
path = Path(__file__).with_name("poses.jpg")
cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
print(path, image.shape)
