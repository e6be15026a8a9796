"""Figures, by matplotlib without pyplot: nothing global changes, and no window opens."""

from .charts import accuracy_bars, confusion, training_curves
from .filters import filters
from .gallery import gallery
from .heat import heatmap, overlay
from .layers import feature_maps
from .maps import explanation_grid, saliency_grid
from .pictures import picture_grid
from .ranking import ranking

__all__ = [
    "accuracy_bars",
    "confusion",
    "explanation_grid",
    "feature_maps",
    "filters",
    "gallery",
    "heatmap",
    "overlay",
    "picture_grid",
    "ranking",
    "saliency_grid",
    "training_curves",
]
