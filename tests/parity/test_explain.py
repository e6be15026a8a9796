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
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-6}  # of the largest value; captum keeps α in float32
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
        epsilon = np.stack([rng.normal(pixels.shape[1:], pixels.dtype) for _ in range(SMOOTH["n"])])
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


ROWS = {  # what is compared: ours(net, x, y) and captum's
    "gradient": (explain.gradient, lambda net, x, y: captum.Saliency(net).attribute(x, target=y, abs=False)),
    "gradient_x_input": (explain.gradient_x_input, lambda net, x, y: captum.InputXGradient(net).attribute(x, target=y)),
    "smoothgrad": (lambda *a: explain.smoothgrad(*a, **SMOOTH), tunnel("smoothgrad")),
    "smoothgrad_squared": (lambda *a: explain.smoothgrad_squared(*a, **SMOOTH), tunnel("smoothgrad_sq")),
    "vargrad": (lambda *a: explain.vargrad(*a, **SMOOTH), tunnel("vargrad")),
    "integrated_gradients": (lambda *a: explain.integrated_gradients(*a, baseline=BLACK, steps=9), their_integrated),
    "grad_cam, planes": (lambda *a: explain.grad_cam(*a, layer=LAST, upsample=False), their_cam),
    "grad_cam": (lambda *a: explain.grad_cam(*a, layer=LAST), lambda *a: their_cam(*a, size=(12, 12))),
    # expected_gradients: captum's GradientShap draws α and baselines inside, and neither evenly
}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_maps_are_captums(name, dtype):
    (ours, theirs), (our_net, their_net) = ROWS[name], nets(dtype)
    x, y = noise((4, 2, 12, 12), 1).astype(dtype), np.array([0, 2, 1, 2])
    got = ours(our_net, x, y)
    wanted = array(theirs(their_net, torch.tensor(x), torch.tensor(y)))
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    scale = np.abs(wanted).max()
    assert scale > 0, "a map of nothing compares with anything"
    assert np.abs(got - wanted).max() <= TOLERANCE[dtype] * scale
