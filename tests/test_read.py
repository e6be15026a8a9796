"""tinylucid read: for every operation and kernel the parts are found, in the order to read them, and printed as they stand."""

import inspect
import re
from pathlib import Path

import pytest
import tinylucid_kernels
from test_commands import refused, said
from tinylucid_kernels import reference

import tinylucid as tl
from tinylucid import nn, source
from tinylucid.commands import read

FOLDER = Path(tinylucid_kernels.__file__).parent
NO_GRADIENT = {"argmax", "argmin", "equal"}
OF_OTHERS = {  # functions without a recorded operation of their own: what they are composed of
    "stack": "concatenate",
}
NO_OPERATION = {
    "adam",
    "rmsprop",
    "sgd",
    "philox",
}  # optimisers' steps, and the generator's words: nothing is differentiated


def titles(name, *kinds):
    """What is read under a name."""
    return [part.title for part in source.reading(name, kinds or source.KINDS).parts]


# --- what is found ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tl.ops.__all__)
def test_every_operation_is_read_with_its_rule(name):
    found = source.reading(name, ["operation"])
    own = getattr(tl, name).__name__
    assert found.parts[0].title in (f"{own}, the function", f"{own}, a recorded operation")
    assert f"def {own}(" in found.parts[0].text or name == "equal", "comparisons are made by a function of their own"
    rules = [part for part in found.parts if part.title.endswith("its backward rule")]
    assert all(re.search(r"@\w+\.rule\ndef _\(g\b", part.text) for part in rules)
    assert bool(rules) == (name not in NO_GRADIENT and name not in OF_OTHERS)
    if name in OF_OTHERS:
        assert OF_OTHERS[name] in found.others
    assert not set(found.others) & {part.title.split(",")[0] for part in found.parts}


def test_every_operation_is_in_the_table_under_its_room():
    rows = source.families()
    named = [name for family in rows.values() for name, _ in family]
    assert sorted(named) == sorted([*tl.ops.__all__, "rfft2", "irfft2"])
    for room, family in rows.items():
        for name, first in family:
            function = getattr(tl.fft if room == "fft" else tl, name)
            assert function.__module__ == f"tinylucid.ops.{room}"
            assert first.endswith(inspect.getdoc(function).split("\n")[0])
    assert dict(rows["join"])["cat"].startswith("the same as concatenate: ")


@pytest.mark.parametrize("name", reference.__all__)
def test_every_kernel_is_read_three_times(name):
    parts = source.reading(name, ["reference", "cpu", "gpu"]).parts if name in NO_OPERATION else kernels_of(name)
    first = {kind: next(part for part in parts if part.kind == kind and named(part, name)) for kind in source.KINDS[1:]}
    assert {kind: part.path.parent.name for kind, part in first.items()} == {kind: kind for kind in first}
    assert all(f"def {name}(" in part.text for part in first.values())
    assert any("@jit\ndef " in part.text and re.search(r"def \w+_items\(first, last", part.text) for part in parts)
    assert any("__global__ void" in part.text and part.path.suffix == ".cu" for part in parts)


def named(part, name):
    """Whether a part is the function of that name."""
    return part.title.split(",")[0] == name


def kernels_of(kernel):
    """The parts of the first operation whose reading shows the kernel in plain NumPy."""
    for name in (*tl.ops.__all__, "rfft2"):
        parts = source.reading(name).parts
        if any(part.kind == "reference" and named(part, kernel) for part in parts):
            return parts
    raise AssertionError(f"no operation shows the kernel {kernel}")


def test_no_kernel_of_an_operation_is_left_out():
    """All that runs on all cores, and all that is launched on a GPU, belongs to something that can be read."""
    parts = [part for name in reference.__all__ for part in source.reading(name).parts]
    bodies = {
        (path.name, m)
        for path in (FOLDER / "cpu").glob("*.py")
        for m in re.findall(r"def (\w+_items)\(", path.read_text("utf-8"))
    }
    assert bodies == {(p.path.name, p.title.split(",")[0]) for p in parts if p.kind == "cpu" and "_items," in p.title}
    pattern = r"__global__ void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\("
    launched = {
        (path.name, m) for path in (FOLDER / "gpu").glob("*.cu") for m in re.findall(pattern, path.read_text("utf-8"))
    }
    assert launched == {(p.path.name, p.title.split(",")[0]) for p in parts if p.title.endswith("the CUDA kernel")}


