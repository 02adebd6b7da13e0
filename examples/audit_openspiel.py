"""Train OpenSpiel's Q-learners at Markov soccer, and check exactly what they have learned."""

import numpy as np
from open_spiel.python import rl_environment
from open_spiel.python.algorithms.tabular_qlearner import QLearner

import powergames as pg

np.random.seed(0)  # noqa: NPY002 - where OpenSpiel's learners draw from
chance = rl_environment.ChanceEventSampler(seed=0)
env = rl_environment.Environment("markov_soccer(horizon=100)", chance_event_sampler=chance)
learners, met = [QLearner(player, num_actions=5, discount_factor=0.9) for player in range(2)], {}
for _ in range(300):
    moment = env.reset()
    while not moment.last():
        met[" / ".join(str(env.get_state).splitlines())] = moment
        moment = env.step([learner.step(moment).action for learner in learners])
    _ = [learner.step(moment) for learner in learners]
seen = [{name: learner.step(at, is_evaluation=True).probs for name, at in met.items()} for learner in learners]
game = pg.from_openspiel("markov_soccer", discount=0.9, key=str)
report = pg.audit(game, [{"end": [1]} | table for table in seen], pg.PowerObjective(0.1))
print(f"{report.certificate}; {len(report.unvisited[0].states)} states were never met")
print(f"The players get {report.start_task.round(3)}, and if the other one leaves its policy, at least:")
print(*(f"  {how}: {least.round(3)}" for how, least in report.worst.items()), sep="\n")
