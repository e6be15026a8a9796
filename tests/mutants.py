"""Planted bugs: each is one line of a rule, a kernel or the core, changed; the tests must notice every one.

``python tests/mutants.py`` applies each to a copy of the tree, runs the tests there that should fail, and prints the
survivors; ``python tests/mutants.py 3 7`` tries some. The test suite runs all of them in its slow tier.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutant:
    """In ``file`` the text ``right`` (it stands there once) becomes ``wrong``; ``tests`` are pytest's arguments."""

    file: str
    right: str
    wrong: str
    tests: str


OPS, KERNELS, CORE = "tests/test_operations.py", "tests/test_kernels.py", "tests/test_autograd.py"
VALUES, LAYERS, RECURRENT = "tests/test_values.py", "tests/test_values_layers.py", "tests/test_recurrent.py"
FAST, THREADS = "tests/test_cpu_kernels.py", "tests/test_threads.py"
SCHEDULES = "tests/test_schedules.py"
FILES, NETS = "tests/test_io.py", "tests/test_models.py"
VISUALIZE, PICTURES, RENDER = "tinylucid/visualize/", "tests/test_visualize.py", "tests/test_visualize_render.py"
VALUES_SPATIAL, KERNELS_SPATIAL = "tests/test_values_spatial.py", "tests/test_kernels_spatial.py"
ACTIVATION = "tinylucid/ops/activation.py"
ELEMENTWISE, REDUCE, SHAPE = "tinylucid/ops/elementwise.py", "tinylucid/ops/reduce.py", "tinylucid/ops/shape.py"
EXPLAIN, PATHS = "tinylucid/explain/", "tests/test_explain_paths.py"
EVERY = "tests/test_explain_every.py"
NOISE = "tests/test_explain_noise.py"
HIDE, SURROGATE = "tests/test_explain_hide.py", "tests/test_explain_surrogate.py"
PERTURBATION = "tests/test_explain_perturbation.py"
CAM, SCORE_CAM = "tests/test_explain_cam.py", "tests/test_explain_score_cam.py"
RECTIFIED, RULES = "tests/test_explain_rectified.py", "tests/test_explain_rules.py"
RELEVANCE, DEEPLIFT = "tests/test_explain_lrp.py", "tests/test_explain_deeplift.py"
EVALUATE, BENCHMARK = "tinylucid/explain/evaluate/", "tests/test_benchmark.py"
MEASURES, AGAINST = "tests/test_evaluate.py", "tests/test_evaluate_maps.py"
PLOT, MAPS, PAGE = "tests/test_plot.py", "tinylucid/plot/maps.py", "tinylucid/plot/page.py"
HEAT, INSIDE = "tests/test_plot_heat.py", "tests/test_plot_layers.py"
LOOKS, COLOURS = "tinylucid/plot/", "tinylucid/plot/colours.py"
REPORT = "tinylucid/report.py"
TRAIN = "tinylucid/train/"
BAD = "tests/test_bad_input.py -k "
DATA = "tinylucid/data/"
REFERENCE, CPU = "kernels/tinylucid_kernels/reference/", "kernels/tinylucid_kernels/cpu/"


def op(file: str, right: str, wrong: str, name: str) -> Mutant:
    """A mutant that the tests over the cases of this name should kill."""
    return Mutant(file, right, wrong, f"{OPS} -k {name}")


def cpu(file: str, right: str, wrong: str, kernel: str) -> Mutant:
    """A mutant of a fast kernel, which its comparison with the reference should kill."""
    return Mutant("kernels/tinylucid_kernels/cpu/" + file, right, wrong, f"tests/test_cpu_kernels.py -k {kernel}")


def fast(file: str, right: str, wrong: str, name: str) -> Mutant:
    """A mutant of a fast kernel, which the comparison of that kernel with the reference should kill."""
    return Mutant(CPU + file, right, wrong, f"{FAST} -k {name}")


