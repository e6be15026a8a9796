"""tl.data: pictures to learn from, as NumPy arrays; what every machine has, and one's own."""

from .bundled import digits, faces
from .dataset import ArrayDataset, Preprocess, Splits, split
from .textures import dihedral, textures

__all__ = ["ArrayDataset", "Preprocess", "Splits", "digits", "dihedral", "faces", "split", "textures"]
