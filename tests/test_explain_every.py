"""What holds for every method alike: shapes, dtypes, what is left as it was, and pictures and nets at the edge."""

import inspect
from functools import partial

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, pictures, pooled_net, state_of
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid import explain

PLANES = {"grad_cam", "grad_cam_pp", "hires_cam", "layer_cam", "score_cam", "occlusion", "feature_ablation", "rise", "lime",
          "kernel_shap", "meaningful_perturbation"}  # fmt: skip
NO_GRADIENT = {"score_cam", "occlusion", "feature_ablation", "rise", "lime", "kernel_shap"}
NEED_RELU = {"guided_backprop", "deconvnet", "guided_grad_cam"}
NEED_LAYER = {name for name in explain.METHODS if explain.takes(name, "layer")}
every = pytest.mark.parametrize("name", explain.METHODS)


FEW = {"rise": {"n": 100}, "lime": {"n": 100}, "kernel_shap": {"n": 80}, "meaningful_perturbation": {"steps": 20}}


def made(name, **settings):
    """The method, ready, with a background of five pictures; of few draws, so that all are quick."""
    if name in FEW and not settings:
        return partial(explain.METHODS[name], **FEW[name])
    background = tl.Generator(99).normal((5, 2, 6, 6), tl.float64)
    return explain.ready([name], background=background, **settings)[name]


def test_every_method_has_its_name_and_the_same_first_arguments():
    for name, method in explain.METHODS.items():
        assert getattr(explain, name) is method
        assert list(inspect.signature(method).parameters)[:3] == ["model", "x", "target"]
        keywords = list(inspect.signature(method).parameters.values())[3:]
        assert all(p.kind is p.KEYWORD_ONLY for p in keywords)
        assert name in explain.__all__
    others = {
        "METHODS",
        "applied",
        "evaluate",
        "Method",
        "ready",
        "takes",
        "completeness_gap",
        "superpixels",
        "AlphaBeta",
        "Epsilon",
        "Gamma",
    }
    assert set(explain.__all__) - others == set(explain.METHODS)


def test_what_nobody_says_is_as_it_was_when_the_figures_were_made():
    found = {}
    for name, method in explain.METHODS.items():
        given = {p.name: p.default for p in inspect.signature(method).parameters.values() if p.default is not p.empty}
        found[name] = {key: value for key, value in given.items() if value is not None and key != "batch_size"}
    noise, cam = (
        {"method": explain.gradient, "n": 25, "level": 0.15, "capture": False},
        {"relu": True, "upsample": True},
    )
    assert {name: given for name, given in found.items() if given} == {
        **dict.fromkeys(("smoothgrad", "smoothgrad_squared", "vargrad"), noise),
        "integrated_gradients": {"baseline": 0, "steps": 32},
        "expected_gradients": {"n": 64},
        "lrp": {"rule": "epsilon"},
        "deeplift": {"baseline": 0},
        **dict.fromkeys(("grad_cam", "grad_cam_pp", "hires_cam", "layer_cam", "score_cam"), cam),
        "occlusion": {"baseline": "mean"},
        "feature_ablation": {"baseline": "mean"},
        "rise": {"n": 1000, "grid": 7, "p": 0.5, "baseline": "mean"},
        "lime": {"n": 1000, "width": 0.25, "baseline": "mean"},
        "kernel_shap": {"n": 500, "baseline": "mean"},
        "meaningful_perturbation": {"baseline": "blur", "size": 8, "area": 1.0, "smooth": 0.2, "steps": 100, "lr": 0.1},
    }
    rules = (explain.Epsilon(), explain.Gamma(), explain.AlphaBeta())
    assert [vars(rule) for rule in rules] == [{"epsilon": 1e-6}, {"gamma": 0.25}, {"alpha": 2, "beta": 1}]


