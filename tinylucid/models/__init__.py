"""tl.models: nets for small pictures, which name or draw one, or name each pixel of it; built by name, saved with all they need."""

from .dcgan import dcgan_discriminator, dcgan_generator
from .dense_gan import dense_discriminator, dense_generator
from .fcn import fcn8s, fcn16s, fcn32s
from .lenet import lenet
from .resnet import resnet, resnet18
from .saved import CLASSIFIERS, GANS, NAMES, SEGMENTERS, Saved, about, build, load, save
from .segnet import segnet
from .separable import separable
from .skip_net import skip_net
from .texture_net import texture_net
from .vgg import vgg

__all__ = [
    "CLASSIFIERS",
    "GANS",
    "NAMES",
    "SEGMENTERS",
    "Saved",
    "about",
    "build",
    "dcgan_discriminator",
    "dcgan_generator",
    "dense_discriminator",
    "dense_generator",
    "fcn16s",
    "fcn32s",
    "fcn8s",
    "lenet",
    "load",
    "resnet",
    "resnet18",
    "save",
    "segnet",
    "separable",
    "skip_net",
    "texture_net",
    "vgg",
]
