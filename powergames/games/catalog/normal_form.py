"""Named games: the classics of the literature with their sources, and seeded random families.

Every function here returns a `NormalFormGame`; those of `powergames.games.catalog.stochastic` return a
`StochasticGame`. `CATALOG` lists all by name, and `named_game` builds one from what a user types, such as
``"assembly_line:n=4"``.

Examples
--------
>>> from powergames.games.catalog.normal_form import CATALOG, named_game
>>> named_game("random_uniform:players=3,actions=4,seed=7")
<NormalFormGame 'Random game, uniform payoffs (seed 7)': 3 players, 4 x 4 x 4 actions>
>>> CATALOG["assembly_line"].summary
'Assembly line: joining the line pays only if every worker joins.'
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.catalog.parameters import (
    LARGEST_INTEGER,
    MOST_ACTIONS,
    MOST_PLAYERS,
    closest,
    integer,
    named_values,
    quoted,
    real,
)
from powergames.games.catalog.stochastic import STOCHASTIC_GAMES
from powergames.games.memory import check_memory, check_tensor
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.games.stochastic import StochasticGame

# Generous estimate of what an entry costs while a tensor of fractions is validated.
FRACTION_BYTES = 128


def prisoners_dilemma() -> NormalFormGame:
    """Prisoner's dilemma: defecting dominates, and both lose by it.

    Returns
    -------
    NormalFormGame
        Payoffs 3 for mutual cooperation, 1 for mutual defection, 5 for defecting alone, 0 for cooperating alone.

    Notes
    -----
    A. W. Tucker (1950), "A two-person dilemma", Stanford University; the payoffs are those of R. Axelrod (1984),
    *The Evolution of Cooperation*, Basic Books, chapter 1.

    Examples
    --------
    >>> prisoners_dilemma().payoffs[0]
    array([[3., 0.],
           [5., 1.]])
    """
    return _symmetric([[3, 0], [5, 1]], ("prisoner 1", "prisoner 2"), ("cooperate", "defect"), "Prisoner's dilemma")


def stag_hunt() -> NormalFormGame:
    """Stag hunt: the stag needs both hunters, a hare only one.

    Returns
    -------
    NormalFormGame
        A stag is worth 4 to each if both hunt it and 0 to one who hunts it alone; a hare is worth 3 in any case.

    Notes
    -----
    J.-J. Rousseau (1755), *Discours sur l'origine et les fondements de l'inégalité parmi les hommes*, part 2, as a
    game in B. Skyrms (2004), *The Stag Hunt and the Evolution of Social Structure*, Cambridge University Press. Both
    hunting stag is a power-regularized equilibrium exactly for λ <= 1/4.

    Examples
    --------
    >>> stag_hunt().payoffs[0]
    array([[4., 0.],
           [3., 3.]])
    """
    return _symmetric([[4, 0], [3, 3]], ("hunter 1", "hunter 2"), ("stag", "hare"), "Stag hunt")


def chicken() -> NormalFormGame:
    """Chicken: each driver wants the other to swerve, and neither wants to crash.

    Returns
    -------
    NormalFormGame
        Payoffs 0 if both swerve, 1 and -1 if one does, -10 if neither does.

    Notes
    -----
    A. Rapoport and A. M. Chammah (1966), "The game of chicken", American Behavioral Scientist 10(3), 10-28.

    Examples
    --------
    >>> chicken().payoffs[0]
    array([[  0.,  -1.],
           [  1., -10.]])
    """
    return _symmetric([[0, -1], [1, -10]], ("driver 1", "driver 2"), ("swerve", "straight"), "Chicken")


def battle_of_the_sexes() -> NormalFormGame:
    """Battle of the sexes: both want to meet, each at a different place.

    Returns
    -------
    NormalFormGame
        Payoffs 2 for meeting at the place one prefers, 1 for meeting at the other, 0 for not meeting.

    Notes
    -----
    R. D. Luce and H. Raiffa (1957), *Games and Decisions*, Wiley, section 5.3; here not meeting pays 0.

    Examples
    --------
    >>> battle_of_the_sexes().payoffs[1]
    array([[1., 0.],
           [0., 2.]])
    """
    return NormalFormGame(
        [[[2, 0], [0, 1]], [[1, 0], [0, 2]]],
        ("she", "he"),
        (("opera", "boxing"),) * 2,
        "Battle of the sexes",
    )


def matching_pennies() -> NormalFormGame:
    """Matching pennies: one player wins if the pennies match, the other if they differ.

    Returns
    -------
    NormalFormGame
        Zero-sum, payoffs 1 and -1.

    Notes
    -----
    J. von Neumann and O. Morgenstern (1944), *Theory of Games and Economic Behavior*, Princeton University Press,
    chapter III.

    Examples
    --------
    >>> matching_pennies().payoffs[0]
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    return NormalFormGame.from_bimatrix(
        [[1, -1], [-1, 1]],
        players=("matcher", "mismatcher"),
        actions=(("heads", "tails"),) * 2,
        title="Matching pennies",
    )


