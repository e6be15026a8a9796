"""Samples of the same noise after every epoch: pictures in which one sees a generator learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import devices
from ..io.atomic import replacing
from ..io.gif import side_by_side, write_film
from ..nn import Module
from ..nn.module import device_of, mode
from ..random import Generator
from ..scopes import no_grad
from ..tensor import Tensor
from .step import noise

ROWS, MOST = 8, 16  # samples of a class, and columns at most
APART = 1 << 60  # where in the stream of random numbers the fixed noise begins: far behind what training draws
BATCH = 250


def sample(generator: Module, n: int, y: Any = None, rng: Generator | None = None, z: Any = None) -> Any:
    """n pictures of a generator, an array (n, C, H, W), in eval mode; of noise ``z`` (n, latent), or drawn from ``rng``.

    ``y``: their classes (n,), or one for all, where the generator is told one. Raises ValueError for a y or z of another
    length, and as the generator does.
    """
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"sample: n must be a whole number of at least 1, got {n!r}; say how many pictures to draw")
    if rng is not None and not isinstance(rng, Generator):
        raise TypeError(f"sample: rng must be a tl.Generator, got {rng!r}; write tl.Generator(0)")
    drawn = noise(generator, n, rng or Generator(0))
    z = drawn if z is None else Tensor(devices.put(devices.raw(z).astype(drawn.dtype), device_of(generator)))
    if z.shape[1:] != drawn.shape[1:]:
        raise ValueError(f"sample: this generator takes z {drawn.shape}, got {z.shape}")
    y = y if y is None else np.broadcast_to(devices.host(y), (n,)) if np.ndim(y) == 0 else devices.host(y)
    if len(z) != n or (y is not None and len(y) != n):
        raise ValueError(f"sample: {n} pictures need as many z and y, got {z.shape} and {np.shape(y)}")
    with mode(generator, training=False), no_grad():
        parts = [generator(z[k : k + BATCH], None if y is None else y[k : k + BATCH]) for k in range(0, n, BATCH)]
        return np.concatenate([devices.host(part) for part in parts])


class Grid:
    """Fixed noise, of each class as much, and the pictures a generator makes of it, written to ``folder`` unless None."""

    def __init__(self, generator: Module, classes: int, seed: int, folder: Path | None) -> None:
        self.columns = min(classes, MOST) or ROWS
        self.n, self.folder = ROWS * self.columns, folder
        self.y = np.arange(self.n) % self.columns if classes else None
        rng = Generator(seed)
        rng.set_state((rng.seed, APART))
        self.z = noise(generator, self.n, rng)
        self.drawn = 0

    def draw(self, generator: Module) -> Any:
        """Make the pictures (n, C, H, W) and write them as one, with a column for each class."""
        from PIL import Image

        x = sample(generator, self.n, self.y, z=self.z)
        self.drawn += 1
        if self.folder:
            self.folder.mkdir(exist_ok=True)
            with replacing(self.folder / f"epoch-{self.drawn:04}.png") as file:
                Image.fromarray(side_by_side(x, self.columns)).save(file, format="PNG")
        return x

    def film(self, path: Path) -> None:
        """The pictures so far as a GIF."""
        from PIL import Image

        if not self.folder:
            return
        paths = [self.folder / f"epoch-{k:04}.png" for k in range(1, self.drawn + 1)]
        frames = [Image.open(each) for each in paths if each.exists()]  # somebody may have tidied up
        if frames:
            with replacing(path) as file:
                write_film(file, frames)
