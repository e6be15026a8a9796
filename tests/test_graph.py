"""tl.draw_graph: what it says of operations and leaves, its tree, Graphviz's language and program, and that it changes nothing."""

import gc
import os
import re
import sys
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid.graph import HEAD, LEGEND, MANY, TAIL


def leaf(*shape, dtype=np.float64):
    """A leaf of ones."""
    return tl.Tensor(np.ones(shape, dtype), requires_grad=True)


def body(graph):
    """The lines of the tree."""
    head, rest = graph.text.split("\n\n", 1)
    assert len(head.split("\n")) <= 2
    return rest.split("\n")


def parsed(dot):
    """Nodes {id: (label, attributes)} and edges [(from, to, label)] of a drawing, by a strict reading of its language."""
    lines = dot.split("\n")
    assert (lines[0], lines[-2:]) == ("digraph {", ["}", ""])
    text = r'"((?:[^"\\\n]|\\["\\n])*)"'
    unquoted = lambda label: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], label)
    nodes, edges = {}, []
    for line in lines[1:-2]:
        edge = re.fullmatch(rf"  (n\d+) -> (n\d+) \[label={text}\];", line)
        node = re.fullmatch(rf'  (n\d+) \[label={text}, fillcolor="(#[0-9a-f]{{6}})"(, penwidth=2)?\];', line)
        if edge:
            edges.append((edge[1], edge[2], unquoted(edge[3])))
        elif node:
            assert node[1] not in nodes
            nodes[node[1]] = unquoted(node[2]), node[3], bool(node[4])
        else:
            assert re.fullmatch(rf"  (node|edge) \[(\w+=(\w+|{text})(, )?)+\];", line), line
    assert {end for edge in edges for end in edge[:2]} <= set(nodes)
    return nodes, edges


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A PATH on which there is no Graphviz."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def make_dot(tmp_path, monkeypatch, answer):
    """A program ``dot`` on the PATH; ``answer`` is Python that has ``form`` and ``source``."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "dot"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nform, source = sys.argv[1], sys.stdin.buffer.read().decode()\n{answer}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


# --- what is said ----------------------------------------------------------------------------------------------------


def test_a_net_layer_by_layer():
    net = tl.nn.Sequential(
        {"conv": tl.nn.Conv2d(1, 4, 3), "relu": tl.nn.ReLU(), "flat": tl.nn.Flatten(), "fc": tl.nn.Linear(144, 3)}
    )
    loss = tl.cross_entropy(net(tl.ones(2, 1, 8, 8)), [0, 2])
    graph = tl.draw_graph(loss, net)
    assert graph.text.split("\n")[:2] == ["5 operations, 4 leaves, 0 with .grad", LEGEND]
    assert body(graph) == [
        "● cross_entropy () float32; keeps target, slope, logits",
        "● logits: linear (2, 3) float32; layer 'fc'; keeps x, weight",
        "├─ weight: fc.weight (3, 144) float32; no .grad yet",
        "├─ bias: fc.bias (3,) float32; no .grad yet",
        "● x: reshape (2, 144) float32; layer 'flat'",
        "● x: relu (2, 4, 6, 6) float32; layer 'relu'; keeps out",
        "● x: conv2d (2, 4, 6, 6); layer 'conv'; keeps x, weight; constant: x",
        "├─ weight: conv.weight (4, 1, 3, 3) float32; no .grad yet",
        "└─ bias: conv.bias (4,) float32; no .grad yet",
    ]
    loss.backward(retain_graph=True)
    net.fc.bias.grad = None
    after = tl.draw_graph(loss, net)
    assert after.text.startswith("5 operations, 4 leaves, 3 with .grad\n")
    assert "├─ weight: fc.weight (3, 144) float32; has .grad" in body(after)
    assert "├─ bias: fc.bias (3,) float32; no .grad yet" in body(after)
    fills = {label.split("\n")[0]: fill for label, fill, _ in parsed(after.dot)[0].values()}
    assert fills["fc.weight (3, 144) float32"] != fills["fc.bias (3,) float32"] != fills["relu (2, 4, 6, 6) float32"]


def test_without_names_a_leaf_is_its_shape_and_hooks_are_counted():
    x = leaf(3, 4)
    x.register_hook(lambda g: None)
    y = x.exp()
    y.register_hook(lambda g: None)
    y.retain_grad()
    assert body(tl.draw_graph(y)) == [
        "● exp (3, 4) float64; keeps out; 2 hooks",
        "└─ x: leaf (3, 4) float64; no .grad yet; 1 hook",
    ]
    assert body(tl.draw_graph(x)) == ["● leaf (3, 4) float64; no .grad yet; 1 hook"]
    assert body(tl.draw_graph(y, {"input": x, "hidden": y})) == [
        "● hidden = exp (3, 4) float64; keeps out; 2 hooks",
        "└─ x: input (3, 4) float64; no .grad yet; 1 hook",
    ]


def test_a_dtype_is_said_where_the_record_knows_it():
    x = leaf(2, dtype=np.float32)
    double = x.double()
    assert body(tl.draw_graph((double.sin() * 2.0).sum())) == [
        "● sum () float64",
        "● x: mul (2,); keeps x; constant: y",
        "● x: sin (2,) float64; keeps x",
        "● x: cast (2,) float64",
        "└─ x: leaf (2,) float32; no .grad yet",
    ]


def test_shared_nodes_stand_once():
    x = leaf(3)
    h = x * x
    assert body(tl.draw_graph(h.exp() * h)) == [
        "● mul (3,) float64; keeps x, y",
        "├─ y: → [3]",
        "● x: exp (3,) float64; keeps out",
        "● x: [3] mul (3,) float64; keeps x, y",
        "├─ x: [4] leaf (3,) float64; no .grad yet",
        "└─ y: → [4]",
    ]
    twice = body(tl.draw_graph(h * h))
    assert twice[1:3] == ["├─ x: → [2]", "● y: [2] mul (3,) float64; keeps x, y"]


def test_the_longest_history_goes_on_in_the_column_and_the_rest_hangs():
    x, w = leaf(3), leaf(3)
    long = x.exp().exp().exp()
    assert body(tl.draw_graph((w * 2.0).exp() + long)) == [
        "● add (3,) float64",
        "├─ x: exp (3,) float64; keeps out",
        "│  ● x: mul (3,); keeps x; constant: y",
        "│  └─ x: leaf (3,) float64; no .grad yet",
        "● y: exp (3,) float64; keeps out",
        "● x: exp (3,) float64; keeps out",
        "● x: exp (3,) float64; keeps out",
        "└─ x: leaf (3,) float64; no .grad yet",
    ]


def test_several_results_and_one_twice():
    x = leaf(2)
    h = x.exp()
    y = h.sin()
    first, rest = "\n".join(body(tl.draw_graph([y, h, y]))).split("\n\n")
    assert first.split("\n")[1:] == ["● x: [2] exp (2,) float64; keeps out", "└─ x: leaf (2,) float64; no .grad yet"]
    assert rest == "● → [2]"
    first, rest = "\n".join(body(tl.draw_graph((h, y)))).split("\n\n")
    assert first == "● → [2]"
    assert "[2] exp" in rest
    nodes, _ = parsed(tl.draw_graph([h, y]).dot)
    assert [label.split()[0] for label, _, bold in nodes.values() if bold] == ["sin", "exp"]


def test_edits_in_place():
    x = leaf(3)
    y = x * 2.0
    y += 1.0
    assert body(tl.draw_graph(y))[:2] == ["● add (3,) float64; constant: y", "● x: mul (3,); keeps x; constant: y"]
    z = y.sin()
    with tl.no_grad():
        y[0] = 5.0
    assert body(tl.draw_graph(z))[0] == "● sin (3,) float64; keeps x; x changed in place since: backward will refuse"
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_a_released_record_and_one_that_is_cut():
    x = leaf(3)
    h = x.exp()
    y, z = h.sum(), h.sin().sum()
    before = tl.draw_graph(z)
    y.backward()
    released = "released by backward, and so is what it was computed from"
    assert body(tl.draw_graph(y)) == [f"● sum () float64; {released}"]
    assert body(tl.draw_graph(z))[-1] == f"└─ x: exp (3,) float64; {released}"
    assert len(body(before)) == 4
    assert "released" not in str(before)


def test_nothing_recorded_says_why():
    x = leaf(3)
    with tl.no_grad():
        text = str(tl.draw_graph(x * 2.0))
        assert "which is in force here" in text
        assert str(tl.draw_graph(x)).endswith("● leaf (3,) float64; no .grad yet")
    assert text.startswith(
        "0 operations, 0 leaves, 0 with .grad\n\n● tensor (3,) float64; requires no gradient, so nothing"
    )
    after = str(tl.draw_graph(tl.tensor([1.0])))
    assert "no_grad(), or detached" in after


def test_inputs_beyond_the_names_have_numbers():
    x, y = leaf(2), leaf(3)
    lines = body(tl.draw_graph(tl.cat([x, tl.ones(1, dtype=tl.float64), y])))
    assert lines == [
        "● concatenate (6,) float64; constant: 1",
        "├─ 0: leaf (2,) float64; no .grad yet",
        "└─ 2: leaf (3,) float64; no .grad yet",
    ]


@given(st.data())
def test_any_graph_is_drawn_whole_and_once(data):
    made = [leaf(2) for _ in range(data.draw(st.integers(1, 3)))]
    for _ in range(data.draw(st.integers(0, 12))):
        a, b = (data.draw(st.sampled_from(made)) for _ in range(2))
        made.append(a + b if data.draw(st.booleans()) else a.sin())
    roots = data.draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
    graph = tl.draw_graph(roots)
    seen, stack = set(), [t.node or t for t in roots]
    while stack:
        n = stack.pop()
        if n not in seen:
            seen.add(n)
            stack += [] if isinstance(n, tl.Tensor) else [p for p in n.parents if p is not None]
    edges = sum(len(n.parents) for n in seen if not isinstance(n, tl.Tensor))
    lines = [line for line in body(graph) if line]
    expanded = [line for line in lines if "→" not in line]
    assert len(expanded) == len(seen)
    assert len(lines) == edges + len({id(t.node or t) for t in roots})
    marks = [found for line in expanded for found in re.findall(r"\[(\d+)\]", line)]
    assert len(marks) == len(set(marks))
    assert {found for line in lines for found in re.findall(r"→ \[(\d+)\]", line)} == set(marks)
    nodes, arrows = parsed(graph.dot)
    assert (len(nodes), len(arrows)) == (len(seen), edges)
    assert all(int(tail[1:]) > int(head[1:]) for tail, head, _ in arrows)


def test_a_chain_of_a_hundred_thousand_is_cut_and_saved_whole(tmp_path):
    x = y = leaf(1)
    for _ in range(100_000):
        y = y * 1.0
    graph = tl.draw_graph(y)
    lines = str(graph).split("\n")
    assert len(lines) == HEAD + 1 + TAIL
    assert lines[HEAD] == f"… {100_000 + 4 - HEAD - TAIL:,} lines are left out; save('graph.txt') writes them all …"
    assert lines[0] == "100,000 operations, 1 leaf, 0 with .grad"
    assert lines[-1] == "└─ x: leaf (1,) float64; no .grad yet"
    graph.save(tmp_path / "whole.txt")
    assert len((tmp_path / "whole.txt").read_text(encoding="utf-8").splitlines()) == 100_004
    wide = x
    for _ in range(300):
        wide = wide * x + wide  # a residual block: its depth is not the drawing's
    assert max(map(len, body(tl.draw_graph(wide)))) < 80


# --- it changes nothing ----------------------------------------------------------------------------------------------


def test_it_keeps_no_array_alive_and_changes_nothing():
    x = leaf(3)
    h = x.exp()
    y = (h * h).sum()
    versions, hooks = list(h.version), h.node.hooks
    graph = tl.draw_graph(y, {"x": x})
    assert (h.version, h.node.hooks, x.grad) == (versions, hooks, None)
    kept, text = weakref.ref(h.data.base if h.data.base is not None else h.data), str(graph)
    y.backward()
    assert x.grad.tolist() == pytest.approx([2 * np.e**2] * 3)
    del h, y
    gc.collect()
    assert kept() is None
    assert str(graph) == text
    assert repr(graph) == text


script = pytest.mark.skipif(os.name == "nt", reason="the program is a script whose first line names its interpreter")

# --- Graphviz --------------------------------------------------------------------------------------------------------


def test_names_are_escaped():
    x = leaf(2)
    nasty = 'a"b\\n<c>\n\x00☃'
    graph = tl.draw_graph(x.exp(), {nasty: x})
    nodes, edges = parsed(graph.dot)
    assert nodes["n2"][0] == 'a"b\\n<c>\\n\\x00☃ (2,) float64\nno .grad yet'
    assert edges == [("n2", "n1", "x")]
    assert len(body(graph)) == 2


def test_save(tmp_path, no_dot):
    graph = tl.draw_graph(leaf(2).exp())
    graph.save(tmp_path / "a.dot")
    assert (tmp_path / "a.dot").read_text(encoding="utf-8") == graph.dot
    graph.save(str(tmp_path / "a.TXT"))
    assert (tmp_path / "a.TXT").read_text(encoding="utf-8") == graph.text + "\n"
    with pytest.raises(
        RuntimeError, match=r"svg is drawn by Graphviz, whose program dot is not on the PATH; install it"
    ):
        graph.save(tmp_path / "a.svg")
    with pytest.raises(ValueError, match=r"ends in \.svg, \.png, \.pdf, \.dot or \.txt, got '.*a\.gif'"):
        graph.save(tmp_path / "a.gif")
    assert sorted(os.listdir(tmp_path)) == ["a.TXT", "a.dot"]
    notebook = tl.draw_graph(leaf(2).exp(), {"<b>": leaf(2)})._repr_html_()
    assert notebook.startswith("<pre>1 operation, 1 leaf")


def test_a_notebook_without_graphviz_gets_escaped_text(no_dot):
    x = leaf(2)
    assert "&lt;b&gt; (2,)" in tl.draw_graph(x.exp(), {"<b>": x})._repr_html_()


@script
def test_graphviz_draws(tmp_path, monkeypatch):
    make_dot(tmp_path, monkeypatch, """print('<?xml version="1.0"?>\\n<svg>', form, source, '</svg>')""")
    graph = tl.draw_graph(leaf(2).exp())
    for ending in ("svg", "png", "pdf"):
        graph.save(tmp_path / f"a.{ending}")
        written = (tmp_path / f"a.{ending}").read_text(encoding="utf-8")
        assert written.split("\n<svg> ")[1] == f"-T{ending} {graph.dot} </svg>\n"
    assert graph._repr_html_().startswith(f"<svg> -Tsvg {graph.dot}")
    x = leaf(2)
    for _ in range(MANY):
        x = x.sin()
    assert tl.draw_graph(x)._repr_html_().startswith("<pre>")


@script
def test_graphviz_fails(tmp_path, monkeypatch):
    make_dot(tmp_path, monkeypatch, "sys.exit('Error: no fonts')")
    with pytest.raises(RuntimeError, match="failed: Error: no fonts"):
        tl.draw_graph(leaf(2).exp()).save(tmp_path / "a.svg")
    assert not (tmp_path / "a.svg").exists()


# --- what is refused, and the GPU ------------------------------------------------------------------------------------


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="draw_graph: expected a Tensor or a list of them, got ndarray"):
        tl.draw_graph(np.ones(3))
    with pytest.raises(TypeError, match="expected a Tensor or a list of them, got float"):
        tl.draw_graph([leaf(2), 1.0])
    for params in ([leaf(2)], leaf(2), {"x": 1.0}):
        with pytest.raises(TypeError, match=r"params must be a Module or \{name: tensor\}"):
            tl.draw_graph(leaf(2), params)
