"""Feature visualisation: the picture that most excites a class or a channel, found by climbing its gradient.

Four pieces that know nothing of each other: an *objective* says what is to be large, a *parametrisation* what is moved to
make it so, *transforms* through what the net sees the picture, and *render* climbs.
"""

from .gallery import ChannelGallery, LayerGallery, gallery
from .many import exciting
from .measure import activations, measure
from .objectives import Objective, channel, logit, neuron
from .parametrise import Parametrisation, fourier, pixel
from .render import render
from .transforms import jitter, pad, rotate, scale, wobble

__all__ = [
    "ChannelGallery",
    "LayerGallery",
    "Objective",
    "Parametrisation",
    "activations",
    "channel",
    "exciting",
    "fourier",
    "gallery",
    "jitter",
    "logit",
    "measure",
    "neuron",
    "pad",
    "pixel",
    "render",
    "rotate",
    "scale",
    "wobble",
]
