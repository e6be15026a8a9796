"""tl.models: nets for small pictures, a file each; built by name, saved and loaded with all that their use needs."""

from .lenet import lenet
from .resnet import resnet, resnet18
from .saved import NAMES, Saved, about, build, load, save
from .separable import separable
from .texture_net import texture_net
from .vgg import vgg

__all__ = [
    "NAMES",
    "Saved",
    "about",
    "build",
    "lenet",
    "load",
    "resnet",
    "resnet18",
    "save",
    "separable",
    "texture_net",
    "vgg",
]
