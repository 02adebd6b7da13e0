"""How kernels pass on arrays that may not be written to."""

from __future__ import annotations

from numba.core import config
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic


@intrinsic
def _one_type(context, array):
    """Return the same array with the type of one that may be written to, which nobody must do.

    Numba compiles a function once more for arrays that may not.
    """

    def generate(context, builder, signature, arguments):
        return impl_ret_borrowed(context, builder, signature.return_type, arguments[0])

    return array.copy(readonly=False)(array), generate


# Numba can be told to compile nothing.
one_type = (lambda array: array) if config.DISABLE_JIT else _one_type