MUTANTS = [
    # rules: elementwise
    op(ELEMENTWISE, "return g, -g if need[1] else None", "return g, g if need[1] else None", "sub"),
    op(ELEMENTWISE, "return g * y if need[0] else None, g * x", "return g * x if need[0] else None, g * x", "mul"),
    op(ELEMENTWISE, "-g * out / y if need[1]", "-g * out if need[1]", "div"),
    op(ELEMENTWISE, "_power(x, exponent=exponent - 1) * exponent", "_power(x, exponent=exponent - 1)", "cube"),
    op(ELEMENTWISE, "g * (y * _power_tensor(x,", "g * (1.0 * _power_tensor(x,", "pow_tensor"),
    op(ELEMENTWISE, "out * log(where(equal(x, 0), 1.0, x))", "out * log(where(equal(x, 0), 1.0, x) * 2)", "pow_tensor"),
    op(ELEMENTWISE, "return g * sign(x)", "return g", "abs"),
    op(ELEMENTWISE, "return g / x", "return g * x", "log"),
    op(ELEMENTWISE, "return g / (out * 2)", "return g / out", "sqrt"),
    op(ELEMENTWISE, "return -g * sin(x)", "return g * sin(x)", "cos"),
    op(ELEMENTWISE, "return g * (1 - out * out)", "return g * (1 - out)", "tanh"),
    op(ACTIVATION, "return g * out * (1 - out)", "return g * (1 - out)", "sigmoid"),
    op(ACTIVATION, "return _gate(g, by=out.data if", "return _gate(g, by=out.data + 1 if", "relu"),
    op(ACTIVATION, "return where(x > 0, g, g * negative_slope)", "return where(x > 0, g, g)", "leaky"),
    op(ACTIVATION, "(2 / math.sqrt(math.pi))", "(1 / math.sqrt(math.pi))", "gelu"),
    op(ELEMENTWISE, "inside & (x <= high)", "inside & (x < high)", "ties_go"),
    op(ELEMENTWISE, "where(tie, g * 0.5, where(first, g, 0.0))", "where(tie, g, where(first, g, 0.0))", "ties_go"),
    op(ELEMENTWISE, "_share(g, less(x, y), equal(x, y))", "_share(g, greater(x, y), equal(x, y))", "minimum"),
    op(ELEMENTWISE, "_where(0.0, g, condition=condition)", "_where(g, 0.0, condition=condition)", "where"),
    # rules: reductions
    op(REDUCE, "g / _count(shapes[0], axes)", "g", "mean"),
    Mutant(REDUCE, "/ float(n - correction)", "/ float(n)", VALUES),
    op(REDUCE, "(winners / winners.sum(axes, keepdims=True))", "winners", "ties_go"),
    op(REDUCE, "exp(x - spread(out, x.shape, axes))", "exp(x)", "logsumexp"),
    op(REDUCE, "out * (g - _sum(g * out, axes=(axis,), keepdim=True))", "out * g", "softmax"),
    op(REDUCE, "g - exp(out) * _sum(g, axes=(axis,), keepdim=True)", "g - exp(out)", "log_softmax"),
    # rules: shapes
    op(SHAPE, "key=axes.__getitem__", "key=lambda k: k", "permute"),
    op(SHAPE, "np.add.at(out, index, y)", "out[index] = y", "fancy_indexing"),
    op(SHAPE, "order < 0, \"won\": order[index] == count", "order < 0, \"won\": order[index] >= 0", "indexed_assignment"),
    op(SHAPE, "end - shape[axis], end)", "0, shape[axis])", "concatenate"),
    op("tinylucid/ops/padding.py", "slice(before, before + n)", "slice(0, n)", "pad"),
    op(SHAPE, "k < lead or (shape[k - lead] == 1 and x.shape[k] != 1)", "k < lead", "add"),
    # rules: dense, convolution, pooling, batch norm, losses
    op("tinylucid/ops/dense.py", "_matmul(g, flip(y)) if need[0]", "_matmul(g, y) if need[0]", "matmul"),
    op("tinylucid/ops/dense.py", "_matmul(g.T, x) if need[1]", "_matmul(x.T, g) if need[1]", "linear"),
    op("tinylucid/ops/conv.py", "_conv2d_weight(g, y, weight_size=weight.shape", "_conv2d_weight(g, -y, weight_size=weight.shape", "conv2d"),
    op("tinylucid/ops/conv.py", "_conv2d(x, g, None, **how)", "_conv2d(x, g * 0.5, None, **how)", "conv2d"),
    op("tinylucid/ops/pool.py", "return _pool_gather(g, index=index)", "return _pool_gather(g * 0.0, index=index)", "max_pool2d"),
    op("tinylucid/ops/norm.py", "return of(g).batch_norm_backward(g, x, weight, mean, inv_std)",
       "return batch_norm_fixed.op.own_rule.pull(g, [True] * 3, x, weight, mean, inv_std)[:3]", "batch_norm_train"),
    Mutant("tinylucid/ops/norm.py", "return centred * (var + eps) ** -0.5", "return centred * (var + 2 * eps) ** -0.5", VALUES),
    op("tinylucid/ops/norm.py", "batch_norm_fixed(g, weight, zeros, zeros, inv_std)", "batch_norm_fixed(g, weight, zeros, mean, inv_std)", "batch_norm_fixed"),
    Mutant("tinylucid/ops/classify.py", "log_p = log_softmax(logits, 1)", "log_p = log_softmax(logits * 1.01, 1)", VALUES),
    op("tinylucid/ops/regular.py", "return g * mask * (1 / (1 - p) if p < 1 else 0.0)", "return g * mask", "dropout"),
    # rules: resizing, sampling, unpooling, padding, the Fourier transform
    op("tinylucid/ops/resize.py", "return _resize_backward(g, size=shapes[0][2:]", "return _resize_backward(g * 2.0, size=shapes[0][2:]", "interpolate"),
    op("tinylucid/ops/resize.py", "return _resize(g, size=shapes[0][2:]", "return _resize(g * 2.0, size=shapes[0][2:]", "interpolate"),
    op("tinylucid/ops/resize.py", "rest = far - turns * (2 * half)", "rest = far", "grid_sample"),
    op("tinylucid/ops/resize.py", "((0, 1 - tx), (1, tx))", "((0, tx), (1, 1 - tx))", "grid_sample"),
    Mutant("tinylucid/ops/resize.py", "scale = tuple(1 / f for f in factors)", "scale = tuple(n / m for n, m in zip(before, size))", VALUES_SPATIAL),
    Mutant("tinylucid/ops/resize.py", "exact = (1, 2) if", "exact = () if", VALUES_SPATIAL),
    Mutant("tinylucid/ops/resize.py", "/ (max(n - 1, 1) if align_corners else n)", "/ max(n - 1, 1)", VALUES_SPATIAL),
    Mutant("tinylucid/ops/pool.py", "if last >= n + padding:", "if False:", VALUES_SPATIAL),
    Mutant("tinylucid/ops/pool.py", "index = rows * width + columns", "index = found[\"index\"]", VALUES_SPATIAL),
    Mutant("tinylucid/ops/pool.py", "np.minimum(start + kernel_size, n + frame)", "start + kernel_size", VALUES_SPATIAL),
    op("tinylucid/ops/adaptive.py", "return _adaptive_avg_pool2d_backward(g,", "return _adaptive_avg_pool2d_backward(g * 2.0,", "adaptive_avg"),
    op("tinylucid/ops/adaptive.py", "return _adaptive_avg_pool2d(g,", "return _adaptive_avg_pool2d(g * 2.0,", "adaptive_avg"),
    op("tinylucid/ops/adaptive.py", "return _pool_scatter(g,", "return _pool_scatter(g * 2.0,", "adaptive_max"),
    op("tinylucid/ops/padding.py", "out[place] += y[k]", "out[place] = y[k]", "pad_with_its_own"),
    op("tinylucid/ops/padding.py", "return _pick(g, index=index, axis=axis)", "return _pick(g, index=index[::-1], axis=axis)", "pad_with_its_own"),
    Mutant("tinylucid/ops/padding.py", "n - 1 - np.abs(n - 1 - np.abs(place))", "np.abs(place) % n", VALUES_SPATIAL),
    Mutant("tinylucid/nn/conv.py", "for side in (r // 2, r - r // 2)", "for side in (r - r // 2, r // 2)", VALUES_SPATIAL),
    Mutant("tinylucid/ops/conv.py", "- 2 * p + d * (k - 1) + 1 + m", "- 2 * p + d * (k - 1) + 1 + m * 0", VALUES_SPATIAL),
    op("tinylucid/ops/fft.py", "g / columns_count(width, g.dtype)", "g", "fft2"),
    op("tinylucid/ops/fft.py", "norm=OPPOSITE[norm]) * columns_count", "norm=norm) * columns_count", "fft2"),
    op("tinylucid/ops/fft.py", "if width % 2 == 0:", "if width > 0:", "fft2"),
    # rules and formulas of activations, losses, norms, embedding
    op(ACTIVATION, "where(z > threshold, g, g * sigmoid(z))", "where(z > threshold, g, g * sigmoid(x))", "softplus"),
    op(ACTIVATION, "g * alpha * exp(", "g * exp(", "elu"),
    Mutant(ACTIVATION, "exp(clip(x, max=0.0))", "exp(x)", LAYERS),
    Mutant(ACTIVATION, "threshold=math.inf", "threshold=20.0", LAYERS),
    Mutant("tinylucid/ops/loss.py", "c * (d - c * 0.5) / beta", "c * (d - c * 0.4) / beta", LAYERS),
    Mutant("tinylucid/ops/loss.py", "(1 - target) * logsigmoid(-input)", "(1 - target) * logsigmoid(input)", LAYERS),
    Mutant("tinylucid/ops/loss.py", "log(where(equal(target, 0), 1.0, target))", "log(target)", LAYERS),
    Mutant("tinylucid/ops/classify.py", "surprise if counted is None else where(counted, surprise, 0.0)", "surprise", LAYERS),
    Mutant("tinylucid/ops/norm.py", "input.shape[0] * num_groups", "input.shape[0] * (input.shape[1] // num_groups)", LAYERS),
    Mutant("tinylucid/ops/norm.py", ".mean(0) * (m / (m - 1))", ".mean(0)", LAYERS),
    Mutant("tinylucid/ops/norm.py", "data *= 1 - momentum", "data *= momentum", LAYERS),
    Mutant("tinylucid/ops/dense.py", "where(kept, y, y.detach())", "where(kept, y, y)", RECURRENT),
    # layers and schedules
    Mutant("tinylucid/nn/recurrent.py", "n + z * (h - n)", "h + z * (n - h)", RECURRENT),
    Mutant("tinylucid/nn/recurrent.py", "ops.sigmoid(f) * c + ops.sigmoid(i)", "ops.sigmoid(i) * c + ops.sigmoid(f)", RECURRENT),
    Mutant("tinylucid/nn/recurrent.py", "return found[::order], state", "return found, state", RECURRENT),
    Mutant("tinylucid/nn/recurrent.py", "if layer and self.dropout", "if self.dropout", RECURRENT),
    Mutant("tinylucid/nn/utils.py", "if module.training", "if True", RECURRENT),
    Mutant("tinylucid/nn/utils.py", "unit(matrix @ v.data, self.eps)", "unit(u.data, self.eps)", RECURRENT),
    Mutant("tinylucid/optim/lr_scheduler.py", "self.last_epoch // self.step_size", "(self.last_epoch + 1) // self.step_size", SCHEDULES),
    Mutant("tinylucid/optim/lr_scheduler.py", "bisect_right(self.milestones, self.last_epoch)", "len([m for m in self.milestones if m < self.last_epoch])", SCHEDULES),
    Mutant("tinylucid/optim/lr_scheduler.py", "(1 + math.cos(math.pi * way)) / 2", "(1 + math.cos(math.pi * way / 2)) / 2", SCHEDULES),
    Mutant("tinylucid/optim/lr_scheduler.py", "way = min((self.last_epoch - start)", "way = min((self.last_epoch + 1 - start)", SCHEDULES),
    # kernels
    Mutant(REFERENCE + "resize.py", "np.maximum((p + 0.5) * scale - 0.5, 0)", "np.maximum((p + 0.5) * scale, 0)", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "np.floor((p * scale).astype(np.float32))", "np.round((p * scale).astype(np.float32))", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "out[low[p]] += (1 - t[p]) * g[p]", "out[low[p]] = (1 - t[p]) * g[p]", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "np.where(odd, 2 * half - rest, rest)", "rest", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "odd != (from_edge < 0), -half, half", "odd, -half, half", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "np.where((at > 0) & (at < size - 1), slope, 0)", "slope", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "np.add.at(gx, at, g[inside] * share[inside][:, None])", "gx[at] += g[inside] * share[inside][:, None]", KERNELS_SPATIAL),
    Mutant(REFERENCE + "resize.py", "slope_y * (1 if k // 2 else -1)", "slope_y * (1 if k % 2 else -1)", KERNELS_SPATIAL),
    Mutant(REFERENCE + "pool.py", "slice(p * n // out, -(-(p + 1) * n // out))", "slice(p * n // out, (p + 1) * n // out)", KERNELS_SPATIAL),
    Mutant(REFERENCE + "pool.py", "g[:, :, p, q, None, None] / (pixels.shape[2] * pixels.shape[3])", "g[:, :, p, q, None, None] / pixels.shape[2]", KERNELS_SPATIAL),
    Mutant(REFERENCE + "pool.py", "columns.start + k % pixels.shape[3]", "k % pixels.shape[3]", KERNELS_SPATIAL),
    Mutant(REFERENCE + "conv.py", "top, left = i * dh, j * dw", "top, left = i * dh, j * dh", KERNELS),
    Mutant(REFERENCE + "conv.py", "pixels += cols[:, :, i, j]", "pixels[:] = cols[:, :, i, j]", KERNELS),
    Mutant(REFERENCE + "conv.py", "(size + 2 * pad - d * (k - 1) - 1) // s + 1", "(size + 2 * pad - d * (k - 1)) // s", KERNELS + " " + OPS + " -k conv"),
    Mutant(REFERENCE + "pool.py", "in reversed(range(len(windows)))", "in range(len(windows))", KERNELS),
    Mutant(REFERENCE + "pool.py", "np.add.at(out, flat.ravel(), g.ravel())", "out[flat.ravel()] = g.ravel()", OPS + " -k max_pool2d"),
    Mutant(REFERENCE + "pool.py", "inside = framed(np.ones(size, int), padding)", "inside = framed(2 * np.ones(size, int), padding)", KERNELS),
    Mutant(REFERENCE + "norm.py", "channels(-g_weight / m, x)", "channels(-g_weight / (m - 1), x)", OPS + " -k batch_norm_train"),
    Mutant(REFERENCE + "norm.py", "x_hat -= channels(g_bias / m, x)", "pass", OPS + " -k batch_norm_train"),
    Mutant(REFERENCE + "loss.py", "p *= q.sum(1, keepdims=True)", "pass", OPS + " -k cross_entropy"),
    Mutant(REFERENCE + "loss.py", "label_smoothing / classes, dtype", "label_smoothing, dtype", KERNELS),
    Mutant(REFERENCE + "random.py", "for _ in range(10)", "for _ in range(9)", "tests/test_random.py"),
    Mutant(REFERENCE + "optim.py", "correction = (1 - beta2**step) ** 0.5", "correction = 1", "tests/test_optim.py"),
    Mutant(REFERENCE + "optim.py", "g + momentum * velocity if nesterov", "velocity if nesterov", "tests/test_optim.py"),
    Mutant(REFERENCE + "optim.py", "square_avg += (1 - alpha) * g * g", "square_avg += g * g", SCHEDULES),
    Mutant(REFERENCE + "optim.py", "square_avg - grad_avg * grad_avg, 0", "square_avg - grad_avg, 0", SCHEDULES),
    Mutant(REFERENCE + "optim.py", "        step = buffer\n", "        step = step\n", SCHEDULES),
    # the fast kernels
    cpu("pool.py", "at = 1 if (b == best) | (b != b) else at", "at = at", "max_pool2d"),
    cpu("pool.py", "return a if (a >= b) | (a != a) else b", "return a if a >= b else b", "max_pool2d"),
    cpu("pool.py", "((v == best) | nan) & (here < at)", "(v == best) & (here > at)", "max_pool2d"),
    cpu("pool.py", "-(-np.maximum(-start, 0) // dilation) * dilation", "np.maximum(-start, 0)", "max_pool2d"),
    cpu("pool.py", "plane[index[k, t]] += g[k, t]", "plane[index[k, t]] = g[k, t]", "pool_scatter"),
    cpu("pool.py", "total / count[p, q]", "total / count[0, 0]", "avg_pool2d"),
    cpu("pool.py", "        x[k] = 0\n", "", "avg_pool2d_backward"),
    cpu("resize.py", "line[j] += share * source[j]", "line[j] = share * source[j]", "resize"),
    cpu("resize.py", "order % max(out, 1)", "order // 2", "resize_backward"),
    cpu("resize.py", "slope = -half if odd != (from_edge < zero) else half", "slope = half", "grid_sample_backward"),
    cpu("resize.py", "total = tx + ty if nowhere else one - one", "total = one - one", "grid_sample"),
    cpu("optim.py", "g[k] + momentum * v if nesterov", "v if nesterov", "sgd"),
    cpu("loss.py", "(log_total - (z[c] - top))", "(log_total - z[c])", "cross_entropy"),
    cpu("norm.py", "- (row[i] - centre) * slope) * scale", ") * scale", "batch_norm_backward"),
    cpu("dense.py", "mine[i, k] = source[i]", "mine[i, k] = source[0]", "linear"),
    cpu("conv.py", "i, j = i * plan.dh, j * plan.dw", "i, j = i * plan.dh, j * plan.dh", "conv2d"),
    cpu("random.py", "min(4, mask.size - 4 * k)", "min(3, mask.size - 4 * k)", "dropout_mask"),
    # fast kernels
    fast("conv.py", "pitch = full - max(0,", "pitch = full - 1 - max(0,", "conv2d"),
    Mutant(CPU + "conv.py", "min(after, pw // sw, full - q)", "full - q", "tests/test_edges_kernels.py -k two_rows"),
    fast("conv.py", "return i % plan.sh * plan.sw + j % plan.sw,", "return i % plan.sh * plan.sh + j % plan.sw,", "conv2d"),
    fast("conv.py", "i // plan.sh * plan.pitch + j // plan.sw", "i // plan.sh * plan.pitch + j", "conv2d"),
    fast("conv.py", "target[t] += source[t]", "target[t] = source[t]", "conv2d_input"),
    fast("conv.py", "start = (group * blocks + block) * channels\n        for", "start = block * channels\n        for", "conv2d_weight"),
    Mutant(CPU + "conv.py", "                total += product", "                total[:] = product", "tests/test_edges_kernels.py -k chunks"),
    fast("conv.py", "shift = bias[group * outputs + o]", "shift = bias[o]", "conv2d"),
    fast("depthwise.py", "pixels[q * sw] += w * upstream[q]", "pixels[q * sw] += upstream[q]", "conv2d_input"),
    fast("depthwise.py", "            frame(x[n, o // each], framed, ph, pw)", "            frame(x[n, o], framed, ph, pw)", "conv2d_weight"),
    fast("winograd.py", "y3[t] = near_odd + EIGHT * far_odd + m5[t]", "y3[t] = near_odd + EIGHT * far_odd", "many_channels"),
    fast("winograd.py", "mean, slope = y0[t] + FOUR * y2[t], TWO", "mean, slope = y0[t] + TWO * y2[t], TWO", "many_channels"),
    fast("winograd.py", "broken += not abs(row[t]) < INFINITY", "broken += 0", "many_channels"),
    fast("winograd.py", "[2 - pad for pad in padding]", "padding", "many_channels"),
    fast("winograd.py", "return gw if np.isfinite(gw).all() else None", "return gw", "many_channels"),
    fast("dense.py", "source = x[b, k, top:]", "source = x[b, k, 0:]", "matmul"),
    fast("dense.py", "out = z[b, top : min(m, top + rows)]", "out = z[0, top : min(m, top + rows)]", "matmul"),
    fast("pool.py", "at = 1 if (b == best) | (b != b) else at", "at = 1 if b == best else at", "max_pool2d"),
    fast("pool.py", "| ((v == best) | nan) & (here < at)", "", "max_pool2d"),
    fast("pool.py", "plane[index[k, t]] += g[k, t]", "plane[index[k, t]] = g[k, t]", "pool_scatter"),
    fast("norm.py", "(row[i] - centre) * a + b", "row[i] * a + b", "batch_norm_fixed"),
    fast("norm.py", "var[c] = total / m", "var[c] = total / (m - 1)", "batch_norm"),
    fast("norm.py", "g_weight[c] * inv_std[c] / m", "g_weight[c] / m", "batch_norm_backward"),
    fast("loss.py", "if q != 0:", "if True:", "cross_entropy"),
    fast("loss.py", "- kind(q)\n", "\n", "cross_entropy"),
    fast("random.py", "for _ in range(10)", "for _ in range(9)", "philox"),
    fast("random.py", "mask[4 * k + j] = words[j] >= limit", "mask[4 * k + j] = words[j] > limit + limit // 9", "dropout"),
    fast("optim.py", "keep2 * v[k] + new2 * g[k] * g[k]", "keep2 * v[k] + new2 * g[k]", "adam"),
    fast("optim.py", "a[...] = b.reshape(a.shape)", "pass", "sgd"),
    Mutant(CPU + "threads.py", "                    if n != 1:\n                        lib.set(n)", "                    pass", THREADS),
    Mutant(CPU + "threads.py", "if self.inside == 0:", "if self.inside >= 0:", THREADS),
    Mutant(CPU + "threads.py", 'state["forked"] = state["forked"] or', 'state["forked"] = False and', THREADS + " -k fork"),
    Mutant(CPU + "threads.py", 'return workqueue_lock if numba', 'return nullcontext() if numba', THREADS + " -k two_python"),
    Mutant(CPU + "jit.py", "except Exception:  # whatever", "except KeyError:  # whatever", THREADS + " -k damaged"),
    Mutant("kernels/tinylucid_kernels/dispatch.py", "elif a.dtype != dtype:", "elif False:", KERNELS),
    Mutant("kernels/tinylucid_kernels/dispatch.py", "chosen.numpy = before", "pass", KERNELS),
    # the core
    Mutant("tinylucid/autograd.py", "pending[target] = pending[target] + g", "pending[target] += g", CORE + " -x"),
    Mutant("tinylucid/autograd.py", "if version[0] != then", "if False", CORE),
    Mutant("tinylucid/autograd.py", "np.asanyarray(g.copy())", "np.asanyarray(g)", CORE),
    Mutant("tinylucid/autograd.py", "n.saved, n.parents = None, ()", "pass", CORE),
    Mutant("tinylucid/autograd.py", "need = [p in paths or p in asked for p in parents]", "need = None", CORE),
    Mutant("tinylucid/tensor.py", "t.version = args[0].version", "t.version = [0, True]", CORE),
    Mutant("tinylucid/dtypes.py", "return next(iter(floats))", "return float64", OPS + " -k one_dtype"),
    Mutant("tinylucid/scopes.py", "for name, value in before.items()", "for name, value in ()", CORE),
    # explaining
    Mutant("tinylucid/nn/module.py", 'setattr__(module, "training", was)', 'setattr__(module, "training", training)', "tests/test_explain.py"),
    Mutant(EXPLAIN + "common.py", "target(z[k * n : (k + 1) * n]) for k in range(times)", "target(z[:n]) for k in range(times)", PATHS),
    Mutant(EXPLAIN + "common.py", "np.tile(classes_of(target, n), times)", "np.repeat(classes_of(target, n), times)", PATHS),
    Mutant(EXPLAIN + "common.py", "with mode(model, False), enable_grad():", "with mode(model, False):", "tests/test_explain.py"),
    Mutant(EXPLAIN + "noise.py", "x.max(axes, keepdims=True) - x.min(axes, keepdims=True)", "x.max() - x.min()", NOISE),
    Mutant(EXPLAIN + "noise.py", "rng.normal((min(block, n - k), *x.shape[1:]), x.dtype)", "rng.normal((min(block, n - k), *x.shape), x.dtype)", NOISE),
    Mutant(EXPLAIN + "noise.py", "min(block, n - k)", "block", NOISE + " -k blocks"),
    Mutant(EXPLAIN + "noise.py", "x + sigma * epsilon", "x + level * epsilon", NOISE),
    Mutant(EXPLAIN + "common.py", "initial=done", "initial=0", HIDE + " -k bar"),
    Mutant(EXPLAIN + "common.py", "> PATIENCE:", "> 2 * PATIENCE + 9:", HIDE + " -k bar"),
    Mutant(EXPLAIN + "gradients.py", "return pixels(x) * gradient(model, x, target)", "return gradient(model, x, target)", "tests/test_explain.py"),
    Mutant(EXPLAIN + "noise.py", "mean = mean + off / k", "mean = mean + off / (k + 1)", NOISE),
    Mutant(EXPLAIN + "noise.py", "moment = moment + off * (m - mean)", "moment = moment + off * off", NOISE),
    Mutant(EXPLAIN + "noise.py", "return mean, moment / k", "return mean, moment / max(k - 1, 1)", NOISE),
    Mutant(EXPLAIN + "noise.py", "for k, m in enumerate(maps, 1):", "for k, m in enumerate(list(maps), 1):", NOISE),
    Mutant(EXPLAIN + "noise.py", "(m * m for m in", "(abs(m) for m in", NOISE),
    Mutant(EXPLAIN + "noise.py", "_, variance = mean_and", "variance, _ = mean_and", NOISE),
    Mutant(EXPLAIN + "noise.py", "rng or Generator(0)", "Generator(0)", NOISE),
    Mutant(EXPLAIN + "integrated.py", "(x - others[k]) * g for", "x * g for", PATHS),
    Mutant(EXPLAIN + "integrated.py", "others[k] + float(a) * (x - others[k]) for", "others[k] + float(a) * x for", PATHS),
    Mutant(EXPLAIN + "integrated.py", "(np.arange(n) + rng.uniform((n,), dtypes.float64)) / n", "rng.uniform((n,), dtypes.float64)", PATHS),
    Mutant(EXPLAIN + "integrated.py", "(np.arange(n) + rng", "(np.arange(1, n + 1) + rng", PATHS),
    Mutant(EXPLAIN + "integrated.py", "rng.permutation(len(others)) for", "rng.integers(0, len(others), (len(others),)) for", PATHS),
    Mutant(EXPLAIN + "integrated.py", "[rng.permutation(len(others)) for _ in range(0, n, len(others))]", "[np.arange(len(others)) for _ in range(0, n, len(others))]", PATHS),
    Mutant(EXPLAIN + "integrated.py", "for k, g in zip(drawn, maps)) / n", "for k, g in zip(drawn, maps)) / len(others)", PATHS),
    Mutant(EXPLAIN + "integrated.py", "return (points + 1) / 2, weights / weights.sum()", "return (points + 1) / 2, weights", PATHS),
    Mutant(EXPLAIN + "integrated.py", "np.polynomial.legendre.leggauss(steps)", "(np.linspace(-1, 1, steps + 1)[1:], np.ones(steps))", PATHS),
    Mutant(EXPLAIN + "integrated.py", "return way * sum", "return x * sum", PATHS),
    Mutant(EXPLAIN + "integrated.py", "(b + float(a) * way for", "(b + float(a) * x for", PATHS),
    Mutant(EXPLAIN + "baseline.py", "x.mean((2, 3), keepdims=True)", "x.mean((1, 2, 3), keepdims=True)", PATHS),
    Mutant(EXPLAIN + "baseline.py", 'mode="nearest")', 'mode="reflect")', PATHS),
    Mutant(EXPLAIN + "cam.py", "g.mean((2, 3), keepdims=True) * a", "g * a", CAM),  # HiRes-CAM
    Mutant(EXPLAIN + "cam.py", "below = 2 + g * a.sum", "below = 1 + g * a.sum", CAM),
    Mutant(EXPLAIN + "cam.py", "g * a.sum((2, 3), keepdims=True)", "g * a.mean((2, 3), keepdims=True)", CAM),
    Mutant(EXPLAIN + "cam.py", "alpha * np.maximum(g, 0)", "alpha * g", CAM),
    Mutant(EXPLAIN + "cam.py", "out=np.zeros_like(g), where=below != 0", "out=np.ones_like(g), where=below != 0", f"{CAM} -k denominator"),
    Mutant(EXPLAIN + "cam.py", "where=below != 0", "where=below > 0", f"{CAM} -k denominator"),
    Mutant(EXPLAIN + "cam.py", "placed((g * a).sum(1))", "placed((g.mean((2, 3), keepdims=True) * a).sum(1))", CAM),  # Grad-CAM
    Mutant(EXPLAIN + "cam.py", "np.maximum(g, 0) * a)", "g * a)", CAM),
    Mutant(EXPLAIN + "cam.py", "np.maximum(g, 0) * a)", "np.maximum(g * a, 0))", CAM),
    Mutant(EXPLAIN + "cam.py", "layer=layer)[:, None] * guided", "layer=layer, relu=False)[:, None] * guided", CAM),
    Mutant(EXPLAIN + "cam.py", "with mode(model, False), no_grad():", "with no_grad():", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "unit(enlarged(a[:, k], x.shape[2:]))", "enlarged(unit(a[:, k]), x.shape[2:])", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "masks, 0, batch_size", "masks, x.mean(), batch_size", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "np.stack(list(scores), 1), 1)", "np.stack(list(scores), 1), 0)", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "(weights[:, :, None, None] * a)", "(weights[:, :, None, None] * unit(a[0]))", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "maps.min((1, 2), keepdims=True)", "maps.min(keepdims=True)", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "where=high - low > rounding", "where=high > low", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "np.maximum(abs(low), abs(high))", "1", SCORE_CAM),
    Mutant(EXPLAIN + "cam.py", "np.maximum(maps, 0) if relu", "np.abs(maps) if relu", CAM),
    Mutant(EXPLAIN + "cam.py", 'mode="bilinear")[:, 0]', 'mode="bilinear", align_corners=True)[:, 0]', CAM),
    Mutant(EXPLAIN + "baseline.py", "for b in starts) / len(starts)).astype", "for b in starts)).astype", HIDE),
    Mutant(EXPLAIN + "baseline.py", ".astype(x.dtype, copy=False)", ".astype(float)", HIDE),
    Mutant(EXPLAIN + "hide.py", "np.where(keep == 1, x, baseline + keep * (x - baseline))", "baseline + keep * (x - baseline)", HIDE),
    Mutant(EXPLAIN + "hide.py", "baseline + keep * (x - baseline)", "keep * x", HIDE),
    Mutant(EXPLAIN + "hide.py", "keep[:, None] if keep.ndim == 3", "keep if keep.ndim == 3", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "-(-(n - w) // s) * s + 1", "n - w + 1", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "covered[place] += 1", "covered[place] = 1", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "+= (whole - answer)", "+= (answer - whole)", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "s = w if stride is None", "s = (1, 1) if stride is None", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "or s[1] > w[1]", "or s[0] > w[1]", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "w[0] > size[0] or w[1] > size[1]", "w[0] * w[1] > size[0] * size[1]", HIDE),
    Mutant(EXPLAIN + "occlusion.py", "(labels != s for s", "(labels <= s for s", HIDE),
    Mutant(EXPLAIN + "features.py", "return_inverse=True)[1].reshape", "return_inverse=True)[1][::-1].reshape", HIDE),
    Mutant(EXPLAIN + "features.py", "numbers[np.arange(len(labels))[:, None, None], labels]", "numbers[:1].repeat(len(labels), 0)[:1, labels][0]", HIDE),
    Mutant(EXPLAIN + "features.py", "20 if len(picture) == 3 else 0.2", "20", SURROGATE),
    Mutant(EXPLAIN + "features.py", "numbered(patches)", "patches + 1", SURROGATE),
    Mutant(EXPLAIN + "rise.py", "float64) < p", "float64) > p", HIDE),
    Mutant(EXPLAIN + "rise.py", "-(-k // g)", "k // g", HIDE),
    Mutant(EXPLAIN + "rise.py", "[(g + 1) * c for c in cell]", "[g * c + c // 2 for c in cell]", HIDE),
    Mutant(EXPLAIN + "rise.py", "int(s * c) for s, c", "int(s * 0) for s, c", HIDE),
    Mutant(EXPLAIN + "rise.py", 'mode="bilinear"', 'mode="nearest"', HIDE),
    Mutant(EXPLAIN + "rise.py", "total + answer * mask", "total + answer", HIDE),
    Mutant(EXPLAIN + "rise.py", "weight + mask.astype(float)", "weight + mask.mean()", HIDE),
    Mutant(EXPLAIN + "rise.py", "np.where(weight > 0, weight, 1), plain / n)", "np.where(weight > 0, weight, 1), 0)", HIDE),
    Mutant(EXPLAIN + "surrogate.py", "z[:, :s].mean(1))) ** 2", "z.mean(1))) ** 2", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "np.sqrt(z[:, :s].mean(1))", "z[:, :s].mean(1)", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "z, y = z - share @ z, y - share @ y", "z, y = z + 0.0, y", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "share = weights / weights.sum()", "share = np.full(len(weights), 1 / len(weights))", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "alpha * np.eye(z.shape[1])", "alpha * 0 * np.eye(z.shape[1])", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "(sizes.max(initial=0), n), np.float64) < 0.5).T", "(n, sizes.max(initial=0)), np.float64) < 0.5)", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "comb(s, k) * k * (s - k)) for", "comb(s, k)) for", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "1 / (k * (s - k))", "0 * k + 1.0", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "np.stack([z, ~z], 1)", "np.stack([z, z], 1)", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "- 2 <= n:", "- 2 < n:", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "z - z.mean(1, keepdims=True)", "z - 0.0", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "y - nothing - z.sum(1) * share", "y - nothing - share", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "centred, root * rest", "centred, rest", SURROGATE),
    Mutant(EXPLAIN + "surrogate.py", "np.sqrt(weights)", "weights", SURROGATE),
    Mutant(EXPLAIN + "perturbation.py", "/ change, m", "/ (0 * change + 1), m", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "change = np.abs(whole - nothing)", "change = whole - nothing", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "np.clip(m.data, 0, 1, out=m.data)", "pass", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "b + keep * (x - b)", "keep * x", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "area * (1 - m)", "area * m", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "(abs(steps) ** 3)", "(abs(steps) ** 2)", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "m[:, :, :, 1:] - m[:, :, :, :-1]", "m[:, :, 1:] - m[:, :, :-1]", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "to_lose[:, None, None] * (1 - ", "1 * (1 - ", PERTURBATION),
    Mutant(EXPLAIN + "perturbation.py", "100 * np.finfo(x.dtype).eps", "0", PERTURBATION),
    Mutant(EXPLAIN + "layers.py", "return numbers, runs[-1], name", "return numbers, runs[0], name", CAM),
    Mutant(EXPLAIN + "layers.py", "return names[-1]", "return names[0]", CAM),
    Mutant(EXPLAIN + "layers.py", "if out is not logits and is_plane(out)", "if is_plane(out)", CAM),
    Mutant(EXPLAIN + "layers.py", "return runs[-1].clone()", "return runs[-1]", CAM),
    Mutant(EXPLAIN + "layers.py", "    finally:\n        remove()", "    finally:\n        pass", CAM),
    Mutant(EXPLAIN + "rectified.py", "(out > 0) & (g > 0)", "(out >= 0) & (g > 0)", RECTIFIED),
    Mutant(EXPLAIN + "rectified.py", "return g * (g > 0)", "return g * (g < 0)", RECTIFIED),
    Mutant(EXPLAIN + "rectified.py", "if calls and not any(", "if not any(", RECTIFIED),
    Mutant(EXPLAIN + "rectified.py", "n.op is relu.op", "n.op.__name__.endswith('relu')", RECTIFIED),
    Mutant(EXPLAIN + "lrp.py", "np.where(z < 0, z - epsilon, z + epsilon)", "z + epsilon", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "leaf.data * slope(", "slope(", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "for name in sorted(rules)", "for name in sorted(rules, reverse=True)", RELEVANCE + " -k longest"),
    Mutant(EXPLAIN + "lrp.py", 'layer.startswith(name + ".")', "layer.startswith(name)", RELEVANCE + " -k longest"),
    Mutant(EXPLAIN + "lrp.py", "s.transposed(g * s.z / stable(s.z, self.epsilon), s.w)", "s.transposed(g, s.w)", RELEVANCE + " -k dense_matrices"),
    Mutant(EXPLAIN + "lrp.py", "np.where(up == 0, -1, self.beta)", "np.where(up == 0, 0, self.beta)", RELEVANCE + " -k one_sign"),
    Mutant(EXPLAIN + "lrp.py", "np.where(down == 0, 1, self.alpha)", "np.where(down == 0, self.alpha, self.alpha)", RELEVANCE + " -k one_sign"),
    Mutant(EXPLAIN + "lrp.py", "return quotient(g * out, x)", "return g", RELEVANCE + " -k elementwise"),
    Mutant(EXPLAIN + "lrp.py", "batch_norm_fixed(g * out / stable(out, epsilon),", "batch_norm_fixed(g,", RELEVANCE + " -k alone"),
    Mutant(EXPLAIN + "passing.py", "n.op in PRODUCTS and len(inputs) == 1", "n.op in PRODUCTS", RELEVANCE + " -k refused_by_name"),
    Mutant(EXPLAIN + "passing.py", "n.op in WEIGHTED and inputs == (0,)", "n.op in WEIGHTED and len(inputs) == 1", RELEVANCE + " -k refused_by_name"),
    Mutant(EXPLAIN + "passing.py", "if p is leaf or p in paths", "if p is not None", RELEVANCE + " -k parameters"),
    Mutant(EXPLAIN + "lrp.py", "self.forward(x_down, w_up, None)", "0", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "self.forward(x_up, w_down, b_down)", "self.forward(x_up, w_down, None)", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "            self.x > 0,", "            self.x < 0,", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "np.where(s.z < 0, down, up)", "up", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "np.where(s.z < 0, share, 0))", "0 * share)", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "s.z + self.gamma * np.where", "s.z + np.where", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "return s.to_signs(r_up, -r_down)", "return s.to_signs(r_up, r_down)", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "normalised(rule.epsilon, folded)", "normalised(EPSILON, folded)", RELEVANCE + " -k alone"),
    Mutant(EXPLAIN + "lrp.py", "users[id(before)] > 1", "users[id(before)] > 2", RELEVANCE + " -k alone"),
    Mutant(EXPLAIN + "lrp.py", 'n.saved["bias"] - n.saved["mean"] * scale', 'n.saved["bias"]', RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "shift if b is None else scale * b + shift", "shift", RELEVANCE),
    Mutant(EXPLAIN + "lrp.py", "return w * along(scale, 0, w)", "return w", RELEVANCE),
    Mutant(EXPLAIN + "deeplift.py", "np.where(y1 > y0, i1, i0)", "i1", DEEPLIFT + " -k window"),
    Mutant(EXPLAIN + "deeplift.py", "share = np.where(dx == 0, 1,", "share = np.where(dx == 0, 0,", DEEPLIFT + " -k own_baseline"),
    Mutant(EXPLAIN + "deeplift.py", "return both((a1 + a0) / 2)", "return a", DEEPLIFT + " -k whatever"),
    Mutant(EXPLAIN + "deeplift.py", "/ both(y1 * y0)", "/ (y * y)", DEEPLIFT + " -k whatever"),
    Mutant(EXPLAIN + "deeplift.py", "np.where(lost, (d1 + d0) / 2,", "np.where(lost, 0,", DEEPLIFT + " -k nothing_changes"),
    Mutant(EXPLAIN + "deeplift.py", "np.maximum(np.abs(dy), np.abs(dx) * larger(d1, d0))", "np.abs(dx) * larger(d1, d0)", DEEPLIFT + " -k saturated"),
    Mutant(EXPLAIN + "deeplift.py", "halves(np.where(np.isfinite(slopes), slopes, 0))", "halves(slopes)", DEEPLIFT + " -k saturated"),
    Mutant(EXPLAIN + "deeplift.py", "eps ** (2 / 3)", "eps ** 2", DEEPLIFT + " -k nothing_changes"),
    Mutant(EXPLAIN + "deeplift.py", "eps ** 0.5", "eps ** -1", DEEPLIFT + " -k true_multiplier"),
    Mutant(EXPLAIN + "deeplift.py", "repeated(target, len(x), 2)", "target", RULES + " -k deeplift"),
    Mutant(EXPLAIN + "deeplift.py", "n.shape[0] % max(rows, 1)", "n.shape[0] % 2", DEEPLIFT + " -k bends"),
    Mutant(EXPLAIN + "common.py", "with mode(model, False), no_grad():\n        return score", "with mode(model, False):\n        return score", HIDE + " -k recorded"),
    Mutant(EXPLAIN + "common.py", "bar(len(some))", "bar(1)", HIDE + " -k bar"),
    Mutant(EXPLAIN + "common.py", "disable=None, leave=False", "disable=None, leave=True", HIDE + " -k bar"),
    Mutant(EXPLAIN + "baseline.py", "isinstance(baseline, (list, tuple))", "isinstance(baseline, list)", HIDE + " -k averaged"),
    Mutant(EXPLAIN + "by_name.py", '= superpixels(x)', '= superpixels(x[:1])[0]', EVERY + " -k own"),
    Mutant(EXPLAIN + "by_name.py", "except (ValueError, RuntimeError) as", "except Exception as", EVERY + " -k refusal"),
    Mutant(EXPLAIN + "by_name.py", "except (ValueError, RuntimeError) as", "except ValueError as", EVERY + " -k refusal"),
    Mutant(EXPLAIN + "integrated.py", "steps: int = 32", "steps: int = 16", EVERY + " -k figures_were"),
    Mutant(EXPLAIN + "lrp.py", "gamma: float = 0.25", "gamma: float = 0.5", EVERY + " -k figures_were"),
    Mutant(EXPLAIN + "occlusion.py", "zip(size, window, stride)]", "zip(size[:1] * 2, window, stride)]", EVERY + " -k side"),
    Mutant(EXPLAIN + "rise.py", "answer = answer.astype(float)", "answer = answer", HIDE + " -k float64"),
    Mutant(EXPLAIN + "lrp.py", "_conv2d_input(y, w, input_size=input_size, **how)", '_conv2d_input(y, w, input_size=input_size, **{**how, "groups": 1})', RELEVANCE + " -k dense_matrix"),
    Mutant(EXPLAIN + "lrp.py", "_conv2d_input(y, w, input_size=input_size, **how)", '_conv2d_input(y, w, input_size=input_size, **{**how, "dilation": (1, 1)})', RELEVANCE + " -k dense_matrix"),
    # are the maps true?
    Mutant(EVALUATE + "curves.py", "(rank >= count for count", "(rank > count for count", MEASURES),
    Mutant(EVALUATE + "curves.py", "hidden[-1] - 1 - ranks(plane_maps(maps, x))", "ranks(-plane_maps(maps, x))", MEASURES),
    Mutant(EVALUATE + "curves.py", "found[:, ::-1])", "found)", MEASURES),
    Mutant(EVALUATE + "curves.py", "return curve(hidden[-1] - hidden[::-1], found", "return curve(hidden, found", MEASURES),
    Mutant(EVALUATE + "curves.py", "np.trapezoid(found, fractions, axis=1)", "np.trapezoid(found, axis=1) / (len(counts) - 1)", MEASURES),
    Mutant(EVALUATE + "curves.py", "steps + 1).round()", "steps + 1)", MEASURES),
    Mutant(EVALUATE + "curves.py", "return total.T / len(starts)", "return total.T", MEASURES),
    Mutant(EVALUATE + "curves.py", "(found[:, :1] - found).mean(1)", "(found[:, :1] - found)[:, 1:].mean(1)", MEASURES),
    Mutant(EVALUATE + "curves.py", "x.min((1, 2, 3), keepdims=True) + value", "x.min() + value", MEASURES),
    Mutant(EVALUATE + "curves.py", "[:, rows[:, None], columns]", "[:, rows, columns[:, None]]", MEASURES),
    Mutant(EVALUATE + "maps.py", 'kind="stable")\n    found', 'kind="stable")[:, ::-1]\n    found', MEASURES),
    Mutant(EVALUATE + "maps.py", 'np.argsort(-flat(planes), axis=1, kind="stable")', 'np.argsort(flat(planes), axis=1, kind="stable")[:, ::-1]', MEASURES),
    Mutant(EVALUATE + "maps.py", "return x.max(axes, keepdims=True) - x.min(axes, keepdims=True)", "return x.max() - x.min()", MEASURES),
    Mutant(EVALUATE + "maps.py", "maps.sum(1) if maps", "abs(maps).sum(1) if maps", MEASURES),
    Mutant(EVALUATE + "faithful.py", "(x - sigma * e for e", "(x + sigma * e for e", MEASURES),
    Mutant(EVALUATE + "faithful.py", "(s - (before - f)) ** 2", "(s - (f - before)) ** 2", MEASURES),
    Mutant(EVALUATE + "faithful.py", "((sigma * e * maps)", "((e * maps)", MEASURES),
    Mutant(EVALUATE + "faithful.py", "astype(x.dtype) - 1)", "astype(x.dtype))", MEASURES),
    Mutant(EVALUATE + "faithful.py", "np.maximum(most, np.divide(", "np.add(most, np.divide(", MEASURES),
    Mutant(EVALUATE + "faithful.py", "np.where(change > 0, np.inf, 0)", "np.where(change > 0, 0, 0)", MEASURES),
    Mutant(EVALUATE + "faithful.py", "np.sqrt((maps * maps)", "((maps * maps)", MEASURES),
    Mutant(EVALUATE + "faithful.py", "np.where(np.ptp(changes, 0) > noise, changes, 0)", "changes", MEASURES),
    Mutant(EVALUATE + "faithful.py", "vary = (np.ptp(a, 1) > 0) & (np.ptp(b, 1) > 0)", "vary = np.ones(len(a), bool)", MEASURES),
    Mutant(EVALUATE + "faithful.py", "keep[each] = False", "keep[each[1:]] = False", MEASURES),
    Mutant(EVALUATE + "pointing.py", "& (np.ptp(flat(maps), 1) > 0), masks)", ", masks)", AGAINST),
    Mutant(EVALUATE + "pointing.py", "squares <= tolerance**2", "squares <= tolerance", AGAINST),
    Mutant(EVALUATE + "pointing.py", "np.divmod(flat(maps).argmax(1), maps.shape[2])", "np.divmod(flat(maps).argmax(1), maps.shape[1])", AGAINST),
    Mutant(EVALUATE + "pointing.py", "np.maximum(maps, 0)", "abs(maps)", AGAINST),
    Mutant(EVALUATE + "pointing.py", "np.where(np.ptp(flat(maps), 1) > 0, found, 0)", "found", AGAINST),
    Mutant(EVALUATE + "pointing.py", "np.where(masks.any((1, 2)), scores, np.nan)", "np.where(masks.any((1, 2)), scores, 0)", AGAINST),
    Mutant(EVALUATE + "pointing.py", "(d - np.arange(1, d + 1) + 0.5)", "(d - np.arange(1, d + 1))", AGAINST),
    Mutant(EVALUATE + "pointing.py", "np.sort(abs(flat(", "np.sort((flat(", AGAINST),
    Mutant(EVALUATE + "alike.py", "np.where(both, 1.0,", "np.where(both, 0.0,", AGAINST),
    Mutant(EVALUATE + "alike.py", "rankdata(flat(planes), axis=1)", 'rankdata(flat(planes), "ordinal", axis=1)', AGAINST),
    Mutant(EVALUATE + "alike.py", "spearman(abs(a), abs(b))", "abs(spearman(a, b))", AGAINST),
    Mutant(EVALUATE + "alike.py", "0.5 + 0.5 * one", "1.0 * one", AGAINST),
    Mutant(EVALUATE + "alike.py", "float(np.median(took)) / len(x)", "float(np.mean(took)) / len(x)", AGAINST),
    Mutant(EVALUATE + "sanity.py", "            if not cascading:", "            if cascading:", AGAINST),
    Mutant(EVALUATE + "sanity.py", "return dict(reversed(ran))", "return dict(ran)", AGAINST),
    Mutant(EVALUATE + "sanity.py", "    finally:\n        put_back()", "    finally:\n        pass", AGAINST),
    Mutant(EVALUATE + "sanity.py", "tensor.data.copy() for", "tensor.data for", AGAINST),
    Mutant(EVALUATE + "sanity.py", "        default_generator.set_state(before)", "        pass", AGAINST),
    Mutant(EVALUATE + "sanity.py", "(x, shuffled), epochs", "(x, y), epochs", AGAINST),
    Mutant(EVALUATE + "sanity.py", "        forget_all(pupil)\n", "", AGAINST),
    Mutant(EVALUATE + "sanity.py", "copy.deepcopy(model).requires_grad_(True)", "copy.deepcopy(model)", AGAINST),
    Mutant(EVALUATE + "naive.py", "zlib.crc32(one.tobytes())", "0", AGAINST),
    Mutant("tinylucid/nn/norm.py", '"running_var": 1, "num', '"running_var": 0, "num', AGAINST),
    Mutant(EVALUATE + "bootstrap.py", "2.0 ** (1 - pictures)", "0 * pictures", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "np.maximum.accumulate(p[order] *", "(p[order] *", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "np.arange(len(p), 0, -1)", "len(p)", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "(means <= 0, means >= 0)", "(means < 0, means > 0)", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "2 * np.minimum(*sides)", "np.minimum(*sides)", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "counts @ there.T.astype(float)", "counts @ np.ones(there.T.shape)", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "values[others] - values[best]", "values[others]", BENCHMARK),
    Mutant(EVALUATE + "bootstrap.py", "[(1 - LEVEL) / 2, (1 + LEVEL) / 2]", "[1 - LEVEL, LEVEL]", BENCHMARK),
    Mutant(EVALUATE + "ranking.py", "-BETTER[name] * self.scores[name] for name in self.judged}\n", "BETTER[name] * self.scores[name] for name in self.judged}\n", BENCHMARK),
    Mutant(EVALUATE + "ranking.py", "np.where(np.isnan(b), np.inf, b)", "np.where(np.isnan(b), -np.inf, b)", BENCHMARK),
    Mutant(EVALUATE + "ranking.py", "for name in self.scores if BETTER[name])", "for name in self.scores)", BENCHMARK),
    Mutant(EVALUATE + "ranking.py", '"better" if self.mean_ranks[method, 0] <', '"better" if self.mean_ranks[method, 0] >', BENCHMARK),
    Mutant(EVALUATE + "ranking.py", "holm(p_values(differences, self.counts)).tolist()", "p_values(differences, self.counts).tolist()", BENCHMARK),
    Mutant(EVALUATE + "ranking.py", "near_the_best(BETTER[name] * self", "near_the_best(self", BENCHMARK),
    Mutant(EVALUATE + "benchmark.py", "lending(Generator(blank.seed))", "lending(rng)", BENCHMARK),
    Mutant(EVALUATE + "benchmark.py", "timed(name, method, model, x, y)\n        table", "timed(name, method, model, x, y * 0)\n        table", BENCHMARK),
    Mutant(EVALUATE + "benchmark.py", '        error.add_note(f"benchmark: this was the method {name!r}")\n', "", BENCHMARK),
    Mutant(EVALUATE + "benchmark.py", "np.asarray(masks)[chosen]", "np.asarray(masks)[: len(chosen)]", BENCHMARK),
    Mutant("tinylucid/plot/ranking.py", "share = (len(ranks) - ranks)", "share = (ranks - 1)", BENCHMARK),
    Mutant("tinylucid/plot/ranking.py", "[result.methods[k]][1:])", "[result.methods[k]][:1])", BENCHMARK),
    Mutant(EVALUATE + "faithful.py", "where=size > 0))", "where=size > 1e-3))", MEASURES + " -k unit"),
    Mutant(EVALUATE + "benchmark.py", "np.array(seconds), seed)", "np.array(seconds), 0)", BENCHMARK),
    Mutant(EVALUATE + "benchmark.py", '"deletion": deletion(model, x, y, maps, baseline=baseline,', '"deletion": deletion(model, x, y, maps,', BENCHMARK),
    Mutant(EVALUATE + "ranking.py", "short(1000 * self.seconds[k])", "short(1000 * self.seconds[place - 1])", BENCHMARK),
    # one's own pictures, augmenting, loading
    Mutant("tinylucid/data/geometry.py", "constant_values=UNKNOWN", "constant_values=0", "tests/test_augment.py"),
    Mutant("tinylucid/data/geometry.py", "cos * x - sin * y", "cos * x + sin * y", "tests/test_augment.py"),
    Mutant("tinylucid/data/geometry.py", "np.floor(at + 0.5)", "np.floor(at)", "tests/test_augment.py"),
    Mutant("tinylucid/data/augment.py", "(2 * self.pad_crop + 1)", "(2 * self.pad_crop)", "tests/test_augment.py"),
    Mutant("tinylucid/data/augment.py", "np.roll(by_u, -1)", "np.roll(by_u, 1)", "tests/test_augment.py"),
    Mutant("tinylucid/data/augment.py", "seed, epoch, index, keyed.SETTINGS", "seed, epoch, range(len(x)), keyed.SETTINGS", "tests/test_augment.py"),
    Mutant("tinylucid/data/keyed.py", "epoch + 1, seed", "1, seed", "tests/test_augment.py"),
    Mutant("tinylucid/data/loader.py", "range(start, len(self))", "range(0, len(self))", "tests/test_loader.py"),
    Mutant("tinylucid/data/loader.py", "y, index, epoch=epoch", "y, index, epoch=0", "tests/test_loader.py"),
    Mutant("tinylucid/data/loader.py", 'with kernels("reference"):', 'with kernels("cpu"):', "tests/test_loader.py"),
    Mutant("tinylucid/data/loader.py", "        thread.join()", "        pass", "tests/test_loader.py"),
    Mutant("tinylucid/data/loader.py", "Semaphore(room)", "Semaphore(room + 1)", "tests/test_loader.py"),
    Mutant("tinylucid/data/loader.py", "if i not in self._named:", "if True:", "tests/test_loader.py"),
    Mutant("tinylucid/data/picture.py", "(values + 128) // 257", "values // 256", "tests/test_folder.py"),
    Mutant("tinylucid/data/picture.py", 'picture.size, "white")', 'picture.size, "black")', "tests/test_folder.py"),
    Mutant("tinylucid/data/folder.py", "x[len(kept)] = read", "x[i] = read", "tests/test_folder.py"),
    Mutant("tinylucid/data/folder.py", "- around) ** 2", "- 0) ** 2", "tests/test_folder.py"),
    Mutant("tinylucid/data/folder.py", "per_channel(parts.train)", "per_channel(parts.test)", "tests/test_folder.py"),
    # figures and the report
    Mutant(COLOURS, "cmap=diverging(), vmin=-1, vmax=1, interp", "cmap=diverging(), vmin=0, vmax=1, interp", f"{PLOT} -k zero_is_white"),
    Mutant(COLOURS, "or size.max() or 1.0", "or size.max()", f"{PLOT} -k zero_maps"),
    Mutant(COLOURS, "[..., None] > 0, diverging()", "[..., None] < 0, diverging()", f"{PLOT} -k activation_maps"),
    Mutant(COLOURS, ".resampled(257)", "", f"{HEAT} -k exactly_the_middle"),
    Mutant(COLOURS, "LOUD) or size.max()", "LOUD)", f"{HEAT} -k any_size"),
    Mutant(COLOURS, "np.clip(plane, -scale, scale) / scale", "np.clip(plane / scale, -1, 1)", f"{HEAT} -k any_size"),
    Mutant(COLOURS, "np.asarray(maps, np.float64)", "np.asarray(maps)", f"{HEAT} -k any_size"),
    Mutant(COLOURS, "LOUD = 99 ", "LOUD = 98 ", f"{HEAT} -k 99th"),
    Mutant(COLOURS, "alpha = OPAQUE * np.abs(share)[..., None]", "alpha = OPAQUE * np.abs(share)[..., None] ** 2", f"{HEAT} -k sign_and_strength"),
    Mutant(COLOURS, "OPAQUE = 0.8 ", "OPAQUE = 1.0 ", f"{HEAT} -k under_every_colour"),
    Mutant(COLOURS, "bar + k * half, line", "bar + k * 0.5, line", f"{HEAT} -k numbers_of_the_shared"),
    Mutant("tinylucid/plot/heat.py", "every if shared else loudest(planes[k])", "loudest(planes[k])", f"{HEAT} -k one_colour"),
    Mutant("tinylucid/plot/heat.py", "every if shared else loudest(planes[k])", "every", f"{HEAT} -k one_colour"),
    Mutant("tinylucid/plot/heat.py", "left = (WIDTH - columns * (cell + GAP) + GAP) / 2", "left = MARGIN", f"{HEAT} -k in_the_middle"),
    Mutant(MAPS, "[loudest(planes)] * len(planes) if shared", "[loudest(planes[:1])] * len(planes) if shared", f"{HEAT} -k comparable"),
    Mutant(MAPS, "maps.ndim == 3 and planes.min() >= 0", "maps.ndim == 3 and planes[0].min() >= 0", f"{HEAT} -k in_one_way"),
    Mutant(MAPS, "maps.ndim == 3 and planes.min() >= 0", "planes.min() >= 0", f"{HEAT} -k in_one_way"),
    Mutant(MAPS, "math.ceil(count / math.ceil(count / most))", "most", f"{HEAT} -k again"),
    Mutant(MAPS, "range(k, min(k + columns, len(x)))", "range(0, min(columns, len(x)))", f"{HEAT} -k once_and_nothing"),
    Mutant(MAPS, "top += high + GAP\n        for name in names:", "top += high\n        for name in list(names)[::-1]:", f"{HEAT} -k once_and_nothing"),
    Mutant(MAPS, "x, methods[name], k)", "x, methods[name], some[0])", f"{HEAT} -k once_and_nothing"),
    Mutant(LOOKS + "layers.py", "out.data[0].copy()", "out.data[0]", f"{INSIDE} -k overwrites"),
    Mutant(LOOKS + "layers.py", "note), mode(model, False), no_grad()", "note), no_grad()", f"{INSIDE} -k run_for_run"),
    Mutant(LOOKS + "layers.py", "if not module._modules", "if True", f"{INSIDE} -k asked_for"),
    Mutant(LOOKS + "layers.py", "math.ceil(len(some) / ABREAST)", "(len(some) // ABREAST)", f"{INSIDE} -k lines_of_eight"),
    Mutant(LOOKS + "layers.py", "finite(out.data, f", "str(f", f"{INSIDE} -k exceptions"),
    Mutant(LOOKS + "layers.py", "if name in gave else", "if True else", f"{INSIDE} -k refused"),
    Mutant(LOOKS + "layers.py", "(x - low) / (high - low or 1)", "(x - low) / high", f"{INSIDE} -k normalised"),
    Mutant(LOOKS + "filters.py", "0.5 + 0.5 * shares(weight[k], scale)", "shares(weight[k], scale)", f"{INSIDE} -k to_one_scale"),
    Mutant(LOOKS + "filters.py", "draw_signed(axes, weight[k, 0], scale)", "draw_signed(axes, weight[k, 0], loudest(weight[k]))", f"{INSIDE} -k to_one_scale"),
    Mutant(LOOKS + "filters.py", "some.transpose(0, 2, 1, 3)", "some.transpose(0, 3, 1, 2)", f"{INSIDE} -k table"),
    Mutant(LOOKS + "filters.py", "top + (k + 0.5) * row", "top + k * row", f"{INSIDE} -k rows_and_columns"),
    Mutant(LOOKS + "filters.py", "if isinstance(module, nn.Conv2d):", "if hasattr(module, \"weight\"):", f"{INSIDE} -k refused"),
    Mutant("tinylucid/plot/charts.py", "matrix.sum(1, keepdims=True)", "matrix.sum(0, keepdims=True)", f"{PLOT} -k confusion_counts"),
    Mutant("tinylucid/plot/pictures.py", "np.clip((x - low) /", "np.clip((high - x) /", f"{PLOT} -k stretched"),
    Mutant(PAGE, "if not np.isfinite(plane).all()", "if np.isnan(plane).any()", f"{PLOT} -k refused"),
    Mutant(PAGE, '"parse_math": False', '"parse_math": True', f"{PLOT} -k any_name"),
    Mutant(PAGE, 'ord(c) in known else "▯"', 'ord(c) in known else c', f"{PLOT} -k any_name"),
    Mutant(PAGE, "while length() > room and", "while length() < 0 and", f"{PLOT} -k any_name"),
    Mutant(REPORT, "{escape(title)}</h2>", "{title}</h2>", "tests/test_report.py -k names_are_text"),
    Mutant(REPORT, 'alt="{escape(alt)}"', 'alt="{alt}"', "tests/test_report.py -k names_are_text"),
    Mutant(REPORT, 'metadata={"Software": None}', "metadata={}", "tests/test_report.py -k twice_as_fine"),
    Mutant(REPORT, "with replacing(path) as file", 'with open(path, "wb") as file', "tests/test_report.py -k saving"),
    Mutant("tinylucid/plot/heat.py", "partial(draw_over, axes, x[k])", "partial(draw_over, axes, x[0])", f"{HEAT} -k own_picture"),
    Mutant(LOOKS + "filters.py", "row = cell * h / w", "row = cell * w / h", f"{INSIDE} -k table"),
    Mutant("tinylucid/commands/explain.py", "arguments.methods == ALL), path", "True), path", "tests/test_commands.py -k leaves_out"),
    # rendering
    Mutant(VISUALIZE + "parametrise.py", "1 / max(h, w)))[..., None]", "1 / min(h, w)))[..., None]", PICTURES + " -k spectrum"),
    Mutant(VISUALIZE + "parametrise.py", "self.low + (self.high - self.low) *", "self.low + self.high *", PICTURES + " -k stay_between"),
    Mutant(VISUALIZE + "parametrise.py", "SPREAD * np.stack", "np.stack", PICTURES + " -k start_small"),
    Mutant(VISUALIZE + "transforms.py", "rng.integers(0, pixels + 1, (2,))", "rng.integers(0, pixels, (2,))", PICTURES + " -k every_window"),
    Mutant(VISUALIZE + "transforms.py", "-math.sin(angle) * stretch", "math.sin(angle) * stretch", PICTURES + " -k turns_about"),
    Mutant(VISUALIZE + "transforms.py", "factor = 1 / between(low, high, rng)", "factor = between(low, high, rng)", PICTURES + " -k turns_about"),
    Mutant(VISUALIZE + "objectives.py", "apply(*(v(seen) for v in value))", "apply(*(v(seen) for v in value[::-1]))", PICTURES + " -k compose"),
    Mutant(VISUALIZE + "objectives.py", "return out[:, k, y, x]", "return out[:, k, x, y]", PICTURES + " -k what_the_layers_give"),
    Mutant(VISUALIZE + "seen.py", "= out.clone()", "= out", PICTURES + " -k written_into"),
    Mutant("tinylucid/nn/watch.py", "hooks.callback(module.register_forward_hook(hook(name)))", "module.register_forward_hook(hook(name))", RENDER + " -k stays_as_it_was"),
    Mutant(VISUALIZE + "render.py", "seen.rows(k * share, (k + 1) * share)", "seen.rows(0, share)", PICTURES + " -k what_the_layers_give"),
    Mutant(VISUALIZE + "render.py", "grad(-numbers.sum(), parameters", "grad(numbers.sum(), parameters", RENDER + " -k raises_each"),
    Mutant(VISUALIZE + "render.py", "if step < AWAKENING else", "if step >= 0 else", RENDER + " -k first_steps_only"),
    Mutant(VISUALIZE + "render.py", "np.where(dead & (g < 0), g, plain)", "np.where(dead & (g > 0), g, plain)", RENDER + " -k woken"),
    Mutant(VISUALIZE + "render.py", "with recording(model), tqdm", "with tqdm", RENDER + " -k stays_as_it_was"),
    Mutant(VISUALIZE + "render.py", "goals[k * len(goals) // len(broken)]", "goals[0]", RENDER + " -k objective_that_broke"),
    # metrics and training
    Mutant("tinylucid/metrics.py", "(number < labels)", "(number > labels)", "tests/test_metrics.py"),
    Mutant("tinylucid/metrics.py", "pairs[1] * classes + pairs[0]", "pairs[0] * classes + pairs[1]", "tests/test_metrics.py"),
    Mutant(TRAIN + "step.py", "share = counted(y) / total", "share = 1 / len(batches.window)", "tests/test_fit.py"),
    Mutant(TRAIN + "step.py", "buffer.data[...] = before", "pass", "tests/test_fit.py -k nan"),
    Mutant(TRAIN + "step.py", "default_generator.set_state(counter)", "pass", "tests/test_fit.py -k nan"),
    Mutant(TRAIN + "step.py", "    model.zero_grad()\n    optimizer", "    optimizer", "tests/test_fit.py"),
    Mutant(TRAIN + "run.py", "self.loader.epoch(self.epoch - 1, self.batch)", "self.loader.epoch(self.epoch - 1)", "tests/test_resume.py"),
    Mutant(TRAIN + "run.py", "result = evaluate(self.model, self.val_loader, self.loss)", "result = evaluate(self.model, self.loader, self.loss)", "tests/test_fit.py"),
    Mutant(TRAIN + "history.py", "math.inf if math.isnan(v) else v", "v", "tests/test_fit.py"),
    Mutant(TRAIN + "checkpoint.py", "default_generator.set_state(generator)", "pass", "tests/test_resume.py"),
    Mutant(TRAIN + "checkpoint.py", 'Sums(**training["sums"])', "Sums()", "tests/test_resume.py"),
    Mutant(TRAIN + "checkpoint.py", "state[int(k)][name] = array", "state[int(k)][name] = 0 * array", "tests/test_resume.py"),
    Mutant(TRAIN + "checkpoint.py", "if taken and not (resume and LAST in taken)", "if False", "tests/test_resume.py"),
    Mutant(TRAIN + "judge.py", "            if value is not None:\n", "            if False:\n", "tests/test_asked.py"),
    Mutant(TRAIN + "judge.py", "if x.dtype.kind != \"f\" or x.dtype == own:", "if True:", "tests/test_asked.py"),
    Mutant(DATA + "loader.py", "error.add_note(", "str(", "tests/test_asked.py"),
    Mutant(TRAIN + "progress.py", "self.run.steps_left", "self.run.steps", "tests/test_training.py"),
    Mutant(TRAIN + "loop.py", "        if run.finished:", "        if False:", "tests/test_resume.py"),
    Mutant(TRAIN + "run.py", "at + self.steps_left > end", "self.steps_left > end", "tests/test_training.py"),
    Mutant(TRAIN + "run.py", '"initial_lr" if name == "lr" and scheduler else name', "name", "tests/test_training.py"),
    Mutant(TRAIN + "interrupt.py", "        if pressed.asked:", "        if False:", "tests/test_fit.py"),
    Mutant(TRAIN + "interrupt.py", "        signal.signal(signal.SIGINT, before)", "        pass", "tests/test_fit.py"),
    Mutant("tinylucid/nn/module.py", 'setattr__(module, "training", was)', "__repr__()", "tests/test_fit.py"),
    Mutant(TRAIN + "judge.py", "total += float(value.item()) * counted(y)", "total += float(value.item()) * len(y)", "tests/test_fit.py"),
    Mutant(TRAIN + "loop.py", "            if folder and best:", "            if folder:", "tests/test_fit.py"),
    # data sources
    Mutant(DATA + "bundled.py", "np.arange(200) < 100", "np.arange(200) >= 100", "tests/test_bundled.py"),
    Mutant(DATA + "bundled.py", "slice(train_per_class, 100)", "slice(train_per_class - 1, 100)", "tests/test_bundled.py"),
    Mutant(DATA + "drawing.py", "0, 1), mask & ~before", "0, 1), mask", "tests/test_shapes.py"),
    Mutant(DATA + "drawing.py", "polygon(z.imag, z.real,", "polygon(z.real, z.imag,", "tests/test_shapes.py"),
    Mutant(DATA + "shapes.py", "np.stack([x0, y0, x1, y1], 1)", "np.stack([y0, x0, y1, x1], 1)", "tests/test_shapes.py"),
    Mutant(DATA + "shapes.py", "data.masks[data.y == k, y0:y1, x0:x1] = False", "pass", "tests/test_shapes.py"),
    Mutant(DATA + "mosaic.py", "2 * SIZE - 1 - pixel", "2 * SIZE - pixel", "tests/test_mosaic.py"),
    Mutant(DATA + "mosaic.py", ">= apart).all()", ">= apart / 2).all()", "tests/test_mosaic.py"),
    Mutant(DATA + "published.py", 'f">{dimensions}I"', 'f"<{dimensions}I"', "tests/test_published.py"),
    Mutant(DATA + "published.py", " and member.isfile()", "", "tests/test_published.py"),
    Mutant(DATA + "fetch.py", "if found != md5:", "if False:", "tests/test_published.py"),
    Mutant(DATA + "fetch.py", "part.unlink(missing_ok=True)", "pass", "tests/test_published.py"),
    # files, nets, their summary
    Mutant("tinylucid/io/atomic.py", "            os.remove(temporary)", "            pass", FILES + " -k full_disk"),
    Mutant("tinylucid/io/atomic.py", 'open(temporary, "wb")', 'open(target, "wb")', FILES + " -k full_disk"),
    Mutant("tinylucid/io/atomic.py", "            os.fsync(file.fileno())\n", "", FILES + " -k on_the_disk"),
    Mutant("tinylucid/io/tensors.py", "if entry.start != at:", "if entry.start < at:", FILES + " -k hostile"),
    Mutant("tinylucid/io/state.py", "!= _checksum(text, arrays)", "is None", FILES + " -k flipped"),
    Mutant("tinylucid/io/npz.py", "if total > FREE + RATIO * size:", "if False:", FILES + " -k bombs"),
    Mutant("tinylucid/io/npz.py", '"F" if fortran else "C"', '"C"', FILES + " -k other_programs"),
    Mutant("tinylucid/nn/module.py", "and not name.startswith(PRIVATE)", "", NETS + " -k training"),
    Mutant("tinylucid/models/resnet.py", "if k == 0 else 2)", "if k == 0 else 1)", NETS + " -k flow"),
    Mutant("tinylucid/models/separable.py", "groups=into, bias", "groups=1, bias", NETS + " -k cheaper"),
    Mutant("tinylucid/summary.py", "buffer.data[...] = data", "pass", "tests/test_summary.py -k left_as"),
    Mutant("tinylucid/summary.py", "self.counted.update(own)", "pass", "tests/test_summary.py -k shared"),
    # what is found out, and the command line
    Mutant("tinylucid/findings.py", "np.argsort(-self.chances[wrong]", "np.argsort(self.chances[wrong]", "tests/test_demo.py"),
    Mutant("tinylucid/findings.py", "if self.right[k] else", "if not self.right[k] else", "tests/test_demo.py"),
    Mutant("tinylucid/findings.py", "math.sqrt(p * (1 - p) / n)", "p * (1 - p) / n", "tests/test_demo.py -k standard"),
    Mutant("tinylucid/page.py", "if off[i, j] == 1 else", "if off[i, j] else", "tests/test_demo.py -k once"),
    Mutant(DATA + "dataset.py", "if self.per_picture and self.color:", "if False:", "tests/test_demo.py -k start"),
    Mutant(COLOURS, "/ figure.dpi / 2", "/ figure.dpi", f"{PLOT} -k scale_stands"),
    Mutant(MAPS, "return NAMES.get(method, ", "return (lambda known, other: other)(method, ", f"{PLOT} -k same_name"),
    Mutant(PAGE, "<= 1 + BEYOND", "<= 300", f"{PLOT} -k refused"),
    Mutant("tinylucid/plot/charts.py", "(WIDTH - side + names + HEAD) / 2", "WIDTH - MARGIN - side", f"{PLOT} -k middle"),
    Mutant(EXPLAIN + "layers.py", "if layer is module or", "if", f"{CAM} -k itself"),
    Mutant("tinylucid/baselines.py", "(x**3)", "(x**2)", "tests/test_demo.py"),
    Mutant("tinylucid/commands/predict.py", "np.argsort(-row", "np.argsort(row", "tests/test_commands.py -k predict"),
    Mutant("tinylucid/commands/predict.py", "return 2 if wrong", "return 0 if wrong", "tests/test_commands.py -k cannot"),
    Mutant("tinylucid/commands/terminal.py", "not abs(answer) <", "not abs(answer) <=", "tests/test_commands.py -k json_has"),
    Mutant("tinylucid/commands/gradcheck.py", "return 0 if report", "return 0 if True", "tests/test_commands.py -k ones_own"),
    # bad input
    Mutant("tinylucid/commands/given.py", "figure.savefig(file,", "figure.savefig(path,", BAD + "full_disk"),
    Mutant("tinylucid/commands/given.py", "not in (0, shape[1])", "not in (0, shape[1], 1)", BAD + "fit_what"),
    Mutant("tinylucid/commands/train.py", " % arguments.batch_size == 1 <", " % arguments.batch_size == 0 <", BAD + "last_batch"),
    Mutant("tinylucid/commands/train.py", "Path(arguments.out).resolve().parents", "()", BAD + "become_a_class"),
    Mutant("tinylucid/commands/gradcheck.py", "sys.modules.setdefault(path.stem, module)", "sys.modules[path.stem] = module", BAD + "that_is_wrong"),
    Mutant("tinylucid/commands/terminal.py", "json.dumps(finite(answer), indent=2)", "text", BAD + "encoding"),
    Mutant("tinylucid/cli.py", 'stream.reconfigure(errors="backslashreplace")', "pass", BAD + "encoding"),
    Mutant(TRAIN + "run.py", 'list(map(str, getattr(data, "classes", ())))', "[]", BAD + "gone_on"),
    Mutant(TRAIN + "checkpoint.py", "if LAST in taken else", "if taken else", BAD + "gone_on"),
]  # fmt: skip


