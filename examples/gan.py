"""A GAN from top to bottom: two nets play against each other until one of them can draw digits.

Run it with ``python examples/gan.py``; it takes about half a minute. The loop is written out here, so that both steps can be
read; ``tl.gan.fit`` is the same with a progress bar, checkpoints, penalties and a look at what goes wrong.
"""

import argparse

import numpy as np

import tinylucid as tl
from tinylucid import nn
from tinylucid.nn import functional as F

LATENT, CLASSES, BATCH = 32, 10, 64


def one_hot(y):
    """Class numbers (N,) as rows of zeros with a one, (N, 10): both nets are told which digit is meant."""
    return tl.tensor(np.eye(CLASSES, dtype=np.float32)[y])


def generator():
    """Noise (N, 32) and the digit (N, 10) → 64 pixels in [0, 1]."""
    return nn.Sequential(
        nn.Linear(LATENT + CLASSES, 128), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, 256), nn.BatchNorm1d(256), nn.ReLU(),
        nn.Linear(256, 64), nn.Sigmoid(),
    )  # fmt: skip


def discriminator():
    """64 pixels and the digit → one number, above 0 for "real". Dropout, or it would learn 1,347 pictures by heart."""
    return nn.Sequential(
        nn.Linear(64 + CLASSES, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(256, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(128, 1),
    )  # fmt: skip


def cross_entropy(logits, label):
    """−label·log σ − (1 − label)·log(1 − σ), the mean over the batch."""
    return F.binary_cross_entropy_with_logits(logits, tl.full(logits.shape, label))


def train(data, steps, rng):
    """The game. Returns the average of the generator over its training, which draws steadier than that of any one step."""
    g, d = generator(), discriminator()
    g_step, d_step = (tl.optim.Adam(net.parameters(), lr=4e-4, betas=(0.5, 0.999)) for net in (g, d))
    average = tl.gan.Average(g, decay=0.999)
    for step in range(steps):
        index = rng.integers(0, len(data), (BATCH,))
        real, digit = tl.tensor(data.x[index].reshape(BATCH, -1)), one_hot(data.y[index])

        # The discriminator's step: real pictures up to 0.9 (it is never to be quite sure), drawn ones down to 0. The drawn
        # ones are made without recording, so that no gradient gets into the generator.
        with tl.no_grad():
            fake = g(tl.concatenate([tl.tensor(rng.normal((BATCH, LATENT))), digit], 1))
        r, f = d(tl.concatenate([real, digit], 1)), d(tl.concatenate([fake, digit], 1))
        d_loss = cross_entropy(r, 0.9) + cross_entropy(f, 0.0)
        d_step.zero_grad()
        d_loss.backward()
        d_step.step()

        # The generator's step: what it draws is to be called real. The gradient comes back through the discriminator, whose
        # own gradients are thrown away at its next step.
        fake = g(tl.concatenate([tl.tensor(rng.normal((BATCH, LATENT))), digit], 1))
        g_loss = cross_entropy(d(tl.concatenate([fake, digit], 1)), 1.0)
        g_step.zero_grad()
        g_loss.backward()
        g_step.step()
        average.update(g)
        if (step + 1) % max(steps // 10, 1) == 0:
            print(f"step {step + 1:>5}  discriminator {d_loss.item():.2f}  generator {g_loss.item():.2f}", flush=True)
    return average.model


def main():
    parser = argparse.ArgumentParser(description="A GAN that draws handwritten digits.")
    parser.add_argument("--steps", type=int, default=7000, help="of each of the two nets (%(default)s)")
    parser.add_argument("--output", default="digits.png", help="where the samples are written (%(default)s)")
    args = parser.parse_args()
    tl.manual_seed(0)
    rng = tl.Generator(0)
    real = tl.data.digits()
    drawn_by = train(real.train, args.steps, rng)

    y = np.arange(1000) % CLASSES
    with tl.no_grad():
        z = tl.tensor(rng.normal((len(y), LATENT)))
        x = drawn_by(tl.concatenate([z, one_hot(y)], 1)).numpy().reshape(-1, 1, 8, 8)

    # Are they any good? A classifier that was trained on real digits is asked, and the training pictures are searched for
    # copies. A Gaussian for each class is recognised as well as these samples are: recognition alone proves nothing.
    print(tl.gan.compare(tl.gan.judge_of(real.train), *real, {"this GAN": (x, y)}))
    tl.plot.samples_by_class(x, y, real.train.classes).savefig(args.output)
    print(f"samples: {args.output}")


if __name__ == "__main__":
    main()
