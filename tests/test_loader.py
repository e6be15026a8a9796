"""tl.data.DataLoader: the same batches whatever is made ahead, a thread that leaves nothing behind, errors that say where."""

import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
import traceback
import types
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import dispatch, of, reference

import tinylucid as tl
from tinylucid.data import ArrayDataset, Augment, DataLoader, PictureError

ALL = Augment(True, True, 2, 25, (0.8, 1.3), 0.2, 0.4, 0.1, 3, 0.3)


def numbered(n, size=1, classes=("a", "b", "c")):
    """Pictures that hold their own number."""
    x = np.arange(n, dtype=np.float32)[:, None, None, None] + np.zeros((1, 1, size, size), np.float32)
    return ArrayDataset(x, np.arange(n) % 3, classes)


class OneByOne:
    """A dataset as in PyTorch: len and integers; ``do(i)`` happens before picture i is given."""

    classes = ("a", "b", "c")

    def __init__(self, n, do=lambda i: None):
        self.n, self.do, self.read = n, do, []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        assert type(i) is int
        self.read.append(i)
        self.do(i)
        return np.full((1, 6, 6), i, np.float32), i % 3


def numbers(batches):
    return [x[:, 0, 0, 0].tolist() for x, _ in batches]


def flat(batches):
    return [number for batch in numbers(batches) for number in batch]


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "tinylucid-loader"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert threads() == []


# --- which batches -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 1, 2])
def test_in_order_with_a_short_last_batch(prefetch):
    loader = DataLoader(numbered(7), 3, prefetch=prefetch)
    assert len(loader) == 3
    assert numbers(loader) == [[0, 1, 2], [3, 4, 5], [6]]
    assert [y.tolist() for _, y in loader] == [[0, 1, 2], [0, 1, 2], [0]]
    whole = DataLoader(numbered(7), 3, drop_last=True, prefetch=prefetch)
    assert len(whole) == 2
    assert numbers(whole) == [[0, 1, 2], [3, 4, 5]]


def test_each_epoch_has_every_picture_once_in_an_order_of_its_own():
    loader = DataLoader(numbered(50), 8, shuffle=True, seed=5)
    epochs = [flat(loader.epoch(k)) for k in (0, 1, 2)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert epochs[1] == flat(DataLoader(numbered(50), 8, shuffle=True, seed=5).epoch(1))
    assert epochs[1] != flat(DataLoader(numbered(50), 8, shuffle=True, seed=6).epoch(1))


def test_looping_again_is_the_next_epoch():
    loader = DataLoader(numbered(20), 20, shuffle=True)
    assert [numbers(loader), numbers(loader)] == [numbers(loader.epoch(0)), numbers(loader.epoch(1))]
    assert numbers(loader) == numbers(loader.epoch(2))


@given(
    n=st.integers(1, 23),
    batch_size=st.integers(1, 9),
    prefetch=st.integers(0, 3),
    start=st.integers(0, 4),
    seed=st.integers(0, 2**64 - 1),
    drop_last=st.booleans(),
)
def test_whatever_is_made_ahead_and_wherever_it_starts_the_batches_are_the_same(
    n, batch_size, prefetch, start, seed, drop_last
):
    data, drop_last = numbered(n, 6), drop_last and n >= batch_size
    how = {"batch_size": batch_size, "shuffle": True, "seed": seed, "augment": ALL, "drop_last": drop_last}
    plain = DataLoader(data, prefetch=0, **how)
    whole, start = list(plain.epoch(1)), min(start, len(plain))
    assert len(whole) == len(plain)
    part = list(DataLoader(data, prefetch=prefetch, **how).epoch(1, start))
    assert len(part) == len(whole) - start
    for (x, y), (same_x, same_y) in zip(whole[start:], part):
        assert np.array_equal(x, same_x)
        assert np.array_equal(y, same_y)


def test_a_picture_is_changed_alike_in_batches_of_any_size():
    data, augment = numbered(12, 6), Augment(True, True, 2, 25, (0.8, 1.3), 0.2, 0.4, 0.1, 3)
    one, four = (DataLoader(data, size, augment=augment, seed=1) for size in (1, 4))
    assert np.array_equal(np.concatenate([x for x, _ in one]), np.concatenate([x for x, _ in four]))


def test_augment_is_told_the_epoch_the_seed_and_the_pictures():
    data, augment = numbered(5, 6), Augment(noise=1)
    found = list(DataLoader(data, 3, seed=8, augment=augment).epoch(7))
    for (x, _), index in zip(found, (np.arange(3), np.arange(3, 5))):
        assert np.array_equal(x, augment(data.x[index], data.y[index], index, epoch=7, seed=8)[0])


def test_a_dataset_as_in_pytorch_gives_the_same():
    how = {"batch_size": 4, "shuffle": True, "augment": ALL}
    for (x, y), (same_x, same_y) in zip(DataLoader(numbered(10, 6), **how), DataLoader(OneByOne(10), **how)):
        assert np.array_equal(x, same_x)
        assert np.array_equal(y, same_y)


def test_bytes_become_shares_of_255_and_numbers_int64():
    bytes_ = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)
    for data in (ArrayDataset(bytes_, np.uint8([1, 2, 0])), [(picture, 1) for picture in bytes_]):
        (x, y), *_ = DataLoader(data, 3)
        assert x.dtype == np.float32
        np.testing.assert_allclose(x.ravel(), [0, 0.2, 1])
        assert y.dtype == np.int64
    (x, y), *_ = DataLoader(ArrayDataset(np.zeros((2, 1, 1, 1)), np.float32([[0, 1], [1, 0]])))
    assert (x.dtype, y.dtype) == (np.float64, np.float32)


