"""Named stochastic games: classics with their sources, games about relying on others, and seeded random families.

Every function returns a `StochasticGame`; all are in `powergames.games.catalog.normal_form.CATALOG` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.catalog.parameters import LARGEST_INTEGER, integer, real
from powergames.games.labels import GridNames, Piece
from powergames.games.memory import MAX_AXES, check_states
from powergames.games.stochastic import StochasticGame

# Bounds on what can be asked for at all; memory sets the real limit, and is checked separately.
MOST_STATES = 10**9
MOST_ACTIONS = 10**6
MOST_PLAYERS = MAX_AXES - 1

_Step = tuple[Sequence[float], Mapping[int, float]]


def shapley_1953() -> StochasticGame:
    """Shapley's stochastic game: a matrix game that is played again if both choose first, and else is over.

    Returns
    -------
    StochasticGame
        Zero-sum, discount 1/2. The first player is paid 1 if both choose the same.

    Notes
    -----
    L. S. Shapley (1953), "Stochastic games", Proceedings of the National Academy of Sciences 39(10), 1095-1100, whose
    case of one position is a matrix game that is replayed with probabilities which the players control. The numbers are
    chosen here so that they are rational and the value is not: it is the root (sqrt(17) - 3) / 2 of v = val [[1 + v/2,
    0], [0, 1]].

    Examples
    --------
    >>> shapley_1953().stage(0).payoffs[0]
    array([[1., 0.],
           [0., 1.]])
    """

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        paid = 1.0 if state == 0 and joint[0] == joint[1] else 0.0
        return (paid, -paid), {0 if state == 0 and joint == (0, 0) else 1: 1.0}

    return _tabulated(
        ("player 1", "player 2"),
        ("playing", "over"),
        lambda state: (("first", "second"),) * 2 if state == 0 else (("wait",),) * 2,
        step,
        0.5,
        0,
        "Shapley's stochastic game",
    )


def big_match(discount: float = 0.9) -> StochasticGame:
    """Big Match: guess the other's move each round; guessing 'stop' ends the game with what that round pays.

    Parameters
    ----------
    discount : float, default 0.9
        Discount factor.

    Returns
    -------
    StochasticGame
        Zero-sum. After 'stop', every later round pays what that one did.

    Raises
    ------
    InputError
        If the discount is out of range.

    Notes
    -----
    D. Gillette (1957), "Stochastic games with zero stop probabilities", in *Contributions to the Theory of Games III*,
    Princeton University Press; D. Blackwell and T. S. Ferguson (1968), "The big match", Annals of Mathematical
    Statistics 39(1), 159-163. The value of a round is 1/2 for every discount; the first player stops with probability
    (1 - discount) / (2 - discount).

    Examples
    --------
    >>> big_match().stage(0).payoffs[0]
    array([[1., 0.],
           [0., 1.]])
    """

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        paid = float(joint[0] == joint[1]) if state == 0 else float(state == 2)
        following = state if state or joint[0] == 1 else 1 + int(paid)
        return (paid, -paid), {following: 1.0}

    return _tabulated(
        ("player 1", "player 2"),
        ("play", "lost", "won"),
        lambda state: (("stop", "go"), ("left", "right")) if state == 0 else (("wait",),) * 2,
        step,
        _discount(discount),
        0,
        "Big Match",
    )


def dynamic_rock_paper_scissors(discount: float = 0.95) -> StochasticGame:
    """Dynamic rock, paper, scissors: who alone plays scissors wins if both play scissors in the next round.

    Parameters
    ----------
    discount : float, default 0.95
        Discount factor.

    Returns
    -------
    StochasticGame
        Zero-sum, payoffs 1 for a win, 0 for a draw and -1 for a loss. Who has the advantage wins if both play scissors.

    Raises
    ------
    InputError
        If the discount is out of range.

    Notes
    -----
    S. Eibelshäuser, V. Klockmann, D. Poensgen and A. von Schenk (2023), "The logarithmic stochastic tracing procedure:
    a homotopy method to compute stationary equilibria of stochastic games", INFORMS Journal on Computing 35(6),
    1511-1526, and the documentation of their program sGameSolver. At discount 0.95 the values are 0, 1/9 and
    -1/9.

    Examples
    --------
    >>> dynamic_rock_paper_scissors().stage(1).payoffs[0]
    array([[ 0., -1.,  1.],
           [ 1.,  0., -1.],
           [-1.,  1.,  1.]])
    """
    wins = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    following = np.array([[0, 0, 2], [0, 0, 2], [1, 1, 0]])

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        paid = float((0, 1, -1)[state] if joint == (2, 2) else wins[joint])
        return (paid, -paid), {int(following[joint]): 1.0}

    return _tabulated(
        ("player 1", "player 2"),
        ("neutral", "advantage 1", "advantage 2"),
        lambda state: (("rock", "paper", "scissors"),) * 2,
        step,
        _discount(discount),
        0,
        "Dynamic rock, paper, scissors",
    )


def reputation_stag_hunt(bonus: float = 0.5, discount: float = 0.9) -> StochasticGame:
    """Repeated stag hunt with reputation: whoever hunted stag is trusted next round, and being trusted pays.

    Parameters
    ----------
    bonus : float, default 0.5
        What a trusted hunter is paid besides.
    discount : float, default 0.9
        Discount factor.

    Returns
    -------
    StochasticGame
        Four states, one for each combination of reputations; a stag is worth 4 to each if both hunt it and 0 to one
        who hunts it alone, a hare 3 in any case.

    Raises
    ------
    InputError
        If a parameter is out of range.

    Notes
    -----
    The stag hunt of `powergames.games.catalog.normal_form.stag_hunt`, repeated; made for this catalog.

    Examples
    --------
    >>> reputation_stag_hunt().stage(0).payoffs[0]
    array([[4.5, 0.5],
           [3.5, 3.5]])
    """
    extra = float(real("bonus", bonus))
    hunt = np.array([[4.0, 0.0], [3.0, 3.0]])
    reputations = ("trusted", "doubted")

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        doubted = divmod(state, 2)
        paid = [hunt[joint[own], joint[1 - own]] + (0.0 if doubted[own] else extra) for own in range(2)]
        return paid, {2 * joint[0] + joint[1]: 1.0}

    return _tabulated(
        ("hunter 1", "hunter 2"),
        [f"{first}, {second}" for first, second in product(reputations, repeat=2)],
        lambda state: (("stag", "hare"),) * 2,
        step,
        _discount(discount),
        0,
        "Stag hunt with reputation",
    )


def commons(n: int = 2, stock: int = 4, most: int = 2, discount: float = 0.9) -> StochasticGame:
    """Commons: everyone takes from one stock, and what is left grows back slowly, most of all at half the stock.

    Parameters
    ----------
    n : int, default 2
        Number of players.
    stock : int, default 4
        Largest stock, in units.
    most : int, default 2
        Most units that a player can take in a round.
    discount : float, default 0.9
        Discount factor.

    Returns
    -------
    StochasticGame
        States are the stocks 0, 1, ..., `stock`. Each is paid the units taken, in proportion if they ask for more than
        there is. What is left, a share x of the largest stock, grows by a unit with probability 4 x (1 - x); an empty
        stock stays empty.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    After D. Levhari and L. J. Mirman (1980), "The great fish war: an example using a dynamic Cournot-Nash solution",
    Bell Journal of Economics 11(1), 322-334, in whole units and with chance in the growth.

    Examples
    --------
    >>> commons().stage(1).payoffs[0].round(2)
    array([[0.  , 0.  , 0.  ],
           [1.  , 0.5 , 0.33],
           [1.  , 0.67, 0.5 ]])
    """
    n = integer("n", n, 1, MOST_PLAYERS)
    stock = integer("stock", stock, 1, MOST_ACTIONS)
    most = integer("most", most, 1, MOST_ACTIONS)
    n_rows = (stock + 1) * (most + 1) ** n
    check_states(n, stock + 1, n_rows, 200 * n_rows * n, "commons: the game")

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        wanted = sum(joint)
        share = min(1.0, state / wanted) if wanted else 1.0
        left = max(state - wanted, 0)
        growth = 4 * left * (stock - left) / stock**2
        following = {left: 1.0 - growth, left + 1: growth} if growth else {left: 1.0}
        return [share * own for own in joint], following

    return _tabulated(
        [f"herder {i + 1}" for i in range(n)],
        [f"stock of {units}" for units in range(stock + 1)],
        lambda state: (tuple(f"take {units}" for units in range(most + 1)),) * n,
        step,
        _discount(discount),
        stock,
        f"Commons, {n} players",
    )


def line_with_breakdowns(n: int = 3, breakdown: float = 0.1, discount: float = 0.9) -> StochasticGame:
    """Assembly line with breakdowns: running it takes everyone, mending it goes faster the more help.

    Parameters
    ----------
    n : int, default 3
        Number of workers.
    breakdown : float, default 0.1
        Probability that the line breaks in a round in which it runs.
    discount : float, default 0.9
        Discount factor.

    Returns
    -------
    StochasticGame
        While the line works, each is paid 3 if all join it, 0 for joining it otherwise and 1 for working alone. While
        it is broken, repairing pays 0 and working alone 1; it works again with probability (workers who repair) / n.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    `powergames.games.catalog.normal_form.assembly_line` over time; made for this catalog.

    Examples
    --------
    >>> line_with_breakdowns(n=2).stage(0).payoffs[0]
    array([[3., 0.],
           [1., 1.]])
    """
    n = integer("n", n, 1, MOST_PLAYERS)
    chance = _probability("breakdown", breakdown)
    check_states(n, 2, 2 * 2**n, 200 * 2 * 2**n * n, "line_with_breakdowns: the game")

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        helping = n - sum(joint)
        if state == 0:
            paid = [1.0 if alone else 3.0 if helping == n else 0.0 for alone in joint]
            return paid, {0: 1.0 - chance, 1: chance} if helping == n else {0: 1.0}
        return [float(alone) for alone in joint], {0: helping / n, 1: 1.0 - helping / n}

    return _tabulated(
        [f"worker {i + 1}" for i in range(n)],
        ("working", "broken"),
        lambda state: (("repair" if state else "line", "solo"),) * n,
        step,
        _discount(discount),
        0,
        f"Assembly line with breakdowns, {n} workers",
    )


def delegation(n: int = 3, gain: float = 1.0, loss: float = 1.0, discount: float = 0.9) -> StochasticGame:
    """Delegation: relying on more agents pays the principal more, and gives more of them power over her.

    Parameters
    ----------
    n : int, default 3
        Number of players: a principal and n - 1 agents.
    gain : float, default 1
        What each agent relied on brings the principal by delivering.
    loss : float, default 1
        What each costs her by failing.
    discount : float, default 0.9
        Discount factor.

    Returns
    -------
    StochasticGame
        In state k, the principal relies on agents 1 to k, each of whom delivers or fails, while she chooses on how many
        to rely next. She is paid 1 plus `gain` for each who delivers, less `loss` for each who fails. An agent relied
        on is paid 1 for delivering, else 1/2; the others have nothing to choose and are paid 0.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    Made for this catalog. If all agents deliver, each of the k relied on can take `gain` + `loss` from the principal,
    so relying on all of them is an equilibrium that gives away the most power.

    Examples
    --------
    >>> delegation().n_actions.tolist()
    [[3, 1, 1], [3, 2, 1], [3, 2, 2]]
    """
    n = integer("n", n, 2, MOST_PLAYERS)
    brought, cost = float(real("gain", gain)), float(real("loss", loss))
    if brought < 0 or cost < 0:
        raise InputError(f"gain, loss: got {gain} and {loss}; give numbers >= 0")
    check_states(n, n, n * (2**n - 1), 200 * n * 2**n * n, "delegation: the game")

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        failing = sum(joint[1 : state + 1])
        principal = 1.0 + brought * (state - failing) - cost * failing
        agents = [0.5 if joint[agent] else 1.0 if agent <= state else 0.0 for agent in range(1, n)]
        return [principal, *agents], {joint[0]: 1.0}

    choices = tuple(f"rely on {k}" for k in range(n))
    return _tabulated(
        ["principal", *(f"agent {agent}" for agent in range(1, n))],
        [f"relying on {k}" for k in range(n)],
        lambda state: (choices, *((("deliver", "fail") if k < state else ("idle",)) for k in range(n - 1))),
        step,
        _discount(discount),
        0,
        f"Delegation, {n} players",
    )


def grid_game(width: int = 3, height: int = 3, discount: float = 0.99) -> StochasticGame:
    """Grid game: two robots cross a grid to opposite corners, and block each other where they meet.

    Parameters
    ----------
    width, height : int, default 3
        Size of the grid; at least 2 columns.
    discount : float, default 0.99
        Discount factor.

    Returns
    -------
    StochasticGame
        Robot 1 starts at the lower left and wants to the upper right, robot 2 from the lower right to the upper left.
        Both move at once, up, down, left or right within the grid. Who arrives is paid 100 and the game is over. If
        they would move into the same cell, or swap cells, both stay where they are and lose 1.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    J. Hu and M. P. Wellman (2003), "Nash Q-learning for general-sum stochastic games", Journal of Machine Learning
    Research 4, 1039-1069, grid game 1. Here swapping cells is blocked too.

    Examples
    --------
    >>> game = grid_game()
    >>> game.n_states, game.action_names(int(game.start.argmax()), 0)
    (58, ('up', 'right'))
    """
    width = integer("width", width, 2, 1000)
    height = integer("height", height, 2, 1000)
    cells = list(product(range(width), range(height)))
    # Pairs of cells without those in which a robot has arrived or both are in one place, and the end of the game.
    n_states = (len(cells) - 1) ** 2 - (len(cells) - 2) + 1
    # Ways out of all cells but a corner, which has two; and for each cell but two corners, the square of its ways.
    ways_out = 4 * len(cells) - 2 * (width + height) - 2
    in_one_place = 16 * (width - 2) * (height - 2) + 18 * (width + height - 4) + 2 * 2**2
    n_rows = ways_out**2 - in_one_place + 1
    check_states(2, n_states, n_rows, 16 * 2000 * len(cells) ** 2, "grid_game: the game")
    goals = (width - 1, height - 1), (0, height - 1)
    pairs = [(a, b) for a in cells for b in cells if a != b and a != goals[0] and b != goals[1]]
    number = {pair: k for k, pair in enumerate(pairs)}
    over = len(pairs)
    moves = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}
    ways = {
        (x, y): {name: (x + dx, y + dy) for name, (dx, dy) in moves.items() if (x + dx, y + dy) in set_of_cells}
        for set_of_cells in (set(cells),)
        for x, y in cells
    }

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        if state == over:
            return (0.0, 0.0), {over: 1.0}
        now = pairs[state]
        goal = [list(ways[cell].values())[action] for cell, action in zip(now, joint, strict=True)]
        if goal[0] == goal[1] or (goal[0] == now[1] and goal[1] == now[0]):
            return (-1.0, -1.0), {state: 1.0}
        paid = [100.0 if cell == wanted else 0.0 for cell, wanted in zip(goal, goals, strict=True)]
        return paid, {over if any(paid) else number[goal[0], goal[1]]: 1.0}

    # Rows of a picture are counted from the top.
    signs = {goals[0]: "goal 1", goals[1]: "goal 2"}
    rows = [[signs.get((x, y), "") for x in range(width)] for y in reversed(range(height))]
    pieces = [[Piece(x, height - 1 - y, robot) for robot, (x, y) in enumerate(pair)] for pair in pairs] + [[]]
    return _tabulated(
        ("robot 1", "robot 2"),
        GridNames([*(f"{a[0]},{a[1]} and {b[0]},{b[1]}" for a, b in pairs), "over"], rows, pieces),
        lambda state: (("wait",),) * 2 if state == over else tuple(tuple(ways[cell]) for cell in pairs[state]),
        step,
        _discount(discount),
        number[(0, 0), (width - 1, 0)],
        f"Grid game, {width} x {height}",
    )


def soccer(width: int = 5, height: int = 4, discount: float = 0.9) -> StochasticGame:
    """Soccer on a grid: carry the ball into the other's goal; who runs into the other loses it.

    Parameters
    ----------
    width, height : int, default 5 and 4
        Size of the field; at least 3 columns and 2 rows.
    discount : float, default 0.9
        Discount factor.

    Returns
    -------
    StochasticGame
        Zero-sum. Both choose north, south, east, west or to stand; the two moves are carried out in random order. A
        move into the other's cell does not take place, and the ball, if the mover has it, goes to the other. Player 1
        scores east and player 2 west, through the middle rows; a goal pays 1 and -1, and play resumes at the start
        with the ball given at random.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Notes
    -----
    M. L. Littman (1994), "Markov games as a framework for multi-agent reinforcement learning", Proceedings of the 11th
    International Conference on Machine Learning, 157-163. Where its text leaves room, such as the first positions, this
    is a reconstruction: the players start one column from the middle, in the two middle rows.

    Examples
    --------
    >>> game = soccer()
    >>> game.n_states, game.n_rows
    (760, 19000)
    """
    width = integer("width", width, 3, 1000)
    height = integer("height", height, 2, 1000)
    cells = list(product(range(width), range(height)))
    n_states = 2 * len(cells) * (len(cells) - 1)
    check_states(2, n_states, 25 * n_states, 16 * 10_000 * len(cells) ** 2, "soccer: the game")
    states = [(a, b, ball) for a in cells for b in cells if a != b for ball in (0, 1)]
    number = {state: k for k, state in enumerate(states)}
    goal_rows = {(height - 1) // 2, height // 2}
    first = ((width // 2 - 1, (height - 1) // 2), (width // 2 + 1, height // 2))
    kick_off = [number[(*first, ball)] for ball in (0, 1)]
    moves = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))

    def outcome(state: int, joint: tuple[int, ...], order: tuple[int, int]) -> tuple[float, list[int]]:
        """What one order of the moves pays player 1, and the states that follow with equal probability."""
        *places, ball = states[state]
        for mover in order:
            x, y = places[mover]
            dx, dy = moves[joint[mover]]
            target = (x + dx, y + dy)
            line = width if mover == 0 else -1
            if target[0] == line and y in goal_rows and ball == mover:
                return (1.0, -1.0)[mover], kick_off
            if target == places[1 - mover]:
                ball = 1 - mover
            elif 0 <= target[0] < width and 0 <= target[1] < height:
                places[mover] = target
        return 0.0, [number[places[0], places[1], ball]]

    def step(state: int, joint: tuple[int, ...]) -> _Step:
        paid, following = 0.0, dict[int, float]()
        for order in ((0, 1), (1, 0)):
            reward, targets = outcome(state, joint, order)
            paid += reward / 2
            for target in targets:
                following[target] = following.get(target, 0.0) + 0.5 / len(targets)
        return (paid, -paid), following

    start = np.zeros(len(states))
    start[kick_off] = 0.5
    # A goal lies beside the field; rows of a picture are counted from the top.
    rows = [
        ["goal 2" if y in goal_rows else "wall", *[""] * width, "goal 1" if y in goal_rows else "wall"]
        for y in reversed(range(height))
    ]
    pieces = [
        [Piece(x + 1, height - 1 - y, who, holds="ball" if ball == who else "") for who, (x, y) in enumerate(state)]
        for *state, ball in states
    ]
    return _tabulated(
        ("player 1", "player 2"),
        GridNames([f"{a[0]},{a[1]} and {b[0]},{b[1]}, ball with {ball + 1}" for a, b, ball in states], rows, pieces),
        lambda state: (("north", "south", "east", "west", "stand"),) * 2,
        step,
        _discount(discount),
        start,
        f"Soccer, {width} x {height}",
    )


def random_stochastic(
    players: int = 2, states: int = 8, actions: int = 3, discount: float = 0.95, seed: int = 0
) -> StochasticGame:
    """Random stochastic game: uniform rewards, and every state can follow every other.

    Parameters
    ----------
    players, states, actions : int, default 2, 8 and 3
        Number of players, of states, and of actions of each player in each state.
    discount : float, default 0.95
        Discount factor.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    StochasticGame
        Rewards uniform on [0, 1), transition probabilities uniform on the simplex.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Examples
    --------
    >>> random_stochastic(states=4, seed=1)
    <StochasticGame 'Random stochastic game (seed 1)': 2 players, 4 states, 36 rows, discount 0.95>
    """
    n_players, n_states, n_actions, seed = _sizes(players, states, actions, seed)
    n_rows = n_states * n_actions**n_players
    n_bytes = 8 * n_rows * (n_players + 3 * n_states)
    check_states(n_players, n_states, n_rows, n_bytes, f"random_stochastic: {n_rows} x {n_states} transitions")
    generator = np.random.default_rng(seed)
    rewards = generator.random((n_players, n_rows))
    weights = generator.exponential(size=(n_rows, n_states))
    weights /= weights.sum(axis=1, keepdims=True)
    counts = np.full((n_states, n_players), n_actions)
    return _generated(counts, rewards, weights, discount, f"Random stochastic game (seed {seed})")


def random_sparse(
    players: int = 2, states: int = 100, actions: int = 3, successors: int = 3, discount: float = 0.95, seed: int = 0
) -> StochasticGame:
    """Random sparse stochastic game: uniform rewards, and few states can follow each joint action.

    Parameters
    ----------
    players, states, actions : int, default 2, 100 and 3
        Number of players, of states, and of actions of each player in each state.
    successors : int, default 3
        Number of draws, with replacement, of the states that can follow; at most so many can.
    discount : float, default 0.95
        Discount factor.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    StochasticGame
        Rewards uniform on [0, 1), probabilities of the draws uniform on the simplex.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Examples
    --------
    >>> len(random_sparse(states=1000).data) <= 27000
    True
    """
    n_players, n_states, n_actions, seed = _sizes(players, states, actions, seed)
    successors = integer("successors", successors, 1, MOST_STATES)
    n_rows = n_states * n_actions**n_players
    n_bytes = 8 * n_rows * (n_players + 10 * successors)
    check_states(n_players, n_states, n_rows, n_bytes, f"random_sparse: {n_rows} x {successors} transitions")
    generator = np.random.default_rng(seed)
    rewards = generator.random((n_players, n_rows))
    transitions = _draws(generator, n_rows, n_states, successors)
    counts = np.full((n_states, n_players), n_actions)
    return _generated(counts, rewards, transitions, discount, f"Random sparse game (seed {seed})")


def random_turn_based(
    players: int = 2, states: int = 20, actions: int = 3, successors: int = 3, discount: float = 0.95, seed: int = 0
) -> StochasticGame:
    """Random turn-based stochastic game: in each state, one player alone has a choice.

    Parameters
    ----------
    players, states, actions : int, default 2, 20 and 3
        Number of players, of states, and of actions of the player whose turn it is; turns go round with the states.
    successors : int, default 3
        Number of draws, with replacement, of the states that can follow; at most so many can.
    discount : float, default 0.95
        Discount factor.
    seed : int, default 0
        The same seed gives the same game.

    Returns
    -------
    StochasticGame
        Rewards uniform on [0, 1), probabilities of the draws uniform on the simplex.

    Raises
    ------
    InputError
        If a parameter is out of range or the game does not fit in memory.

    Examples
    --------
    >>> random_turn_based(states=3).n_actions.tolist()
    [[3, 1], [1, 3], [3, 1]]
    """
    n_players, n_states, n_actions, seed = _sizes(players, states, actions, seed)
    successors = integer("successors", successors, 1, MOST_STATES)
    n_rows = n_states * n_actions
    n_bytes = 8 * n_rows * (n_players + 10 * successors)
    check_states(n_players, n_states, n_rows, n_bytes, f"random_turn_based: {n_rows} x {successors} transitions")
    generator = np.random.default_rng(seed)
    rewards = generator.random((n_players, n_rows))
    transitions = _draws(generator, n_rows, n_states, successors)
    counts = np.ones((n_states, n_players))
    turns = np.arange(n_states)
    counts[turns, turns % n_players] = n_actions
    return _generated(counts, rewards, transitions, discount, f"Random turn-based game (seed {seed})")


STOCHASTIC_GAMES = (
    shapley_1953,
    big_match,
    dynamic_rock_paper_scissors,
    reputation_stag_hunt,
    commons,
    line_with_breakdowns,
    delegation,
    grid_game,
    soccer,
    random_stochastic,
    random_sparse,
    random_turn_based,
)


def _tabulated(
    players: Sequence[str],
    states: Sequence[str],
    actions: Callable[[int], Sequence[Sequence[str]]],
    step: Callable[[int, tuple[int, ...]], _Step],
    discount: float,
    start: int | np.ndarray,
    title: str,
) -> StochasticGame:
    """Build a game from its rules: what ``step(state, joint action)`` pays, and which states follow how likely."""
    names = [actions(state) for state in range(len(states))]
    n_actions = [[len(own) for own in names_of] for names_of in names]
    rewards: list[Sequence[float]] = []
    data: list[float] = []
    indices: list[int] = []
    indptr = [0]
    for state, sizes in enumerate(n_actions):
        for joint in product(*map(range, sizes)):
            paid, following = step(state, joint)
            rewards.append(paid)
            data += following.values()
            indices += following
            indptr.append(len(data))
    if isinstance(start, int):
        first = start
        start = np.zeros(len(states))
        start[first] = 1.0
    transitions = np.array(data), np.array(indices), np.array(indptr)
    return StochasticGame.from_rows(
        n_actions, np.array(rewards).T, transitions, discount, players, names, states, start, title
    )


def _draws(
    generator: np.random.Generator, n_rows: int, n_states: int, successors: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weights = generator.exponential(size=(n_rows, successors))
    weights /= weights.sum(axis=1, keepdims=True)
    targets = generator.integers(n_states, size=(n_rows, successors))
    return weights.ravel(), targets.ravel(), np.arange(0, weights.size + 1, successors)


def _generated(
    n_actions: np.ndarray, rewards: np.ndarray, transitions: Any, discount: Any, title: str
) -> StochasticGame:
    n_states, n_players = n_actions.shape
    return StochasticGame.from_rows(
        n_actions,
        rewards,
        transitions,
        _discount(discount),
        [f"player {i + 1}" for i in range(n_players)],
        [[f"action {k + 1}" for k in range(int(size))] for size in n_actions.max(axis=0)],
        [f"state {s + 1}" for s in range(n_states)],
        None,
        title,
    )


def _sizes(players: Any, states: Any, actions: Any, seed: Any) -> tuple[int, int, int, int]:
    return (
        integer("players", players, 1, MOST_PLAYERS),
        integer("states", states, 1, MOST_STATES),
        integer("actions", actions, 1, MOST_ACTIONS),
        integer("seed", seed, 0, LARGEST_INTEGER),
    )


def _discount(value: Any) -> float:
    discount = float(real("discount", value))
    if not 0 <= discount <= 1:
        raise InputError(f"discount: got {value}; give a number from 0 to 1")
    return discount


def _probability(name: str, value: Any) -> float:
    probability = float(real(name, value))
    if not 0 <= probability <= 1:
        raise InputError(f"{name}: got {value}; give a probability from 0 to 1")
    return probability
