// Two players who learn a game by playing it: from payoffs alone ("task"), by PRIM or by SBPR. The rule is that of
// `powergames.train` with tables (kernels/learning.py), for a game that is played once: the tests compare them step by
// step. A player sees its own payoffs and the other's present policy; the payoffs are read in `playOnce` only.

// First and last value of each, with equal factors in between.
const RATE = [0.1, 0.02];
const TEMPERATURE = [0.3, 0.005];
const CRITIC_RATE = [0.1, 0.01];
const EXPLORATION = 0.1;
const AVERAGING = 8;
// Steps between two changes of the rates.
const PERIOD = 1024;
// Spread of the first logits, so that no two players begin alike.
const SPREAD = 0.5;

// A repeatable stream of numbers from [0, 1): mulberry32.
function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Normally distributed numbers, by the method of Box and Muller.
function firstLogits(sizes, uniform) {
  return sizes.map((size) => Array.from({ length: size }, () => (
    SPREAD * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()))));
}

function dot(one, two) {
  return one.reduce((total, value, k) => total + value * two[k], 0);
}

// Who chooses among some actions: a player, or an adversary in the place of the other player.
class Decider {
  constructor(logits) {
    this.logits = [...logits];
    this.last = logits.map(() => 0);
    this.normalize();
    this.average = [...this.policy];
  }

  normalize() {
    const best = Math.max(...this.logits);
    this.logits = this.logits.map((logit) => logit - best);
    const weights = this.logits.map(Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.policy = weights.map((weight) => weight / total);
  }

  // A step of optimistic mirror ascent with entropy.
  ascend(slope, rate, temperature) {
    this.logits = this.logits.map((logit, k) => (1 - rate * temperature) * logit + rate * (2 * slope[k] - this.last[k]));
    this.last = slope;
    this.normalize();
  }

  draw(uniform) {
    let left = uniform();
    const drawn = this.policy.findIndex((chance) => { left -= chance; return left < 0; });
    return drawn < 0 ? this.policy.length - 1 : drawn;
  }
}

// `payoffs[i][a][b]` are numbers, `steps` the length of the whole run.
class Learning {
  constructor({ payoffs, algorithm, lam, steps, uniform, logits }) {
    Object.assign(this, { payoffs, algorithm, steps, uniform, clock: 0 });
    this.lam = algorithm === "task" ? 0 : lam;
    const sizes = [payoffs[0].length, payoffs[0][0].length];
    this.players = (logits || firstLogits(sizes, uniform)).map((own, i) => ({
      self: new Decider(own),
      adversary: new Decider(Array(sizes[1 - i]).fill(0)),
      // What each joint action is worth, by own action and that of the other, and how often it was seen.
      critic: Array.from({ length: sizes[i] }, () => Array(sizes[1 - i]).fill(0)),
      seen: Array.from({ length: sizes[i] }, () => Array(sizes[1 - i]).fill(0)),
      first: null, least: Infinity, greatest: -Infinity, outcome: null, visits: 0,
    }));
  }

  advance(count) {
    for (let k = 0; k < count; k += 1) {
      const share = Math.floor(this.clock / PERIOD) * PERIOD / this.steps;
      this.rates = [RATE, TEMPERATURE, CRITIC_RATE].map(([first, last]) => first * (last / first) ** share);
      // In SBPR each player learns from plays of its own, in which its adversary may take over.
      if (this.algorithm === "sbpr") [0, 1].forEach((i) => this.playOnce([i], this.takeover(i)));
      else this.playOnce([0, 1], null);
      this.clock += 1;
    }
  }

  // With probability λ, the action to which the adversary of a player forces the other one.
  takeover(i) {
    return this.uniform() < this.lam ? this.players[i].adversary.draw(this.uniform) : null;
  }

  playOnce(learners, forced) {
    learners.forEach((i) => this.learn(i, forced));
    const { uniform, players } = this;
    const explore = uniform() < EXPLORATION;
    const joint = players.map(({ self }, j) => {
      if (explore) return Math.floor(uniform() * self.policy.length);
      return forced !== null && j !== learners[0] ? forced : self.draw(uniform);
    });
    learners.forEach((i) => {
      const player = players[i];
      const payoff = this.payoffs[i][joint[0]][joint[1]];
      if (player.first === null) player.first = payoff;
      player.least = Math.min(player.least, payoff);
      player.greatest = Math.max(player.greatest, payoff);
      player.outcome = { mine: joint[i], theirs: joint[1 - i], payoff: payoff - player.first };
    });
  }

  // Learn from the last play, and move the own policy up and the adversary's down the slope that the critic tells.
  learn(i, forced) {
    const [rate, temperature, criticRate] = this.rates;
    const { self, adversary, critic, seen, outcome, least, greatest } = this.players[i];
    const values = critic.map((row) => dot(row, this.players[1 - i].self.policy));
    const hurt = critic.map((row) => dot(row, adversary.policy));
    const known = critic.flat();
    const unit = 1 / (Math.max(Math.max(...known) - Math.min(...known), 0.1 * (greatest - least)) || 1);
    let slope = values;
    // PRIM: payoff minus λ times the power that the other holds if this action is played.
    if (this.algorithm === "prim") slope = values.map((value, a) => value - this.lam * (value - hurt[a]));
    // SBPR: what each action is worth while the adversary plays for the other.
    if (forced !== null) slope = critic.map((row) => row[forced]);
    if (this.lam > 0) {
      const taken = critic[0].map((_, b) => -unit * dot(self.policy, critic.map((row) => row[b])));
      adversary.ascend(taken, rate, temperature);
    }
    if (outcome !== null) {
      const { mine, theirs, payoff } = outcome;
      seen[mine][theirs] += 1;
      critic[mine][theirs] += Math.max(1 / seen[mine][theirs], criticRate) * (payoff - critic[mine][theirs]);
    }
    self.ascend(slope.map((value) => unit * value), rate, temperature);
    this.players[i].visits += 1;
    const share = Math.min(1, AVERAGING / this.players[i].visits);
    self.average = self.average.map((value, a) => value + share * (self.policy[a] - value));
  }

  // What was learned: averages over the run, with more weight on its end.
  get policies() {
    return this.players.map(({ self }) => {
      const total = self.average.reduce((sum, value) => sum + value, 0);
      return self.average.map((value) => value / total);
    });
  }
}
