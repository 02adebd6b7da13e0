"""Learners with neural networks: PRIM, SBPR and plain rewards, as one compiled loop of play and learning.

`powergames.train` uses them with ``policy="network"``. They need the extra ``powergames[deep]``: JAX, Equinox and
Optax, which nothing outside of this package imports.

Arrays of a batch have its axes last, ``values[action, step, environment]``: sums over the few actions then run along
the many environments. Only the axis of environments is spread over devices.
"""
