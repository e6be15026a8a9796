"""Which surface is each pixel? Three fully convolutional nets on mosaics of photographs, and what each skip adds.

Run it with ``python examples/fcn.py``; it takes a minute and a half. The nets are in tinylucid/models/fcn.py. Each class is one
photograph, and the pictures to judge by show other parts of it: this is interpolation within photographs, not the
recognition of materials at large.
"""

import argparse
import tempfile
from time import perf_counter

import numpy as np

import tinylucid as tl
import tinylucid.nn.functional as F

NETS = {"FCN-32s": tl.models.fcn32s, "FCN-16s": tl.models.fcn16s, "FCN-8s": tl.models.fcn8s}


def learnt(build, data, epochs, loss):
    """A net after so many passes over pictures (N, 3, H, W) with their classes (N, H, W), mirrored and turned at random."""
    tl.manual_seed(0)
    model = build(classes=len(data.classes))
    optimizer = tl.optim.Adam(model.parameters(), lr=4e-3)
    falling = tl.optim.lr_scheduler.CosineAnnealingLR(optimizer, tl.train.total_steps(data, epochs, 16))
    turned = tl.data.Augment(dihedral=True)  # the masks are turned with the pictures
    tl.fit(model, data, epochs=epochs, batch_size=16, scheduler=falling, loss=loss, augment=turned)
    return model


def with_dice(logits, y):
    """Cross-entropy asks how probable each pixel's class is, Dice how well each class's area is covered."""
    return F.cross_entropy(logits, y) + tl.segment.dice_loss(logits, y)


def explained(model, x, mask, k):
    """What raises the net's logit of class k in the region of ``mask``, and what lowers it: a map (1, 3, H, W)."""
    return tl.explain.integrated_gradients(model, x[None], tl.segment.region(k, mask), baseline="mean")


def quilt(data, file):
    """Four pictures as one, (1, 3, 2·H, 2·W) bytes in a file that are read where they are needed, and its classes."""

    def joined(a):
        return np.concatenate([np.concatenate(pair, -1) for pair in (a[:2], a[2:4])], -2)[None]

    pixels = (255 * joined(data.x)).astype(np.uint8)
    large = np.memmap(file, np.uint8, "w+", shape=pixels.shape)
    large[:] = pixels
    return large, joined(data.y)


def main():
    parser = argparse.ArgumentParser(description="Compare FCN-32s, FCN-16s and FCN-8s on mosaics of textures.")
    parser.add_argument("--dice", action="store_true", help="learn by cross-entropy and Dice together")
    parser.add_argument("--output", default="fcn", help="what the pictures' names begin with (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="few pictures, one pass: to see that it runs")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto: the GPU where there is one (%(default)s)")
    args = parser.parse_args()
    tl.set_default_device(args.device)
    pictures, epochs, side = (32, 1, 64) if args.quick else (2000, 5, 512)

    train, test = tl.data.texture_mosaic(train=pictures)
    start = perf_counter()
    answers = {"colour alone": tl.segment.pixel_regression(train, test.x)}  # each pixel by itself, no net
    seconds, nets = {"colour alone": perf_counter() - start}, {}
    for name, build in NETS.items():
        start = perf_counter()
        nets[name] = learnt(build, train, epochs, with_dice if args.dice else F.cross_entropy)
        seconds[name] = perf_counter() - start
        answers[name] = tl.segment.masks(nets[name], test.x)

    print("              mean IoU  pixels right  near borders  seconds")
    for name, masks in answers.items():
        score = tl.segment.score(masks, test.y, test.classes)
        print(
            f"{name:<14}{score.mean_iou:8.3f}{score.accuracy:14.3f}{score.boundary_accuracy:14.3f}{seconds[name]:9.0f}"
        )
    some = {name: masks[:4] for name, masks in answers.items()}
    tl.plot.segmentation(test.x[:4], some, test.classes, test.y[:4]).savefig(f"{args.output}-classes.png")

    # What do the nets look at for the largest region of a picture? The same question to both, so the true region.
    largest = [np.bincount(y.ravel()).argmax() for y in test.y[:4]]
    maps = {
        name: np.concatenate([explained(nets[name], x, y == k, k) for x, y, k in zip(test.x, test.y, largest)])
        for name in ("FCN-32s", "FCN-8s")
    }
    titles = [test.classes[k] for k in largest]
    tl.plot.explanation_grid(test.x[:4], maps, titles).savefig(f"{args.output}-saliency.png")

    # A picture may be of any size. One that is larger than memory passes through the net tile by tile.
    with tempfile.TemporaryFile() as file:
        large, y = quilt(tl.data.texture_mosaic(1, train=1, test=4, size=side).test, file)
        masks = tl.segment.tiled(nets["FCN-8s"], large, tile=256, overlap=64).argmax(1)
    right = tl.segment.score(masks, y, test.classes).accuracy
    print(f"{large.shape[2]}×{large.shape[3]} pixels by tiles: {right:.3f} right")
    print(f"pictures: {args.output}-classes.png, {args.output}-saliency.png")


if __name__ == "__main__":
    main()
