"""``python -m tinylucid_kernels.emulator.standin``: write ``names.json`` anew from the CuPy that is installed."""

from .names import FILE, as_text, installed

if __name__ == "__main__":
    names = installed()
    FILE.write_text(as_text(names), encoding="utf-8")
    print(f"{FILE}: CuPy {names['version']}")