def test_the_text_is_what_stands_there():
    for name in source.known():
        parts = source.reading(name).parts
        assert parts, name
        assert len({(part.path, part.line) for part in parts}) == len(parts), name
        for part in parts:
            lines = part.path.read_text(encoding="utf-8").split("\n")
            wanted = part.text.removesuffix("\n").split("\n")
            assert lines[part.line - 1 : part.line - 1 + len(wanted)] == wanted, part
            assert part.language == ("cuda" if part.path.suffix == ".cu" else "python")
            opened, closed = part.text.count("{"), part.text.count("}")
            assert part.language == "python" or opened == closed


def test_the_order_of_max_pool2d():
    assert titles("max_pool2d", "operation") == [
        "max_pool2d, the function",
        "_max_pool2d, a recorded operation",
        "_max_pool2d, its backward rule",
        "_pool_scatter, a recorded operation",
        "_pool_scatter, its backward rule",
        "_pool_gather, a recorded operation",
        "_pool_gather, its backward rule",
    ]
    assert source.reading("max_pool2d").others == ["pad"]
    assert titles("max_pool2d")[7:26] == [
        *(f"{name}, in plain NumPy" for name in ("max_pool2d", "out_size", "framed", "taps")),
        *(f"{name}, on the CPU" for name in ("max_pool2d", "maxima")),
        *(f"{name}, what every core runs" for name in ("quads_items", "deal", "larger", "max_items")),
        *(f"{name}, launched on the GPU" for name in ("max_pool2d", "maxima")),
        *(f"{name}, the CUDA kernel" for name in ("max_pool2d", "max_pool_pairs")),
        *(f"{name}, of which the kernel is made" for name in ("Span", "window", "largest", "beats", "pair")),
    ]
    assert [title for title in titles("max_pool2d") if title.endswith("in plain NumPy")][-2:] == [
        "pool_scatter, in plain NumPy",
        "pool_gather, in plain NumPy",
    ]


def test_a_fused_operation_is_read_with_its_twin():
    found = titles("cross_entropy", "operation")
    assert found[2:5] == [
        "_cross_entropy, a recorded operation",
        "_cross_entropy, its backward rule",
        "_cross_entropy, its twin in elementary operations",
    ]
    assert "_surprise, which it calls" in found
    assert "log_softmax" in source.reading("cross_entropy").others


def test_private_names_methods_layers_and_dotted_names():
    assert titles("_conv2d_weight")[0] == "_conv2d_weight, a recorded operation"
    for name in ("tl.nn.functional.conv2d", "nn.functional.conv2d", " conv2d", "tinylucid.conv2d"):
        assert source.reading(name) == source.reading("conv2d")
    assert source.reading("tl.fft.rfft2") == source.reading("rfft2")
    assert source.reading("Tensor.view") == source.reading("reshape")
    assert source.reading("tl.Tensor.__add__") == source.reading("add")
    assert titles("argmax") == ["argmax, the function", "_argextreme, which it calls"]
    layer, rest = source.reading("nn.MaxPool2d"), source.reading("max_pool2d")
    assert layer.parts[0].title == "MaxPool2d, a layer"
    assert layer.parts[0].text.startswith("class MaxPool2d(")
    assert layer.parts[1:] == rest.parts
    assert titles("LSTM")[1:4] == ["dropout, the function", "concatenate, the function", "stack, the function"]
    for layer in (nn.Linear, nn.BatchNorm2d, nn.ReLU, nn.Embedding):
        kinds = {part.kind for part in source.reading(layer.__name__).parts}
        assert kinds == set(source.KINDS)


def test_own_variables_are_no_names_of_the_module():
    def f(said, tl):
        return [refused for refused in said] + [(lambda printed: printed)(1)], tl.relu, titles  # noqa: C416

    assert source.names_in(f) == [titles], "the others are functions of this file too, but not here"


