"""Images and labels: sources, splits, preparation, augmentation."""

from striate.data.augmentation import Augmentation, augment
from striate.data.image_set import ImageSet, Split
from striate.data.known import known
from striate.data.load import load
from striate.data.preprocessing import Preprocessing

__all__ = ["Augmentation", "ImageSet", "Preprocessing", "Split", "augment", "known", "load"]
