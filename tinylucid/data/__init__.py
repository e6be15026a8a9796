"""tl.data: pictures to learn from, as NumPy arrays; what every machine has, and one's own."""

from .augment import Augment
from .bundled import digits, faces
from .coins import coins, crops
from .dataset import ArrayDataset, Preprocess, Splits, split
from .folder import ImageFolder, image_folder, image_splits, per_channel
from .loader import DataLoader
from .mosaic import texture_mosaic
from .picture import PictureError, read_picture
from .published import cifar10, mnist
from .shapes import ShapeDataset, shapes, tag_box
from .textures import dihedral, textures

__all__ = [
    "ArrayDataset",
    "Augment",
    "DataLoader",
    "ImageFolder",
    "PictureError",
    "Preprocess",
    "ShapeDataset",
    "Splits",
    "cifar10",
    "coins",
    "crops",
    "digits",
    "dihedral",
    "faces",
    "image_folder",
    "image_splits",
    "mnist",
    "per_channel",
    "read_picture",
    "shapes",
    "split",
    "tag_box",
    "texture_mosaic",
    "textures",
]
