"""Maps against captum's: the same net with the same weights, the same pictures, the same map to 1e-4 of its scale.

Where captum is wrong, the exact properties of tests/test_explain*.py decide, and the row says why it differs. What draws at
random has no row unless both can be given the same draws.
"""

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import explain, nn

from .compare import array, noise
from .test_models import trained, twin

torch = pytest.importorskip("torch")
captum = pytest.importorskip("captum.attr")
rules = pytest.importorskip("captum.attr._utils.lrp_rules")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-5}  # of the largest value; captum mixes in float32
LAST = "4"  # the layer whose planes are asked for, the second convolution
BLACK = noise((1, 2, 12, 12), 5)  # a baseline, so called
SMOOTH = {"n": 6, "level": 0.2, "batch_size": 7}


def nets(dtype):
    """One net in both libraries: convolution, batch norm, ReLU, pooling of both kinds, a dense layer; in eval mode."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3),
        nn.ReLU(),
    ]
    ours = nn.Sequential(*layers, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(20, 6), nn.ReLU(), nn.Linear(6, 3))
    theirs = trained(twin(ours))
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    dtypes = {np.dtype(np.float32): (tl.float32, torch.float32), np.dtype(np.float64): (tl.float64, torch.float64)}
    return ours.to(dtypes[dtype][0]).eval(), theirs.to(dtypes[dtype][1]).eval()


def tunnel(kind):
    """captum's SmoothGrad family, given our noise: its own standard deviation is one number for all pictures."""

    def attribute(net, x, y):
        rng, pixels = tl.Generator(0), array(x)
        epsilon = rng.normal((SMOOTH["n"], *pixels.shape[1:]), pixels.dtype)
        sigma = SMOOTH["level"] * np.ptp(pixels, (1, 2, 3), keepdims=True)
        drawn = torch.tensor((sigma[:, None] * epsilon).reshape(-1, *pixels.shape[1:]))  # picture by picture
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "normal", lambda mean, std: drawn.reshape(std.shape))
            through = captum.NoiseTunnel(captum.Saliency(net))
            return through.attribute(x, nt_type=kind, nt_samples=SMOOTH["n"], target=y, abs=False)

    return attribute


def their_integrated(net, x, y):
    black = torch.tensor(BLACK, dtype=x.dtype)
    return captum.IntegratedGradients(net).attribute(x, black, target=y, n_steps=9, method="gausslegendre")


def their_cam(net, x, y, size=None):
    maps = captum.LayerGradCam(net, net[int(LAST)]).attribute(x, target=y, relu_attributions=True)
    return (captum.LayerAttribution.interpolate(maps, size, "bilinear") if size else maps)[:, 0]


def their_occlusion(net, x, y, window, stride):
    """captum's, whose windows also span the channels, and whose maps repeat the plane for each of them."""
    sizes, strides = (x.shape[1], *window), (x.shape[1], *stride)
    return captum.Occlusion(net).attribute(x, sizes, strides=strides, target=y, baselines=0)[:, 0]


def their_ablation(net, x, y):
    return captum.FeatureAblation(net).attribute(x, target=y, feature_mask=torch.tensor(PARTS), baselines=0)[:, 0]


def their_shapley(net, x, y):
    """captum's KernelShap draws its coalitions; over all of them it is the Shapley values, by every order of the features."""
    return captum.ShapleyValues(net).attribute(x, target=y, feature_mask=torch.tensor(PARTS), baselines=0)[:, 0]


