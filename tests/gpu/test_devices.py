"""Tensors and models on the GPU: moving, mixing, saving, and what is refused."""

import numpy as np
import pytest
from tinylucid_kernels.gpu import driver

import tinylucid as tl
from tinylucid import devices
from tinylucid.baselines import softmax_regression

nn, F = tl.nn, tl.nn.functional


@pytest.fixture
def on_gpu():
    """What the test makes lives on the GPU unless it says otherwise."""
    tl.set_default_device("cuda")
    yield
    tl.set_default_device("cpu")


def test_a_tensor_moves_there_and_back_and_its_gradient_with_it():
    x = tl.tensor([1.0, -2.0, 3.0], requires_grad=True)
    y = x.to("cuda")
    assert (x.device, y.device, y.cpu().device, y.cuda() is y) == ("cpu", "cuda", "cpu", True)
    (y * y).sum().backward()
    assert x.grad.device == "cpu"
    np.testing.assert_array_equal(x.grad.numpy(), [2, -4, 6])


def test_moving_can_be_differentiated_twice():
    x = tl.tensor([1.0, -2.0], dtype=tl.float64, requires_grad=True)
    assert tl.gradgradcheck(lambda x: (x.to("cuda") ** 3).to("cpu"), [x])


MAKERS = {
    "tensor": lambda **how: tl.tensor([[1.0, 2], [3, 4]], **how),
    "full": lambda **how: tl.full((2, 3), 7.0, **how),
    "zeros": lambda **how: tl.zeros(2, 3, **how),
    "ones": lambda **how: tl.ones(2, 3, **how),
    "arange": lambda **how: tl.arange(5, **how),
    "rand": lambda **how: tl.rand(2, 3, **how),
    "randn": lambda **how: tl.randn(2, 3, **how),
}


@pytest.mark.parametrize("name", MAKERS)
def test_made_where_it_is_asked_for_with_the_numbers_of_the_cpu(name):
    tl.manual_seed(3)
    here = MAKERS[name]()
    tl.manual_seed(3)
    there = MAKERS[name](device="cuda")
    assert (here.device, there.device) == ("cpu", "cuda")
    assert there.dtype == here.dtype
    np.testing.assert_array_equal(there.cpu().numpy(), here.numpy())
    tl.set_default_device("cuda")
    try:
        assert MAKERS[name]().device == "cuda"
        assert MAKERS[name](device="cpu").device == "cpu"
    finally:
        tl.set_default_device("cpu")


def test_likes_and_copies_stay_on_the_device():
    x = tl.tensor([1.0, 2], device="cuda")
    assert {tl.zeros_like(x).device, tl.ones_like(x).device, tl.tensor(x).device, x.clone().device} == {"cuda"}
    assert tl.tensor(x, device="cpu").device == "cpu"


def test_the_array_is_cupys_and_is_shared():
    cp = driver.cupy()
    a = cp.arange(3, dtype=np.float32)
    x = tl.Tensor(a)
    a += 1
    assert x.device == "cuda"
    assert x.tolist() == [1, 2, 3]
    assert x[2].item() == 3
    assert float(x.sum()) == 6
    assert repr(x) == "tensor([1., 2., 3.], dtype=float32, device='cuda')"


def test_cupys_array_leaves_operators_to_the_tensor():
    """array * tensor is recorded, from either side and by NumPy's name; another of NumPy's functions is refused."""
    a, x = driver.cupy().asarray(np.array([2, 4], np.float32)), tl.full((2,), 3.0, device="cuda", requires_grad=True)
    for y, values in ((a * x, [6, 12]), (a - x, [-1, 1]), (x * a, [6, 12]), (np.multiply(a, x), [6, 12])):
        assert isinstance(y, tl.Tensor)
        assert y.requires_grad
        assert y.tolist() == values
    assert (a < x).tolist() == [True, False]
    with pytest.raises(TypeError, match=r"np\.exp: expected arrays, got a Tensor"):
        np.exp(x)


def test_no_numpy_array_shares_the_gpus_memory(on_gpu):
    x = tl.ones(2)
    with pytest.raises(TypeError, match=r"x.cpu\(\).numpy\(\)"):
        x.numpy()
    with pytest.raises(TypeError, match="GPU"):
        np.asarray(x)


MIXED = {
    "add": lambda x, y: x + y,
    "add a column": lambda x, y: x + y[:, :1],
    "compare": lambda x, y: x > y,
    "matmul": lambda x, y: x @ y,
    "where": lambda x, y: tl.where(x > 0, y, 0.0),
    "concatenate": lambda x, y: tl.cat([x, y]),
    "linear": lambda x, y: F.linear(x, y),
    "cross_entropy": lambda x, y: F.cross_entropy(x, tl.tensor([0, 1], device="cpu")),
    "in place": lambda x, y: x.__iadd__(y),
    "written into": lambda x, y: x.__setitem__(0, y[0]),
    "backward": lambda x, y: (x * 1).backward(y),
}