def test_mixup_gets_the_classes_of_the_dataset():
    (_, y), *_ = DataLoader(numbered(6), 6, augment=Augment(mixup=1))
    assert y.shape == (6, 3)
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-6)
    with pytest.raises(ValueError, match="give the dataset its classes"):
        list(DataLoader(numbered(6, classes=()), 6, augment=Augment(mixup=1)))


def test_batches_are_not_views_of_the_data():
    data = numbered(4)
    for x, y in DataLoader(data, 2):
        x += 100
        y += 100
    assert numbers(DataLoader(data, 4)) == [[0, 1, 2, 3]]
    assert data.y.max() == 2


# --- the thread --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [1, 3])
def test_a_thread_makes_batches_ahead_and_no_more_than_asked_for(prefetch):
    made = [threading.Event() for _ in range(200)]
    data = OneByOne(200, lambda i: made[i].set())
    for b, _ in enumerate(DataLoader(data, 2, prefetch=prefetch)):
        last = 2 * (b + 1 + prefetch) - 1
        assert made[min(last, 199)].wait(30)  # that many are made while nobody asks
        assert len(data.read) <= last + 1
        assert len(threads()) <= 1


def test_without_prefetch_there_is_no_thread():
    for _ in DataLoader(OneByOne(4), 2, prefetch=0):
        assert threads() == []


def broken(i):
    if i == 5:
        raise RuntimeError("the disk fell off")


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_what_a_dataset_raises_arrives_with_its_traceback_after_the_batches_before(prefetch):
    seen = []
    with pytest.raises(RuntimeError, match="the disk fell off") as caught:
        for x, _ in DataLoader(OneByOne(9, broken), 2, prefetch=prefetch):
            seen.append(x)
    assert len(seen) == 2
    assert [frame.name for frame in traceback.extract_tb(caught.tb)][-1] == "broken"


def test_an_error_leaves_no_cycle_that_keeps_the_data():
    data = OneByOne(9, broken)
    alive = weakref.ref(data)
    gc.disable()
    try:
        with pytest.raises(RuntimeError):
            list(DataLoader(data, 2))
        del data
        assert alive() is None
    finally:
        gc.enable()


def leave_by_break(loader):
    for _ in loader:
        break


def leave_by_error(loader):
    for _ in loader:
        raise KeyboardInterrupt


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_error])
def test_leaving_the_loop_ends_the_thread(leave):
    loader = DataLoader(OneByOne(1000), 2, prefetch=3)
    try:
        leave(loader)
    except KeyboardInterrupt:
        assert threads() == []  # already here, while the error is on its way
    assert threads() == []
    assert len(loader.dataset.read) <= 2 * (1 + 3 + 1)


@pytest.mark.skipif(os.name == "nt", reason="signals to a thread")
def test_ctrl_c_while_waiting_for_a_batch_ends_the_thread():
    main = threading.main_thread().ident
    data = OneByOne(100, lambda i: signal.pthread_kill(main, signal.SIGINT) if i == 4 else None)
    with pytest.raises(KeyboardInterrupt):
        for _ in DataLoader(data, 2, prefetch=1):
            pass
    assert threads() == []
    assert max(data.read) < 10


