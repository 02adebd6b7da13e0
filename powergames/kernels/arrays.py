"""How kernels pass on arrays that may not be written to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload


def one_type(array: np.ndarray) -> np.ndarray:
    """Return the same array with the type of one that may be written to, which nobody must do.

    Numba compiles a function once more for arrays that may not.

    Examples
    --------
    >>> one_type(np.ones(2))
    array([1., 1.])
    """
    return array


@intrinsic
def _retyped(context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return impl_ret_borrowed(context, builder, signature.return_type, arguments[0])

    return array.copy(readonly=False)(array), generate


@overload(one_type)
def _one_type(array):
    return lambda array: _retyped(array)
