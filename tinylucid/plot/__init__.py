"""Figures, by matplotlib without pyplot: nothing global changes, and no window opens."""

from .cells import activation_grid, atlas
from .charts import accuracy_bars, confusion, training_curves
from .filters import filters
from .gallery import gallery
from .heat import heatmap, overlay
from .layers import feature_maps
from .maps import explanation_grid, saliency_grid
from .pictures import picture_grid
from .ranking import ranking
from .reasons import path, place
from .samples import nearest_training, samples_by_class
from .segmentation import segmentation

__all__ = [
    "accuracy_bars",
    "activation_grid",
    "atlas",
    "confusion",
    "explanation_grid",
    "feature_maps",
    "filters",
    "gallery",
    "heatmap",
    "nearest_training",
    "overlay",
    "path",
    "picture_grid",
    "place",
    "ranking",
    "saliency_grid",
    "samples_by_class",
    "segmentation",
    "training_curves",
]
