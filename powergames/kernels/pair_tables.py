"""All pair tables of a game, from one streaming pass over each player's payoff tensor.

For ego `i` and co-player `j` the pair table is

    M_ij[a_i, a_j] = E_{k≠i,j} u_i(a_i, a_j, x_{-ij}).

Split the co-players into two groups of neighbouring axes. While the tensor is read once, two small tensors are
accumulated: one averaged over the back group, which has all that the tables of the front group need, and one averaged
over the front group, for the tables of the back group. Each is split again, until two axes are left. Merging the axes
of a group into one long axis, with a product strategy, keeps the inner loops long enough for SIMD where players have
few actions, and makes the small tensors so small that the first pass is nearly all of the work.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.arrays import one_type
from powergames.kernels.caching import njit

# Sums may be reordered, as SIMD needs; NaN and infinity keep their meaning.
_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})

# Inner loops of this length run at the speed of memory; longer ones leave the nearest cache.
_LONG = 32
# Averaging over this many joint actions leaves a tensor that costs little.
_SMALL = 8
# Floats in a cache line: work arrays that begin with one are faster by up to a third.
_LINE = 8


@_kernel
def pair_tables(
    payoffs: np.ndarray, n_actions: np.ndarray, profile: np.ndarray, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the pair tables of all players.

    Parameters
    ----------
    payoffs : ndarray of float64, shape (n, A_0 * ... * A_{n-1}), C-contiguous
        ``payoffs[i]`` is the raveled payoff tensor of player `i`; n >= 2.
    n_actions : ndarray of int64, shape (n,)
        Number of actions of each player.
    profile : ndarray of float64, shape (A_0 + ... + A_{n-1},)
        The strategies of all players, concatenated.
    shifts : ndarray of float64, shape (n,)
        Subtracted from the payoffs of each player as they are read.

    Returns
    -------
    tables : ndarray of float64
        All tables, packed: that of ego `i` and co-player `j` has shape (A_i, A_j) and begins at ``starts[i, j]``.
    starts : ndarray of int64, shape (n, n)
        Where each table begins; -1 on the diagonal.

    Notes
    -----
    Costs one pass over the payoffs.

    Examples
    --------
    >>> payoffs = np.arange(24.0).reshape(3, 8)
    >>> tables, starts = pair_tables(payoffs, np.array([2, 2, 2]), np.full(6, 0.5), np.zeros(3))
    >>> tables[starts[0, 1] :][:4].reshape(2, 2)
    array([[0.5, 2.5],
           [4.5, 6.5]])
    """
    n = len(n_actions)
    offsets = np.zeros(n, np.int64)
    for i in range(1, n):
        offsets[i] = offsets[i - 1] + n_actions[i - 1]
    starts = np.full((n, n), -1, np.int64)
    size = 0
    for i in range(n):
        for j in range(n):
            if i != j:
                starts[i, j] = size
                size += n_actions[i] * n_actions[j]
    tables = np.empty(size)
    room = 0
    for ego in range(n):
        room = max(room, _room(_live_axes(n_actions, ego), n_actions, ego))
    work = np.empty(room + _LINE)
    work = work[-(np.int64(work.ctypes.data) // work.itemsize) % _LINE :]
    for ego in range(n):
        axes = _live_axes(n_actions, ego)
        values = one_type(payoffs[ego])
        _fill(values, shifts[ego], axes, ego, n_actions, profile, offsets, work, tables, starts[ego])
        _fill_single(values, shifts[ego], axes, ego, n_actions, profile, offsets, tables, starts[ego])
    return tables, starts


@_kernel
def _fill(
    payoffs: np.ndarray,
    shift: float,
    axes: np.ndarray,
    ego: int,
    n_actions: np.ndarray,
    profile: np.ndarray,
    offsets: np.ndarray,
    work: np.ndarray,
    tables: np.ndarray,
    starts: np.ndarray,
) -> None:
    """Fill in the tables of ego with the other players in `axes`.

    Tensors yet to be split are stacked in `work`; an explicit stack, because Numba cannot cache recursive functions.
    """
    stack = np.zeros((len(axes), len(n_actions)), np.bool_)
    origin = np.zeros(len(axes), np.int64)
    if len(axes) == 2:
        _store(payoffs, shift, axes, ego, n_actions, tables, starts)
    if len(axes) < 3:
        return
    front, back = _split(payoffs, axes, ego, shift, n_actions, profile, offsets, work)
    _mark(stack[0], front)
    _mark(stack[1], back)
    origin[1] = _padded(_count(n_actions, front))
    depth = 2
    while depth > 0:
        depth -= 1
        axes = _chosen(stack[depth])
        start = origin[depth]
        size = _count(n_actions, axes)
        if len(axes) == 2:
            _store(work[start : start + size], 0.0, axes, ego, n_actions, tables, starts)
            continue
        tensor, rest = _cut(work[start:], size)
        front, back = _split(tensor, axes, ego, 0.0, n_actions, profile, offsets, rest)
        _mark(stack[depth], front)
        _mark(stack[depth + 1], back)
        origin[depth] = start + _padded(size)
        origin[depth + 1] = origin[depth] + _padded(_count(n_actions, front))
        depth += 2


@_kernel
def _mark(flags: np.ndarray, places: np.ndarray) -> None:
    """Set what is at some places to true, and all else to false."""
    flags[:] = False
    for place in places:
        flags[place] = True


@_kernel
def _live_axes(n_actions: np.ndarray, ego: int) -> np.ndarray:
    """Return ego and the co-players who have a choice, in order."""
    live = np.empty(len(n_actions), np.bool_)
    for j in range(len(n_actions)):
        live[j] = j == ego or n_actions[j] > 1
    return _chosen(live)


@_kernel
def _chosen(flags: np.ndarray) -> np.ndarray:
    """Return the positions of what is true."""
    result, count = np.empty(len(flags), np.int64), 0
    for k in range(len(flags)):
        if flags[k]:
            result[count] = k
            count += 1
    return result[:count]


@_kernel
def _place(axes: np.ndarray, ego: int) -> int:
    """Return where ego is in `axes`."""
    at = 0
    while axes[at] != ego:
        at += 1
    return at


@_kernel
def _count(n_actions: np.ndarray, axes: np.ndarray) -> int:
    """Return the number of joint actions of the players in `axes`."""
    count = 1
    for axis in axes:
        count *= n_actions[axis]
    return count


@_kernel
def _plan(axes: np.ndarray, n_actions: np.ndarray, ego: int) -> tuple[int, int]:
    """Return where the back group begins and ends, as positions in `axes`; the front group is what lies before it.

    With ego in front of the back group, the back group reaches to the end, and averaging over it is a dot product. With
    ego among the last axes, enough of those are kept for a long inner loop.
    """
    at = _place(axes, ego)
    if at >= 2 and _count(n_actions, axes[at + 1 :]) < _LONG:
        end = at
        while end > 2 and _count(n_actions, axes[end:]) < _LONG:
            end -= 1
        begin = end - 1
        while begin > 1 and _count(n_actions, axes[begin:end]) < _SMALL:
            begin -= 1
        return begin, end
    begin = len(axes) - 1
    while begin > max(at + 1, 2) and _count(n_actions, axes[begin:]) < _LONG:
        begin -= 1
    return begin, len(axes)


@_kernel
def _room(axes: np.ndarray, n_actions: np.ndarray, ego: int) -> int:
    """Return how many floats of work space one player takes.

    With F and B entries in the two averages of a tensor of N entries, both at most N / 2, a split uses at most
    3 (F + B) floats, product strategies included, and all splits below it fit into 3 max(F, B) behind F and B. Both
    keep at most two arrays for each axis and six more, each padded to whole cache lines.
    """
    if len(axes) < 3:
        return 0
    begin, end = _plan(axes, n_actions, ego)
    front = _count(n_actions, axes[:begin])
    back = _count(n_actions, axes[begin:])
    if end == len(axes):
        back *= n_actions[ego]
    else:
        front *= n_actions[ego]
    return 4 * (front + back) + (2 * len(axes) + 6) * _LINE


@_kernel
def _split(
    tensor: np.ndarray,
    axes: np.ndarray,
    ego: int,
    shift: float,
    n_actions: np.ndarray,
    profile: np.ndarray,
    offsets: np.ndarray,
    work: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Average a tensor over the back group and over the front group; write the two results at the start of `work`.

    Returns the axes of the one and of the other.
    """
    at = _place(axes, ego)
    own = n_actions[ego]
    begin, end = _plan(axes, n_actions, ego)
    if at < begin:
        front_axes, back_axes = axes[:begin], axes[begin - 1 :].copy()
        back_axes[0] = ego
    else:
        front_axes, back_axes = axes[: begin + 1].copy(), axes[begin:]
        front_axes[begin] = ego
    front_part, work = _cut(work, _count(n_actions, front_axes))
    back_part, work = _cut(work, _count(n_actions, back_axes))
    front_weights, work = _joint(axes[:begin], ego, n_actions, profile, offsets, work)
    back_weights, work = _joint(axes[begin:end], ego, n_actions, profile, offsets, work)
    front, back = len(front_weights), len(back_weights)
    if at < begin:
        before = _count(n_actions, axes[:at])
        between = front // before
        _split_behind(
            tensor.reshape((before, own, between, back)),
            shift,
            front_weights.reshape((before, between)),
            back_weights,
            front_part.reshape((before, own, between)),
            back_part.reshape((own, back)),
        )
    else:
        left = _count(n_actions, axes[end:at])
        kept_weights, work = _joint(axes[end:], ego, n_actions, profile, offsets, work)
        right = len(kept_weights) // left
        keep = left * own * right
        _split_before(
            tensor.reshape((front, back, keep)),
            shift,
            front_weights,
            back_weights,
            kept_weights.reshape((left, right)),
            front_part.reshape((front, own)),
            back_part.reshape((back, keep)),
            work[:keep],
        )
    return front_axes, back_axes


@_kernel
def _split_behind(
    tensor: np.ndarray,
    shift: float,
    front_weights: np.ndarray,
    back_weights: np.ndarray,
    front_part: np.ndarray,
    back_part: np.ndarray,
) -> None:
    """Split a tensor whose axes are: front group, ego, front group, back group."""
    before, own, between, back = tensor.shape
    back_part[:] = 0.0
    for p in range(before):
        for a in range(own):
            for q in range(between):
                weight = front_weights[p, q]
                total = 0.0
                for k in range(back):
                    value = tensor[p, a, q, k] - shift
                    total += back_weights[k] * value
                    back_part[a, k] += weight * value
                front_part[p, a, q] = total


@_kernel
def _split_before(
    tensor: np.ndarray,
    shift: float,
    front_weights: np.ndarray,
    back_weights: np.ndarray,
    kept_weights: np.ndarray,
    front_part: np.ndarray,
    back_part: np.ndarray,
    row: np.ndarray,
) -> None:
    """Split a tensor whose axes are: front group, back group, and the last few, with ego among them."""
    front, back, keep = tensor.shape
    left, right = kept_weights.shape
    own = front_part.shape[1]
    kept = row.reshape((left, own, right))
    front_part[:] = 0.0
    back_part[:] = 0.0
    for p in range(front):
        row[:] = 0.0
        for k in range(back):
            for r in range(keep):
                value = tensor[p, k, r] - shift
                row[r] += back_weights[k] * value
                back_part[k, r] += front_weights[p] * value
        for b in range(left):
            for a in range(own):
                for c in range(right):
                    front_part[p, a] += kept_weights[b, c] * kept[b, a, c]


@_kernel
def _padded(size: int) -> int:
    """Return the size in whole cache lines."""
    return (size + _LINE - 1) // _LINE * _LINE


@_kernel
def _cut(work: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `size` entries, and the rest from the next cache line on."""
    return work[:size], work[_padded(size) :]


@_kernel
def _joint(
    axes: np.ndarray, ego: int, n_actions: np.ndarray, profile: np.ndarray, offsets: np.ndarray, work: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Write the product strategy of `axes` without ego at the start of `work`; return it and the rest of `work`."""
    work[0] = 1.0
    size = 1
    for axis in axes:
        if axis != ego:
            count = n_actions[axis]
            for k in range(size - 1, -1, -1):
                weight = work[k]
                for a in range(count):
                    work[k * count + a] = weight * profile[offsets[axis] + a]
            size *= count
    return _cut(work, size)


@_kernel
def _store(
    matrix: np.ndarray,
    shift: float,
    axes: np.ndarray,
    ego: int,
    n_actions: np.ndarray,
    tables: np.ndarray,
    starts: np.ndarray,
) -> None:
    """Store a matrix over two axes, one of them ego's, as the pair table of ego and the other player."""
    rows, columns = n_actions[axes[0]], n_actions[axes[1]]
    if axes[0] == ego:
        start = starts[axes[1]]
        for k in range(rows * columns):
            tables[start + k] = matrix[k] - shift
    else:
        start = starts[axes[0]]
        for j in range(rows):
            for a in range(columns):
                tables[start + a * rows + j] = matrix[j * columns + a] - shift


@_kernel
def _fill_single(
    payoffs: np.ndarray,
    shift: float,
    axes: np.ndarray,
    ego: int,
    n_actions: np.ndarray,
    profile: np.ndarray,
    offsets: np.ndarray,
    tables: np.ndarray,
    starts: np.ndarray,
) -> None:
    """Fill in the tables of ego with players who have one action: the values of ego's own actions."""
    own = n_actions[ego]
    values = np.zeros(own)
    if len(axes) == 1:
        for a in range(own):
            values[a] = payoffs[a] - shift
    else:
        j = axes[1] if axes[0] == ego else axes[0]
        count = n_actions[j]
        for a in range(own):
            for k in range(count):
                values[a] += tables[starts[j] + a * count + k] * profile[offsets[j] + k]
    for j in range(len(n_actions)):
        if j != ego and n_actions[j] == 1:
            for a in range(own):
                tables[starts[j] + a] = values[a]
