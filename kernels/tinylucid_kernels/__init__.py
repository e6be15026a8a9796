"""tinylucid_kernels: the heavy array functions of tinylucid, the same names in every folder.

``reference/`` says in plain NumPy what each function computes. Kernels know arrays and nothing of gradients, and
import nothing of tinylucid. ``of(x)`` gives the folder that computes on arrays of x's type.
"""

from .dispatch import of

__all__ = ["of"]
