"""tl.explain asks a net on its own device: on the GPU each method gives the CPU's map, and what holds for maps holds there."""

from functools import partial

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, pictures, without_biases

import tinylucid as tl
from tinylucid import explain
from tinylucid.explain import evaluate

FEW = {
    "smoothgrad": {"n": 5},
    "smoothgrad_squared": {"n": 5},
    "vargrad": {"n": 5},
    "integrated_gradients": {"steps": 5},
    "expected_gradients": {"n": 5},
    "occlusion": {"window": 3},
    "rise": {"n": 20},
    "lime": {"n": 30},
    "kernel_shap": {"n": 40},
    "meaningful_perturbation": {"steps": 4},
}
every = pytest.mark.parametrize("name", explain.METHODS)
NEED_MODULE = {name for name in explain.METHODS if explain.takes(name, "layer")}
cells = np.arange(36).reshape(6, 6) // 4  # nine features


def made(name):
    """The method with settings for few passes."""
    settings = dict(FEW.get(name, {}))
    if explain.takes(name, "background"):
        settings["background"] = tl.Generator(99).normal((5, 2, 6, 6), tl.float64)
    if explain.takes(name, "features"):
        settings["features"] = cells
    return partial(explain.METHODS[name], **settings)


def on_both(make, seed, count=2):
    """The same net on the CPU and on the GPU, and pictures."""
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng, count)
    there = make(tl.Generator(seed)).to("cuda")
    return net, there, x


def close(a, b, tolerance=1e-9):
    """Whether two maps, both NumPy arrays, are the same to rounding."""
    assert isinstance(a, np.ndarray)
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    return np.abs(a - b).max(initial=0) <= tolerance * max(1, np.abs(b).max(initial=0))


@every
def test_each_method_gives_the_cpus_map_and_leaves_the_model_as_it_was(name):
    net, there, x = on_both(Folded, 1)
    there.norm.eval()  # a mixture of modes
    before, kept, method = state_on_gpu(there), x.copy(), made(name)
    maps = method(there, x, [1, 3])
    assert close(maps, method(net, x, [1, 3]))
    assert maps.any()
    assert close(method(there, tl.Tensor(x).to("cuda"), tl.tensor([1, 3], device="cuda")), maps, 0)
    assert state_on_gpu(there) == before
    assert np.array_equal(x, kept)


def state_on_gpu(net):
    """All that explaining must leave as it was, the devices too."""
    arrays = [t.data.get().tobytes() for t in net.state_dict().values()]
    return arrays, [p.grad for p in net.parameters()], [(m.training, len(m._forward_hooks)) for m in net.modules()]


@every
def test_a_function_of_the_logits_gets_them_on_the_models_device(name):
    net, there, x = on_both(folded_average, 2)
    seen = set()

    def target(z):
        seen.add(z.device)
        return z[:, 1] - 0.5 * z[:, 2]

    method = made(name)
    assert close(method(there, x, target), method(net, x, target))
    assert seen == {"cuda", "cpu"}


@pytest.mark.parametrize("rule", ["epsilon", "gamma", "alpha_beta", "z_plus", {"conv": "gamma", "dense": "z_plus"}])
def test_every_rule_of_lrp(rule):
    net, there, x = on_both(folded_average, 3)
    assert close(explain.lrp(there, x, 1, rule=rule), explain.lrp(net, x, 1, rule=rule))


def smooth_net(rng):
    """Operations that have rules of their own in LRP or DeepLIFT, and a batch norm that stands alone."""
    first = [tl.nn.BatchNorm2d(2), tl.nn.Conv2d(2, 4, 3, groups=2), tl.nn.Sigmoid(), tl.nn.AdaptiveMaxPool2d(3)]
    then = [tl.nn.ConvTranspose2d(4, 3, 2, stride=2), tl.nn.Tanh(), tl.nn.Upsample(scale_factor=2, mode="bilinear")]
    last = [
        tl.nn.LeakyReLU(0.1),
        tl.nn.AdaptiveAvgPool2d(1),
        tl.nn.Flatten(),
        tl.nn.Linear(3, CLASSES),
        tl.nn.Softplus(),
    ]
    net = tl.nn.Sequential(*first, *then, *last).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, rng=rng)
    return net


