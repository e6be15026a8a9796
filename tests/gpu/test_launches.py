"""How many kernels a training step launches: on a small net each costs more than what it computes."""

from collections import Counter

import pytest
from tinylucid_kernels.gpu.driver import cupy

import tinylucid as tl

from .conftest import EMULATED
from .launches import launched

nets = pytest.importorskip("benchmarks.nets", reason="the benchmarks are not in the wheel")
pytestmark = pytest.mark.skipif(not EMULATED, reason="the stand-in counts")
MOST = {nets.DENSE: 20, nets.LENET: 45, nets.VGG: 107}


@pytest.mark.parametrize("net", MOST, ids=lambda net: net.name)
def test_a_step_launches_no_more_than_that(net):
    step = nets.step(tl, net, (2, *net.shape[1:-2], 8, 8) if net is nets.VGG else (2, *net.shape[1:]), "cuda")
    step()
    found = launched(step)
    told = "\n".join(f"{n} × {what}, {where}" for (what, where), n in Counter(found).most_common())
    assert len(found) <= MOST[net], told


def test_what_is_counted():
    x = tl.ones(4, device="cuda").data
    ours = lambda: tl.relu(x)
    assert [what for what, _ in launched(ours)] == ["relu"]
    names = {
        "multiply add": lambda: x * 2 + x, "fill": lambda: x.fill(1), "sum": lambda: x.sum(), "zeros": lambda: cupy().zeros(3),
        "astype": lambda: x.astype("float64"), "": lambda: (x.astype(x.dtype, copy=False), x.reshape(2, 2).T, x.get(), x[1:]),
    }  # fmt: skip
    for expected, call in names.items():
        assert " ".join(what for what, _ in launched(call)) == expected
    assert launched(lambda: x + x)[0][1].startswith("tests/gpu/test_launches.py:")
