"""The tour: what is stored is what its cells give, small and of no particular machine; and it runs in a real kernel."""

import ast
import json
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def text(parts):
    """A field of a notebook, which may be a list of lines."""
    return "".join(parts)


def code(path):
    """The code cells of a notebook."""
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def shown(cells):
    """The kinds of what cells show, and all that is printed."""
    outputs = [out for cell in cells for out in cell["outputs"]]
    kinds = [kind for out in outputs for kind in out.get("data", {})]
    return kinds, "".join(text(out["text"]) for out in outputs if out["output_type"] == "stream")


def check_told(cells):
    """That a run of the tour showed pictures, tables and a good accuracy."""
    kinds, printed = shown(cells)
    assert kinds.count("image/png") >= 6
    assert kinds.count("text/html") >= 7
    assert float(re.search(r"digits it never saw: (\S+)%", printed)[1]) > 90


def test_there_is_a_tour():
    assert [path.name for path in NOTEBOOKS] == ["05_tour.ipynb"]
    check_told(code(NOTEBOOKS[0]))


@every
def test_a_notebook_is_stored_whole_small_and_of_no_machine(path):
    stored = path.read_text(encoding="utf-8")
    assert len(stored) < 600_000
    assert f"{EXAMPLES.parent}/" not in stored  # wherever it was run and stored
    assert re.findall(r"/home/|/root|/tmp/|/Users/|[A-Z]:\\\\|site-packages| at 0x| images/s", stored) == []
    book = json.loads(stored)
    assert book["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cells = code(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "run from top to bottom, once"
    for cell in cells:
        assert set(cell["metadata"]) <= {"tags"}
        kinds = [(out["output_type"], out.get("name")) for out in cell["outputs"]]
        assert set(kinds) <= {("execute_result", None), ("stream", "stdout")}, "an error or a progress bar is stored"
        last = ast.parse(text(cell["source"])).body[-1]
        assert bool(cell["outputs"]) == isinstance(last, ast.Expr), "what a cell gives is stored"


@every
def test_links_of_a_notebook_lead_somewhere(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\((?!http)([^)#]+)\)", text(cell["source"])):
                assert (path.parent / target).exists(), target


def rough(html):
    """What is shown, without its pictures and with three digits of its numbers: enough on any machine."""
    html = re.sub(r'src="[^"]*"', "", html)
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.3g}", html)


@every
def test_what_is_stored_is_what_the_cells_before_training_give(path):
    names, compared = {}, 0
    for cell in code(path):
        tree = ast.parse(text(cell["source"]))
        if "trains" in cell["metadata"].get("tags", ()):
            break
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.name, "exec"), names)
        if last is not None:
            given = eval(compile(ast.Expression(last.value), path.name, "eval"), names)
            assert rough(given._repr_html_()) == rough(text(cell["outputs"][0]["data"]["text/html"]))
            compared += 1
    assert compared >= 6


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@every
def test_a_notebook_runs_in_a_kernel(path, tmp_path):
    from notebooks import executed

    book = executed(path, tmp_path)
    check_told([cell for cell in book.cells if cell.cell_type == "code"])
    assert list(tmp_path.iterdir()) == []