@every
@pytest.mark.parametrize("make", [Folded, folded_average])
def test_maps_have_their_shape_and_dtype_and_nothing_else_changes(name, make):
    rng = tl.Generator(1)
    net, x = make(rng), pictures(rng, 3)
    net.norm.eval()  # a mixture of modes
    net(tl.Tensor(x)).sum().backward()
    before, kept, method = state_of(net), x.copy(), made(name)
    maps = method(net, x, [1, 0, 3])
    assert maps.shape == ((3, 6, 6) if name in PLANES else x.shape)
    assert maps.dtype == x.dtype
    assert np.isfinite(maps).all()
    assert np.array_equal(maps, method(net, tl.Tensor(x), tl.tensor([1, 0, 3])))
    with pytest.raises(ValueError, match="outside 0 … 3"):
        method(net, x, CLASSES)
    with pytest.raises(ValueError, match=r"channels|background"):
        method(net, x[:, :1], 1)
    with tl.no_grad():
        assert np.array_equal(method(net.requires_grad_(False), x, [1, 0, 3]), maps)
    net.requires_grad_(True)
    assert state_of(net) == before
    assert np.array_equal(x, kept)


@every
def test_float32_stays_float32_and_a_row_is_the_single_run(name):
    rng = tl.Generator(2)
    net, x = folded_average(rng).to(tl.float32), pictures(rng, 3).astype(np.float32)
    method = made(name)
    maps = method(net, x, 2)
    assert maps.dtype == np.float32
    assert np.abs(maps[1:2] - method(net, x[1:2], 2)).max() <= 2e-3 * max(np.abs(maps).max(), 1e-3)


@every
def test_no_picture_is_no_map(name):
    maps = made(name)(Folded(tl.Generator(3)), np.zeros((0, 2, 6, 6)), 1)
    assert maps.shape == ((0, 6, 6) if name in PLANES else (0, 2, 6, 6))


@every
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_pictures_of_one_colour_have_finite_maps(name, value):
    rng = tl.Generator(4)
    maps = made(name)(folded_average(rng), np.full((2, 2, 6, 6), value), 1)
    assert np.isfinite(maps).all()


