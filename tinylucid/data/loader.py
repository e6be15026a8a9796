"""Batches for training, made ahead by one background thread, the same ones whatever is made ahead.

Which pictures batch b of epoch k holds and how they are changed is a function of (seed, k, b) alone, so a run that was
stopped goes on with exactly the batches that it would have seen.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import Any

import numpy as np
from tinylucid_kernels import kernels

from ..dtypes import int64
from . import keyed
from .augment import Augment, whole
from .dataset import ArrayDataset, as_float
from .picture import PictureError

Batch = tuple[Any, Any]


class DataLoader:
    """The batches (x, y) of a dataset: x (N, C, H, W), bytes as float32 in [0, 1]; y int64, soft float32 with mixup.

    ``dataset`` is an ArrayDataset, or anything with ``len(dataset)`` and ``dataset[i] -> (picture, target)``. The last
    batch is short unless ``drop_last``. ``loader.epoch(k, start)`` gives the batches of epoch k from number ``start`` on;
    ``for x, y in loader`` is the next epoch each time. ``shuffle`` orders each epoch by (seed, epoch); ``augment`` (an
    ``Augment``) changes each picture by (seed, epoch, index). ``prefetch`` batches are made ahead in a thread, which
    computes with the reference kernels; 0: none. A dataset that is no ArrayDataset is read in that thread.

    A picture that cannot be read (PictureError) is named in a warning, once, and left out of its batch; a batch of which
    nothing is left is left out. Raises ValueError for an empty dataset, pictures of different shapes, arguments out of
    range, and an epoch of which nothing could be read; TypeError for an ``augment`` that is none.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 64,
        shuffle: bool = False,
        seed: int = 0,
        augment: Augment | None = None,
        drop_last: bool = False,
        prefetch: int = 2,
    ) -> None:
        if not len(dataset):
            raise ValueError("DataLoader: the dataset is empty")
        if not whole(batch_size) or batch_size < 1:
            raise ValueError(f"DataLoader: batch_size must be an integer ≥ 1, got {batch_size!r}; usual is 64")
        if not whole(prefetch):
            raise ValueError(f"DataLoader: prefetch must be an integer ≥ 0, got {prefetch!r}")
        if not whole(seed) or seed >= 2**64:
            raise ValueError(f"DataLoader: seed must be an integer from 0 to 2**64 - 1, got {seed!r}")
        if augment is not None and not isinstance(augment, Augment):
            raise TypeError(
                f"DataLoader: augment must be a tl.data.Augment or None, got {augment!r:.40}; write Augment(flip=True)"
            )
        if drop_last and len(dataset) < batch_size:
            raise ValueError(
                f"DataLoader: drop_last leaves nothing of {len(dataset)} pictures in batches of {batch_size}"
            )
        self.dataset, self.batch_size, self.shuffle, self.seed = dataset, int(batch_size), shuffle, int(seed)
        self.augment, self.drop_last, self.prefetch = augment, drop_last, int(prefetch)
        self.next_epoch = 0
        self._named: set[int] = set()  # the unreadable pictures that a warning has named

    def __len__(self) -> int:
        """How many batches an epoch has."""
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        self.next_epoch += 1
        return self.epoch(self.next_epoch - 1)

    def epoch(self, k: int, start: int = 0) -> Generator[Batch, None, None]:
        """The batches of epoch k = 0, 1, …, from batch number ``start`` on (counting those that could not be read)."""
        if not whole(k):
            raise ValueError(f"DataLoader: epochs are 0, 1, …; got {k!r}")
        if not whole(start) or start > len(self):
            raise ValueError(f"DataLoader: start must be a batch number from 0 to {len(self)}, got {start!r}")
        batches = self._batches(int(k), int(start))
        return ahead(batches, self.prefetch) if self.prefetch else batches

    def _batches(self, epoch: int, start: int) -> Generator[Batch, None, None]:
        """The batches of an epoch, made one after another when asked for."""
        n, some = len(self.dataset), False
        order = keyed.order(self.seed, epoch, n) if self.shuffle else np.arange(n)
        for b in range(start, len(self)):
            index, x, y = self._read(order[b * self.batch_size : (b + 1) * self.batch_size])
            if not len(index):
                continue
            some = True
            if self.augment:
                classes = len(getattr(self.dataset, "classes", ()))
                x, y = self.augment(x, y, index, epoch=epoch, seed=self.seed, classes=classes)
            yield x, y
        if not some and start == 0:
            raise ValueError(f"DataLoader: none of the {n} pictures can be read")

    def _read(self, index: Any) -> tuple[Any, Any, Any]:
        """Which of the pictures of these numbers can be read, the pictures and their targets."""
        if isinstance(self.dataset, ArrayDataset):
            x, y = self.dataset[index]
        else:
            index, x, y = self._read_each(index)
        if y.dtype.kind in "USO":
            raise TypeError(
                f"DataLoader: targets must be numbers, got {y.flat[0]!s:.80}; number the names: "
                "classes, y = np.unique(names, return_inverse=True)"
            )
        return index, as_float(x), y.astype(int64, copy=False) if y.dtype.kind in "iu" else y

    def _read_each(self, index: Any) -> tuple[Any, Any, Any]:
        """The same, one picture at a time."""
        found, xs, ys = [], [], []
        for i in index.tolist():
            try:
                item = self.dataset[i]
            except PictureError as error:
                self._name(i, error)
                continue
            except Exception as error:
                error.add_note(f"DataLoader: this was raised by dataset[{i}]")
                raise
            if not isinstance(item, (tuple, list)) or len(item) != 2:
                raise ValueError(
                    f"DataLoader: dataset[{i}] must be a pair (picture, target), got {type(item).__name__}; use tl.data.ArrayDataset(x, y)"
                )
            found.append(i)
            xs.append(np.asarray(item[0]))
            ys.append(np.asarray(item[1]))
        return np.array(found, int64), stacked(xs, found, "picture"), stacked(ys, found, "target")

    def _name(self, i: int, error: PictureError) -> None:
        """Warn of a picture that is left out, unless it has been named before."""
        if i not in self._named:
            self._named.add(i)
            warnings.warn(f"DataLoader: left out of its batch: {error}", stacklevel=2)


