// Learning shown as it happens: curves while the players learn, and in the end what the exact solver says of it.

const PLAYS = 40_000;
const FRAMES = 100;
const MOST_SEED = 2 ** 32 - 1;
// Share of the range of payoffs that whoever learns may miss, as in `powergames audit`.
const LEARNED = new Fraction(1n, 50n);
// What is learned is judged with so many decimals.
const DECIMALS = 10_000;
const DASHES = [null, "7 3", "2 3", "9 3 2 3"];

// The run that is shown, its policies at each frame, and the frame to come while it goes on.
let practice = null;

function startLearning() {
  forgetLearning();
  const algorithm = byId("algorithm").value;
  const seed = Number(byId("seed").value);
  const wrong = !Number.isInteger(seed) || seed < 0 || seed > MOST_SEED || byId("seed").value.trim() === "" ? `Give the seed as a whole number from 0 to ${MOST_SEED}.`
    : algorithm === "sbpr" && play.lam.compare(ONE) > 0 ? "SBPR takes λ as a chance: choose λ from 0 to 1." : "";
  show("learn-problem", wrong);
  if (wrong) return;
  const payoffs = play.solved.payoffs.map((own) => own.map((row) => row.map((each) => each.number)));
  const run = new Learning({ payoffs, algorithm, lam: play.lam.number, steps: PLAYS, uniform: randomness(seed) });
  practice = { run, seed, history: [{ plays: 0, policies: run.policies }], frame: null };
  show("learn", "Stop");
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    while (practice.run.clock < PLAYS) learnMore();
    endLearning();
  } else nextFrame();
}

// Frames are close to each other at first, when strategies change most.
function learnMore() {
  const { run, history } = practice;
  run.advance(Math.round(PLAYS * (history.length / FRAMES) ** 2) - run.clock);
  history.push({ plays: run.clock, policies: run.policies });
}

function nextFrame() {
  practice.frame = requestAnimationFrame(() => {
    learnMore();
    if (practice.run.clock >= PLAYS) return endLearning();
    drawLearning();
    return nextFrame();
  });
}

function endLearning() {
  cancelAnimationFrame(practice.frame);
  practice.frame = null;
  show("learn", "Learn");
  drawLearning();
  show("learned", ...verdicts());
  markScrolling();
}

// What was learned holds for one game and one λ only.
function forgetLearning() {
  if (practice) cancelAnimationFrame(practice.frame);
  practice = null;
  ["learning", "learned", "learn-problem"].forEach((id) => show(id));
  show("learn", "Learn");
}

function measuresOf(i) {
  if (byId("learn-quantity").value === "chances") return play.game.actions[i].map((name, a) => [name, (x, y) => [x, y][i][a]]);
  return ["payoff", "power over them"].map((name, k) => [name, (x, y) => worthOf(i, x, y)[k]]);
}

function drawLearning() {
  if (!practice) return;
  const { history, run } = practice;
  const chances = byId("learn-quantity").value === "chances";
  const values = play.solved.payoffs.flat(2).map((each) => each.number);
  const ends = chances ? [0, 1] : [Math.min(0, ...values), Math.max(...values)];
  show("learning", ...play.game.players.map((player, i) => {
    const measures = measuresOf(i);
    const frame = [{ x: 0, y: ends[0] }, { x: PLAYS, y: ends[1] }];
    const chart = axes(frame, 190, ["plays", 1], [chances ? "probability" : "payoff and power", Math.max(...ends.map(Math.abs)) || 1]);
    chart.svg.setAttribute("aria-label", `${chances ? "Strategy" : "Payoff and power"} of ${player} over ${run.clock} plays; the list below has the last values`);
    const last = measures.map(([name, measure], k) => {
      const points = history.map(({ plays, policies }) => `${chart.x(plays).toFixed(1)} ${chart.y(measure(...policies)).toFixed(1)}`);
      const line = { class: `curve line-${i}`, "stroke-dasharray": DASHES[k] };
      chart.svg.append(drawn("path", { ...line, d: `M${points.join("L")}` }));
      const sample = drawn("svg", { viewBox: "0 0 30 8", "aria-hidden": "true" }, drawn("path", { ...line, d: "M0 4H30" }));
      return el("li", {}, sample, named(name), ` ${rounded(Number(measure(...run.policies).toFixed(3)), 1)}`);
    });
    return el("figure", {}, el("h3", {}, named(player)), chart.svg, el("ul", { class: "legend" }, ...last));
  }));
}

