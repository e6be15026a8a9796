"""DeepDream and style transfer: a photograph is changed until a net sees in it what it has learned.

Run it with ``python examples/06_dream.py``; it takes about a minute, or half of it with ``--model
tinylucid-demo/model.safetensors``, the net of ``tinylucid demo``. That net has learned ten surfaces from grey patches. So
it is the brightness of a photograph that is changed; the colours stay the photograph's.
"""

import argparse

import numpy as np

import tinylucid as tl
from tinylucid.data.textures import LUMINANCE, photograph
from tinylucid.visualize import activations, inversion, jitter, layer, logit, pixel, render, style

OCTAVES, STEP = 4, 1.4  # sizes at which is dreamt, and from one to the next
LAYERS = ("2", "6", "10")  # the ReLUs of texture_net


def surfaces_net(epochs):
    """The demo's net: it tells ten photographed surfaces apart."""
    data = tl.data.textures()
    tl.manual_seed(0)
    model = tl.models.build("texture_net", classes=10)
    optimizer = tl.optim.Adam(model.parameters(), lr=5e-3)
    tl.fit(model, data.train, epochs=epochs, batch_size=50, optimizer=optimizer, augment=tl.data.Augment(dihedral=True))
    return model, data.train.classes, data.train.preprocess.normalized


def resized(x, size):
    return tl.nn.functional.interpolate(x, size=size, mode="bilinear")


def dream(model, goal, photo, normalize, steps):
    """DeepDream (Mordvintsev et al., 2015): more of what the goal looks for, wherever the photograph has a hint of it.

    From a small version of the photo (1, 1, H, W) to its full size, so that what is dreamt small is dreamt on with finer
    parts: each octave begins with the photo at its size and what all octaves before have added.
    """
    added = 0.0 * photo
    for octave in reversed(range(OCTAVES)):
        size = tuple(round(n / STEP**octave) for n in photo.shape[2:])
        here = resized(photo, size)
        begin = pixel(here.shape, start=(here + resized(added, size)).clip(0, 1))
        drawn = render(model, goal, begin, normalize=normalize, transforms=[jitter(8)], steps=steps, lr=0.05)
        added = np.asarray(drawn) - here
    return photo + added


def transfer(model, photo, surface, normalize, steps, content=0.05):
    """Style transfer (Gatys et al., 2016): the grain of one photograph, and in the large what is to be seen in another.

    Grain is which channels answer together, wherever that is (Gram matrices of every layer); what is to be seen is what
    the last layer gives, and where.
    """

    def gives(x, name):
        return activations(model, x, name, normalize=normalize)

    goal = sum(style(name, gives(surface, name)) for name in LAYERS)
    goal += content * inversion(LAYERS[-1], gives(photo, LAYERS[-1]))
    begin = pixel(photo.shape, start=photo)
    return np.asarray(render(model, goal, begin, normalize=normalize, transforms=(), steps=steps, lr=0.05))


def main():
    parser = argparse.ArgumentParser(description="DeepDream and style transfer by a net that has learned surfaces.")
    parser.add_argument("--model", help="a net of `tinylucid demo`, instead of training one")
    parser.add_argument("--output", default="dream.png", help="where the pictures are written (dream.png)")
    parser.add_argument("--quick", action="store_true", help="hardly any steps, of small pictures: to see that it runs")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto: the GPU where there is one (%(default)s)")
    args = parser.parse_args()
    tl.set_default_device(args.device)

    if args.model:
        saved = tl.models.load(args.model)
        model, classes, normalize = saved.model, saved.classes, saved.preprocess.normalized
    else:
        model, classes, normalize = surfaces_net(epochs=1 if args.quick else 10)
    size, steps = (64, 2) if args.quick else (320, 20)

    portrait = resized(photograph("astronaut", color=True)[None, :, :320, 60:380], size=(size, size))
    cat = resized(photograph("chelsea", color=True)[None, :, :, 80:380], size=(size // 2, size // 2))
    surfaces = {
        name: resized(photograph(name)[None, :, :280, :280], size=(size // 2, size // 2))
        for name in ("brick", "gravel")
    }
    grey = [(photo * LUMINANCE[:, None, None]).sum(1, keepdims=True) for photo in (portrait, cat)]

    shown = {"a photograph": portrait}
    goals = {f"dreams of {name}": logit(classes.index(name)) for name in ("brick", "epithelium")}
    for title, goal in {"dreams of what it sees": layer(LAYERS[-1]), **goals}.items():
        drawn = dream(model, goal, grey[0], normalize, steps)
        shown[title] = (portrait + drawn - grey[0]).clip(0, 1)
    shown.update({"a cat": cat, "brick": surfaces["brick"].repeat(3, 1)})
    for name, surface in surfaces.items():
        drawn = transfer(model, grey[1], surface, normalize, steps=8 * steps)
        shown[f"the cat in {name}"] = (cat + drawn - grey[1]).clip(0, 1)

    pictures = np.concatenate([resized(x, size=(size, size)) for x in shown.values()])
    tl.plot.picture_grid(pictures, list(shown), columns=4, wide=8).savefig(args.output)
    print(f"{len(shown)} pictures: {args.output}")


if __name__ == "__main__":
    main()
