"""Games with known answers, as data: two players unless a case says otherwise.

Thresholds follow by hand. With two actions and x, y the probabilities of the first, the slope of U_0 in x is

    stag hunt               4 (1 - λ) y - 3              prisoner's dilemma    (λ - 1) (1 + y) - λ
    chicken                 9 - 10 (1 - λ) y             coordination(2)       (1 - λ) (2y - 1) -+ λ   for x >< 1/2
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from powergames.games import NormalFormGame
from powergames.games.catalog.normal_form import named_game
from powergames.objectives import PowerObjective

INFINITY = float("inf")


@dataclass(frozen=True)
class Case:
    """A game, an objective, and what is known of the equilibria.

    Attributes
    ----------
    spec
        What the catalog calls the game, or the payoffs of every player.
    lam, aggregate
        The objective.
    extreme, components
        Number of extreme equilibria and of connected components.
    task
        Expected payoffs, the same in all equilibria.
    profiles
        All extreme equilibria.
    long_paths
        Whether complementary paths are exponentially long, so that a pivoting method may give up.
    """

    spec: Any
    lam: Any = 0
    aggregate: Any = field(default="mean")
    extreme: int | None = None
    components: int | None = None
    task: tuple[Any, ...] | None = None
    profiles: tuple[Any, ...] | None = None
    long_paths: bool = False

    @property
    def game(self) -> NormalFormGame:
        return named_game(self.spec) if isinstance(self.spec, str) else NormalFormGame(self.spec)

    @property
    def objective(self) -> PowerObjective:
        return PowerObjective(self.lam, self.aggregate)

    @property
    def id(self) -> str:
        spec = self.spec if isinstance(self.spec, str) else "payoffs " + str(self.spec[0])
        aggregate = self.aggregate if isinstance(self.aggregate, str) else "matrix " + str(self.aggregate)
        return f"{spec}, lam {self.lam}, {aggregate}"


def pairs(*probabilities: tuple[Any, Any]) -> tuple[Any, ...]:
    """Profiles of a 2x2 game, from the probabilities of both first actions."""
    return tuple(tuple((Fraction(p), 1 - Fraction(p)) for p in pair) for pair in probabilities)


def uniform(n: int) -> tuple[Any, ...]:
    """The profile in which both mix n actions equally, as the only one of a list."""
    return (((Fraction(1, n),) * n,) * 2,)


def one(*strategies: tuple[Any, ...]) -> tuple[Any, ...]:
    """A single profile, from numbers as text."""
    return (tuple(tuple(Fraction(p) for p in strategy) for strategy in strategies),)


STAG = (1, 1), (0, 0)

CASES = [
    # Stag hunt: both stag up to λ = 1/4; they mix where 4 (1 - λ) y = 3.
    Case("stag_hunt", 0, extreme=3, components=3, profiles=pairs(*STAG, ("3/4", "3/4"))),
    Case("stag_hunt", "1/10", extreme=3, components=3, profiles=pairs(*STAG, ("5/6", "5/6"))),
    Case("stag_hunt", "1/10", "sum", extreme=3, profiles=pairs(*STAG, ("5/6", "5/6"))),
    Case("stag_hunt", "1/10", "max", extreme=3, profiles=pairs(*STAG, ("5/6", "5/6"))),
    Case("stag_hunt", "1/10", [[0, 1], [0, 0]], extreme=3, profiles=pairs(*STAG, ("3/4", "5/6"))),
    Case("stag_hunt", "1/10", [[0, 0], [1, 0]], extreme=3, profiles=pairs(*STAG, ("5/6", "3/4"))),
    Case("stag_hunt", "1/10", [[0, 2], [0.5, 0]], extreme=3, profiles=pairs(*STAG, ("15/19", "15/16"))),
    Case("stag_hunt", "1/4", extreme=2, components=2, profiles=pairs(*STAG)),
    Case("stag_hunt", "1/3", extreme=1, components=1, task=(3, 3), profiles=pairs((0, 0))),
    Case("stag_hunt", 1, extreme=1, components=1, task=(3, 3), profiles=pairs((0, 0))),
    Case("stag_hunt", 5, "max", extreme=1, components=1, task=(3, 3), profiles=pairs((0, 0))),
    # Prisoner's dilemma: from λ = 2 on the task value of being exploited is worth more than the power it costs.
    Case("prisoners_dilemma", 0, extreme=1, task=(1, 1), profiles=pairs((0, 0))),
    Case("prisoners_dilemma", "3/10", "sum", extreme=1, task=(1, 1), profiles=pairs((0, 0))),
    Case("prisoners_dilemma", 3, extreme=3, components=3, profiles=pairs((0, 0), (1, 1), ("1/2", "1/2"))),
    # Chicken: the pure equilibria last up to λ = 1/10, where a whole path of equilibria joins them.
    Case("chicken", 0, extreme=3, components=3, profiles=pairs((1, 0), (0, 1), ("9/10", "9/10"))),
    Case("chicken", "1/20", extreme=3, components=3, profiles=pairs((1, 0), (0, 1), ("18/19", "18/19"))),
    Case("chicken", "1/10", extreme=3, components=1, profiles=pairs((1, 0), (0, 1), (1, 1))),
    Case("chicken", "1/2", extreme=1, task=(0, 0), profiles=pairs((1, 1))),
    # Battle of the sexes: at λ = 1 both secure 2/3.
    Case("battle_of_the_sexes", 0, extreme=3, components=3, profiles=pairs((1, 1), (0, 0), ("2/3", "1/3"))),
    Case("battle_of_the_sexes", 1, extreme=1, task=("2/3", "2/3"), profiles=pairs(("1/3", "2/3"))),
    # Coordination: one equilibrium for each set of actions at λ = 0. A little power makes more of them: with n = 2 they
    # also mix where (1 - λ) (2y - 1) = λ. The pure ones last up to λ = (n - 1) / n.
    Case("coordination:n=2", 0, extreme=3, components=3, profiles=pairs((1, 1), (0, 0), ("1/2", "1/2"))),
    Case(
        "coordination:n=2",
        "1/10",
        extreme=5,
        profiles=pairs((1, 1), (0, 0), ("1/2", "1/2"), ("5/9", "5/9"), ("4/9", "4/9")),
    ),
    Case("coordination:n=2", "1/2", extreme=3, components=3, profiles=pairs((1, 1), (0, 0), ("1/2", "1/2"))),
    Case("coordination:n=2", "3/5", extreme=1, profiles=pairs(("1/2", "1/2"))),
    Case("coordination:n=3", 0, extreme=7, components=7),
    Case("coordination:n=4", 0, extreme=15, components=15),
    Case("coordination:n=3", 1, extreme=1, task=("1/3", "1/3"), profiles=uniform(3)),
    # Zero-sum games: the saddle points stay, and here they are unique.
    Case("matching_pennies", 0, extreme=1, task=(0, 0), profiles=uniform(2)),
    Case("matching_pennies", "3/10", extreme=1, task=(0, 0), profiles=uniform(2)),
    Case("matching_pennies", 1, "max", extreme=1, task=(0, 0), profiles=uniform(2)),
    Case("matching_pennies", 3, extreme=1, task=(0, 0), profiles=uniform(2)),
    Case("rock_paper_scissors", 0, extreme=1, task=(0, 0), profiles=uniform(3)),
    Case("rock_paper_scissors", "3/10", extreme=1, task=(0, 0), profiles=uniform(3)),
    Case("rock_paper_scissors", 1, extreme=1, task=(0, 0), profiles=uniform(3)),
    Case("oneill", 0, extreme=1, task=("-1/5", "1/5"), profiles=one(*[("1/5", "1/5", "1/5", "2/5")] * 2)),
    Case("oneill", "1/2", extreme=1, task=("-1/5", "1/5"), profiles=one(*[("1/5", "1/5", "1/5", "2/5")] * 2)),
    Case("oneill", 1, extreme=1, task=("-1/5", "1/5"), profiles=one(*[("1/5", "1/5", "1/5", "2/5")] * 2)),
    # Others.
    Case("shapley", 0, extreme=1, task=("1/3", "1/3"), profiles=uniform(3)),
    Case("shapley", 1, extreme=1, task=("1/3", "1/3"), profiles=uniform(3)),
    Case("von_stengel", 0, extreme=75, components=75),
    Case("travellers_dilemma:high=10", 0, extreme=1, task=(2, 2)),
    Case("travellers_dilemma", 0, task=(2, 2), long_paths=True),
    # One equilibrium for every one or two efforts: mixing three would need the middle one with probability zero.
    Case("minimum_effort:n=2,efforts=3", 0, extreme=6, components=6),
    # Hand-made degenerate games.
    Case(([[0]], [[0]]), "1/2", extreme=1, components=1, task=(0, 0)),
    Case(([[1, 2, 2]], [[3, 5, 5]]), 0, extreme=2, components=1, task=(2, 5)),
    Case(([[0, 0], [0, 0]], [[0, 0], [0, 0]]), 0, extreme=4, components=1, task=(0, 0)),
    Case(([[0, 0], [0, 0]], [[0, 0], [0, 0]]), "1/3", extreme=4, components=1, task=(0, 0)),
    Case(([[1, 1], [0, 1]], [[1, 0], [1, 1]]), 0, extreme=2, components=2, profiles=pairs(*STAG)),
    # Only size: random games for the methods to agree on with the certificate.
    *(
        Case(f"random_uniform:actions={actions},seed={seed}", lam, aggregate)
        for actions, seed, lam, aggregate in [
            ("4x6", 1, 0, "mean"),
            ("4x6", 1, "1/5", "mean"),
            ("5x5", 2, "1/2", "max"),
            ("6x3", 3, 1, "sum"),
            ("5x5", 4, 3, "mean"),
            ("4x4", 5, "1/3", [[0, 0.5], [2, 0]]),
            ("4x4", 6, "1/3", [[0, 0], [1, 0]]),
            ("1x4", 7, "1/3", "mean"),
            ("4x1", 7, "1/3", "mean"),
            ("30x30", 8, 0, "mean"),
            ("30x30", 8, "3/10", "mean"),
        ]
    ),
    *(
        Case(f"random_degenerate:actions={actions},largest={largest},seed={seed}", lam)
        for actions, largest, seed in [("3x3", 1, 1), ("4x5", 2, 2), ("5x4", 1, 3)]
        for lam in (0, "1/4", "1/2", 1, 2)
    ),
    Case("random_zero_sum:actions=5x7,seed=1", 0),
    Case("random_zero_sum:actions=5x7,seed=1", "1/2"),
    Case("random_zero_sum:actions=5x7,seed=1", 4),
    Case("random_covariant:actions=5,rho=-0.7,seed=1", "3/10"),
    Case("random_covariant:actions=5,rho=0.7,seed=1", "3/10"),
    # More players: whoever claims to handle them is put to it.
    Case("assembly_line", "1/2"),
    Case("assembly_line:n=4", "1/5", "sum"),
    Case("public_goods", "1/2", task=(20, 20, 20)),
    Case("random_uniform:players=3,actions=2,seed=3", "1/5", "max"),
    Case("random_uniform:players=1,actions=4", "1/5"),
]


@dataclass(frozen=True)
class PureCase:
    """A game of any number of players and all its pure equilibria: joint action and both ends of the λ-interval."""

    spec: str
    aggregate: Any
    expected: dict[tuple[int, ...], tuple[Any, Any]]

    @property
    def id(self) -> str:
        return f"{self.spec}, {self.aggregate}"


ALWAYS = (0, INFINITY)

PURE_CASES = [
    PureCase("stag_hunt", "mean", {(0, 0): (0, Fraction(1, 4)), (1, 1): ALWAYS}),
    PureCase("stag_hunt", "max", {(0, 0): (0, Fraction(1, 4)), (1, 1): ALWAYS}),
    PureCase("stag_hunt", [[0, 2], [0.5, 0]], {(0, 0): (0, Fraction(1, 8)), (1, 1): ALWAYS}),
    PureCase("stag_hunt", [[0, 0], [0, 0]], {(0, 0): ALWAYS, (1, 1): ALWAYS}),
    PureCase("prisoners_dilemma", "mean", {(0, 0): (2, INFINITY), (1, 1): ALWAYS}),
    PureCase(
        "chicken",
        "mean",
        {(0, 1): (0, Fraction(1, 10)), (1, 0): (0, Fraction(1, 10)), (0, 0): (Fraction(1, 10), INFINITY)},
    ),
    PureCase("matching_pennies", "mean", {}),
    PureCase("assembly_line", "mean", {(0, 0, 0): (0, Fraction(2, 3)), (1, 1, 1): ALWAYS}),
    PureCase("assembly_line", "sum", {(0, 0, 0): (0, Fraction(1, 3)), (1, 1, 1): ALWAYS}),
    PureCase("assembly_line", "max", {(0, 0, 0): (0, Fraction(2, 3)), (1, 1, 1): ALWAYS}),
    PureCase("assembly_line:n=5", "sum", {(0,) * 5: (0, Fraction(1, 6)), (1,) * 5: ALWAYS}),
    PureCase("coordination:n=2", "mean", {(k, k): (0, Fraction(1, 2)) for k in range(2)}),
    PureCase("coordination:n=3", "mean", {(k, k): (0, Fraction(2, 3)) for k in range(3)}),
    PureCase("minimum_effort", "mean", {(0,) * 3: ALWAYS} | {(k,) * 3: (0, Fraction(1, 2)) for k in range(1, 7)}),
    PureCase("minimum_effort", "sum", {(0,) * 3: ALWAYS} | {(k,) * 3: (0, Fraction(1, 4)) for k in range(1, 7)}),
    PureCase("public_goods", "mean", {(0, 0, 0): ALWAYS}),
    PureCase("random_uniform:players=1,actions=4", "mean", {(0,): ALWAYS}),
]


# --- more than two players --------------------------------------------------------------------------------------------


def binary(*probabilities: Any) -> tuple[Any, ...]:
    """Strategies of players with two actions, from the probabilities of the first."""
    return tuple((p, 1 - p) for p in (p if isinstance(p, float) else Fraction(p) for p in probabilities))


def assembly(mixed: Any, n: int = 3) -> tuple[Any, ...]:
    """All equilibria of the assembly line below the critical λ."""
    return binary(*[1] * n), binary(*[0] * n), binary(*[mixed] * n)


# Each of three players watches the next one alone: the first two want to match, the last to differ from the first.
THREE_PENNIES = (
    [[[1, 1], [-1, -1]], [[-1, -1], [1, 1]]],
    [[[1, -1], [-1, 1]], [[1, -1], [-1, 1]]],
    [[[-1, 1], [-1, 1]], [[1, -1], [1, -1]]],
)
CHASE = (
    [[[2, 2], [0, 0]], [[0, 0], [1, 1]]],
    [[[2, 0], [0, 1]], [[2, 0], [0, 1]]],
    [[[0, 1], [0, 1]], [[2, 0], [2, 0]]],
)
CHASE_WEIGHTS = [[0, 1, 2], [3, 0, 0.5], [0.5, 1, 0]]

# Known equilibria of games of more players. In all of them the adversaries' best takeovers are plain to see.
#
# Assembly line: where all others are on the line with probability q, U in one's own q_i has slope
# (1 - λ w) (3 q^(n-1) - 1) - λ w, since an adversary leaves exactly what "solo" pays, w the weight of all power over
# one. So all mix with 3 q^(n-1) = 1 / (1 - λ w) while that is at most 3, λ w <= 2/3, and then only "solo" is left. If
# one mixes, so do all: the others' probabilities multiply to the same number for each.
#
# Public goods: a takeover costs the same whatever one does oneself, so giving nothing stays dominant.
#
# Three pennies, with s = P(first) - P(second) and c = λ times the weight of the one power that matters:
# U_0 = (1 - c) s_0 s_1 - c |s_0|, and in a circle. If s_0 is not 0, then |s_1| |1 - c| >= c and so on, with signs that
# contradict each other for c < 1, and |s_1| > 1 for c > 1: s = 0 for all is the only equilibrium for every λ.
#
# Chase, with p the probabilities of the first action: U_0 = (1 - c) u_0 + c min(2 p_0, 1 - p_0), with slope
# (1 - c) (3 p_1 - 1) + 2c for p_0 < 1/3 and - c beyond, and likewise U_1; U_2 has (1 - c) (2 - 3 p_0) + 2c and - c. For
# c < 1/2 all mix beyond 1/3, where the slopes vanish: p_1 = p_2 = 1 / (3 (1 - c)) and p_0 = (2 - 3c) / (3 (1 - c)). For
# c > 1/2 all stay at the kink, 1/3. There is no other equilibrium, because the best responses turn in a circle: p_0
# rises with p_1, p_1 with p_2, but p_2 falls with p_0.
MANY_PLAYER_CASES = [
    Case("assembly_line", 0, extreme=3, profiles=assembly(3**-0.5)),
    Case("assembly_line", "1/4", extreme=3, profiles=assembly("2/3")),
    Case("assembly_line", "1/8", "sum", extreme=3, profiles=assembly("2/3")),
    Case("assembly_line", "1/4", "max", extreme=3, profiles=assembly("2/3")),
    Case("assembly_line", 1, extreme=1, profiles=(binary(0, 0, 0),)),
    Case("assembly_line", 3, "sum", extreme=1, profiles=(binary(0, 0, 0),)),
    Case("assembly_line:n=4", "17/81", extreme=3, profiles=assembly("3/4", 4)),
    Case("assembly_line:n=4", "17/243", "sum", extreme=3, profiles=assembly("3/4", 4)),
    *(
        Case("public_goods", lam, aggregate, extreme=1, profiles=one(*[(1, 0, 0, 0, 0)] * 3))
        for lam, aggregate in [(0, "mean"), ("3/10", "mean"), (1, "max"), (3, "sum")]
    ),
    *(
        Case(THREE_PENNIES, lam, aggregate, extreme=1, profiles=(binary("1/2", "1/2", "1/2"),))
        for lam, aggregate in [(0, "mean"), ("1/10", "mean"), ("3/10", "sum"), ("3/5", "max"), (1, "mean"), (3, "max")]
    ),
    Case(CHASE, 0, extreme=1, profiles=(binary("2/3", "1/3", "1/3"),)),
    Case(CHASE, "1/2", extreme=1, profiles=(binary("5/9", "4/9", "4/9"),)),
    Case(CHASE, "1/4", "sum", extreme=1, profiles=(binary("5/9", "4/9", "4/9"),)),
    Case(CHASE, "1/4", "max", extreme=1, profiles=(binary("5/9", "4/9", "4/9"),)),
    Case(CHASE, "1/3", CHASE_WEIGHTS, extreme=1, profiles=(binary("3/5", "1/2", "2/5"),)),
    Case(CHASE, "6/5", extreme=1, profiles=(binary("1/3", "1/3", "1/3"),)),
    Case(CHASE, 3, "sum", extreme=1, profiles=(binary("1/3", "1/3", "1/3"),)),
]
