"""An orchard that everybody may pick from and anybody can burn down, as a ParallelEnv of PettingZoo.

Three gatherers walk on a grid of 9 × 9 cells. In its middle 25 trees stand side by side, and apples ripen for whoever
comes first; in a corner each gatherer has a garden of four trees on poorer soil. Who steps onto a ripe tree eats its
apple, worth 1. A fire that is lit at a tree spreads to its neighbours, and burnt trees stay bare for long. So the
orchard feeds better than a garden does, and one action of anybody there can take it from all.

A tree is bare, ripe, burning or burnt, and the 37 trees are so in any combination that has no fire, and more: there are
more than 3^37 · 81^3 > 10^23 states.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from numba import njit
from pettingzoo import ParallelEnv

AGENTS = ("ann", "ben", "cem")
SIZE, GARDEN = 9, 2
BARE, RIPE, BURNING, BURNT = range(4)
STAY, UP, DOWN, LEFT, RIGHT, LIGHT = range(6)
MOVES = {UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}

# Chances at each step: that a fire spreads from a neighbour, and that a burnt tree grows again.
SPREADS, RECOVERS = 0.9, 0.03

# How far a gatherer sees, and how each kind of tree looks; last, where there is none.
SIGHT = 2
LOOKS = np.array([0.0, 1.0, -1.0, -0.5, 0.0])


def _cell(row: int, column: int) -> int:
    return row * SIZE + column


# The cells of trees: those of the orchard, then those of each garden.
COMMON = [_cell(row, column) for row in range(2, 7) for column in range(2, 7)]
CORNERS = [(0, 0), (0, SIZE - GARDEN), (SIZE - GARDEN, 0)]
GARDENS = [
    [_cell(top + row, left + column) for row in range(GARDEN) for column in range(GARDEN)] for top, left in CORNERS
]
TREES = [*COMMON, *(cell for garden in GARDENS for cell in garden)]
NONE = len(TREES)
TREE_AT = np.full(SIZE**2, NONE)
TREE_AT[TREES] = range(NONE)

# Chances at each step that an apple ripens.
RIPENS = np.where(np.arange(NONE) < len(COMMON), 0.1, 0.05)


def _moved(cell: int, action: int) -> int:
    row, column = divmod(cell, SIZE)
    down, right = MOVES.get(action, (0, 0))
    return _cell(min(max(row + down, 0), SIZE - 1), min(max(column + right, 0), SIZE - 1))


def _window(cell: int) -> list[int]:
    """Return the trees that are seen from a cell, row by row."""
    row, column = divmod(cell, SIZE)
    around = range(-SIGHT, SIGHT + 1)
    places = [(row + down, column + right) for down in around for right in around]
    return [TREE_AT[_cell(*at)] if min(at) >= 0 and max(at) < SIZE else NONE for at in places]


NEXT = np.array([[_moved(cell, action) for action in range(6)] for cell in range(SIZE**2)])
# Up to four trees beside each tree; where there are fewer, NONE.
BESIDE = np.array([[TREE_AT[to] if (to := _moved(cell, move)) != cell else NONE for move in MOVES] for cell in TREES])
WINDOWS = np.array([_window(cell) for cell in range(SIZE**2)])
PLACES = np.array([divmod(cell, SIZE) for cell in range(SIZE**2)], dtype=np.float64)
HOMES = np.array(CORNERS) + (GARDEN - 1) / 2
SEEN = WINDOWS.shape[1] + 2 * (len(AGENTS) + 1) + 4


@njit(cache=True)
def _play(cells: np.ndarray, trees: np.ndarray, actions: np.ndarray, order: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Play one step in place, and return who ate; luck has two numbers for each tree."""
    ate = np.zeros(len(cells))
    for i in order:
        cells[i] = NEXT[cells[i], actions[i]]
        tree = TREE_AT[cells[i]]
        if trees[tree] == RIPE and STAY < actions[i] < LIGHT:
            trees[tree] = BARE
            ate[i] = 1.0
    before = trees.copy()
    for tree in range(NONE):
        if before[tree] == BURNING:
            trees[tree] = BURNT
        elif before[tree] == BURNT:
            if luck[tree] < RECOVERS:
                trees[tree] = BARE
        else:
            fires = 0
            for other in BESIDE[tree]:
                fires += before[other] == BURNING
            if luck[NONE + tree] > (1.0 - SPREADS) ** fires:
                trees[tree] = BURNING
            elif luck[tree] < RIPENS[tree]:
                trees[tree] = RIPE
    for i in range(len(cells)):
        tree = TREE_AT[cells[i]]
        if actions[i] == LIGHT and tree < NONE and trees[tree] < BURNING:
            trees[tree] = BURNING
    return ate


