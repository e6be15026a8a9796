"""The parts of the stand-in for CuPy; :mod:`tinylucid_kernels.emulator.cupy` shows them under CuPy's names."""