@pytest.mark.parametrize("name", ["lrp", "deeplift", "gradient", "layer_cam"])
def test_rules_of_other_operations(name):
    net, there, x = on_both(smooth_net, 15)
    assert close(made(name)(there, x, [0, 3]), made(name)(net, x, [0, 3]))


def test_float32_stays_float32():
    net, there, x = on_both(Folded, 4)
    x, net, there = x.astype(np.float32), net.to(tl.float32), there.to(tl.float32)
    for name in ("gradient", "lrp", "deeplift", "grad_cam", "occlusion"):
        assert close(made(name)(there, x, 1), made(name)(net, x, 1), 1e-4), name


def test_no_picture_is_no_map():
    there = Folded(tl.Generator(5)).to("cuda")
    for name in ("gradient", "lrp", "deeplift", "grad_cam", "score_cam", "occlusion"):
        assert len(made(name)(there, np.zeros((0, 2, 6, 6)), 1)) == 0, name


# --- what holds for maps ----------------------------------------------------------------------------------------------


def test_maps_share_out_the_whole_change_of_the_answer():
    _, there, x = on_both(Folded, 6)
    change = answer(there, x, 2) - answer(there, np.zeros_like(x), 2)
    full = explain.deeplift(there, x, 2)
    assert full.sum((1, 2, 3)) == pytest.approx(change)
    assert explain.completeness_gap(there, x, full, 2) == pytest.approx(0, abs=1e-9)
    assert explain.integrated_gradients(there, x, 2, steps=64).sum((1, 2, 3)) == pytest.approx(change, abs=0.05)
    shapley = explain.kernel_shap(there, x, 2, features=cells, n=40, baseline=0)
    first_places = [np.flatnonzero(cells.ravel() == k)[0] for k in range(9)]
    assert shapley.reshape(2, 36)[:, first_places].sum(1) == pytest.approx(change)


def test_relevance_of_a_net_without_biases_sums_to_the_answer():
    rng = tl.Generator(7)
    there, x = without_biases(Folded(rng)).to("cuda"), pictures(rng)
    whole = answer(there, x, 1)
    assert explain.lrp(there, x, 1).sum((1, 2, 3)) == pytest.approx(whole, abs=1e-3)
    assert explain.gradient_x_input(there, x, 1).sum((1, 2, 3)) == pytest.approx(whole)


def answer(net, x, k):
    """The net's logit k of pictures, in eval mode."""
    with tl.no_grad():
        logits = net.eval()(tl.Tensor(x).to("cuda")).cpu().data
    net.train()
    return logits[:, k]


# --- devices ----------------------------------------------------------------------------------------------------------


def test_a_function_that_moves_its_pictures_is_explained():
    net, there, x = on_both(Folded, 8)
    for name in ("gradient", "lrp", "deeplift", "guided_backprop", "occlusion"):
        method = made(name)
        assert close(method(lambda x: there.eval()(x.to("cuda")), x, 1), method(net.eval(), x, 1)), name


@pytest.mark.parametrize("name", sorted(set(explain.METHODS) - NEED_MODULE))
def test_a_function_is_asked_where_its_pictures_are(name):
    _, there, x = on_both(Folded, 9)
    there.eval()
    function, method = lambda x: there(x), made(name)
    assert close(method(function, tl.Tensor(x).to("cuda"), 1), method(there, x, 1), 0)
    with pytest.raises(RuntimeError, match="different devices"):
        method(function, x, 1)


def test_a_function_is_measured_where_its_pictures_are():
    _, there, x = on_both(Folded, 9)
    maps, x_there = x[:, ::-1] * x, tl.Tensor(x).to("cuda")
    there.eval()
    function = lambda x: there(x)
    few = {"deletion": {"steps": 3}, "insertion": {"steps": 3}, "pixel_flipping": {}, "infidelity": {"n": 3},
           "sensitivity_n": {"size": 4, "n": 4}}  # fmt: skip
    for name in ("deletion", "insertion", "pixel_flipping", "infidelity", "sensitivity_n"):
        measure = partial(getattr(evaluate, name), **few[name])
        found, expected = measure(function, x_there, 1, maps), measure(there, x, 1, maps)
        assert np.array_equal(found[-1], expected[-1]), name
    gaps = [explain.completeness_gap(*both, maps, 1) for both in ((function, x_there), (there, x))]
    assert np.array_equal(*gaps)
    steady = [evaluate.max_sensitivity(*both, 1, explain.gradient, n=2) for both in ((function, x_there), (there, x))]
    assert np.array_equal(*steady)