PARTS = (np.arange(12)[:, None] // 6 * 2 + np.arange(12) // 7).astype(np.int64)  # four unlike rectangles

ROWS = {  # what is compared: ours(net, x, y) and captum's
    "gradient": (explain.gradient, lambda net, x, y: captum.Saliency(net).attribute(x, target=y, abs=False)),
    "gradient_x_input": (explain.gradient_x_input, lambda net, x, y: captum.InputXGradient(net).attribute(x, target=y)),
    "smoothgrad": (lambda *a: explain.smoothgrad(*a, **SMOOTH), tunnel("smoothgrad")),
    "smoothgrad_squared": (lambda *a: explain.smoothgrad_squared(*a, **SMOOTH), tunnel("smoothgrad_sq")),
    "vargrad": (lambda *a: explain.vargrad(*a, **SMOOTH), tunnel("vargrad")),
    "integrated_gradients": (lambda *a: explain.integrated_gradients(*a, baseline=BLACK, steps=9), their_integrated),
    "grad_cam, planes": (lambda *a: explain.grad_cam(*a, layer=LAST, upsample=False), their_cam),
    "grad_cam": (lambda *a: explain.grad_cam(*a, layer=LAST), lambda *a: their_cam(*a, size=(12, 12))),
    "guided_backprop": (explain.guided_backprop, lambda net, x, y: captum.GuidedBackprop(net).attribute(x, target=y)),
    "deconvnet": (explain.deconvnet, lambda net, x, y: captum.Deconvolution(net).attribute(x, target=y)),
    "guided_grad_cam": (
        lambda *a: explain.guided_grad_cam(*a, layer=LAST),
        lambda net, x, y: captum.GuidedGradCam(net, net[int(LAST)]).attribute(x, target=y, interpolate_mode="bilinear"),
    ),
    "occlusion, side by side": (
        lambda *a: explain.occlusion(*a, window=4, baseline=0),
        lambda *a: their_occlusion(*a, (4, 4), (4, 4)),
    ),
    "occlusion, over the edge": (
        lambda *a: explain.occlusion(*a, window=(5, 3), stride=(3, 2), baseline=0),
        lambda *a: their_occlusion(*a, (5, 3), (3, 2)),
    ),
    "feature_ablation": (lambda *a: explain.feature_ablation(*a, features=PARTS, baseline=0), their_ablation),
    "kernel_shap": (lambda *a: explain.kernel_shap(*a, features=PARTS, baseline=0), their_shapley),
    # lime: both draw their samples inside. captum has no RISE, no meaningful perturbation, and of the class activation maps
    # only Grad-CAM.
    # expected_gradients: captum's GradientShap draws α and baselines inside, and neither evenly
}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_maps_are_captums(name, dtype):
    (ours, theirs), (our_net, their_net) = ROWS[name], nets(dtype)
    x, y = noise((4, 2, 12, 12), 1).astype(dtype), np.array([0, 2, 1, 2])
    compared(ours(our_net, x, y), array(theirs(their_net, torch.tensor(x), torch.tensor(y)).detach()), dtype)


def compared(got, wanted, dtype):
    """Assert that two maps are the same to the tolerance of their dtype, and not empty."""
    assert (got.shape, got.dtype) == (wanted.shape, dtype)  # captum's own is float32 where it hides parts
    scale = np.abs(wanted).max()
    assert scale > 0, "a map of nothing compares with anything"
    assert np.abs(got - wanted).max() <= TOLERANCE[dtype] * scale


# --- relevance: captum asks for another net, and is not always right ---------------------------------------------------


class Theirs(torch.nn.Module):
    """Flattened by a function, since captum's LRP knows no Flatten."""

    def __init__(self, features, dense):
        super().__init__()
        self.features, self.dense = features, dense

    def forward(self, x):
        return self.dense(self.features(x).flatten(1))


def plain_nets(dtype, bias=True, pool=nn.MaxPool2d, beside=False):
    """Convolutions and ReLUs; the pool stands between two convolutions, or ``beside`` a ReLU."""
    torch.manual_seed(1)
    first = [nn.Conv2d(2, 4, 3, padding=1, bias=bias), nn.ReLU()]
    inner = [pool(2)] if beside else [nn.Conv2d(4, 4, 3, padding=1, bias=bias), pool(2)]
    last = [nn.Conv2d(4, 5, 3, padding=1, bias=bias), nn.ReLU()]
    features, dense = nn.Sequential(*first, *inner, *last), nn.Linear(5 * 36, 3, bias=bias)
    theirs = Theirs(trained(twin(features)), trained(twin(dense)))
    for parameter in theirs.parameters():
        parameter.data *= 1 if parameter.ndim == 1 else 3  # answers far above what stabilises a division
    features.load_state_dict(theirs.features.state_dict())
    dense.load_state_dict(theirs.dense.state_dict())
    ours = nn.Sequential(*features, nn.Flatten(), dense)
    double = np.dtype(dtype) == np.float64
    return ours.to(tl.float64 if double else tl.float32).eval(), theirs.to(
        torch.float64 if double else torch.float32
    ).eval()


def pictures(dtype):
    return noise((4, 2, 12, 12), 1).astype(dtype), np.array([0, 2, 1, 2])


def their_lrp(net, x, y, rule):
    for layer in net.modules():
        if hasattr(layer, "weight"):
            layer.rule = rule()
    return array(captum.LRP(net).attribute(torch.tensor(x), target=torch.tensor(y)).detach())


def their_deeplift(net, x, y, b):
    return array(captum.DeepLift(net).attribute(torch.tensor(x), torch.tensor(b), target=torch.tensor(y)).detach())


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_lrp_epsilon_is_captums(bias, dtype):
    (ours, theirs), (x, y) = plain_nets(dtype, bias), pictures(dtype)
    epsilon = 1e-3  # far above captum's stabiliser of its own
    compared(
        explain.lrp(ours, x, y, rule=explain.Epsilon(epsilon)),
        their_lrp(theirs, x, y, lambda: rules.EpsilonRule(epsilon)),
        dtype,
    )


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_lrp_gamma_is_captums_without_biases(dtype):
    (ours, theirs), (x, y) = plain_nets(dtype, bias=False, beside=True), pictures(dtype)
    x = np.abs(x)
    logits = array(ours(tl.Tensor(x)))
    x, y = (
        x[logits.max(1) > 0],
        logits.argmax(1)[logits.max(1) > 0],
    )  # of a negative answer ours count what agrees with it
    got, wanted = explain.lrp(ours, x, y, rule="gamma"), their_lrp(theirs, x, y, lambda: rules.GammaRule(gamma=0.25))
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_lrp_z_plus_is_captums_on_pictures_without_a_sign(dtype):
    (ours, theirs), (x, y) = plain_nets(dtype, bias=False, beside=True), pictures(dtype)
    x = np.abs(x)
    compared(explain.lrp(ours, x, y, rule="z_plus"), their_lrp(theirs, x, y, rules.Alpha1_Beta0_Rule), dtype)


def test_where_captums_lrp_is_another_rule():
    """By γ captum leaves the bias out of w + γ·w⁺, where Montavon et al. (2019) count it among the summands. By z⁺ it clamps
    the weights alone, not the products x·w (Bach et al., 2015, equation 60), so that a negative pixel gets a negative share.
    Shares of a positive answer among positive products are never negative: ours are not, captum's are."""
    (ours, theirs), (x, y) = plain_nets(np.float64), pictures(np.float64)
    got, wanted = explain.lrp(ours, x, y, rule="gamma"), their_lrp(theirs, x, y, lambda: rules.GammaRule(gamma=0.25))
    assert np.abs(got - wanted).max() > 1e-3 * np.abs(wanted).max()
    ours, theirs = plain_nets(np.float64, bias=False, beside=True)
    logits = array(ours(tl.Tensor(x)))
    y = logits.argmax(1)
    assert (logits.max(1) > 0).all()
    got, wanted = explain.lrp(ours, x, y, rule="z_plus"), their_lrp(theirs, x, y, rules.Alpha1_Beta0_Rule)
    assert got.sum((1, 2, 3)) == pytest.approx(logits.max(1), abs=1e-10)
    assert got.min() >= 0
    assert wanted.min() < -0.01 * wanted.max()


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_deeplift_is_captums(pool, dtype):
    (ours, theirs), (x, y) = plain_nets(dtype, pool=pool), pictures(dtype)
    b = noise(x.shape, 7).astype(dtype)
    compared(explain.deeplift(ours, x, y, baseline=b), their_deeplift(theirs, x, y, b), dtype)


def test_where_captums_deeplift_is_wrong():
    """Of a max pool right after a ReLU captum's contributions do not sum to the change of the answer; ours do."""
    (ours, theirs), (x, y) = plain_nets(np.float64, beside=True), pictures(np.float64)
    b = noise(x.shape, 7)
    change = (array(ours(tl.Tensor(x))) - array(ours(tl.Tensor(b))))[range(4), y]
    assert explain.deeplift(ours, x, y, baseline=b).sum((1, 2, 3)) == pytest.approx(change, abs=1e-10)
    assert np.abs(their_deeplift(theirs, x, y, b).sum((1, 2, 3)) - change).max() > 1e-2