def rock_paper_scissors() -> NormalFormGame:
    """Rock, paper, scissors: each action beats one and loses to the other.

    Returns
    -------
    NormalFormGame
        Zero-sum, payoffs 1 for a win, 0 for a draw, -1 for a loss.

    Notes
    -----
    J. von Neumann and O. Morgenstern (1944), *Theory of Games and Economic Behavior*, Princeton University Press,
    chapter III, as "Stone, Paper, Scissors".

    Examples
    --------
    >>> rock_paper_scissors().payoffs[0]
    array([[ 0., -1.,  1.],
           [ 1.,  0., -1.],
           [-1.,  1.,  0.]])
    """
    return NormalFormGame.from_bimatrix(
        [[0, -1, 1], [1, 0, -1], [-1, 1, 0]],
        players=("player 1", "player 2"),
        actions=(("rock", "paper", "scissors"),) * 2,
        title="Rock, paper, scissors",
    )


def coordination(n: int = 2) -> NormalFormGame:
    """Pure coordination: two players want to choose the same of n actions, whichever.

    Parameters
    ----------
    n : int, default 2
        Number of actions of each player.

    Returns
    -------
    NormalFormGame
        Both are paid 1 if they choose the same action, else 0.

    Raises
    ------
    InputError
        If `n` is out of range or the game does not fit in memory.

    Notes
    -----
    T. C. Schelling (1960), *The Strategy of Conflict*, Harvard University Press, chapter 3.

    Examples
    --------
    >>> coordination(3).payoffs[0]
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    n = integer("n", n, 1, MOST_ACTIONS)
    check_tensor((n, n), "coordination")
    return _symmetric(
        np.eye(n), ("player 1", "player 2"), tuple(f"meet at {k + 1}" for k in range(n)), "Pure coordination"
    )


def minimum_effort(
    n: int = 3, efforts: int = 7, cost: float = 0.1, benefit: float = 0.2, base: float = 0.6
) -> NormalFormGame:
    """Minimum effort: the least effort in the group decides what everyone gets, one's own what one pays.

    Parameters
    ----------
    n : int, default 3
        Number of players, at least 2.
    efforts : int, default 7
        Effort levels 1, 2, ..., `efforts`.
    cost : float, default 0.1
        Cost of a unit of one's own effort.
    benefit : float, default 0.2
        Benefit of a unit of the least effort, more than `cost`.
    base : float, default 0.6
        What everyone is paid in any case.

    Returns
    -------
    NormalFormGame
        Player `i` is paid ``benefit * min(effort) - cost * effort_i + base``.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    J. B. Van Huyck, R. C. Battalio and R. O. Beil (1990), "Tacit coordination games, strategic uncertainty, and
    coordination failure", American Economic Review 80(1), 234-248; the defaults are the payoffs of their game A, in
    dollars, with fewer players than the 14 to 16 they had. Equal effort at any level is an equilibrium.

    Examples
    --------
    >>> minimum_effort(n=2, efforts=3).payoffs[0]
    array([[0.7, 0.7, 0.7],
           [0.6, 0.8, 0.8],
           [0.5, 0.7, 0.9]])
    """
    n = integer("n", n, 2, MOST_PLAYERS)
    efforts = integer("efforts", efforts, 1, MOST_ACTIONS)
    unit_cost, unit_benefit, constant = real("cost", cost), real("benefit", benefit), real("base", base)
    if not 0 < unit_cost < unit_benefit:
        raise InputError(f"cost, benefit: got {cost} and {benefit}; give 0 < cost < benefit")

    def payoff(own: int, least: int) -> Fraction:
        return unit_benefit * (least + 1) - unit_cost * (own + 1) + constant

    return NormalFormGame(
        _tabulated("minimum_effort", n, efforts, efforts, payoff, np.minimum),
        tuple(f"worker {i + 1}" for i in range(n)),
        (tuple(f"effort {k + 1}" for k in range(efforts)),) * n,
        f"Minimum effort, {n} players",
    )


def travellers_dilemma(low: int = 2, high: int = 100, bonus: int = 2) -> NormalFormGame:
    """Traveller's dilemma: the lower of two claims is paid, plus a bonus to who made it and minus it to the other.

    Parameters
    ----------
    low, high : int, default 2 and 100
        Claims are the integers from `low` to `high`.
    bonus : int, default 2
        What the lower claim earns and the higher one loses, at least 2.

    Returns
    -------
    NormalFormGame
        Equal claims are paid as they are.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    K. Basu (1994), "The traveler's dilemma: paradoxes of rationality in game theory", American Economic Review 84(2),
    391-395. The only Nash equilibrium is for both to claim the least.

    Examples
    --------
    >>> travellers_dilemma(2, 4).payoffs[0]
    array([[2., 4., 4.],
           [0., 3., 5.],
           [0., 1., 4.]])
    """
    low = integer("low", low, -MOST_ACTIONS, MOST_ACTIONS)
    high = integer("high", high, low, low + MOST_ACTIONS - 1)
    bonus = integer("bonus", bonus, 2, MOST_ACTIONS)
    size = high - low + 1
    check_tensor((size, size), "travellers_dilemma")
    claims = np.arange(low, high + 1, dtype=np.float64)
    mine, other = claims[:, None], claims[None, :]
    return _symmetric(
        np.minimum(mine, other) + bonus * np.sign(other - mine),
        ("traveller 1", "traveller 2"),
        tuple(f"claim {claim}" for claim in range(low, high + 1)),
        "Traveller's dilemma",
    )


def oneill() -> NormalFormGame:
    """O'Neill's card game: the first player wins on two jokers, or on two different number cards.

    Returns
    -------
    NormalFormGame
        Zero-sum, payoffs 1 and -1.

    Notes
    -----
    B. O'Neill (1987), "Nonmetric test of the minimax theory of two-person zerosum games", Proceedings of the National
    Academy of Sciences 84(7), 2106-2109. In the only equilibrium both play the joker with probability 2/5 and each
    number card with probability 1/5.

    Examples
    --------
    >>> oneill().payoffs[0]
    array([[-1.,  1.,  1., -1.],
           [ 1., -1.,  1., -1.],
           [ 1.,  1., -1., -1.],
           [-1., -1., -1.,  1.]])
    """
    return NormalFormGame.from_bimatrix(
        [[-1, 1, 1, -1], [1, -1, 1, -1], [1, 1, -1, -1], [-1, -1, -1, 1]],
        players=("player 1", "player 2"),
        actions=(("ace", "two", "three", "joker"),) * 2,
        title="O'Neill's card game",
    )


def shapley() -> NormalFormGame:
    """Shapley's game: its only equilibrium is mixed, and fictitious play circles around it.

    Returns
    -------
    NormalFormGame
        Payoffs 0 and 1; each player's best reply moves on to the next action.

    Notes
    -----
    L. S. Shapley (1964), "Some topics in two-person games", in *Advances in Game Theory*, Annals of Mathematics
    Studies 52, Princeton University Press, 1-28. Both mix all three actions equally in equilibrium.

    Examples
    --------
    >>> shapley().payoffs[1]
    array([[0., 1., 0.],
           [0., 0., 1.],
           [1., 0., 0.]])
    """
    return NormalFormGame.from_bimatrix(
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        ("row", "column"),
        (("top", "middle", "bottom"), ("left", "centre", "right")),
        "Shapley's game",
    )


def von_stengel() -> NormalFormGame:
    """Von Stengel's game: 6 x 6 actions and 75 equilibria, the most known for that size.

    Returns
    -------
    NormalFormGame
        The version with small payoffs.

    Notes
    -----
    B. von Stengel (1999), "New maximal numbers of equilibria in bimatrix games", Discrete & Computational Geometry
    21, 557-568; small payoffs from R. Savani and B. von Stengel (2006), "Hard-to-solve bimatrix games", Econometrica
    74(2), 397-429.

    Examples
    --------
    >>> von_stengel().payoffs[:, 0, 0]
    array([-81.,  72.])
    """
    return NormalFormGame.from_bimatrix(
        [
            [-81, 36, -126, 126, -36, 90],
            [-180, 72, -333, 297, -153, 270],
            [20, -3, 42, -33, 17, -30],
            [-30, 17, -33, 42, -3, 20],
            [270, -153, 297, -333, 72, -180],
            [90, -36, 126, -126, 36, -81],
        ],
        [
            [72, 36, 17, -3, -36, -153],
            [-180, -81, -30, 20, 90, 270],
            [297, 126, 42, -33, -126, -333],
            [-333, -126, -33, 42, 126, 297],
            [270, 90, 20, -30, -81, -180],
            [-153, -36, -3, 17, 36, 72],
        ],
        ("row", "column"),
        (tuple(f"row {k}" for k in range(1, 7)), tuple(f"column {k}" for k in range(1, 7))),
        "Von Stengel's game",
    )


def assembly_line(n: int = 3) -> NormalFormGame:
    """Assembly line: joining the line pays only if every worker joins.

    Parameters
    ----------
    n : int, default 3
        Number of workers.

    Returns
    -------
    NormalFormGame
        "line" pays 3 if all chose it and else 0, "solo" pays 1 whatever the others do.

    Raises
    ------
    InputError
        If `n` is out of range or the game does not fit in memory.

    Notes
    -----
    An n-player stag hunt, as in H. Carlsson and E. van Damme (1993), "Equilibrium selection in stag hunt games", in
    *Frontiers of Game Theory*, MIT Press, 237-253, in the setting that motivates power regularization: on the line
    every worker is at the mercy of each other one (Li and Dennis 2023, AAMAS). With two players or more, all on the
    line is a power-regularized equilibrium exactly for ``λ w <= 2/3``, where w is 1 for the mean and the maximum of
    power and n - 1 for the sum.

    Examples
    --------
    >>> assembly_line().payoffs[0]
    array([[[3., 0.],
            [0., 0.]],
    <BLANKLINE>
           [[1., 1.],
            [1., 1.]]])
    """
    n = integer("n", n, 1, MOST_PLAYERS)
    check_tensor((2,) * n, "assembly_line")
    payoffs = np.zeros((n, *(2,) * n))
    for player in range(n):
        np.moveaxis(payoffs[player], player, 0)[1] = 1.0
        payoffs[(player, *(0,) * n)] = 3.0
    return NormalFormGame(
        frozen(payoffs),
        tuple(f"worker {i + 1}" for i in range(n)),
        (("line", "solo"),) * n,
        f"Assembly line, {n} workers",
    )


def split_work() -> NormalFormGame:
    """Splitting work: sharing it out pays more, and whoever gets a share can then fail.

    Returns
    -------
    NormalFormGame
        A manager chooses one of five splits among three co-workers, each of whom works or fails. All four are paid the
        same: what the split brings if everybody works, minus what each one who fails costs.

    Notes
    -----
    Reconstructed from numbers in public code of 2021 and 2022 by the first author of the paper on power regularization
    (Li and Dennis 2023, AAMAS). They say for each split what it brings, and the greatest and the mean power of a
    co-worker. That the paper uses this game is an inference. How the mean divides among the co-workers, that failures
    add up, that all are paid the same, and that co-workers decide without seeing the split are choices made here.

    ===== ====== ===================== ============== ==========
    split brings costs of failing      greatest power mean power
    ===== ====== ===================== ============== ==========
    0     5      0, 0, 0               0              0
    1     8.2    4, 4, 0               4              2.67
    2     9      10, 0, 0              10             3.33
    3     9.39   6.43, 4.435, 4.435    6.43           5.1
    4     10.94  12.15, 12.15, 12.15   12.15          12.15
    ===== ====== ===================== ============== ==========

    If everybody works, the manager weighs what a split brings against λ times the power. As λ grows, split 4 gives way
    to 3, and that to 1 and 0 if the greatest power counts, where split 3 brings more than split 2 and gives away less.
    If the mean counts, 3 gives way to 2, which relies on one co-worker alone, and 2 to 0.

    Examples
    --------
    >>> import powergames as pg
    >>> for aggregate in ("max", "mean"):
    ...     print(aggregate, pg.solve(split_work(), pg.PowerObjective(0.5, aggregate)).profile[0].argmax())
    max 1
    mean 2
    """
    brings = [Fraction(number) for number in ("5", "8.2", "9", "9.39", "10.94")]
    costs = (("0",) * 3, ("4", "4", "0"), ("10", "0", "0"), ("6.43", "4.435", "4.435"), ("12.15",) * 3)
    payoffs = np.empty((4, len(brings), 2, 2, 2))
    for split, *failing in np.ndindex(payoffs.shape[1:]):
        lost = sum(Fraction(cost) for cost, fails in zip(costs[split], failing, strict=True) if fails)
        payoffs[(slice(None), split, *failing)] = float(brings[split] - lost)
    return NormalFormGame(
        frozen(payoffs),
        ("manager", *(f"co-worker {k + 1}" for k in range(3))),
        (tuple(f"split {k}" for k in range(len(brings))), *(("work", "fail"),) * 3),
        "Splitting work",
    )


def public_goods(n: int = 3, levels: int = 5, endowment: float = 20, multiplier: float = 1.5) -> NormalFormGame:
    """Linear public goods: contributions are multiplied and shared equally, so free riding dominates.

    Parameters
    ----------
    n : int, default 3
        Number of players, at least 2.
    levels : int, default 5
        Number of contributions to choose from, equally spaced from nothing to the whole endowment; at least 2.
    endowment : float, default 20
        What each player starts with, positive.
    multiplier : float, default 1.5
        What a unit contributed yields to the group, positive; each player gets ``multiplier / n`` of it.

    Returns
    -------
    NormalFormGame
        Player `i` is paid ``endowment - contribution_i + multiplier / n * sum(contributions)``.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    The voluntary contributions mechanism: R. M. Isaac and J. M. Walker (1988), "Group size effects in public goods
    provision: the voluntary contributions mechanism", Quarterly Journal of Economics 103(1), 179-199; surveyed by
    J. O. Ledyard (1995), "Public goods: a survey of experimental research", in *The Handbook of Experimental
    Economics*, Princeton University Press. It is a dilemma for ``1 < multiplier < n``.

    Examples
    --------
    >>> public_goods(n=2, levels=2).payoffs[0]
    array([[20., 35.],
           [15., 30.]])
    """
    n = integer("n", n, 2, MOST_PLAYERS)
    levels = integer("levels", levels, 2, MOST_ACTIONS)
    whole, factor = real("endowment", endowment), real("multiplier", multiplier)
    if whole <= 0 or factor <= 0:
        raise InputError(f"endowment, multiplier: got {endowment} and {multiplier}; give positive numbers")
    step = whole / (levels - 1)

    def payoff(own: int, total: int) -> Fraction:
        return whole - step * own + factor / n * step * total

    return NormalFormGame(
        _tabulated("public_goods", n, levels, n * (levels - 1) + 1, payoff, np.add),
        tuple(f"player {i + 1}" for i in range(n)),
        (tuple(f"give {float(step * k):.6g}" for k in range(levels)),) * n,
        f"Public goods, {n} players",
    )


def random_uniform(players: int = 2, actions: int | str | Sequence[int] = 3, seed: int = 0) -> NormalFormGame:
    """Random game with independent payoffs, uniform on [0, 1).

    Parameters
    ----------
    players : int, default 2
        Number of players.
    actions : int, str or sequence of int, default 3
        Number of actions: one for all, or one each as in ``"3x4"``.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Examples
    --------
    >>> random_uniform(actions="3x4").n_actions
    (3, 4)
    >>> random_uniform(seed=1) == random_uniform(seed=1)
    True
    """
    n_actions, seed, generator = _random_setup("random_uniform", players, actions, seed)
    payoffs = generator.random((len(n_actions), *n_actions))
    return _generated(payoffs, f"Random game, uniform payoffs (seed {seed})")


def random_covariant(
    players: int = 2, actions: int | str | Sequence[int] = 3, rho: float = 0.0, seed: int = 0
) -> NormalFormGame:
    """Random game with normal payoffs, correlated between the players.

    Parameters
    ----------
    players : int, default 2
        Number of players, at least 2.
    actions : int, str or sequence of int, default 3
        Number of actions: one for all, or one each as in ``"3x4"``.
    rho : float, default 0
        Covariance of the payoffs of any two players at the same joint action, from ``-1 / (players - 1)``, where they
        sum to zero, to 1, where all are equal.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    NormalFormGame
        Each payoff is standard normal, and those at different joint actions are independent.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    Y. Rinott and M. Scarsini (2000), "On the number of pure strategy Nash equilibria in random games", Games and
    Economic Behavior 33(2), 274-293.

    Examples
    --------
    >>> game = random_covariant(players=3, actions=2, rho=1)
    >>> bool((game.payoffs[0] == game.payoffs[2]).all())
    True
    """
    n_actions, seed, generator = _random_setup("random_covariant", players, actions, seed, least_players=2)
    n = len(n_actions)
    covariance = float(real("rho", rho))
    if not -1.0 - 1e-12 <= covariance * (n - 1) <= n - 1:
        raise InputError(f"rho: got {rho}; with {n} players give a covariance from -1/{n - 1} to 1")
    payoffs = generator.standard_normal((n, *n_actions))
    # The symmetric root of the covariance matrix: scale the mean of the players and the deviations from it.
    mean = payoffs.mean(axis=0)
    payoffs -= mean
    payoffs *= math.sqrt(1.0 - covariance)
    mean *= math.sqrt(max(1.0 + (n - 1) * covariance, 0.0))
    payoffs += mean
    return _generated(payoffs, f"Random game, covariance {covariance:.6g} (seed {seed})")


def random_degenerate(
    players: int = 2, actions: int | str | Sequence[int] = 3, largest: int = 2, seed: int = 0
) -> NormalFormGame:
    """Random game with small integer payoffs: full of ties, so degenerate on purpose.

    Parameters
    ----------
    players : int, default 2
        Number of players.
    actions : int, str or sequence of int, default 3
        Number of actions: one for all, or one each as in ``"3x4"``.
    largest : int, default 2
        Payoffs are 0, 1, ..., `largest`.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Examples
    --------
    >>> sorted(set(random_degenerate(seed=3).payoffs.ravel().tolist()))
    [0.0, 1.0, 2.0]
    """
    n_actions, seed, generator = _random_setup("random_degenerate", players, actions, seed)
    largest = integer("largest", largest, 0, LARGEST_INTEGER)
    payoffs = np.empty((len(n_actions), *n_actions))
    for own in payoffs:
        own[...] = generator.integers(largest + 1, size=n_actions)
    return _generated(payoffs, f"Random game, payoffs 0 to {largest} (seed {seed})")


def random_zero_sum(actions: int | str | Sequence[int] = 3, seed: int = 0) -> NormalFormGame:
    """Random zero-sum game of two players, payoffs uniform on [-1, 1).

    Parameters
    ----------
    actions : int, str or sequence of int, default 3
        Number of actions: one for both, or one each as in ``"3x4"``.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Examples
    --------
    >>> bool((random_zero_sum("2x5").payoffs.sum(axis=0) == 0).all())
    True
    """
    n_actions, seed, generator = _random_setup("random_zero_sum", 2, actions, seed)
    payoffs = np.empty((2, *n_actions))
    payoffs[0] = generator.uniform(-1.0, 1.0, n_actions)
    np.negative(payoffs[0], out=payoffs[1])
    return _generated(payoffs, f"Random zero-sum game (seed {seed})")


@dataclass(frozen=True)
class CatalogEntry:
    """A named game: the function that builds it, and what its signature and docstring say.

    Attributes
    ----------
    function : callable
        Returns the game.

    Examples
    --------
    >>> entry = CATALOG["coordination"]
    >>> entry.name, dict(entry.parameters)
    ('coordination', {'n': 2})
    """

    function: Callable[..., NormalFormGame | StochasticGame]

    @property
    def name(self) -> str:
        """Name under which `named_game` finds the game."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters and their defaults."""
        signature = inspect.signature(self.function)
        return MappingProxyType({name: parameter.default for name, parameter in signature.parameters.items()})


