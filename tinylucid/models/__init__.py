"""tl.models: nets for small pictures, a file each; built by name, saved and loaded with all that their use needs."""

from .dcgan import dcgan_discriminator, dcgan_generator
from .dense_gan import dense_discriminator, dense_generator
from .lenet import lenet
from .resnet import resnet, resnet18
from .saved import CLASSIFIERS, NAMES, Saved, about, build, load, save
from .separable import separable
from .texture_net import texture_net
from .vgg import vgg

__all__ = [
    "CLASSIFIERS",
    "NAMES",
    "Saved",
    "about",
    "build",
    "dcgan_discriminator",
    "dcgan_generator",
    "dense_discriminator",
    "dense_generator",
    "lenet",
    "load",
    "resnet",
    "resnet18",
    "save",
    "separable",
    "texture_net",
    "vgg",
]
