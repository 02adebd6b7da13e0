"""Numba kernels: arrays in, arrays and codes out. They never raise, print or allocate what they can be handed."""
