"""The notebooks in examples/, run in a real kernel: ``python tests/notebooks.py`` runs them and stores what they show."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def executed(path, folder):
    """The notebook after a run in that folder, whole or not at all; a kernel is this Python."""
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return book


def tidied(book):
    """Without what is another at each run, or on each machine: progress, times, versions."""
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    book.metadata.language_info = {"name": "python"}
    return book


def main():
    """Run all, or those that are named, and store them."""
    for path in map(Path, sys.argv[1:] or NOTEBOOKS):
        book = tidied(executed(path, path.parent))
        nbformat.write(book, path)
        print(f"{path.name}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
