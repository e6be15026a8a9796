"""Cases: what layers are made of beside convolution: activations, norms, further losses, embedding."""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

from .draws import case, shapes, sides, unary, values

F = tl.nn.functional


unary("softplus", F.softplus)
unary("softplus_sharp", lambda x: F.softplus(x, 3.0, 1.0 + 1 / 7), "distinct")  # some beyond the threshold, none near
unary("logsigmoid", F.logsigmoid)
unary("silu", F.silu)
unary("elu", lambda x: F.elu(x, 0.7), "nonzero")
