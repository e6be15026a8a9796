"""tl.explain.evaluate: are the maps true? Each measure gives a value, or a curve, for every picture."""

from .alike import agreement, seconds
from .benchmark import benchmark
from .curves import deletion, insertion, pixel_flipping
from .faithful import infidelity, max_sensitivity, sensitivity_n
from .naive import edges, random_map
from .pointing import mass_in_mask, pointing_game, relevance_rank, sparsity
from .sanity import label_randomisation, parameter_randomisation, train_on_shuffled

__all__ = [
    "agreement",
    "benchmark",
    "deletion",
    "edges",
    "infidelity",
    "insertion",
    "label_randomisation",
    "mass_in_mask",
    "max_sensitivity",
    "parameter_randomisation",
    "pixel_flipping",
    "pointing_game",
    "random_map",
    "relevance_rank",
    "seconds",
    "sensitivity_n",
    "sparsity",
    "train_on_shuffled",
]
