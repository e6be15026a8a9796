"""tl.data: pictures to learn from that every machine has, as NumPy arrays."""

from .textures import Textures, dihedral, textures

__all__ = ["Textures", "dihedral", "textures"]
