"""How fast tinylucid is: each case measured, and held against a bound.

  python -m benchmarks            measure, print a table, write benchmarks/results/core.md
  python -m benchmarks --quick    the same with fewer repeats, in less than 30 seconds

core      what is measured: import, overhead of an operation, a training step, memory
timing    how: short blocks that take turns, medians and quartiles
report    what comes out: the table and the machine it was measured on
"""
