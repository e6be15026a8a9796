"""tinylucid: a deep learning engine for pictures, small enough to read in an evening and real enough to use.

    import tinylucid as tl

    model = tl.nn.Sequential(tl.nn.Conv2d(1, 8, 3), tl.nn.ReLU(), tl.nn.Flatten(), tl.nn.Linear(8 * 26 * 26, 10))
    loss = tl.nn.functional.cross_entropy(model(tl.randn(4, 1, 28, 28)), tl.tensor([3, 1, 4, 1]))
    loss.backward()

The house, from the ground up, each floor importing only what is below it: ``tinylucid_kernels`` (arrays), ``tensor``
and ``autograd`` (recording and differentiating), ``ops`` (forward and backward rules), ``nn`` and ``optim`` (layers),
``data``, ``models``, ``explain``, and ``cli`` (the command line).
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from tinylucid_kernels import kernels

from . import autograd, cuda, nn, optim, show
from .autograd import grad
from .creation import arange, full, ones, ones_like, rand, randn, tensor, zeros, zeros_like
from .devices import get_default_device, set_default_device
from .dtypes import bool_ as bool
from .dtypes import float32, float64, get_default_dtype, int32, int64, set_default_dtype, uint8
from .ops import *  # every operation: tl.exp, tl.matmul, …
from .ops import fft
from .ops.spelling import missing as _missing
from .precision import get_float32_matmul_precision, set_float32_matmul_precision
from .random import Generator, manual_seed
from .scopes import backward_rules, detect_anomaly, enable_grad, is_grad_enabled, no_grad
from .summary import summary
from .tensor import Tensor, operation

if TYPE_CHECKING:
    from . import check, data, explain, gan, io, metrics, models, plot, report, segment, train, visualize
    from .check import gradcheck, gradgradcheck
    from .graph import draw_graph
    from .io import load, save
    from .train import evaluate, fit, predict

__version__ = "0.1.0"
show.figures = lambda: _import_module(".plot", __name__)  # a map is drawn by a room above its own

# imported when first used, so that import stays fast
_ROOMS = [
    "check",
    "data",
    "explain",
    "gan",
    "io",
    "metrics",
    "models",
    "plot",
    "report",
    "segment",
    "train",
    "visualize",
]
_LATER = {
    **dict.fromkeys(("gradcheck", "gradgradcheck"), "check"),
    "draw_graph": "graph",
    **dict.fromkeys(("load", "save"), "io"),
    **dict.fromkeys(("evaluate", "fit", "predict"), "train"),
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(_import_module(f".{_LATER[name]}", __name__), name)
    if name in _ROOMS:
        return _import_module(f".{name}", __name__)
    raise _missing("tinylucid", name, [*globals(), *_LATER])