CATALOG: Mapping[str, CatalogEntry] = MappingProxyType(
    {
        function.__name__: CatalogEntry(function)
        for function in (
            prisoners_dilemma,
            stag_hunt,
            chicken,
            battle_of_the_sexes,
            matching_pennies,
            rock_paper_scissors,
            coordination,
            minimum_effort,
            travellers_dilemma,
            oneill,
            shapley,
            von_stengel,
            assembly_line,
            split_work,
            public_goods,
            random_uniform,
            random_covariant,
            random_degenerate,
            random_zero_sum,
            *STOCHASTIC_GAMES,
        )
    }
)


def named_game(spec: str) -> Any:
    """Build a game of the catalog from its name and parameters.

    Parameters
    ----------
    spec : str
        A name, alone or followed by ``:`` and ``key=value`` pairs separated by ``,`` or ``:``.

    Returns
    -------
    NormalFormGame or StochasticGame
        Typed Any, since the name decides.

    Raises
    ------
    InputError
        If the name or a parameter is unknown, or a value cannot be used.

    Examples
    --------
    >>> named_game("assembly_line:n=4")
    <NormalFormGame 'Assembly line, 4 workers': 4 players, 2 x 2 x 2 x 2 actions>
    >>> named_game("staghunt")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: no game is named 'staghunt'; did you mean stag_hunt? run ...
    """
    name, separator, rest = spec.partition(":")
    name = name.strip()
    if name not in CATALOG:
        raise InputError(
            f"no game is named {quoted(name)};{closest(name, CATALOG)} run 'powergames games' for the list"
        )
    values = named_values(name, rest, CATALOG[name].parameters) if separator else {}
    try:
        return CATALOG[name].function(**values)
    except InputError as error:
        message = str(error)
        raise InputError(message if message.startswith(name) else f"{name}: {message}") from None


