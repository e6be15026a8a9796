"""Operations: each forward and its backward rule side by side, a family a file. Importing them equips Tensor.

Their docstrings derive the rules. In them L is the loss, a number; g = ∂L/∂y the gradient of the result y, which comes
in; ∂x is short for ∂L/∂x, which the rule hands on. By the chain rule ∂x[j] = Σ_k g[k]·∂y[k]/∂x[j]: go through all of y
that x[j] has a part in. [a = b] is 1 where a = b, else 0. Exercises are those of ``tinylucid.exercises``.
"""

from . import methods, spelling, ufuncs  # they register Tensor's methods
from .activation import elu, gelu, leaky_relu, logsigmoid, relu, sigmoid, silu, softplus
from .adaptive import adaptive_avg_pool2d, adaptive_max_pool2d
from .arithmetic import add, div, mul, neg, sub
from .choice import abs, clip, maximum, minimum, sign, where
from .classify import cross_entropy, nll_loss
from .compare import equal
from .conv import conv2d, conv_transpose2d
from .dense import embedding, linear, matmul
from .elementwise import cos, exp, log, pow, sin, sqrt, tanh
from .indexing import gather
from .join import concatenate, split, stack
from .loss import binary_cross_entropy_with_logits, kl_div, l1_loss, mse_loss, smooth_l1_loss
from .norm import batch_norm, group_norm, instance_norm, layer_norm
from .padding import pad
from .pool import avg_pool2d, max_pool2d, max_unpool2d
from .reduce import argmax, argmin, log_softmax, logsumexp, max, mean, min, softmax, std, sum, var
from .regular import dropout
from .resize import affine_grid, grid_sample, interpolate
from .shape import expand, flatten, permute, reshape, squeeze, sum_to_size, transpose, unsqueeze

cat, clamp = concatenate, clip  # PyTorch has both spellings

__all__ = [
    "abs",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "add",
    "affine_grid",
    "argmax",
    "argmin",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "cat",
    "clamp",
    "clip",
    "concatenate",
    "conv2d",
    "conv_transpose2d",
    "cos",
    "cross_entropy",
    "div",
    "dropout",
    "elu",
    "embedding",
    "equal",
    "exp",
    "expand",
    "flatten",
    "gather",
    "gelu",
    "grid_sample",
    "group_norm",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log",
    "log_softmax",
    "logsigmoid",
    "logsumexp",
    "matmul",
    "max",
    "max_pool2d",
    "max_unpool2d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mse_loss",
    "mul",
    "neg",
    "nll_loss",
    "pad",
    "permute",
    "pow",
    "relu",
    "reshape",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "sum_to_size",
    "tanh",
    "transpose",
    "unsqueeze",
    "var",
    "where",
]
