"""Compile level-based foraging, in which two players must load food together, and solve it: needs lbforaging."""

from lbforaging.foraging.environment import Action, ForagingEnv

import powergames as pg

env = ForagingEnv(2, [1, 1], [1, 1], [2], [2], (4, 4), 1, 4, 50, True)
env.reset(seed=0)
field = env.field.copy()


def step(state: tuple, joint: tuple) -> list:
    """Set the environment to a state, act, and return what follows; the clock is no part of a state."""
    env.field, env.current_step, env.players[0].position, env.players[1].position = field.copy(), 0, *state
    env._gen_valid_moves()
    rewards = env.step([action.value for action in joint])[1]
    return [(1, "loaded" if env.game_over else tuple(player.position for player in env.players), rewards)]


cells = [(row, column) for row in range(4) for column in range(4) if not field[row, column]]
start = [(1 / 210, (one, other)) for one in cells for other in cells if one != other]
game = pg.from_env(start, lambda state: None if state == "loaded" else [list(Action)] * 2, step, 0.95, title="Foraging")
found = pg.solve(game, pg.PowerObjective(0.1, form="adversarial"), time_limit=60)
print(game, found, "power:", found.evaluation.average_power.round(4).tolist())
