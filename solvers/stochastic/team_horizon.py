r"""The team optimum over a finite horizon: backward induction on what the team is worth, a benchmark.

With the notation of `powergames.solvers.stochastic.team`, the deterministic profile that the team plays satisfies

.. math::
    U^t(s) = \max_a \Big[ (1 - λ \bar w) Q^t(s, a) + λ \sum_j \bar W_j \min_{b_j} Q^t(s, b_j, a_{-j}) \Big],
    \quad Q^t = r + γ P U^{t+1}, \quad U^T = 0.
"""

from __future__ import annotations

import numpy as np

from powergames.display import discount_text
from powergames.errors import InputError
from powergames.games.profiles import frozen, read_only
from powergames.games.rows import Columns, RowGame
from powergames.games.timed import TimedGame, TimedStrategy, action_type, room
from powergames.objectives import PowerObjective
from powergames.results.teams import HorizonTeamOptimum


def team_over(
    game: TimedGame, objective: PowerObjective, adversarial: PowerObjective, horizon: int
) -> HorizonTeamOptimum:
    """Compute the best deterministic profile of a team over a finite horizon; see `powergames.team_optimum`.

    Raises
    ------
    InputError
        If discounts differ, or λ times the weights is no probability.
    """
    from powergames.kernels.horizon import spread_actions, team_step

    whole = RowGame.of(game)
    n, discounts = whole.n_players, whole.each.discount
    if np.ptp(discounts) > 0.0:
        raise InputError(
            f"discount: got {', '.join(map(discount_text, discounts))}; a team needs the same for all players"
        )
    shared = len(whole.rows.rewards) == 1
    factor = float(whole.each.factor[0] * whole.units[0])
    rows = whole.rows if shared else whole.rows._replace(rewards=read_only(whole.rows.rewards.mean(axis=0)[None]))
    columns = Columns(*(read_only(np.array([field])) for field in (0, factor, 0.0, float(discounts[0]))))
    egos, takes, weights, tolls = adversarial.adversary_arrays(n)
    sizes = [int(size) for size in rows.n_actions.max(axis=0)]
    shape = horizon, whole.n_states
    actions = [room(shape, action_type(size), "the profile") for size in sizes]
    value = room(shape, np.float64, "values at each step")
    following, values, joint = (
        np.zeros((whole.n_states, 1)),
        np.zeros((whole.n_states, 1)),
        np.zeros(shape[1], np.int32),
    )
    firsts = read_only(np.tile(np.arange(max(sizes), dtype=np.int16), (whole.n_states, 1)))
    for t in range(horizon - 1, -1, -1):
        team_step(rows, columns, (egos, takes, weights / n, tolls), following, values, joint)
        for player, own in enumerate(actions):
            spread_actions(rows.n_actions, joint, firsts, player, own[t])
        value[t] = values[:, 0]
        following, values = values, following
    nothing = np.zeros(horizon + 1, np.int64), np.zeros(0, np.int32)
    profile = tuple(
        TimedStrategy(horizon, size, own, *nothing, np.zeros((0, size)))
        for size, own in zip(sizes, actions, strict=True)
    )
    return HorizonTeamOptimum(game, objective, horizon, profile, frozen(value))
