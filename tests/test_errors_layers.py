"""What went wrong with activations, losses, norms, recurrent layers, embedding and spectral norm, in words."""

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import nn


def at(layer, x):
    """Call the layer as ``head`` of a net."""
    return nn.Sequential({"head": layer})(x)


one, two = tl.ones(2, 3), tl.ones(3, 2)
labels = np.array([0, 2])
bce = F.binary_cross_entropy_with_logits

CASES = {
    "softplus": (lambda: F.softplus(one, 0), ValueError, "softplus|beta"),
    "losses of other shapes": (lambda: F.l1_loss(one, two), ValueError, "l1_loss|(2, 3)|(3, 2)|broadcasting"),
    "and smooth": (lambda: F.smooth_l1_loss(one, two), ValueError, "smooth_l1_loss|(2, 3)|(3, 2)"),
    "and divergences": (lambda: F.kl_div(one, tl.ones(3)), ValueError, "kl_div|(2, 3)|(3,)"),
    "and of scores": (lambda: bce(one, two), ValueError, "binary_cross_entropy_with_logits|(2, 3)|(3, 2)"),
    "a list": (lambda: F.l1_loss(one, [1.0]), TypeError, "l1_loss|tensor|list"),
    "reduction": (
        lambda: F.l1_loss(one, one, reduction="average"),
        ValueError,
        "l1_loss|'mean'|'sum'|'none'|'average'",
    ),
    "beta": (lambda: F.smooth_l1_loss(one, one, beta=-1), ValueError, "smooth_l1_loss|beta|-1"),
    "batchmean of a number": (
        lambda: F.kl_div(tl.ones(), tl.ones(), reduction="batchmean"),
        ValueError,
        "kl_div|'batchmean'|()",
    ),
    "batchmean of no rows": (
        lambda: F.kl_div(tl.ones(0, 3), tl.ones(0, 3), reduction="batchmean"),
        ValueError,
        "kl_div|'batchmean'|at least one row|(0, 3)",
    ),
    "a mean of nothing": (lambda: F.l1_loss(tl.ones(0, 3), tl.ones(0, 3)), ValueError, "no elements|(0, 3)"),
    "a weight that does not fit": (
        lambda: bce(one, one, tl.ones(2)),
        ValueError,
        "binary_cross_entropy_with_logits|weight (2,)|broadcast|(2, 3)",
    ),
    "a weight that is larger": (
        lambda: bce(one, one, tl.ones(4, 2, 3)),
        ValueError,
        "binary_cross_entropy_with_logits|weight (4, 2, 3)|broadcast|(2, 3)",
    ),
    "nll_loss of one row": (lambda: F.nll_loss(tl.ones(3), np.array(1)), ValueError, "nll_loss|(N, C)|(3,)"),
    "nll_loss of nothing": (lambda: F.nll_loss(tl.ones(0, 3), labels[:0]), ValueError, "nll_loss|(0, 3)"),
    "nll_loss of floats": (lambda: F.nll_loss(one, np.ones(2)), TypeError, "nll_loss|integers|float64"),
    "nll_loss of a stranger": (
        lambda: F.nll_loss(one, np.array([0, 3])),
        ValueError,
        "nll_loss|label 3|position 1|0 … 2|3 classes",
    ),
    "nll_loss of three": (lambda: F.nll_loss(one, np.array([0, 1, 1])), ValueError, "nll_loss|(2, 3)|(2,)|got (3,)"),
    "nll_loss weight": (
        lambda: F.nll_loss(one, labels, np.ones(2)),
        ValueError,
        "nll_loss|one number a class|(3,)|(2,)",
    ),
    "nll_loss all ignored": (lambda: F.nll_loss(one, labels * 0 - 100), ValueError, "nll_loss|no row counts|-100"),
    "nll_loss reduction": (lambda: nn.NLLLoss(reduction="x")(one, labels), ValueError, "nll_loss|'mean'|'x'"),
    "pos_weight": (lambda: bce(one, one, pos_weight=[1, 2]), ValueError, "pos_weight (2,)|broadcast|(2, 3)"),
    "layer_norm": (lambda: at(nn.LayerNorm((2, 4)), one), ValueError, "layer_norm|'head'|(…, 2, 4)|(2, 3)"),
    "layer_norm weight": (lambda: F.layer_norm(one, (3,), tl.ones(2)), ValueError, "layer_norm|weight|(3,)|(2,)"),
    "layer_norm bias": (lambda: F.layer_norm(one, 3, None, tl.ones(2)), ValueError, "layer_norm|bias|(3,)|(2,)"),
    "LayerNorm of nothing": (lambda: nn.LayerNorm((2, 0)), ValueError, "LayerNorm|normalized_shape[1]|integer ≥ 1|0"),
    "group_norm": (lambda: F.group_norm(tl.ones(1, 4, 2), 3), ValueError, "group_norm|num_groups=3|divide|(1, 4, 2)"),
    "group_norm of no groups": (lambda: F.group_norm(tl.ones(1, 4, 2), 0), ValueError, "group_norm|num_groups=0"),
    "group_norm weight": (
        lambda: at(nn.GroupNorm(2, 4), tl.ones(1, 6, 2)),
        ValueError,
        "group_norm|'head'|6 channels|weight|(4,)",
    ),
    "group_norm of one axis": (lambda: F.group_norm(tl.ones(4), 2), ValueError, "group_norm|(N, C, …)|(4,)"),
    "GroupNorm": (lambda: nn.GroupNorm(3, 4), ValueError, "GroupNorm|num_groups=3|num_channels=4"),
    "instance_norm": (
        lambda: at(nn.InstanceNorm2d(3), tl.ones(2, 3, 1, 1)),
        ValueError,
        "instance_norm|'head'|more than one value|(2, 3, 1, 1)",
    ),
    "instance_norm bias": (
        lambda: F.instance_norm(tl.ones(1, 2, 3), bias=tl.ones(3)),
        ValueError,
        "instance_norm|2 channels|bias|(3,)",
    ),
    "InstanceNorm2d": (lambda: at(nn.InstanceNorm2d(3), one), ValueError, "InstanceNorm2d|'head'|(N, C, H, W)|(2, 3)"),
    "BatchNorm1d": (
        lambda: at(nn.BatchNorm1d(3), tl.ones(2, 3, 1, 1)),
        ValueError,
        "BatchNorm1d|'head'|(N, C) or (N, C, L)|(2, 3, 1, 1)",
    ),
    # --- embedding
    "embedding of floats": (
        lambda: at(nn.Embedding(3, 2), one),
        TypeError,
        "embedding|'head'|expected integers|float32 (2, 3)",
    ),
    "embedding above": (
        lambda: at(nn.Embedding(3, 2), np.array([[0, 1], [2, 3]])),
        IndexError,
        "embedding|'head'|3 at (1, 1)|0 … 2",
    ),
    "embedding below": (lambda: F.embedding(tl.tensor(-1), two), IndexError, "embedding|-1 at ()|outside 0 … 2"),
    "embedding weight": (lambda: F.embedding(labels, tl.ones(3)), ValueError, "embedding|(V, D)|(3,)"),
    "embedding padding": (lambda: nn.Embedding(3, 2, 3), IndexError, "embedding|padding_idx 3|3 rows"),
    "Embedding of no rows": (lambda: nn.Embedding(0, 2), ValueError, "Embedding|num_embeddings|integer ≥ 1|0"),
    # --- recurrent
    "LSTM input": (
        lambda: at(nn.LSTM(4, 2, batch_first=True), tl.ones(2, 5, 3)),
        ValueError,
        "LSTM|'head'|(N, L, I) or (L, I)|I = 4|(2, 5, 3)",
    ),
    "GRU axes": (lambda: nn.GRU(4, 2)(tl.ones(4)), ValueError, "GRU|(L, N, I) or (L, I)|(4,)"),
    "GRU of a list": (lambda: nn.GRU(4, 2)([1.0]), TypeError, "GRU|tensor|list"),
    "GRU of no steps": (lambda: nn.GRU(4, 2)(tl.ones(0, 1, 4)), ValueError, "GRU|at least one step|(0, 1, 4)"),
    "LSTM without c": (lambda: nn.LSTM(3, 2)(tl.ones(2, 3), tl.ones(1, 2)), TypeError, "LSTM|(h, c)|got 1"),
    "LSTM state": (
        lambda: nn.LSTM(3, 2)(tl.ones(4, 1, 3), (tl.ones(1, 1, 2), tl.ones(1, 2))),
        ValueError,
        "LSTM|c must have shape (1, 1, 2)|(1, 2)",
    ),
    "GRUCell state": (lambda: nn.GRUCell(3, 2)(one, one), ValueError, "GRUCell|h must have shape (2, 2)|(2, 3)"),
    "GRUCell input": (lambda: nn.GRUCell(3, 2)(two), ValueError, "GRUCell|(N, I) or (I,)|I = 3|(3, 2)"),
    "GRU sizes": (lambda: nn.GRU(3, 0), ValueError, "GRU|hidden_size|integer ≥ 1|0"),
    "GRU layers": (lambda: nn.GRU(3, 2, 0), ValueError, "GRU|num_layers|integer ≥ 1|0"),
    "GRU dropout": (lambda: nn.GRU(3, 2, dropout=2), ValueError, "GRU|dropout|[0, 1]|2"),
    # --- spectral normalisation
    "spectral_norm of a bias": (
        lambda: nn.utils.spectral_norm(nn.Linear(3, 2), "bias"),
        ValueError,
        "spectral_norm|'bias' of Linear|two axes",
    ),
    "spectral_norm of nothing": (
        lambda: nn.utils.spectral_norm(nn.ReLU()),
        ValueError,
        "spectral_norm|'weight' of ReLU|no parameter",
    ),
    "spectral_norm twice": (
        lambda: nn.utils.spectral_norm(nn.utils.spectral_norm(nn.Linear(3, 2))),
        ValueError,
        "spectral_norm|'weight' of Linear|already",
    ),
    "spectral_norm iterations": (
        lambda: nn.utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=0),
        ValueError,
        "n_power_iterations|at least 1|0",
    ),
    "remove_spectral_norm": (
        lambda: nn.utils.remove_spectral_norm(nn.Linear(3, 2)),
        ValueError,
        "remove_spectral_norm|'weight' of Linear|no spectral norm",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    check_message(*CASES[name])
