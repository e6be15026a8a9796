"""The exercises, written: one way of many."""