def test_what_leads_to_a_goal():
    calls = {"a": ["b", "x"], "b": ["c"], "x": [], "c": ["d"], "d": [], "y": ["x"]}
    assert source.leading(calls, ["d"]) == ["a", "b", "c", "d"]
    assert source.leading(calls, []) == ["a"]
    assert source.leading(calls, ["x", "d"]) == list(calls)


def test_what_is_unknown_is_refused_with_what_is_alike():
    for name, alike in (
        ("max_pool", "max_pool2d"),
        ("tl.conv2", "conv2d"),
        ("_conv2d_weigth", "_conv2d_weight"),
        ("Relu", "relu"),
    ):
        with pytest.raises(
            ValueError, match=r"read: no operation, layer or kernel is called '.*'; did you mean"
        ) as error:
            source.reading(name)
        assert alike in re.split(r"[ ,?]+", str(error.value))
    for name in ("", "zzzz", "tl.", "_"):
        with pytest.raises(ValueError, match="`tinylucid read --list` shows them all"):
            source.reading(name)


# --- what is printed -------------------------------------------------------------------------------------------------


def printed(name, *kinds):
    """What the command must print of the parts, plainly."""
    found = source.reading(name, kinds or source.KINDS)
    return "".join(f"{part.title}  {read.place(part.path)}:{part.line}\n{part.text}\n" for part in found.parts)


def test_the_command_prints_the_parts(capsys):
    code, out, err = said(capsys, "read", "max_pool2d")
    assert (code, err) == (0, "")
    assert out == printed("max_pool2d") + "It also calls pad: tinylucid read pad\n"
    code, out, _ = said(capsys, "read", "relu")
    assert (code, out) == (0, printed("relu"))
    code, out, _ = said(capsys, "read", "max_pool2d", "--part", "cpu")
    assert (code, out) == (0, printed("max_pool2d", "cpu"))
    code, out, _ = said(capsys, "read", "relu", "--part", "gpu", "--part", "operation")
    assert (code, out) == (0, printed("relu", "operation", "gpu"))
    code, out, _ = said(capsys, "read", "exp")
    assert (code, out) == (0, printed("exp") + "No kernel of its own: what stands above computes on either device.\n\n")


def test_the_place_is_one_to_click_on(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(tl.__file__).parents[1])
    assert said(capsys, "read", "exp")[1].startswith("exp, a recorded operation  tinylucid")
    monkeypatch.chdir(tmp_path)
    path, line = said(capsys, "read", "exp")[1].split("\n")[0].split("  ")[1].rsplit(":", 1)
    assert Path(path).is_absolute()
    assert Path(path).read_text(encoding="utf-8").split("\n")[int(line)].startswith("def exp(")


@pytest.mark.parametrize("argv", [["read"], ["read", "--list"], ["read", "relu", "--list"]])
def test_the_command_lists_all(capsys, argv):
    code, out, err = said(capsys, *argv)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert all(any(line.startswith(f"  {name} ") for line in lines) for name in tl.ops.__all__)
    assert "activation" in lines


@pytest.mark.parametrize("name", ["max_pool2d", "_pool_gather", "cross_entropy", "rfft2", "detach"])
def test_colours_on_a_terminal_only_and_nothing_else_changes(capsys, monkeypatch, name):
    plainly = said(capsys, "read", name)[1]
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    coloured = said(capsys, "read", name)[1]
    bare = re.sub(r"\033\[[\d;]*m", "", coloured)
    assert bare == plainly
    assert len(coloured) > 1.3 * len(plainly)
    assert "\033" not in plainly
    monkeypatch.setenv("NO_COLOR", "1")
    assert said(capsys, "read", name)[1] == plainly


def test_what_the_command_refuses(capsys):
    assert "did you mean conv2d" in refused(capsys, "read", "conv2")
    assert "exp has no part cpu or gpu; leave --part out" in refused(
        capsys, "read", "exp", "--part", "gpu", "--part", "cpu"
    )
    assert "invalid choice: 'all'" in refused(capsys, "read", "exp", "--part", "all")
