"""tl.draw_graph of what was computed on the GPU."""

import tinylucid as tl


def test_a_record_on_the_gpu_is_drawn():
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 3), tl.nn.ReLU()).to("cuda")
    y = net(tl.ones(1, 1, 5, 5, device="cuda")).sum()
    y.backward(retain_graph=True)
    assert tl.draw_graph(y, net).text.split("\n")[3:] == [
        "● sum () float32",
        "● x: relu (1, 2, 3, 3) float32; layer '1'; keeps out",
        "● x: conv2d (1, 2, 3, 3); layer '0'; keeps x, weight; constant: x",
        "├─ weight: 0.weight (2, 1, 3, 3) float32 on cuda; has .grad",
        "└─ bias: 0.bias (2,) float32 on cuda; has .grad",
    ]
