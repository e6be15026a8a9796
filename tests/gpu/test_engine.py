"""The engine's own properties on the GPU: every operation and layer, both orders of its gradient, the CPU's numbers."""

import contextlib
import itertools

import numpy as np
import pytest
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layers import LAYERS

import tinylucid as tl

few = settings(max_examples=max(2, settings().max_examples // 6))  # a check asks a kernel dozens of times


@contextlib.contextmanager
def on(device):
    """What is made in the ``with`` lives on that device, and random numbers begin anew."""
    tl.manual_seed(0)
    tl.set_default_device(device)
    try:
        yield
    finally:
        tl.set_default_device("cpu")


def values(result):
    """What a function returned, as NumPy arrays."""
    return [tl.devices.host(y) for y in (result if isinstance(result, (tuple, list)) else [result])]


def same(there, here, tolerance):
    """Two lists of arrays agree to the tolerance, of the largest number of each."""
    assert len(there) == len(here)
    for a, b in zip(there, here):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max(initial=1))


@pytest.mark.parametrize("name", CASES)
@few
@given(data=st.data())
def test_operation(name, data):
    function, inputs = CASES[name](data.draw)
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    found = []
    for device in ("cuda", "cpu"):
        with on(device):
            leaves = [tl.tensor(x.astype(dtype), requires_grad=True) for x in inputs]
            outputs = function(*leaves)
            listed = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
            assert {y.device for y in listed} == {device}
            gradients = tl.grad(listed, leaves, [np.ones(y.shape) for y in listed])
            found.append(values(listed) + values(gradients))
    same(*found, 1e-11 if dtype == np.float64 else 2e-5)


@pytest.mark.parametrize("name", CASES)
@few
@given(data=st.data())
def test_gradients_of_an_operation(name, data):
    with on("cuda"):
        function, inputs = CASES[name](data.draw)
        assert tl.gradcheck(function, inputs, directions=1)
        assert tl.gradgradcheck(function, inputs, directions=1, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
@few
@given(data=st.data())
def test_gradients_of_a_layer(name, training, data):
    with on("cuda"):
        module, x = LAYERS[name](data.draw)
        assert {t.device for t in [*module.parameters(), *module.buffers()]} <= {"cuda"}
        assert tl.gradcheck(module.train(training), x, directions=1)
        assert tl.gradgradcheck(module.train(training), x, directions=1, rtol=1e-5)


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_spectra_of_every_small_size(norm):
    """CuPy's own irfft2 is wrong for stacks of pictures one pixel wide (14.2, on a card)."""
    rng = np.random.default_rng(0)
    for *lead, h, w in itertools.product((1, 2), (1, 2, 3, 5), (1, 2, 3, 4)):
        x = rng.standard_normal((*lead, h, w))
        z = tl.fft.rfft2(tl.tensor(x, device="cuda"), norm)
        expected = tl.fft.rfft2(x, norm)
        np.testing.assert_allclose(z.cpu().numpy(), expected, atol=1e-12)
        back = tl.fft.irfft2(z, (h, w), norm)
        np.testing.assert_allclose(back.cpu().numpy(), x, atol=1e-12)
