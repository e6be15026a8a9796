"""tl.models: nets for small pictures, a file each."""

from .texture_net import texture_net

__all__ = ["texture_net"]
