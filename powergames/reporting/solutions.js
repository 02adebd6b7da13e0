// The solution at the chosen λ: strategies, payoffs, power, certificate.

function strategyCell(lesson, player) {
  const { at, strategy, names } = lesson.strategy(player);
  const played = strategy.map((chance, a) => a).filter((a) => strategy[a] !== 0);
  if (played.length === 1) return named(names[played[0]]);
  return el("div", { class: "mixture" }, ...played.flatMap((a) => {
    const fill = el("span");
    fill.style.width = `${100 * strategy[a]}%`;
    return [named(names[a]), lesson.number(`${at}/${a}`), el("span", { class: "bar", "aria-hidden": "true" }, fill)];
  }));
}

function solutionTable(lesson) {
  const { players } = lesson.game;
  if (!lesson.stochastic) {
    const columns = ["player", "strategy", "payoff", "power of others", "utility", "regret"];
    const rows = players.map((name, i) => [
      named(name), strategyCell(lesson, i),
      ...[`task/${i}`, `charged_power/${i}`, `utility/${i}`, `certificate/regrets/${i}`].map((at) => lesson.number(at)),
    ]);
    return [table("", columns, rows, [2, 3, 4, 5], stacked)];
  }
  const s = lesson.state;
  const here = players.map((name, i) => [
    named(name), strategyCell(lesson, i),
    ...[`task/${i}/${s}`, `utility/${i}/${s}`, `certificate/regrets/${i}/${s}`].map((at) => lesson.number(at)),
  ]);
  const start = players.map((name, i) => [
    named(name), ...[`start_task/${i}`, `charged_power/${i}`, `start_utility/${i}`].map((at) => lesson.number(at)),
  ]);
  return [
    table(`In ${lesson.stateArticle()}${lesson.stateName()}, and from there on`, ["player", "strategy", "payoff", "utility", "regret"], here, [2, 3, 4], stacked),
    table(`From the start of the game on${Math.max(...lesson.report.start) < 1 ? ", on average over the states in which it may start" : ""}`, ["player", "payoff", "power of others, on average", "utility"], start, [1, 2, 3]),
  ];
}

// Sentences that the page shows at first; the others unfold.
const MOST_SENTENCES = 8;

// Each equilibrium in a sentence, with its exact interval of λ.
function answer(lesson) {
  if (lesson.intervals === null) return [];
  const { players, actions } = lesson.game;
  const { found, complete, critical, last } = lesson.intervals;
  const sentences = (own) => statementList(own, players, actions, lesson.exact[lesson.at.point], (statement) => lesson.choose(statement));
  const parts = [];
  if (!found.length) parts.push(el("p", {}, "No equilibrium is pure: somebody mixes at every λ."));
  // A single one would be longer to unfold than to read.
  const first = found.length > MOST_SENTENCES + 1 ? MOST_SENTENCES : found.length;
  if (first) parts.push(sentences(found.slice(0, first)));
  if (first < found.length) {
    parts.push(el("details", {}, el("summary", {}, `${found.length - first} more`), sentences(found.slice(first))));
  }
  const texts = critical.map(fractionText);
  const what = complete ? "Equilibria come, go or change at" : "Pure equilibria come or go at";
  const which = texts.length > 12 ? `${texts.slice(0, 12).join(", ")} and ${texts.length - 12} more` : listed(texts);
  parts.push(el("p", { class: "quiet" }, texts.length ? `${ended(`${what} λ = ${which}`)} ` : `${complete ? "No" : "No pure"} equilibrium comes or goes between λ = 0 and λ = ${fractionText(last)}. `,
    complete ? "These are all equilibria; where strategies may be mixed freely, the corners of the set are listed." : "Only pure equilibria are listed here; mixed ones may come and go elsewhere."));
  return parts;
}

const COVERED = {
  mixed: "by any other strategy, mixed ones included",
  "one-shot": "by a change in one state at one time",
  all: "by any change, in any states and at any times",
};

function certificateText(lesson) {
  const { certificate } = lesson.solution();
  const exact = certificate.bound === "exact" ? "" : " This is an upper bound.";
  return el("p", {},
    el("strong", {}, "Certified. "), "Nobody can gain more than ", lesson.number("certificate/max_regret"), " ",
    COVERED[certificate.deviations] || certificate.deviations, `; up to ${certificate.tol} of the range of payoffs counts as rounding.${exact} `,
    "The check does not depend on how the solution was found.");
}

function solutionCount(lesson) {
  const point = lesson.point();
  const parts = [`At λ = ${lesson.lamText()} there ${lesson.certified().length === 1 ? "is" : "are"} `];
  const more = lesson.report.all_equilibria && !lesson.stochastic;
  if (!more) parts[0] = `At λ = ${lesson.lamText()} the page has `;
  parts.push(counted(lesson.certified().length, "certified solution", "certified solutions"));
  if (!more) parts.push("; there may be others.");
  else if (point.complete === false) parts.push(" on this page; others may be missing.");
  else if (connected(lesson)) parts.push(", corners of connected sets: mixtures within a set are solutions too. No other is missing.");
  else parts.push(", and no other is missing.");
  const failed = point.equilibria.length - lesson.certified().length;
  if (failed) parts.push(` ${counted(failed, "result was", "results were")} not certified, and left out.`);
  return parts.join("");
}

function connected(lesson) {
  const sets = lesson.certified().map((e) => lesson.point().equilibria[e].component);
  return new Set(sets).size < sets.length;
}

const STATUS = {
  REJECTED: "The certificate rejects what was found.",
  MAX_ITER: "The method did not arrive within its limit of iterations.",
  STALLED: "The method stopped making progress.",
  CYCLING: "The method went round in circles.",
  PATH_LOST: "The method lost its path.",
  TIME_LIMIT: "The time was not enough.",
  INTERRUPTED: "The computation was interrupted.",
};

// Why there is no solution at this λ.
function failure(lesson) {
  const point = lesson.point();
  const reasons = new Set(point.equilibria.map(({ status }) => STATUS[status] || status));
  if (point.error !== undefined) reasons.add(point.error);
  return el("p", { class: "warning" }, el("strong", {}, `Failed: no certified solution at λ = ${lesson.lamText()}. `),
    [...reasons].map((reason) => `${reason.replace(/\.$/, "")}.`).join(" "), " Every game has a solution at every λ, but here none was found. The page does not guess.");
}

function powerTable(lesson) {
  const { players } = lesson.game;
  const at = lesson.stochastic ? `power/${lesson.state}` : "power";
  const rows = players.map((name, i) => [named(name), ...players.map((_, j) => (i === j ? "–" : lesson.number(`${at}/${i}/${j}`)))]);
  const caption = lesson.stochastic ? `In ${lesson.stateArticle()}${lesson.stateName()}` : "";
  return table(caption, ["over", ...players.map((name) => el("span", {}, "by ", named(name)))], rows, players.map((_, j) => j + 1));
}

function allTable(lesson) {
  const rows = lesson.points.flatMap((point, p) => {
    const found = lesson.certified(p);
    if (!found.length) return [[lesson.lamText(p), "", "failed", "", ""]];
    return found.map((e, k) => [
      k ? "" : lesson.lamText(p), String(k + 1), lesson.outline(p, e), lesson.text(lesson.total(p, e, "task")), lesson.text(lesson.total(p, e, "power")),
    ]);
  });
  return table("", ["λ", "solution", "strategies", "payoff of all", "power of others, all"], rows, [3, 4]);
}