@pytest.mark.parametrize("name", MIXED)
def test_tensors_on_two_devices_do_not_meet(name):
    x = tl.ones(2, 2, device="cuda", requires_grad=name == "backward")
    with pytest.raises(RuntimeError, match="different devices") as caught:
        MIXED[name](x, tl.ones(2, 2))
    assert all(word in str(caught.value) for word in ("cuda", "cpu", ".to("))


def test_numpy_arrays_are_constants_and_follow_the_tensor(on_gpu):
    x, a = tl.tensor([[1.0, 2], [3, 4]], requires_grad=True), np.array([[2.0, 0], [1, 1]], np.float32)
    y = (x * a + a - x / (a + 1)).sum() + (a @ x).sum() + x[np.array([0, 1]), np.array([1, 0])].sum()
    y.backward()
    assert {y.device, x.grad.device} == {"cuda"}
    z = tl.tensor([[1.0, 2], [3, 4]], requires_grad=True, device="cpu")
    ((z * a + a - z / (a + 1)).sum() + (a @ z).sum() + z[np.array([0, 1]), np.array([1, 0])].sum()).backward()
    np.testing.assert_allclose(x.grad.cpu().numpy(), z.grad.numpy(), rtol=1e-6)
    x = x.detach()
    x[np.array([True, False])] = a[0]
    x += a
    assert x.tolist() == [[4, 0], [4, 5]]


@pytest.mark.parametrize(("device", "words"), [("tpu", "'cpu', 'cuda' or 'auto'"), ("cuda:1", "CUDA_VISIBLE_DEVICES")])
def test_another_device_is_refused(device, words):
    for call in (lambda: tl.zeros(1, device=device), lambda: tl.set_default_device(device)):
        with pytest.raises(ValueError, match=words):
            call()


def test_a_model_moves_with_its_buffers_and_the_optimiser_follows():
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = tl.optim.Adam(model.parameters(), lr=0.1)
    x, y = tl.randn(6, 3).numpy(), np.array([0, 1, 1, 0, 1, 0])
    weights = []
    for plan in (["cpu"] * 4, ["cpu", "cuda", "cuda", "cpu"]):
        start = {name: t.data.copy() for name, t in model.state_dict().items()} if not weights else start  # noqa: F821
        model.load_state_dict(start)
        optimizer = tl.optim.Adam(model.parameters(), lr=0.1)
        for device in plan:
            model.to(device)
            assert {t.device for t in [*model.parameters(), *model.buffers()]} == {device}
            optimizer.zero_grad()
            F.cross_entropy(model(tl.tensor(x, device=device)), y).backward()
            optimizer.step()
        weights.append([p.numpy().copy() for p in model.requires_grad_(False).parameters()])
        model.requires_grad_()
    for a, b in zip(*weights):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_layers_made_on_the_default_device_draw_the_cpus_numbers(on_gpu):
    tl.manual_seed(1)
    there = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LSTM(3, 4), nn.Embedding(5, 2))
    tl.set_default_device("cpu")
    tl.manual_seed(1)
    here = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LSTM(3, 4), nn.Embedding(5, 2))
    for (name, a), b in zip(there.state_dict().items(), here.state_dict().values()):
        assert (name, a.device) == (name, "cuda")
        np.testing.assert_array_equal(a.cpu().numpy(), b.numpy())


def test_files_know_no_device(tmp_path, on_gpu):
    model = tl.models.build("lenet", classes=3)
    tl.models.save(model, tmp_path / "net.safetensors")
    there = tl.models.load(tmp_path / "net.safetensors").model
    tl.set_default_device("cpu")
    here = tl.models.load(tmp_path / "net.safetensors").model
    for a, b, c in zip(model.parameters(), there.parameters(), here.parameters()):
        assert (a.device, b.device, c.device) == ("cuda", "cuda", "cpu")
        np.testing.assert_array_equal(a.detach().cpu().numpy(), c.detach().numpy())
        np.testing.assert_array_equal(b.detach().cpu().numpy(), c.detach().numpy())


def test_out_of_memory_says_what_to_do():
    cp = driver.cupy()
    pool = cp.get_default_memory_pool()
    x = tl.ones(1000, 1000, device="cuda")
    tl.cuda.empty_cache()
    pool.set_limit(size=pool.used_bytes() + 1_000_000)
    try:
        with pytest.raises(MemoryError, match=r"(?s)out of memory.*smaller batch"):
            x + x
    finally:
        pool.set_limit(size=0)
    assert (x + x).sum().item() == 2e6


