"""How fast tinylucid is: each case measured, and held against a bound.

  python -m benchmarks            measure, print tables, write them to benchmarks/results/
  python -m benchmarks nets       one of them: core or nets
  python -m benchmarks --quick    the same with fewer repeats, in less than 90 seconds

core      what is measured: import, overhead of an operation, a training step, memory
nets      what is measured: whole steps of small convolutional nets beside PyTorch's, and the very first step
timing    how: short blocks that take turns, medians and quartiles
report    what comes out: the table and the machine it was measured on
"""
