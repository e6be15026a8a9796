"""Feature visualisation: the picture that most excites a class or a channel, found by climbing its gradient.

Four pieces that know nothing of each other: an *objective* says what is to be large, a *parametrisation* what is moved to
make it so, *transforms* through what the net sees the picture, and *render* climbs.
"""

from .activation_grid import ActivationGrid, activation_grid
from .atlas import Atlas, atlas
from .colors import color_matrix
from .cppn import cppn
from .gallery import ChannelGallery, LayerGallery, gallery
from .judge import Comparison, compare
from .likeness import caricature, diversity, inversion, style
from .many import exciting
from .measure import activations, measure
from .objective import Objective
from .objectives import channel, direction, layer, logit, neuron
from .parametrise import Parametrisation, fourier, pixel
from .path import Path, path
from .penalties import blur, l1, l2, total_variation
from .place import Place, place
from .remembered import remembered
from .render import render
from .transforms import jitter, pad, rotate, scale, wobble

__all__ = [
    "ActivationGrid",
    "Atlas",
    "Comparison",
    "ChannelGallery",
    "LayerGallery",
    "Objective",
    "Parametrisation",
    "Path",
    "Place",
    "activation_grid",
    "activations",
    "atlas",
    "blur",
    "caricature",
    "channel",
    "color_matrix",
    "compare",
    "cppn",
    "direction",
    "diversity",
    "exciting",
    "fourier",
    "gallery",
    "inversion",
    "jitter",
    "l1",
    "l2",
    "layer",
    "logit",
    "measure",
    "neuron",
    "pad",
    "path",
    "pixel",
    "place",
    "remembered",
    "render",
    "rotate",
    "scale",
    "style",
    "total_variation",
    "wobble",
]
