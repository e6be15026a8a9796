"""Transfer: a net that has learnt surfaces learns faces from twenty pictures, better than a net that begins at random.

Run it with ``python examples/03_transfer.py``; it takes about a minute. Which twenty pictures are learnt from matters as much
as how, so everything is done for eight draws of them, and the means are compared.
"""

import argparse

import numpy as np

import tinylucid as tl

CLASSES = 2  # a face, or something else


def train(model, data, epochs, batch_size, lr, augment):
    """Adam, its rate falling along half a cosine from lr to 0 over the whole training."""
    optimizer = tl.optim.Adam(model.parameters(), lr=lr)
    steps = tl.train.total_steps(data, epochs, batch_size)
    schedule = tl.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return tl.fit(model, data, epochs=epochs, batch_size=batch_size, scheduler=schedule, augment=augment)


def pretrained(patches, epochs):
    """A net that tells ten photographed surfaces apart. Faces are not among them."""
    data = tl.data.textures(train_per_class=patches)
    tl.manual_seed(0)
    model = tl.models.build("texture_net", classes=10)
    train(model, data.train, epochs, batch_size=50, lr=5e-3, augment=tl.data.Augment(dihedral=True))
    print(f"surfaces: {tl.evaluate(model, data.test).accuracy:.3f} of the test patches right")
    return model


def with_new_head(body):
    """A net for faces with the pretrained convolutions; only its last layer, whose answers mean other classes, is new."""
    model = tl.models.build("texture_net", classes=CLASSES)
    head = len(model) - 1
    weights = body.state_dict()
    model.load_state_dict({name: w for name, w in weights.items() if not name.startswith(f"{head}.")}, strict=False)
    return model


def main():
    parser = argparse.ArgumentParser(description="Learn faces from twenty pictures, with and without pretraining.")
    parser.add_argument("--draws", type=int, default=8, help="how often twenty pictures are drawn (8)")
    parser.add_argument("--quick", action="store_true", help="hardly any pretraining: to see that it runs")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto: the GPU where there is one (%(default)s)")
    args = parser.parse_args()
    tl.set_default_device(args.device)

    body = pretrained(patches=20, epochs=1) if args.quick else pretrained(patches=400, epochs=8)
    epochs = 4 if args.quick else 20
    augment = tl.data.Augment(flip=True, pad_crop=2)  # a mirrored face is a face
    accuracies = {"from scratch": [], "fine-tuned": []}
    for draw in range(args.draws):
        few, others = tl.data.faces(seed=draw)
        tl.manual_seed(draw)
        for name, model, lr in (
            ("from scratch", tl.models.build("texture_net", classes=CLASSES), 5e-3),
            ("fine-tuned", with_new_head(body), 5e-3),
        ):
            train(model, few, epochs, batch_size=10, lr=lr, augment=augment)
            accuracies[name].append(tl.evaluate(model, others).accuracy)
        print(f"draw {draw}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in accuracies.items()))

    print(f"mean of {args.draws} draws of {len(few)} pictures, judged by {len(others)} others:")
    for name, values in accuracies.items():
        print(f"  {name:<14}{np.mean(values):.3f}  (from {min(values):.3f} to {max(values):.3f})")


if __name__ == "__main__":
    main()
