"""tinylucid_kernels: the heavy array functions of tinylucid, the same names in every folder.

``reference/`` says in plain NumPy what each function computes, ``cpu/`` computes it fast with Numba. Kernels know arrays
and nothing of gradients, and import nothing of tinylucid. ``of(x)`` gives those that compute on arrays of x's type.
"""

from .dispatch import kernels, of

__all__ = ["kernels", "of"]
