"""The parts that convolutions on the CPU are made of, each by itself: moves, products, planes, tiles, and which kernel is chosen."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tinylucid_kernels import cpu, reference
from tinylucid_kernels.cpu import blas, conv, planes, tiles, vectors, winograd
from tinylucid_kernels.cpu.jit import jit

DTYPES = [np.float32, np.float64]


@jit(counted=False)
def dealt(source, first, count, target, even, odd):
    vectors.deal(source, first, count, target, even, odd)


@jit(counted=False)
def turned16(source, first, row, target, start, step):
    vectors.transpose16by4(source, first, row, target, start, step)


@jit(counted=False)
def turned(source, first, row, rows, columns, target, start, step):
    vectors.transpose(source, first, row, rows, columns, target, start, step)


@jit(counted=False)
def multiplied(a, b, out, add):
    blas.gemm(a, b, out, add)


@jit(counted=False)
def multiplied_flipped(a, b, out, add):
    blas.gemm_flipped(a, b, out, add)


@jit(counted=False)
def multiplied_part(a, b, out, k, n):
    blas.gemm(a[:, :k], b[:k, :n], out[:, :n], False)


@jit(counted=False)
def borrowed(like, count):
    room = vectors.scratch(like, count)
    for t in range(count):
        room[t] = t
    total = room.sum()
    vectors.release(room)
    return total


@jit(counted=False)
def packed(x, channels, out, top, rows, band, plan):
    room, laid = planes.new_planes(channels, band, x, plan)
    planes.pack(x, 0, channels, laid, top, rows, band, plan)
    for c in range(channels):
        for t in range(out.shape[1]):
            out[c, t] = laid[c, t]
    vectors.release(room)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 17, 33])
def test_deal_parts_even_from_odd_and_reads_and_writes_within_a_vector(count, dtype):
    source, target = np.full(160, np.nan, dtype), np.full(160, -1, dtype)
    source[3 : 3 + 2 * count] = np.arange(2 * count)
    dealt(source, 3, count, target, 5, 80)
    long = -(-count // 16) * 16
    expected = np.full(160, -1, dtype)
    expected[5 : 5 + long], expected[80 : 80 + long] = 0, 0  # zeros behind, not what lies there
    expected[5 : 5 + count], expected[80 : 80 + count] = np.arange(0, 2 * count, 2), np.arange(1, 2 * count, 2)
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sixteen_rows_of_four_are_transposed_at_once(dtype):
    source, target = np.arange(200, dtype=dtype), np.full(120, -1, dtype)
    turned16(source, 3, 11, target, 2, 21)
    expected = np.full(120, -1, dtype)
    for k in range(4):
        expected[2 + 21 * k : 18 + 21 * k] = source[3 + k : 3 + k + 16 * 11 : 11]
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@given(rows=st.one_of(st.integers(0, 9), st.integers(15, 37)), columns=st.integers(0, 9), more=st.integers(0, 2))
def test_a_transpose_of_any_size(dtype, rows, columns, more):
    row, step = columns + more, rows + more
    source, target = np.arange(500, dtype=dtype), np.full(500, -1, dtype)
    turned(source, 2, row, rows, columns, target, 5, step)
    expected = np.full(500, -1, dtype)
    for m in range(rows):
        for k in range(columns):
            expected[5 + k * step + m] = source[2 + m * row + k]
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@given(m=st.integers(0, 5), k=st.integers(0, 5), n=st.integers(0, 5), add=st.booleans())
def test_products_are_put_or_added_of_matrices_as_they_lie(dtype, m, k, n, add):
    rng = np.random.default_rng(m + 10 * k)
    a, b, before = (rng.standard_normal(size).astype(dtype) for size in ((m, k), (k, n), (m, n)))
    expected = a @ b + add * before
    for kernel, given_a in ((multiplied, a), (multiplied_flipped, np.ascontiguousarray(a.T))):
        out = before.copy()
        kernel(given_a, b, out, add)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_product_of_parts_leaves_the_rest_alone(dtype, rng):
    a, b, out = (rng.standard_normal(size).astype(dtype) for size in ((4, 7), (6, 9), (4, 8)))
    expected = out.copy()
    expected[:, :5] = a[:, :3] @ b[:3, :5]
    multiplied_part(a, b, out, 3, 5)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


def test_scratch_memory_is_as_large_as_asked_for_and_there_is_an_error_where_there_is_none():
    for dtype in DTYPES:
        assert borrowed(np.zeros(1, dtype), 1000) == 499500
    with pytest.raises(MemoryError):
        borrowed(np.zeros(1), 1 << 55)


@given(
    size=st.tuples(st.integers(1, 12), st.one_of(st.integers(1, 12), st.integers(16, 40))),
    kernel=st.tuples(*[st.integers(1, 4)] * 2), stride=st.tuples(*[st.integers(1, 4)] * 2),
    padding=st.tuples(*[st.integers(0, 4)] * 2), dilation=st.tuples(*[st.integers(1, 3)] * 2), band=st.integers(1, 3),
)  # fmt: skip
def test_each_tap_finds_its_pixels_where_offsets_say(size, kernel, stride, padding, dilation, band):
    """The pixel of tap (i, j) for output (p, q) lies at offset + p·pitch + q of its channel's planes: for each band of rows."""
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(size, kernel, stride, padding, dilation)]
    assume(min(out) >= 1)
    x = np.arange(1.0, 1 + 2 * size[0] * size[1]).reshape(2, *size)
    framed = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    plan, rows = planes.plan_for(size, tuple(out), kernel, stride, padding, dilation, 1), min(band, out[0])
    offsets = planes.offsets(rows, plan)
    length = (
        stride[0]
        * stride[1]
        * ((rows + (kernel[0] - 1) * dilation[0] // stride[0] - 1) * plan.pitch + plan.full + planes.VECTORS)
    )
    for top in range(out[0] - rows + 1):
        laid = np.zeros((2, length))
        packed(x.reshape(-1), 2, laid, top, rows, rows, plan)
        for c, i, j, p, q in np.ndindex(2, *kernel, rows, out[1]):
            pixel = framed[c, (top + p) * stride[0] + i * dilation[0], q * stride[1] + j * dilation[1]]
            assert laid[c, offsets[i * kernel[1] + j] + p * plan.pitch + q] == pixel


def sizes(o, c, k, dtype=np.float32, stride=1, padding=1, dilation=1, groups=1, places=12544):
    return conv.algorithm((o, c, k, k), (stride,) * 2, (padding,) * 2, (dilation,) * 2, groups, np.dtype(dtype), places)


def test_one_rule_says_which_kernel_computes_a_convolution(monkeypatch):
    few = sizes(32, 1, 3), sizes(64, 1, 3, groups=64), sizes(3, 16, 3), sizes(8, 4, 3), sizes(4, 1, 5, groups=4)
    assert {*few, sizes(16, 16, 3, places=196)} == {"direct"}, "few channels, or little to do"
    assert {sizes(32, 16, 3), sizes(32, 16, 5), sizes(64, 16, 3, groups=4), sizes(16, 4, 3)} == {"winograd"}
    not_able = sizes(32, 16, 3, np.float64), sizes(32, 16, 3, stride=2), sizes(32, 16, 3, dilation=2), sizes(32, 16, 4)
    too_few = sizes(32, 3, 3), sizes(16, 8, 5), sizes(64, 64, 3, places=49)
    assert {*not_able, *too_few, sizes(32, 16, 3, padding=3), sizes(32, 16, 1, padding=0)} == {"general"}
    monkeypatch.setattr(conv, "FORCED", "general")
    assert sizes(32, 16, 3) == sizes(32, 1, 3) == "general"
    monkeypatch.setattr(conv, "FORCED", "winograd")
    assert (sizes(2, 2, 3), sizes(2, 2, 3, stride=2)) == ("winograd", "general")
    monkeypatch.setattr(conv, "FORCED", "fast")
    with pytest.raises(ValueError, match=r"TINYLUCID_CONV: expected direct, winograd or general, got 'fast'"):
        sizes(32, 16, 3)


@pytest.mark.parametrize("wrong", [None, np.nan, np.inf])
@pytest.mark.parametrize("kernel", ["direct", "winograd", "general"])
@given(data=st.data())
def test_the_three_kernels_compute_the_same(kernel, wrong, data):
    """Any of them, chosen by hand, for all that it can compute: the reference's results, NaN and inf where they belong."""
    draw = data.draw
    groups, c, o, n = (
        draw(st.sampled_from([1, 1, 2, 3])),
        *(draw(st.integers(1, 9)) for _ in range(2)),
        draw(st.integers(1, 3)),
    )
    size = [draw(st.integers(3, 21)) for _ in range(2)]
    if kernel == "winograd":
        taps, stride, dilation = [draw(st.sampled_from([3, 5, 6, 7])) for _ in range(2)], (1, 1), (1, 1)
        padding = tuple(draw(st.integers(0, k - 1)) for k in taps)
    else:
        taps = [draw(st.integers(1, 4)) for _ in range(2)]
        stride, dilation = (tuple(draw(st.integers(1, 3)) for _ in range(2)) for _ in range(2))
        padding = tuple(draw(st.integers(0, 4)) for _ in range(2))
    assume(not any(a + 2 * p <= d * (k - 1) for a, p, d, k in zip(size, padding, dilation, taps)))
    how = (stride, padding, dilation, groups)
    rng = np.random.default_rng(n + 7 * c)
    x, weight, bias = (
        rng.standard_normal(s).astype(np.float32) for s in ((n, groups * c, *size), (groups * o, c, *taps), groups * o)
    )
    g = rng.standard_normal(reference.conv2d(x, weight, bias, *how).shape).astype(np.float32)
    if wrong is not None:
        x.flat[draw(st.integers(0, x.size - 1))] = wrong
        g.flat[draw(st.integers(0, g.size - 1))] = wrong
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(conv, "FORCED", kernel)
        for name, args in (
            ("conv2d", (x, weight, bias)),
            ("conv2d_input", (g, weight, x.shape)),
            ("conv2d_weight", (x, g, weight.shape)),
        ):
            found, expected = getattr(cpu, name)(*args, *how), getattr(reference, name)(*args, *how)
            scale = np.abs(expected[np.isfinite(expected)]).max(initial=1)
            np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5 * scale)


def test_what_winograd_cannot_keep_finite_is_computed_again(monkeypatch):
    """Numbers too large for float32 in the transformed space, whose sums are not."""
    x, weight = np.full((1, 8, 4, 4), 1e38, np.float32), np.full((8, 8, 3, 3), 1e-3, np.float32)
    how = ((1, 1), (1, 1), (1, 1), 1)
    assert winograd.conv2d(x, weight, np.zeros(8, np.float32), (1, 1), 1) is None
    monkeypatch.setattr(conv, "FORCED", "winograd")
    np.testing.assert_allclose(cpu.conv2d(x, weight, None, *how), reference.conv2d(x, weight, None, *how), rtol=1e-4)


@given(n=st.integers(0, 40), out=st.tuples(*[st.integers(1, 70)] * 2), channels=st.integers(1, 300))
def test_all_tiles_are_in_a_line_and_all_lines_in_a_block(n, out, channels):
    cut = tiles.cut_for(n, out, (1, 1), channels, channels, winograd.ROOM)
    assert (cut.down - 1) * 4 < out[0] <= cut.down * 4
    assert (cut.across - 1) * 4 < out[1] <= cut.across * 4
    assert (cut.spans - 1) * cut.span < cut.across <= cut.spans * cut.span
    assert cut.total == n * cut.down * cut.spans
    assert cut.span * cut.lines <= max(8, winograd.ROOM // (72 * channels)) + cut.span
    assert cut.lines == 1 or -(-cut.total // cut.lines) >= 4, "enough blocks for some threads"
