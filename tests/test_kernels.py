"""The kernels of both folders against literal loops: the formula, element by element."""

import importlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from cases import sides, values, windows
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import kernels, of
from tinylucid_kernels.dispatch import Folder

draws = st.data()


class InForce:
    """The kernels of the folder that the test runs with."""

    def __getattr__(self, name):
        return getattr(of(np.empty(0)), name)


compute = InForce()


def pixel(x, n, c, row, col, outside=0.0):
    inside = 0 <= row < x.shape[2] and 0 <= col < x.shape[3]
    return x[n, c, row, col] if inside else outside


def output_size(x, kernel, stride, padding, dilation):
    return [
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation)
    ]


@given(data=draws)
def test_convolution_is_the_formula(data):
    """y and both gradients, from y[n,o,p,q] = b[o] + Σ w[o,c,i,j] · x[n, c, p·s + i·d − pad, q·s + j·d − pad]."""
    draw = data.draw
    n, groups, per_in, per_out = sides(draw, 4, 1, 2)
    h, w = sides(draw, 2, 1, 5)
    kernel, stride, padding, dilation = windows(draw, h, w)
    x, weight = values(draw, (n, groups * per_in, h, w)), values(draw, (groups * per_out, per_in, *kernel))
    bias = values(draw, (groups * per_out,))
    size = output_size(x, kernel, stride, padding, dilation)
    y = np.zeros((n, groups * per_out, *size))
    g = values(draw, y.shape)
    gx, gw = np.zeros_like(x), np.zeros_like(weight)
    for k, o, p, q in np.ndindex(*y.shape):
        y[k, o, p, q] = bias[o]
        for c, i, j in np.ndindex(*weight.shape[1:]):
            channel = o // per_out * per_in + c
            row, col = (a * s + b * d - pad for a, b, s, d, pad in zip((p, q), (i, j), stride, dilation, padding))
            y[k, o, p, q] += weight[o, c, i, j] * pixel(x, k, channel, row, col)
            gw[o, c, i, j] += g[k, o, p, q] * pixel(x, k, channel, row, col)
            if 0 <= row < h and 0 <= col < w:
                gx[k, channel, row, col] += g[k, o, p, q] * weight[o, c, i, j]
    how = (stride, padding, dilation, groups)
    np.testing.assert_allclose(compute.conv2d(x, weight, bias, *how), y, atol=1e-12)
    np.testing.assert_allclose(compute.conv2d(x, weight, None, *how), y - bias[:, None, None], atol=1e-12)
    np.testing.assert_allclose(compute.conv2d_input(g, weight, x.shape, *how), gx, atol=1e-12)
    np.testing.assert_allclose(compute.conv2d_weight(x, g, weight.shape, *how), gw, atol=1e-12)


@given(data=draws)
def test_pooling_is_the_formula(data):
    draw = data.draw
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    kernel, stride, padding, dilation = windows(draw, h, w)
    dilation = tuple(min(d, size) for d, size in zip(dilation, (h, w)))
    x = np.round(values(draw, (n, c, h, w)) * 2)  # ties
    size = output_size(x, kernel, stride, padding, dilation)
    y, index = compute.max_pool2d(x, kernel, stride, padding, dilation)
    average = compute.avg_pool2d(x, kernel, stride, padding, True) if max(dilation) == 1 else None
    without = compute.avg_pool2d(x, kernel, stride, padding, False) if max(dilation) == 1 else None
    for k, ch, p, q in np.ndindex(n, c, *size):
        places = [
            tuple(a * s + b * d - pad for a, b, s, d, pad in zip((p, q), tap, stride, dilation, padding))
            for tap in np.ndindex(*kernel)
        ]
        inside = [place for place in places if 0 <= place[0] < h and 0 <= place[1] < w]
        pixels = [x[k, ch, row, col] for row, col in inside]
        if pixels:
            first = inside[int(np.argmax(pixels))]
            assert y[k, ch, p, q] == max(pixels)
            assert index[k, ch, p, q] == first[0] * w + first[1], "of equals, the first in row-major order"
            if average is not None:
                np.testing.assert_allclose(average[k, ch, p, q], sum(pixels) / len(places), atol=1e-12)
                np.testing.assert_allclose(without[k, ch, p, q], sum(pixels) / len(pixels), atol=1e-12)


