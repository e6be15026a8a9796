"""One neuron: backpropagation by hand with the chain rule, then by autograd, then checked by finite differences.

Run it with ``python examples/01_neuron.py`` and read along: the numbers come in the order of the page. ``--device cuda`` does
what autograd does on a GPU.
"""

import argparse
from itertools import pairwise

import numpy as np

import tinylucid as tl
from tinylucid.check import GradcheckError

# --- 1. Forward ------------------------------------------------------------------------------------------------------
#
#     z = w·x + b            a weighted sum of the inputs, w·x = Σ_k w_k x_k
#     p = σ(z)               squeezed into (0, 1), where σ(z) = 1 / (1 + e⁻ᶻ)
#     L = (p − t)²           how far the answer p is from the target t

x = np.array([0.5, -1.2, 2.0])  # one sample with three features
t = 1.0  # what the neuron should answer
w = np.array([0.4, 0.7, -0.3])  # three weights and a bias, to be learned
b = np.array(0.1)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


z = w @ x + b
p = sigmoid(z)
L = (p - t) ** 2

# --- 2. Backward, by hand --------------------------------------------------------------------------------------------
#
# L depends on p, p on z, z on w and b, so the chain rule multiplies the slopes on the way back. Each needs one line:
#
#     ∂L/∂p = 2 (p − t)                       a square
#     ∂L/∂z = ∂L/∂p · σ′(z)                   σ′(z) = σ(z) (1 − σ(z)) = p (1 − p): no new exponential
#     ∂L/∂w = ∂L/∂z · x                       z is linear in w_k, with slope x_k
#     ∂L/∂b = ∂L/∂z                           and linear in b, with slope 1

dL_dp = 2 * (p - t)
dL_dz = dL_dp * p * (1 - p)
dL_dw = dL_dz * x
dL_db = dL_dz

# --- 3. The same by autograd -----------------------------------------------------------------------------------------
#
# Tensors remember which operations made them. loss.backward() walks that record from the newest operation to the
# oldest and applies each one's rule, the lines above, leaving ∂L/∂w in W.grad.

parser = argparse.ArgumentParser(description="One neuron, by hand and by autograd.")
parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto: the GPU where there is one (%(default)s)")
tl.set_default_device(parser.parse_args().device)

W, B = tl.tensor(w, requires_grad=True), tl.tensor(b, requires_grad=True)


def loss_of(W, B):
    return (tl.sigmoid(W @ tl.tensor(x) + B) - t) ** 2


loss = loss_of(W, B)
loss.backward()

print(f"{'':8}{'by hand':>14}{'autograd':>14}")
hand = [L, *dL_dw, dL_db]
auto = [loss.item(), *W.grad.tolist(), B.grad.item()]
for name, ours, theirs in zip(["L", "∂L/∂w_0", "∂L/∂w_1", "∂L/∂w_2", "∂L/∂b"], hand, auto):
    print(f"{name:8}{ours:14.9f}{theirs:14.9f}")
assert np.allclose(hand, auto, rtol=1e-12, atol=0)
print("hand and autograd agree\n")

# --- 4. Learning: ten steps downhill ---------------------------------------------------------------------------------
#
#     w ← w − lr · ∂L/∂w     the gradient points uphill, so step against it

lr = 0.5
losses = []
for step in range(10):
    W.grad = B.grad = None  # backward adds to .grad, so each step starts anew
    loss = loss_of(W, B)
    loss.backward()
    with tl.no_grad():  # the update itself is not to be differentiated
        W -= lr * W.grad
        B -= lr * B.grad
    losses.append(loss.item())
    print(f"step {step}   loss {losses[-1]:.4f}   {'█' * round(40 * losses[-1] / losses[0])}")
assert all(later < earlier for earlier, later in pairwise(losses))

# --- 5. Is a rule right? ---------------------------------------------------------------------------------------------
#
# Section 2 as an operation of its own: the forward, and a rule from g = ∂L/∂p to the gradients of the inputs. The
# rule's parameter names say what it wants: g, the inputs x, w, b, and out, the result. gradcheck holds the rule
# against finite differences of the forward.


@tl.operation
def neuron(x, w, b):
    return sigmoid(x @ w + b)


@neuron.rule
def _(g, x, w, out):
    g_z = g * out * (1 - out)
    return g_z * w, g_z * x, g_z


print(f"\ngradcheck of the rule: {tl.gradcheck(neuron, (x, w, b)).status}")


@neuron.rule  # the same once more, with the sign of ∂L/∂w wrong
def _(g, x, w, out):
    g_z = g * out * (1 - out)
    return g_z * w, -g_z * x, g_z


try:
    tl.gradcheck(neuron, (x, w, b))
except GradcheckError as error:
    print(f"with a sign planted in it: {error}")