def stacked(arrays: list[Any], index: list[int], what: str) -> Any:
    """Arrays of one shape as one array; ValueError that names the first of another shape by its number in the dataset."""
    for i, a in zip(index, arrays):
        if a.shape != arrays[0].shape:
            raise ValueError(
                f"DataLoader: the {what} of dataset[{i}] has shape {a.shape}, that of dataset[{index[0]}] has "
                f"{arrays[0].shape}; a batch needs one shape: resize or crop them"
            )
    return np.stack(arrays) if arrays else np.empty(0)


def ahead(batches: Generator[Batch, None, None], room: int) -> Generator[Batch, None, None]:
    """The same batches, up to ``room`` of them made ahead by a thread, which ends when this generator does.

    The thread waits for room, not for time, so it ends as soon as the batch in work is done. It computes with the
    reference kernels: Numba's are not for two threads at once. What it raises is raised here, with its traceback.
    """
    free, ready, closed = threading.Semaphore(room), SimpleQueue[Any](), threading.Event()

    def work() -> None:
        with kernels("reference"):
            try:
                while free.acquire() and not closed.is_set():
                    ready.put(next(batches))
            except StopIteration:
                ready.put(None)
            except BaseException as error:
                ready.put(error)

    thread = threading.Thread(target=work, name="tinylucid-loader", daemon=True)  # a forgotten one must not keep Python
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            free.release()
            yield item
    finally:
        item = None  # an error's traceback holds this frame: no cycle
        closed.set()
        free.release()
        thread.join()