@njit(cache=True)
def _look(cells: np.ndarray, trees: np.ndarray) -> np.ndarray:
    """Return what everybody sees: trees around, the ways home, to the middle and to others, and how trees do there."""
    count, common, window = len(cells), NONE - GARDEN**2 * len(cells), WINDOWS.shape[1]
    shares = np.zeros(4)
    for tree in range(common):
        shares[trees[tree]] += 1.0 / common
    seen = np.zeros((count, SEEN), np.float32)
    for i in range(count):
        for k in range(window):
            seen[i, k] = LOOKS[trees[WINDOWS[cells[i], k]]]
        at = window
        for axis in range(2):
            own = PLACES[cells[i], axis]
            seen[i, at] = (HOMES[i, axis] - own) / (SIZE / 2)
            seen[i, at + 1] = ((SIZE - 1) / 2 - own) / (SIZE / 2)
            at += 2
            for other in range(count):
                if other != i:
                    seen[i, at] = (PLACES[cells[other], axis] - own) / (SIZE / 2)
                    at += 1
        for kind in range(RIPE, BURNT + 1):
            seen[i, at + kind - RIPE] = shares[kind]
        for tree in range(common + GARDEN**2 * i, common + GARDEN**2 * (i + 1)):
            seen[i, at + 3] += (trees[tree] == RIPE) / GARDEN**2
    return seen


class Orchard(ParallelEnv):
    """The orchard.

    Parameters
    ----------
    max_steps : int, optional
        Steps after which an episode is truncated.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "orchard"}

    def __init__(self, max_steps: int | None = None) -> None:
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.max_steps, self.rng, self.clock = max_steps, np.random.default_rng(), 0
        self.observation_spaces = {agent: Box(-2.0, 2.0, (SEEN,), np.float32) for agent in AGENTS}
        self.action_spaces = {agent: Discrete(6) for agent in AGENTS}

    def observation_space(self, agent: str) -> Box:
        """Return the space of what a gatherer sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        """Return the space of actions."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Put everybody anywhere, under trees of which half are ripe."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.clock = list(AGENTS), 0
        self.cells = self.rng.integers(SIZE**2, size=len(AGENTS))
        # The last one stands for no tree.
        self.trees = np.append(self.rng.integers(2, size=NONE), 4)
        return self._seen(), {agent: {} for agent in AGENTS}

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        """Let all act at once, in a random order where they want the same apple; then trees grow and fires spread."""
        luck = self.rng.random(2 * NONE + len(AGENTS))
        order = np.argsort(luck[2 * NONE :])
        ate = _play(self.cells, self.trees, np.array([actions[agent] for agent in AGENTS]), order, luck)
        self.clock += 1
        over = self.max_steps is not None and self.clock >= self.max_steps
        if over:
            self.agents = []
        rewards = dict(zip(AGENTS, ate.tolist(), strict=True))
        ends = dict.fromkeys(AGENTS, False), dict.fromkeys(AGENTS, over)
        return (self._seen(), rewards, *ends, {agent: {} for agent in AGENTS})

    def _seen(self) -> dict[str, np.ndarray]:
        return dict(zip(AGENTS, _look(self.cells, self.trees), strict=True))

    def get_state(self) -> tuple[bytes, bytes, int]:
        """Return all that the future depends on, but chance and who still plays."""
        return self.cells.tobytes(), self.trees.tobytes(), self.clock

    def set_state(self, state: tuple[bytes, bytes, int]) -> None:
        """Go to a state that `get_state` returned."""
        self.cells, self.trees = (np.frombuffer(part, np.int64).copy() for part in state[:2])
        self.clock = state[2]


def roughly(env: Orchard) -> tuple[int, ...]:
    """Say for everybody whether their tree of the orchard could burn, or where the orchard lies; and how it does.

    How it does is the third of it that is lost, and whether it burns. Everybody is in one of six places, so that this
    tells 6^3 · 3 · 2 states apart, few enough to learn from the episodes of an audit.
    """
    common = env.trees[: len(COMMON)]
    lost, burns = (common >= BURNING).mean(), (common == BURNING).any()
    return (*(_place(env, int(cell)) for cell in env.cells), min(int(3 * lost), 2), int(burns))


def _place(env: Orchard, cell: int) -> int:
    """Return whether a tree of the orchard could burn here, it could not, or on which side of it the cell is."""
    if TREE_AT[cell] < len(COMMON):
        return int(env.trees[TREE_AT[cell]] >= BURNING)
    row, column = divmod(cell, SIZE)
    first, last = COMMON[0] // SIZE, COMMON[-1] // SIZE
    return 2 if row < first else 3 if row > last else 4 if column < first else 5