def test_a_loop_that_was_never_finished_does_not_keep_python_from_ending():
    code = (
        "import numpy as np, tinylucid as tl\n"
        "data = tl.data.ArrayDataset(np.zeros((9, 1, 2, 2)), np.zeros(9, int))\n"
        "batches = iter(tl.data.DataLoader(data, 1))\n"
        "next(batches)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def refuse(*args):
    raise AssertionError("a kernel of Numba was called in the loader's thread")


def test_the_thread_calls_no_kernel_of_numba(monkeypatch):
    cpu = importlib.import_module("tinylucid_kernels.cpu")
    for name in reference.__all__:  # the same names
        monkeypatch.setattr(cpu, name, refuse)
    monkeypatch.setitem(dispatch.FOLDERS, "cpu", dispatch.Folder("cpu"))  # it remembers no kernel from before
    monkeypatch.setattr(dispatch.Chosen, "numpy", dispatch.FOLDERS["cpu"])
    monkeypatch.setattr(dispatch, "chosen", dispatch.Chosen())
    found = []

    def draw_and_resize(i):
        found.append(tl.Generator(i).uniform((2,)))
        tl.nn.functional.interpolate(tl.ones(1, 1, 4, 4), scale_factor=2)

    batches = list(DataLoader(OneByOne(6, draw_and_resize), 2, shuffle=True, augment=ALL))
    assert len(batches) == 3
    assert len(found) == 6
    with pytest.raises(AssertionError, match="a kernel of Numba"), tl.kernels("cpu"):
        draw_and_resize(0)  # so the poison works
    monkeypatch.undo()
    assert isinstance(cpu.philox, types.FunctionType)


def test_the_callers_kernels_stay_as_they_are():
    before = of(np.empty(0))
    for _ in DataLoader(OneByOne(6), 2, augment=ALL):
        assert of(np.empty(0)) is before
    assert of(np.empty(0)) is before


# --- pictures that cannot be read --------------------------------------------------------------------------------------


def unreadable(*bad):
    def do(i):
        if i in bad:
            raise PictureError(f"cannot read {i}.png: it is empty")

    return do


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_unreadable_picture_is_named_once_and_left_out(prefetch):
    loader = DataLoader(OneByOne(7, unreadable(1, 3, 4, 5)), 3, prefetch=prefetch, augment=Augment(noise=0.001))
    with pytest.warns(UserWarning, match="left out") as caught:
        found = list(loader)
    messages = [str(warning.message) for warning in caught]
    assert messages == [f"DataLoader: left out of its batch: cannot read {i}.png: it is empty" for i in (1, 3, 4, 5)]
    assert [np.round(x[:, 0, 0, 0]).tolist() for x, _ in found] == [[0, 2], [6]]  # and no empty batch
    assert [y.tolist() for _, y in found] == [[0, 2], [0]]
    again = list(loader.epoch(0))  # a warning would be an error here
    assert all(np.array_equal(x, same) for (x, _), (same, _) in zip(found, again))


def test_a_picture_is_changed_alike_whether_or_not_another_is_unreadable():
    augment = Augment(brightness=1, noise=1)
    (x, _), *_ = DataLoader(OneByOne(4), 4, augment=augment)
    with pytest.warns(UserWarning, match=r"1\.png"):
        (rest, _), *_ = DataLoader(OneByOne(4, unreadable(1)), 4, augment=augment)
    assert np.array_equal(rest, x[[0, 2, 3]])


@pytest.mark.filterwarnings("ignore:DataLoader")
def test_an_epoch_of_which_nothing_can_be_read():
    loader = DataLoader(OneByOne(4, unreadable(0, 1, 2, 3)), 3)
    with pytest.raises(ValueError, match="none of the 4 pictures can be read"):
        list(loader)
    assert list(loader.epoch(0, 1)) == []
    assert list(loader.epoch(0, 2)) == []


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer ≥ 1, got 0"),
        ({"batch_size": 2.0}, r"batch_size must be an integer ≥ 1, got 2\.0"),
        ({"prefetch": -1}, "prefetch must be an integer ≥ 0, got -1"),
        ({"seed": -1}, r"seed must be an integer from 0 to 2\*\*64 - 1, got -1"),
        ({"seed": 2**64}, "seed must be"),
        ({"drop_last": True}, "drop_last leaves nothing of 7 pictures in batches of 64"),
    ],
)
def test_wrong_arguments_are_named(how, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(numbered(7), **how)


def test_an_empty_dataset_and_an_augment_that_is_none():
    with pytest.raises(ValueError, match="the dataset is empty"):
        DataLoader(numbered(0))
    with pytest.raises(TypeError, match=r"augment must be a tl\.data\.Augment or None, got \{'flip': True\}"):
        DataLoader(numbered(3), augment={"flip": True})


def test_epochs_and_starts_that_do_not_exist():
    loader = DataLoader(numbered(7), 3)
    assert list(loader.epoch(0, 3)) == []
    for start in (4, -1, 1.5):
        with pytest.raises(ValueError, match=f"start must be a batch number from 0 to 3, got {start}"):
            loader.epoch(0, start)
    with pytest.raises(ValueError, match="epochs are 0, 1, …; got -1"):
        loader.epoch(-1)


def test_pictures_of_different_shapes_and_items_that_are_no_pairs():
    pictures = [np.zeros((1, 2, 2 + (k == 4)), np.float32) for k in range(6)]
    message = r"picture of dataset\[4\] has shape \(1, 2, 3\), that of dataset\[3\] has \(1, 2, 2\)"
    with pytest.raises(ValueError, match=message):
        list(DataLoader([(picture, 0) for picture in pictures], 3))
    with pytest.raises(ValueError, match=r"target of dataset\[1\] has shape \(2,\)"):
        list(DataLoader([(pictures[0], 0), (pictures[0], [0, 1])]))
    with pytest.raises(ValueError, match=r"dataset\[0\] must be a pair \(picture, target\), got ndarray"):
        list(DataLoader(pictures))
