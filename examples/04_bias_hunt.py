"""A bias hunt: a net learns a tag in the corner instead of a shape; its maps give it away, and a penalty on them mends it.

Run it with ``python examples/04_bias_hunt.py``; it takes about a minute. Every ring that the net learns from has a small
chequered tag in one corner, as the photographs of a clinic have its stamp; so have those that it is tested on, and it does
well. The hunt is told neither the class nor the place. It confirms what it finds by taking the tag away, and repairs the
net by the same pictures, in which every ring still has the tag.
"""

import argparse

import numpy as np

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import nn

CLASSES = ("circle", "ring", "star")
SIZE = 32  # pixels a side


def drawn(seed, train, test, tag):
    """Pictures of three of the six shapes, (train, test); without a tag the same ones."""
    parts = []
    for data in tl.data.shapes(seed, 2 * train, 2 * test, SIZE, tag):
        numbers = [data.classes.index(name) for name in CLASSES]
        known = np.isin(data.y, numbers)
        parts.append(tl.data.ArrayDataset(data.x[known], np.searchsorted(numbers, data.y[known]), CLASSES))
    return parts


def small_net():
    """(N, 3, 32, 32) → (N, 3) logits. The dense layer knows places, so it can learn to look away from one."""
    layers, channels = [], 3
    for width in (12, 24, 32):
        conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        layers, channels = [*layers, conv, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)], width
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels * (SIZE // 8) ** 2, len(CLASSES)))


def filled(x, box, share=1.0):
    """Pictures in which the box (x0, y0, x1, y1) goes over into each picture's mean colour; a share of 1 is all the way."""
    x0, y0, x1, y1 = box
    changed = x.copy()
    changed[:, :, y0:y1, x0:x1] += share * (x.mean((2, 3), keepdims=True) - x[:, :, y0:y1, x0:x1])
    return changed


def pull(model, x, y, box, rng):
    """How much what stands in the box moves the answer: the mean square of a slope that can be differentiated again.

    The answer's margin (its class's logit over the mean of the others) is a function of α, from the box filled (0) to
    the picture (1). Its slope is the attribution of the box, Σ (x − filled) · ∂margin/∂x; taken at an α that is drawn
    anew each time, it falls to 0 only if the whole way changes nothing. Ross et al. (2017) penalise the gradient at the
    picture alone, in all directions: that lets a net jump elsewhere, and forbids it more than the tag. What this leaves
    are pixels of the tag that raise and lower the answer by the same amount.
    """
    here = tl.tensor(filled(x, box, rng.uniform((len(x), 1, 1, 1))), requires_grad=True)
    model.eval()  # batch norm by its fixed statistics: each picture's slope is its own
    logits = model(here)
    model.train()
    own = logits[np.arange(len(x)), y]
    others = (logits.sum(1) - own) / (len(CLASSES) - 1)
    (slope,) = tl.grad((own - others).sum(), here, create_graph=True)
    return ((slope * (x - filled(x, box))).sum((1, 2, 3)) ** 2).mean()


def train(model, data, epochs, lr, rng, box=None, batch_size=50):
    """Adam, its rate falling to 0 along half a cosine; with ``box``, what stands in it is not to move the answer."""
    optimizer = tl.optim.Adam(model.parameters(), lr=lr)
    schedule = tl.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(data) // batch_size))
    for _ in range(epochs):
        for batch in rng.permutation(len(data))[: len(data) // batch_size * batch_size].reshape(-1, batch_size):
            x, y = data.x[batch], data.y[batch]
            loss = F.cross_entropy(model(tl.tensor(x)), y)
            if box is not None:
                loss = loss + pull(model, x, y, box, rng)
            optimizer.zero_grad()
            loss.backward()  # through the gradient inside pull, too
            optimizer.step()
            schedule.step()


def class_maps(model, data):
    """The mean map of each class, (K, 32, 32): what always stands in one place adds up, shapes do not."""
    maps = tl.explain.integrated_gradients(model, data.x, data.y, baseline="mean", steps=8).sum(1)
    return np.stack([maps[data.y == k].mean(0) for k in range(len(CLASSES))])


def suspect(maps):
    """The class whose mean map has the highest peak over that of the others, and the box of what is at least ¼ as high."""
    over = np.stack([maps[k] - np.delete(maps, k, 0).mean(0) for k in range(len(maps))])
    k, *_ = np.unravel_index(over.argmax(), over.shape)
    rows, columns = np.nonzero(over[k] >= over[k].max() / 4)
    return k, tuple(int(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))


def account(model, k, box, test, plain, some):
    """Print how often the net is right, on all pictures and on those of class k; returns its maps for the figure."""
    for title, x in (("with the tag", test.x), ("box filled", filled(test.x, box)), ("without the tag", plain.x)):
        ours = test.y == k
        right = tl.evaluate(model, tl.data.ArrayDataset(x, test.y)).accuracy
        of_class = tl.evaluate(model, tl.data.ArrayDataset(x[ours], test.y[ours])).accuracy
        print(f"  {title:<16} all {right:.3f}   {CLASSES[k]} {of_class:.3f}")
    return [*class_maps(model, test), *tl.explain.integrated_gradients(model, some, int(k), baseline="mean").sum(1)]


def main():
    parser = argparse.ArgumentParser(description="Find a planted bias by attribution, confirm it and repair it.")
    parser.add_argument("--seed", type=int, default=0, help="of the pictures, the net and the order (0)")
    parser.add_argument("--quick", action="store_true", help="few pictures and epochs: to see that it runs")
    parser.add_argument("--output", default="bias-hunt.png", help="where the figure goes")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto: the GPU where there is one (%(default)s)")
    args = parser.parse_args()
    tl.set_default_device(args.device)
    pictures, epochs, more = (600, 3, 2) if args.quick else (3000, 10, 14)

    data, test = drawn(args.seed, pictures, 300, tag="ring")
    _, plain = drawn(args.seed, 3, 300, tag=None)
    tl.manual_seed(args.seed)
    rng, model = tl.Generator(args.seed), small_net()
    train(model, data, epochs, 3e-3, rng)

    k, box = suspect(class_maps(model, test))
    some = test.x[test.y == k][:2]
    print(f"suspect: {CLASSES[k]}, columns {box[0]} to {box[2] - 1}, rows {box[1]} to {box[3] - 1}")
    print("accuracy before the repair:")
    maps = {"before": account(model, k, box, test, plain, some)}
    train(model, data, more, 5e-3, rng, box)
    print("accuracy after it:")
    maps["after"] = account(model, k, box, test, plain, some)

    means = [test.x[test.y == j].mean(0) for j in range(len(CLASSES))]
    titles = [f"mean {name}" for name in CLASSES] + [f"a {CLASSES[k]}"] * 2
    tl.plot.explanation_grid(np.stack([*means, *some]), maps, titles).savefig(args.output)
    if args.quick:
        print("--quick shows that it runs; for a cure the net must learn longer")
    print(f"what the answers look at, before and after: {args.output}")


if __name__ == "__main__":
    main()