def test_a_function_is_asked_on_the_default_device_and_a_module_on_its_own():
    net, there, x = on_both(Folded, 9)
    expected = explain.gradient(net, x, 1)
    tl.set_default_device("cuda")
    try:
        assert close(explain.gradient(lambda x: there.eval()(x), x, 1), expected)
        assert close(explain.gradient(net, x, 1), expected, 0)
        assert close(explain.gradient(net, tl.Tensor(x).to("cuda"), 1), expected, 0)
    finally:
        tl.set_default_device("cpu")


def test_baselines_backgrounds_features_and_masks_may_be_on_the_gpu():
    _, there, x = on_both(Folded, 14)
    up = lambda a: tl.Tensor(np.ascontiguousarray(a)).to("cuda")
    others, method = x[:, ::-1] + 1, explain.expected_gradients
    assert close(method(there, x, 1, background=up(others), n=2), method(there, x, 1, background=others, n=2), 0)
    assert close(method(there, x, 1, background=up(others).data, n=2), method(there, x, 1, background=others, n=2), 0)
    for method in (explain.deeplift, partial(explain.feature_ablation, features=cells)):
        assert close(method(there, x, 1, baseline=up(others)), method(there, x, 1, baseline=others), 0)
    maps = explain.feature_ablation(there, x, 1, features=up(cells))
    assert close(maps, explain.feature_ablation(there, x, 1, features=cells), 0)
    masks = np.broadcast_to(cells > 3, maps.shape)
    assert np.array_equal(evaluate.mass_in_mask(up(maps), up(masks)), evaluate.mass_in_mask(maps, masks))
    assert close(explain.completeness_gap(there, x, up(x), 1), explain.completeness_gap(there, x, x, 1), 0)


def test_nan_and_what_does_not_fit_are_said():
    _, there, x = on_both(Folded, 10)
    with pytest.raises(ValueError, match="outside 0 … 3"):
        explain.gradient(there, x, CLASSES)
    broken = x.copy()
    broken[1, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="picture 1 of the 2 in this pass holds NaN"):
        explain.gradient(there, broken, 1)
    there.conv.weight.data[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN for picture 0"):
        explain.gradient(there, x, 1)


# --- measures ---------------------------------------------------------------------------------------------------------


def test_the_measures_are_the_cpus():
    net, there, x = on_both(folded_average, 11)
    maps = explain.gradient_x_input(net, x, 1)
    on_gpu = tl.Tensor(maps).to("cuda")
    for both in zip(evaluate.deletion(there, x, 1, on_gpu, steps=4), evaluate.deletion(net, x, 1, maps, steps=4)):
        assert close(*both)
    assert close(evaluate.infidelity(there, x, 1, on_gpu, n=4), evaluate.infidelity(net, x, 1, maps, n=4))
    few = {"method": explain.gradient, "n": 3}
    assert close(evaluate.max_sensitivity(there, x, 1, **few), evaluate.max_sensitivity(net, x, 1, **few))


def test_a_benchmark_ranks_methods_and_puts_the_weights_back():
    net, there, x = on_both(Folded, 12, 4)
    before, data = state_on_gpu(there), (x, np.array([0, 1, 2, 3]))
    methods = {name: made(name) for name in ("gradient", "lrp", "grad_cam")}
    found, expected = (evaluate.benchmark(each, data, methods, steps=4) for each in (there, net))
    assert found.methods == expected.methods
    for measure, scores in expected.scores.items():
        assert np.allclose(found.scores[measure], scores, atol=1e-6, equal_nan=True), measure
    assert state_on_gpu(there) == before


def test_a_map_changes_as_the_layers_forget():
    net, there, x = on_both(Folded, 13)
    before = state_on_gpu(there)
    found, expected = (evaluate.parameter_randomisation(each, x, 1, explain.gradient) for each in (there, net))
    assert found.layers == expected.layers
    assert close(found.spearman, expected.spearman, 1e-6)
    assert state_on_gpu(there) == before