def _symmetric(payoffs: Any, players: tuple[str, str], actions: tuple[str, ...], title: str) -> NormalFormGame:
    """Two-player game that looks the same to both, from the payoffs [mine, other's] of one."""
    rows = np.asarray(payoffs, dtype=np.float64)
    return NormalFormGame.from_bimatrix(rows, rows.T, players, (actions,) * 2, title)


def _tabulated(
    name: str,
    n: int,
    size: int,
    n_common: int,
    payoff: Callable[[int, int], Fraction],
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Payoff tensor of ``payoff(own action, all actions combined)``; floats where they print the fractions exactly."""
    check_tensor((size,) * n, name)
    check_memory(FRACTION_BYTES * size * n_common, f"{name}: a table of {size} x {n_common} fractions")
    exact = np.array([[payoff(own, common) for common in range(n_common)] for own in range(size)], dtype=object)
    try:
        values = exact.astype(np.float64)
    except OverflowError:
        raise InputError(f"{name}: the payoffs are out of the range of a float; give smaller numbers") from None
    pairs = zip(values.ravel().tolist(), exact.flat, strict=True)
    if any(Fraction(repr(number)) != fraction for number, fraction in pairs):
        check_tensor((size,) * n, name, FRACTION_BYTES)
        values = exact
    payoffs = np.empty((n, *(size,) * n), dtype=values.dtype)
    actions = list(np.ogrid[(slice(size),) * n])
    # One action of player 0 at a time, which keeps the temporaries small.
    for first in range(size):
        actions[0] = np.full((1,) * n, first)
        combined = functools.reduce(combine, actions)
        for player, own in enumerate(actions):
            payoffs[player, first : first + 1] = values[own, combined]
    return frozen(payoffs)


def _random_setup(
    name: str, players: Any, actions: Any, seed: Any, least_players: int = 1
) -> tuple[tuple[int, ...], int, np.random.Generator]:
    n_players = integer("players", players, least_players, MOST_PLAYERS)
    counts = actions.split("x") if isinstance(actions, str) else actions
    counts = list(counts) if isinstance(counts, Sequence) else [counts]
    if len(counts) == 1:
        counts *= n_players
    if len(counts) != n_players:
        raise InputError(f"actions: got {len(counts)} counts for {n_players} players; give one for all, or one each")
    n_actions = tuple(integer("actions", count, 1, MOST_ACTIONS) for count in counts)
    check_tensor(n_actions, name)
    seed = integer("seed", seed, 0, LARGEST_INTEGER)
    return n_actions, seed, np.random.default_rng(seed)


def _generated(payoffs: np.ndarray, title: str) -> NormalFormGame:
    n_actions = payoffs.shape[1:]
    return NormalFormGame(
        frozen(payoffs),
        tuple(f"player {i + 1}" for i in range(len(n_actions))),
        tuple(tuple(f"action {k + 1}" for k in range(size)) for size in n_actions),
        title,
    )