// A strategy as fractions of a few decimals that sum to 1.
function asFractions(strategy) {
  const parts = strategy.map((chance) => Math.round(chance * DECIMALS));
  const most = parts.indexOf(Math.max(...parts));
  parts[most] += DECIMALS - parts.reduce((total, part) => total + part, 0);
  return parts.map((part) => new Fraction(BigInt(part), BigInt(DECIMALS)));
}

// What an adversary in the place of the other player plays, so that not even the best reply gets more than the regret
// says: minimax in the game of (1-λ) times the payoffs against `theirs` plus λ times those against the adversary.
function hardest(payoffs, theirs, lam) {
  const game = payoffs.map((row) => row.map((value) => ONE.minus(lam).times(product(row, theirs)).plus(lam.times(value))));
  return equilibriaAt(game, game.map((row) => row.map((value) => ZERO.minus(value))), ZERO)[0].y;
}

// Exact payoffs, powers and regrets of any two strategies.
function judgedAt(A, B, x, y, lam) {
  const adversaries = lam.sign ? { z: hardest(A, y, lam), w: hardest(transposed(B), x, lam) } : { z: y, w: x };
  return judged(A, B, lam, { x, y, ...adversaries });
}

function mixtureText(strategy, names) {
  const played = strategy.map((_, a) => a).filter((a) => strategy[a].sign);
  return played.length === 1 ? names[played[0]] : played.map((a) => `${strategy[a].number} ${names[a]}`).join(" + ");
}

function verdicts() {
  const { run, seed } = practice;
  const [x, y] = run.policies.map(asFractions);
  const { players, actions } = play.game;
  const strategies = listed([x, y].map((own, i) => `${players[i]} plays ${mixtureText(own, actions[i])}`));
  const done = run.clock < PLAYS ? `Stopped after ${run.clock.toLocaleString("en")} plays` : `Learned in ${PLAYS.toLocaleString("en")} plays`;
  const lams = run.algorithm === "task" && play.lam.sign ? [ZERO, play.lam] : [play.lam];
  return [
    el("p", {}, el("strong", {}, `${done}, seed ${seed}: `), named(ended(strategies))),
    ...lams.map((lam) => verdict(x, y, lam)),
  ];
}

function verdict(x, y, lam) {
  const { regret } = judgedAt(...play.solved.payoffs, x, y, lam);
  const ranges = play.solved.payoffs.map((own) => greatest(own.flat()).minus(least(own.flat())));
  const shares = regret.map((each, i) => (ranges[i].sign ? each.over(ranges[i]) : ZERO));
  const worst = shares[0].compare(shares[1]) < 0 ? 1 : 0;
  const holds = shares[worst].compare(LEARNED) <= 0;
  const short = (fraction) => Number(fraction.number.toPrecision(2));
  const gain = `${short(regret[worst])}, ${short(shares[worst].times(new Fraction(100n)))} % of the range of payoffs`;
  return el("p", { "data-holds": String(holds) },
    el("strong", {}, holds ? `An equilibrium at λ = ${lamText(lam)}, up to 2 %. ` : `Not an equilibrium at λ = ${lamText(lam)}. `),
    holds ? `By any other strategy, nobody could gain ${regret[worst].sign ? `more than ${gain}` : "anything"}.` : `By another strategy, ${play.game.players[worst]} could gain ${gain}.`);
}

function prepareLearning() {
  byId("learn").addEventListener("click", () => (practice && practice.frame !== null ? endLearning() : startLearning()));
  byId("learn-quantity").addEventListener("change", drawLearning);
  ["algorithm", "seed"].forEach((id) => byId(id).addEventListener("change", forgetLearning));
}