def kill(mutant: Mutant) -> bool:
    """Whether the tests fail on a copy of the tree with this bug planted."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("tinylucid", "kernels", "tests", "pyproject.toml"):
            source, target = ROOT / part, Path(folder) / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "parity", ".*"))
            else:
                shutil.copy(source, target)
        path = Path(folder) / mutant.file
        path.write_text(path.read_text(encoding="utf-8").replace(mutant.right, mutant.wrong), encoding="utf-8")
        paths = os.pathsep.join([folder, str(Path(folder) / "kernels"), str(Path(folder) / "tests")])
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests.split()]
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "find"}
        environment["TINYLUCID_KERNELS"] = "cpu" if CPU in mutant.file else "reference"
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1200, check=False
            )
        except subprocess.TimeoutExpired:
            return True  # a bug that never ends is noticed
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{mutant}: pytest could not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.returncode == 1


def main() -> int:
    """Try all mutants, or those whose numbers are given; print the survivors."""
    chosen = [int(a) for a in sys.argv[1:]] or range(len(MUTANTS))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        killed = list(tqdm(pool.map(lambda k: kill(MUTANTS[k]), chosen), total=len(chosen), unit="mutant"))
    survivors = [k for k, dead in zip(chosen, killed) if not dead]
    for k in survivors:
        print(f"survived: {k} {MUTANTS[k].file}: {MUTANTS[k].right} -> {MUTANTS[k].wrong}")
    print(f"{len(killed) - len(survivors)} of {len(killed)} mutants killed")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
