"""LeNet on photographs of ten surfaces: the model, the training loop written out, and what its answers look at.

Run it with ``python examples/02_lenet.py --epochs 8``; it takes half a minute. Training and test patches come from
different regions of the same photographs, so the accuracy says how well the net interpolates within them, and no more.
"""

import argparse

import numpy as np
from tqdm import tqdm

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import nn


class LeNet(nn.Module):
    """Two convolutions, each followed by max-pooling, then three dense layers (LeCun et al., 1998), with ReLU.

    (N, 1, 32, 32) → (N, 10) logits. The comments give the shape after each line.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))  # (N, 6, 28, 28): a 5×5 kernel fits 28 times into 32
        x = F.max_pool2d(x, 2)  # (N, 6, 14, 14)
        x = F.relu(self.conv2(x))  # (N, 16, 10, 10)
        x = F.max_pool2d(x, 2)  # (N, 16, 5, 5)
        x = F.flatten(x, 1)  # (N, 400)
        x = F.relu(self.fc1(x))  # (N, 120)
        x = F.relu(self.fc2(x))  # (N, 84)
        return self.fc3(x)  # (N, 10)


def train_epoch(model, optimizer, x, y, rng, batch_size, title):
    """One pass over all samples in random order; returns the share that was right when its turn came."""
    order = rng.permutation(len(x))
    right = 0
    for start in tqdm(range(0, len(x), batch_size), desc=title, unit="batch"):
        batch = order[start : start + batch_size]
        logits = model(tl.tensor(x[batch]))
        loss = F.cross_entropy(logits, y[batch])
        optimizer.zero_grad()  # backward adds to the gradients, so forget the last batch's
        loss.backward()
        optimizer.step()
        right += (logits.argmax(1).cpu().numpy() == y[batch]).sum()
    return right / len(x)


def predict(model, x):
    """The class of the largest logit for each picture (N,)."""
    model.eval()
    with tl.no_grad():  # nothing is recorded, so nothing is kept for a backward pass
        classes = model(tl.tensor(x)).argmax(1).cpu().numpy()
    model.train()
    return classes


def main():
    parser = argparse.ArgumentParser(description="Train LeNet on ten photographed surfaces.")
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training patches")
    parser.add_argument("--output", default="lenet-saliency.png", help="where the saliency picture goes")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto: the GPU where there is one (%(default)s)")
    args = parser.parse_args()
    tl.set_default_device(args.device)

    data = tl.data.textures()
    tl.manual_seed(0)  # initialisation draws from this generator
    rng = tl.Generator(0)  # the order of the samples from this one
    model = LeNet()
    optimizer = tl.optim.Adam(model.parameters(), lr=2e-3)

    for epoch in range(1, args.epochs + 1):
        trained = train_epoch(model, optimizer, data.train.x, data.train.y, rng, 50, f"epoch {epoch}")
        tested = (predict(model, data.test.x) == data.test.y).mean()
        print(f"epoch {epoch}: accuracy {trained:.3f} while training, {tested:.3f} on the test patches")

    # Saliency: the gradient of the answer's logit with respect to the pixels. Red pixels raise it, blue ones lower it.
    classes, first = np.unique(data.test.y, return_index=True)
    x = data.test.x[first]  # one test patch of each class
    answers = predict(model, x)
    maps = tl.explain.gradient(model, x, answers)
    titles = [data.train.classes[answer] for answer in answers]
    tl.plot.saliency_grid(x, maps, titles, answers == classes, columns=5).savefig(args.output)
    print(f"saliency of one test patch of each class: {args.output}")


if __name__ == "__main__":
    main()