@pytest.mark.parametrize("padding", [(0, 1), (1, 0), (1, 1)])
def test_a_frame_of_minus_infinity_never_wins(padding):
    """Nor on one axis alone: the winner is the first pixel of the picture."""
    x = np.full((1, 1, 3, 3), -np.inf)
    _, index = of(x).max_pool2d(x, (2, 2), (1, 1), padding, (1, 1))
    rows, columns = (np.maximum(np.arange(n) - p, 0) for n, p in zip(index.shape[2:], padding))
    np.testing.assert_array_equal(index[0, 0], 3 * rows[:, None] + columns)


def test_a_window_of_more_pixels_than_a_byte_counts(rng):
    x = rng.permutation(400).reshape(1, 1, 20, 20).astype(np.float32)
    y, index = of(x).max_pool2d(x, (18, 17), (1, 1), (0, 0), (1, 1))
    for p, q in np.ndindex(3, 4):
        assert y[0, 0, p, q] == x[0, 0, p : p + 18, q : q + 17].max() == x.reshape(-1)[index[0, 0, p, q]]


def test_max_pooling_lets_nan_win_and_sees_minus_infinity():
    x = np.array([[[[1.0, np.nan, -np.inf, -np.inf], [3.0, 2.0, -np.inf, -np.inf]]]])
    y, index = compute.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1))
    assert np.isnan(y[0, 0, 0, 0])
    assert y[0, 0, 0, 1] == -np.inf
    assert index.tolist() == [[[[1, 2]]]]


@given(data=draws)
def test_batch_norm_is_the_formula(data):
    c = data.draw(st.integers(1, 3))
    x = values(data.draw, (data.draw(st.integers(2, 4)), c, *sides(data.draw, data.draw(st.integers(0, 2)), 1, 3)))
    weight, bias = values(data.draw, (c,)), values(data.draw, (c,))
    y, mean, var, inv_std = compute.batch_norm(x, weight, bias, 1e-5)
    for k in range(c):
        pixels = x[:, k].ravel()
        m = sum(pixels) / len(pixels)
        v = sum((p - m) ** 2 for p in pixels) / len(pixels)
        np.testing.assert_allclose([mean[k], var[k], inv_std[k]], [m, v, (v + 1e-5) ** -0.5], rtol=1e-10)
        np.testing.assert_allclose(
            y[:, k].ravel(), [(p - m) * (v + 1e-5) ** -0.5 * weight[k] + bias[k] for p in pixels], atol=1e-9
        )


