"""How fast tinylucid is on a CPU, beside PyTorch and JAX: ``python -m benchmarks``; README.md says how to read it.

what is measured
  case, cases         a case: the work described once for all libraries, and the least time it could take; all of them
  nets, cases_nets    the nets; training steps, inference, explaining
  cases_ops           convolutions, pooling, norms, losses, optimiser steps
  jaxed               the same in JAX
  first, memory, overhead     imports and first steps, memory, the cost of an operation in Python
how
  worker, races       a process for each library and number of threads; they take turns
  timing              blocks that take turns, quartiles
  peak, machine       what the cores can do at most; what machine it is
what comes out
  rows                rows of a run, stored and compared with an earlier one
  report, plot        the tables, and the ratios as bars
gpu                   ``python -m benchmarks.gpu``: the same question for a GPU, in sections
  gpu_plan            its cases: floors, predictions, what is to be reached
  gpu_cases, gpu_peaks, gpu_rows      its sections, what the card does at most, timing and rows
visualize             ``python -m benchmarks.visualize``: not how fast but how good renderings are
"""