@pytest.mark.parametrize(
    "name", ["occlusion", "feature_ablation", "lime", "kernel_shap", "rise", "meaningful_perturbation"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_picture_of_one_colour_beside_its_own_mean_has_a_map_of_0_not_of_rounding(name, dtype):
    tl.manual_seed(0)
    net = tl.models.texture_net(CLASSES, channels=3).to(dtype)
    x = np.full((3, 3, 16, 20), 0.7, dtype) * np.array([1, 0.3, 1.7], dtype)[:, None, None, None]
    more = {"baseline": "mean"} if name == "meaningful_perturbation" else {}
    method = explain.ready([name])[name] if not more else partial(explain.meaningful_perturbation, **more)
    assert not method(net, x, 1).any()


@every
def test_what_never_changes_has_a_map_without_a_difference(name):
    """All the weights are 0: nothing in the picture matters, and the maps say so rather than 0/0."""
    rng = tl.Generator(5)
    net = folded_average(rng)
    for p in net.parameters():
        p.data[...] = 0
    net.dense.bias.data[...] = 2
    maps = made(name)(net, pictures(rng), 1)
    assert np.abs(maps - maps.flat[0]).max(initial=0) < 1e-9
    assert name == "rise" or np.abs(maps).max() < 1e-12


@every
def test_weights_that_are_nan_are_said_not_drawn(name):
    rng = tl.Generator(6)
    net = Folded(rng)
    net.conv.weight.data[0, 0, 0, 0] = np.nan
    message = check_message(lambda: made(name)(net, pictures(rng), 1), ValueError, "NaN for picture 0")
    assert len(message.splitlines()) == 1


@every
def test_a_model_of_one_class_is_explained(name):
    rng = tl.Generator(7)
    net = pooled_net(rng)
    net[4] = tl.nn.Linear(5, 1).to(tl.float64)
    method, x = made(name), pictures(rng)
    maps = method(net, x, 0)
    assert maps.any()
    assert np.isfinite(maps).all()
    with pytest.raises(ValueError, match="outside 0 … 0; the model gives 1 logits"):
        method(net, x, 1)


@every
def test_without_a_relu_or_a_plane_it_works_or_says_what_to_do(name):
    rng = tl.Generator(8)
    net, x = linear_net(rng), pictures(rng)
    method = made(name)
    if name in NEED_RELU | NEED_LAYER:
        message = check_message(lambda: method(net, x, 1), ValueError, "gradient" if name != "guided_grad_cam" else "")
        assert "ReLU" in message or "no layer" in message
    else:
        assert np.isfinite(method(net, x, 1)).all()


@every
def test_a_model_in_training_mode_is_explained_in_eval_mode_and_put_back(name):
    rng = tl.Generator(9)
    net, x = folded_average(rng), pictures(rng)
    method = made(name)
    expected = method(net.eval(), x, 1)
    net.train()
    assert np.array_equal(method(net, x, 1), expected)
    assert all(m.training for m in net.modules())


@every
def test_a_region_of_a_segmentation_is_explained(name):
    rng = tl.Generator(10)
    layers = [tl.nn.Conv2d(2, 5, 3, padding=1), tl.nn.ReLU(), tl.nn.Conv2d(5, CLASSES, 1)]
    net, x = tl.nn.Sequential(*layers).to(tl.float64), pictures(rng)
    maps = made(name)(net, x, lambda z: z[:, 3, 2:4, 2:4].mean((1, 2)))
    assert maps.any()
    assert len(maps) == 2
    with pytest.raises(ValueError, match=r"expected logits \(2, K\)|lambda z"):
        made(name)(net, x, 3)


@pytest.mark.parametrize("name", sorted(NO_GRADIENT))
def test_what_asks_no_gradient_needs_none(name):
    rng = tl.Generator(11)

    class Detached(tl.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = folded_average(rng)

        def forward(self, x):
            return self.net(x.detach()).detach()

    assert made(name)(Detached(), pictures(rng), 1).any()


@every
@pytest.mark.parametrize("wrong", ["channel", "ints", "nothing"])
def test_pictures_of_another_kind_are_refused_in_one_line(name, wrong):
    net, x = Folded(tl.Generator(12)), np.zeros((2, 2, 6, 6))
    given = {"channel": x[0], "ints": x.astype(int), "nothing": np.float64(1)}[wrong]
    with pytest.raises((TypeError, ValueError)) as caught:
        made(name)(net, given, 1)
    assert len(str(caught.value).splitlines()) == 1


SIDEWAYS = {  # settings for pictures (2, 8, 11), and for the same pictures on their side
    "occlusion": lambda way: {"window": (2, 3)[::way], "stride": (2, 1)[::way]},
    "meaningful_perturbation": lambda way: {"size": (3, 4)[::way], "steps": 8},
    "score_cam": lambda way: {"batch_size": 5},
}


@pytest.mark.parametrize("name", sorted(set(explain.METHODS) - {"smoothgrad", "smoothgrad_squared", "vargrad", "rise"}))
@given(seed=st.integers(0, 10**6))
def test_a_picture_on_its_side_has_its_map_on_its_side(name, seed):
    """Those left out draw a number for each place, in its order."""
    rng = tl.Generator(seed)
    how = {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)}
    maps = []
    for way, turn in ((1, lambda a: a), (-1, lambda a: np.swapaxes(a, -1, -2))):
        rng = tl.Generator(seed)
        conv = tl.nn.Conv2d(2, 4, (3, 2)[::way], **{key: pair[::way] for key, pair in how.items()})
        last = [tl.nn.ReLU(), tl.nn.Conv2d(4, 6, 2, groups=2), tl.nn.ReLU(), tl.nn.MaxPool2d((1, 2)[::way])]
        net = tl.nn.Sequential(conv, *last, tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(6, 3)).to(
            tl.float64
        )
        for p in net.parameters():
            array = rng.normal(p.shape if p.ndim < 4 or way == 1 else (*p.shape[:2], *p.shape[:1:-1]), tl.float64)
            p.data[...] = turn(array) if p.ndim == 4 else array
        x, others = (turn(rng.normal((n, 2, 8, 11), tl.float64)) for n in (2, 3))
        given = SIDEWAYS.get(name, lambda way: {})(way)
        if explain.takes(name, "features"):
            given["features"] = turn(rng.integers(0, 7, (2, 8, 11)))
        if explain.takes(name, "background"):
            given["background"] = others
        if name == "deeplift":
            given["baseline"] = others[0]  # where a flat one makes the places of a window equal, rounding decides
        maps.append(turn(explain.METHODS[name](net, x, [2, 0], **given)))
    assert maps[0].shape[-2:] == (8, 11)
    assert np.abs(maps[0] - maps[1]).max() <= 1e-9 * max(1, np.abs(maps[0]).max())


def test_a_count_may_be_numpys():
    rng = tl.Generator(20)
    net, x = folded_average(rng), pictures(rng)
    for name, count in (
        ("integrated_gradients", "steps"),
        ("smoothgrad", "n"),
        ("rise", "n"),
        ("occlusion", "batch_size"),
    ):
        method = partial(explain.METHODS[name], **({"window": 3} if name == "occlusion" else {}))
        assert np.array_equal(method(net, x, 1, **{count: np.int64(4)}), method(net, x, 1, **{count: 4})), name


# --- by name ----------------------------------------------------------------------------------------------------------


def test_ready_methods_repeat_and_follow_the_seed():
    rng = tl.Generator(13)
    net, x = folded_average(rng), pictures(rng)
    for name in ("smoothgrad", "rise", "lime", "expected_gradients"):
        method = made(name, seed=5)
        maps = method(net, x, 1)
        assert np.array_equal(maps, method(net, x, 1)), name
        assert not np.array_equal(maps, made(name, seed=6)(net, x, 1)), name
        assert method.__name__ == name


def test_a_layer_reaches_all_class_activation_maps_and_no_other():
    rng = tl.Generator(14)
    net, x = Folded(rng), pictures(rng)
    for name in explain.METHODS:
        given, plain = made(name, layer="conv")(net, x, 1), getattr(explain, name)
        if name in NEED_LAYER:
            assert np.array_equal(given, plain(net, x, 1, layer="conv"))
            assert not np.array_equal(given, plain(net, x, 1))
        else:
            assert np.array_equal(given, made(name, seed=0)(net, x, 1))


def test_windows_and_features_suit_the_picture():
    net = lambda x: x.sum((2, 3))
    x = np.zeros((1, 2, 32, 40))
    x[0, 0, 8, 8] = 1
    maps = explain.ready(["occlusion"])["occlusion"](net, x, 0)
    assert (maps[0] > 0).sum() == (2 + 4) ** 2, (
        "windows of 4, 2 apart, that hold the pixel reach over 6 rows and columns"
    )
    patches = explain.superpixels(x)
    maps = explain.ready(["feature_ablation"])["feature_ablation"](net, x, 0)
    assert np.unique(maps[0][patches[0] == patches[0, 8, 8]]).size == 1


def test_methods_that_a_net_has_no_use_for_are_told_apart():
    rng = tl.Generator(16)
    net, x = linear_net(rng), pictures(rng)
    maps, refused = explain.applied(explain.ready(["lrp", "grad_cam", "deconvnet", "gradient"]), net, x, 1)
    assert list(maps) == ["lrp", "gradient"]
    assert np.array_equal(maps["gradient"], explain.gradient(net, x, 1))
    assert list(refused) == ["grad_cam", "deconvnet"]
    assert "no layer" in refused["grad_cam"]
    assert "ReLU" in refused["deconvnet"]


def test_each_picture_has_superpixels_of_its_own():
    x = tl.Generator(17).uniform((3, 1, 16, 16), tl.float64)
    x[0, :, :, 5:] += 4
    x[1, :, 9:] += 4
    net = lambda x: (x * x).sum((2, 3))
    maps = explain.ready(["feature_ablation"])["feature_ablation"](net, x, 0)
    for k, patches in enumerate(explain.superpixels(x)):
        for number in range(patches.max() + 1):
            here = patches == number
            change = (x[k, 0, here] ** 2 - x[k].mean() ** 2).sum()
            assert maps[k][here] == pytest.approx(np.full(here.sum(), change), abs=1e-9)


def test_only_what_a_method_says_of_the_net_is_taken_for_a_refusal():
    def raising(error):
        def method(model, x, target):
            raise error("this net has no use for it")

        return method

    net, x = linear_net(tl.Generator(18)), pictures(tl.Generator(19))
    methods = {"one": raising(ValueError), "two": raising(RuntimeError), "gradient": explain.gradient}
    maps, refused = explain.applied(methods, net, x, 1)
    assert list(maps) == ["gradient"]
    assert refused == dict.fromkeys(("one", "two"), "this net has no use for it")
    with pytest.raises(TypeError, match="no use"):
        explain.applied({"three": raising(TypeError)}, net, x, 1)


def test_rise_is_taken_off_its_level():
    rng = tl.Generator(15)
    net, x = folded_average(rng), pictures(rng)
    maps, raw = explain.ready(["rise"])["rise"](net, x, 1), explain.rise(net, x, 1)
    assert np.allclose(maps, raw - raw.reshape(2, 36).mean(1)[:, None, None], atol=1e-12)


def test_unknown_names_and_a_missing_background_are_said():
    check_message(lambda: explain.ready(["saliency"]), ValueError, "no method 'saliency'|there are: gradient, ")
    check_message(lambda: explain.ready(["expected_gradients"]), ValueError, "background=")
    check_message(lambda: explain.ready("lrpp"), ValueError, "no method 'lrpp'")
    assert list(explain.ready("lrp")) == ["lrp"]
    assert set(explain.METHODS) - set(explain.ready()) == {"expected_gradients"}
    assert list(explain.ready(background=np.zeros((1, 1, 2, 2)))) == list(explain.METHODS)


def test_a_name_or_maps_in_a_methods_place_and_the_other_way_round_are_said():
    rng = tl.Generator(17)
    net, x, measure = Folded(rng), pictures(rng), explain.evaluate
    words = "got 'gradient'; tl.explain.ready gives them by name"
    check_message(lambda: explain.smoothgrad(net, x, 1, method="gradient"), TypeError, words)
    check_message(lambda: measure.max_sensitivity(net, x, 1, "gradient"), TypeError, words)
    check_message(lambda: measure.parameter_randomisation(net, x, 1, "gradient"), TypeError, words)
    check_message(lambda: measure.label_randomisation(net, net, x, 1, "gradient"), TypeError, words)
    check_message(lambda: measure.seconds(net, x, 1, "gradient"), TypeError, words)
    check_message(
        lambda: measure.deletion(net, x, 1, explain.gradient), TypeError, "give what method(model, x, target)"
    )


@pytest.mark.parametrize("name", ["smoothgrad", "vargrad", "integrated_gradients", "expected_gradients"])
def test_long_sweeps_of_gradients_show_a_bar_too(name, monkeypatch, capsys):
    rng = tl.Generator(18)
    net, x = linear_net(rng), pictures(rng)
    monkeypatch.setattr(tl.patience, "SECONDS", -1)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    more = {"background": x} if name == "expected_gradients" else {}
    explain.METHODS[name](net, x, 1, batch_size=4, **more)
    total = {"integrated_gradients": 32, "expected_gradients": 64}.get(name, 25)
    assert f"/{total} " in capsys.readouterr().err