@given(data=draws)
def test_cross_entropy_is_the_formula(data):
    m, c = sides(data.draw, 2, 1, 5)
    z = values(data.draw, (m, c)) * data.draw(st.sampled_from([1, 100]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    target, weight, smoothing = rng.integers(0, c, m), rng.random(c), data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    target[rng.random(m) < 0.2] = -1
    loss, slope = compute.cross_entropy(z, target, weight, -1, smoothing)
    for k in range(m):
        shifted = z[k] - z[k].max()
        log_p = shifted - np.log(np.exp(shifted).sum())
        q = weight * ((1 - smoothing) * (np.arange(c) == target[k]) + smoothing / c) * (target[k] != -1)
        np.testing.assert_allclose(loss[k], -(q * log_p).sum(), atol=1e-9)
        np.testing.assert_allclose(slope[k], np.exp(log_p) * q.sum() - q, atol=1e-12)


def test_cross_entropy_at_the_extremes():
    z = np.array([[1000.0, 0.0], [-np.inf, 0.0], [0.0, -1000.0]], np.float32)
    loss, slope = compute.cross_entropy(z, np.array([0, 1, 1]), None, -100, 0.0)
    assert loss.tolist() == [0.0, 0.0, 1000.0]
    assert np.isfinite(slope).all()
    assert loss.dtype == slope.dtype == np.float32


@given(data=draws)
def test_dense_products(data):
    n, i, o = sides(data.draw, 3)
    x, w, b = values(data.draw, (n, i)), values(data.draw, (o, i)), values(data.draw, (o,))
    expected = [[sum(x[k, j] * w[u, j] for j in range(i)) + b[u] for u in range(o)] for k in range(n)]
    np.testing.assert_allclose(compute.linear(x, w, b), expected, atol=1e-12)
    np.testing.assert_allclose(compute.matmul(x, w.T) + b, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_index_add_adds_row_after_row(dtype, rng):
    """The same bits as a loop, although the sums depend on their order; nothing added leaves zeros."""
    y = (rng.standard_normal((60, 19)) * 10.0 ** rng.integers(-6, 7, (60, 19))).astype(dtype)
    index, expected = rng.integers(0, 5, 60), np.zeros((6, 19), dtype)
    for m, row in enumerate(index):
        expected[row] += y[m]
    assert compute.index_add(y, index, 6).tobytes() == expected.tobytes()
    assert compute.index_add(y[:0], index[:0], 2).tolist() == np.zeros((2, 19)).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_keep_the_dtype(dtype, rng):
    x, w = rng.standard_normal((2, 2, 4, 4)).astype(dtype), rng.standard_normal((2, 2, 2, 2)).astype(dtype)
    b, how = w[0, 0, 0], ((1, 1), (0, 0), (1, 1), 1)
    y = compute.conv2d(x, w, b, *how)
    results = [y, compute.conv2d_input(y, w, x.shape, *how), compute.conv2d_weight(x, y, w.shape, *how)]
    results += compute.batch_norm(x, b, b, 1e-5)
    results += compute.batch_norm_backward(x, x, b, b, b)
    results += [
        compute.avg_pool2d(x, (2, 2), (1, 1), (1, 1), False),
        compute.max_pool2d(x, (2, 2), (1, 1), (1, 1), (1, 1))[0],
    ]
    results += compute.cross_entropy(b[None], np.array([1]), b, -100, 0.1)
    assert {r.dtype for r in results} == {np.dtype(dtype)}


def test_unknown_arrays_are_refused_by_name():
    with pytest.raises(TypeError, match=r"no kernels compute on builtins\.list; expected numpy\.ndarray"):
        of([1.0])


def test_kernels_are_chosen_for_a_while_and_for_a_thread():
    x, seen = np.empty(0), []
    before = of(x).name
    with kernels("reference"):
        assert of(x).name == "reference"
        with kernels("cpu"):
            assert of(x).name == "cpu"
        other = threading.Thread(target=lambda: seen.append(of(x).name))
        other.start()
        other.join()
        assert of(x).name == "reference"
    assert of(x).name == before
    assert seen == [os.environ.get("TINYLUCID_KERNELS") or "cpu"], "another thread has its own choice"
    with pytest.raises(ValueError, match="there are 'cpu', 'reference', 'gpu', got 'tpu'"), kernels("tpu"):
        pass


def test_the_environment_chooses_too():
    code = "import numpy, tinylucid_kernels as k; print(k.of(numpy.empty(0)).name)"
    for value, expected in (("", "cpu"), ("cpu", "cpu"), ("reference", "reference"), ("gpu", "gpu")):
        environment = {**os.environ, "TINYLUCID_KERNELS": value}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
    environment = {**os.environ, "TINYLUCID_KERNELS": "fast"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "TINYLUCID_KERNELS: there are 'cpu', 'reference', 'gpu', got 'fast'" in done.stderr


def test_arrays_that_do_not_fit_are_refused_with_one_error(rng):
    x, how = rng.standard_normal((1, 2, 4, 4)), ((1, 1), (0, 0), (1, 1), 1)
    for other in (np.float32, np.float16, ">f8"):
        with pytest.raises(
            TypeError, match=r"kernel conv2d: floating arrays must all be float32 or all float64, got float64 \(1, 2"
        ):
            compute.conv2d(x, x[:, :, :2, :2].astype(other), None, *how)
    with pytest.raises(TypeError, match="got int64"):
        compute.batch_norm(np.ones((2, 3), int), np.ones(3), np.ones(3, np.float32), 1e-5)


def test_any_memory_layout_computes_the_same(rng):
    x, w = rng.standard_normal((4, 6, 5, 3)), rng.standard_normal((2, 4, 3, 2))
    how = ((2, 1), (1, 0), (1, 1), 1)
    swapped, strided = x.transpose(3, 0, 2, 1), w[:, :, ::2]
    expected = compute.conv2d(swapped.copy(), strided.copy(), None, *how)
    np.testing.assert_array_equal(compute.conv2d(swapped, strided, None, *how), expected)
    np.testing.assert_allclose(
        compute.matmul(x.swapaxes(-1, -2), x[:, ::-1]), np.swapaxes(x, -1, -2) @ x[:, ::-1], atol=1e-12
    )
    wide = rng.standard_normal((90, 200))
    np.testing.assert_allclose(
        compute.matmul(wide.T, wide[:, ::2]), np.einsum("ki,kj->ij", wide, wide[:, ::2]), atol=1e-12
    )
    p, g = rng.standard_normal((6, 8)), rng.standard_normal((4, 6))
    expected = p.copy()
    expected.T[::2] -= 0.5 * g
    compute.sgd(p.T[::2], g, None, 0.5, 0, 0, False)
    np.testing.assert_allclose(p, expected, atol=1e-12)
    p, g, m, v = (abs(rng.standard_normal((4, 6))) for _ in range(4))
    plain, gaps = [p.copy(), g, m.copy(), v.copy()], [np.asfortranarray(p), g, m.copy(), np.repeat(v, 2, 1)[:, ::2]]
    kept = g.copy()
    for arrays in (plain, gaps):
        compute.adam(*arrays, 3, 0.1, 0.9, 0.99, 1e-3)
    for a, b in zip(plain, gaps):
        np.testing.assert_allclose(b, a, atol=1e-12)
    np.testing.assert_array_equal(g, kept)


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_kernels_get_packed_writeable_arrays(name, monkeypatch):
    """Whatever is given, and although one between them is None; what fits comes itself."""
    seen = []
    package = importlib.import_module(f"tinylucid_kernels.{name}")
    monkeypatch.setattr(package, "probe", lambda *args: seen.append(args), raising=False)
    kernel = Folder(name).probe
    plain, gaps, fixed = np.ones((2, 3)), np.ones((4, 3))[::2], np.ones((2, 3))
    fixed.flags.writeable = False
    for args in ((plain, None, gaps, 3), (gaps, plain, fixed, None), (np.ones((3, 2)).T, plain.T)):
        kernel(*args)
        for a, came in zip(args, seen[-1], strict=True):
            if isinstance(a, np.ndarray):
                assert came.flags.carray
                assert (came is a) == a.flags.carray
                np.testing.assert_array_equal(came, a)
            else:
                assert came is a
    with pytest.raises(TypeError, match="floating arrays must all be float32 or all float64"):
        kernel(plain, None, plain.astype(np.float32))
    with pytest.raises(TypeError, match="float16"):
        kernel(plain.astype(np.float16))
    kernel(np.arange(3), plain, np.arange(3) > 1)


def test_kernels_import_nothing_of_tinylucid():
    code = """
import sys, tinylucid_kernels.cpu, tinylucid_kernels.reference
sys.exit(any(name.split(".")[0] == "tinylucid" for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