def test_anomaly_mode_finds_nan_and_writes_on_the_gpu(on_gpu):
    with tl.detect_anomaly():
        x = tl.tensor([1.0, -1.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="log: the result holds NaN"):
            x.log()
        y = (x * x).sum()
        x.data[0] = 5
        with pytest.raises(RuntimeError, match="changed since the forward pass"):
            y.backward()


def test_synchronize_waits():
    tl.cuda.synchronize()
    assert tl.cuda.is_available()
    assert devices.known("auto", "test") == ("cpu" if driver.is_emulated() else "cuda")  # slow, unless one asks for it


NUMBERS = {
    "add": lambda x, k: x + k,
    "behind": lambda x, k: k * x,
    "divide": lambda x, k: x / k,
    "power": lambda x, k: k**x,
    "maximum": lambda x, k: tl.maximum(x, k),
    "where": lambda x, k: tl.where(x > 1, x, k),
    "compare": lambda x, k: (x >= k).to(x.dtype),
    "in place": lambda x, k: x.clone().__iadd__(k),
}


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("name", NUMBERS)
def test_numpy_numbers_are_constants_too(name, kind):
    x = np.float32([0.5, 1.0, 3.0])
    there, here = (NUMBERS[name](tl.tensor(x, device=device), kind(2)) for device in ("cuda", "cpu"))
    assert (there.device, there.dtype) == ("cuda", here.dtype)
    np.testing.assert_allclose(there.cpu().numpy(), here.numpy(), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, bool])
def test_relu_of_integers(dtype):
    x = np.arange(6).astype(dtype)
    assert tl.tensor(x, device="cuda").relu().tolist() == tl.tensor(x).relu().tolist()


@pytest.mark.parametrize("where", [tl.ones(1), nn.Linear(1, 1)], ids=["tensor", "model"])
@pytest.mark.parametrize("name", ["gpu", "CUDA", "tpu"])
def test_what_is_neither_device_nor_dtype_is_told_so(where, name):
    with pytest.raises(ValueError, match=f"a dtype, or device 'cpu', 'cuda' or 'auto', got '{name}'"):
        where.to(name)


def test_gradients_move_with_their_model():
    layer = nn.Linear(2, 1)
    layer(tl.ones(1, 2)).sum().backward()
    layer.to("cuda")
    assert layer.weight.grad.device == "cuda"
    assert layer.weight.grad.tolist() == [[1, 1]]
    with pytest.raises(TypeError, match="grad: expected"):
        layer.weight.grad = tl.zeros(1, 2)


def test_a_model_is_checked_where_it_is():
    assert tl.gradcheck(nn.Linear(4, 3).to("cuda"), tl.randn(2, 4).numpy())
    assert tl.gradgradcheck(nn.Linear(4, 3).to("cuda"), tl.randn(2, 4).numpy())


@pytest.mark.parametrize("rule", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_a_rate_may_be_a_numpy_number(rule):
    p = tl.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    (p * p).sum().backward()
    getattr(tl.optim, rule)([p], lr=np.float64(0.1)).step()
    assert p.dtype == tl.float32
    assert p[0].item() < 1


def test_lists_of_tensors_are_read_from_the_gpu():
    assert tl.tensor([tl.ones(1, device="cuda"), 2 * tl.ones(1)]).tolist() == [[1], [2]]


def test_no_room_for_an_array_that_is_moved():
    pool = driver.cupy().get_default_memory_pool()
    tl.cuda.empty_cache()
    pool.set_limit(size=pool.used_bytes() + 1_000_000)
    try:
        with pytest.raises(MemoryError, match=r"(?s)to the GPU: the GPU is out of memory.*smaller batch"):
            tl.zeros(1000, 1000, device="cuda")
    finally:
        pool.set_limit(size=0)


def test_data_and_what_simple_methods_reach_do_not_depend_on_the_default_device():
    x = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
    y = np.arange(12) % 3
    found = []
    for device in ("cuda", "cpu"):
        tl.set_default_device(device)
        tl.manual_seed(0)
        train, _ = tl.data.digits(size=16)
        found.append((train.x, softmax_regression(x, y, x, steps=3)))
    assert type(found[0][0]) is np.ndarray
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_negative_numbers_of_rows_get_their_gradient(on_gpu):
    x = tl.ones(3, 2, requires_grad=True)
    (x[np.array([-1, 0, -1])] * 2).sum().backward()
    assert x.grad.tolist() == [[2, 2], [0, 0], [4, 4]]


BESIDE = {
    "too large": np.array([0, 3]),
    "too small": np.array([-4]),
    "of the second axis": (slice(None), np.array([1, 2])),
    "on the GPU": lambda: tl.tensor([0, 7], device="cuda"),
    "a mask of another length": np.array([True, False]),
}


@pytest.mark.parametrize("name", BESIDE)
def test_an_index_beside_the_tensor_is_an_error_as_on_the_cpu(name, on_gpu):
    """CuPy would wrap it round, and give another element."""
    x, key = tl.ones(3, 2), BESIDE[name]
    key = key() if callable(key) else key
    with pytest.raises(IndexError, match="index: "):
        x[key]
    with pytest.raises(IndexError, match="index: "):
        x[key] = 5.0
    assert x.sum().item() == 6


def test_a_card_and_maps_are_the_cpus(on_gpu):
    x = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    for shape in ((8, 8), (1, 1, 8, 8)):
        here, there = (tl.tensor(x.reshape(shape), device=device)._repr_html_() for device in ("cpu", "cuda"))
        assert there == here.replace("· cpu", "· cuda")
    maps = tl.explain.gradient(lambda z: (z * z).flatten(1)[:, :2], tl.tensor(x), 1)
    made = tl.tensor(x) * maps
    assert made.device == "cuda"
    np.testing.assert_array_equal(made.cpu().numpy(), x * maps)
