// The page: which λ, solution and state it shows, and its controls.

// Keys of a solution that hold one number for each player.
const OF_PLAYERS = new Set(["task", "utility", "charged_power", "start_task", "start_utility"]);

class Lesson {
  constructor(data) {
    const { players, actions } = data.game;
    const names = (own) => (Array.isArray(own[0]) ? own.map(names) : spoken(own, "action"));
    Object.assign(this, { game: { ...data.game, players: spoken(players, "player"), actions: names(actions) }, points: data.points, report: data.report, scales: data.report.scales, scale: Math.max(...data.report.scales) });
    this.stochastic = data.game.kind === "stochastic";
    // A game opens where it starts.
    this.state = this.stochastic ? data.report.start.indexOf(Math.max(...data.report.start)) : 0;
    this.showUtility = false;
    this.exact = data.report.lams.map((text) => Fraction.read(text));
    this.intervals = readIntervals(data.report.intervals);
    this.found = this.points.map(({ equilibria }) => equilibria.map((_, e) => e).filter((e) => equilibria[e].status === "CONVERGED"));
    this.at = { point: Math.max(0, this.found.findIndex((own) => own.length)), equilibrium: 0 };
    this.dots = this.found.flatMap((own, p) => own.map((e) => (
      { p, e, key: `${p}/${e}`, task: this.total(p, e, "task"), power: this.total(p, e, "power") })));
    this.at.equilibrium = this.first();
    const all = this.found.flatMap((own, p) => own.map((e) => this.points[p].equilibria[e].power)).flat(Infinity);
    this.greatestPower = all.reduce((most, value) => Math.max(most, value), 0) || 1;
  }

  // The solution that a page opens with: it pays all players together the most. Of equals a pure one, then the first.
  first() {
    const p = this.at.point;
    const pure = (e) => this.points[p].equilibria[e].profile.flat(this.stochastic ? 2 : 1).every((chance) => Number(chance) === 0 || Number(chance) === 1);
    const most = Math.max(...this.found[p].map((e) => this.total(p, e, "task")));
    const best = this.found[p].filter((e) => this.total(p, e, "task") >= most - 1e-9 * this.scale);
    return best.find(pure) ?? best[0];
  }

  point() {
    return this.points[this.at.point];
  }

  certified(p = this.at.point) {
    return this.found[p];
  }

  solution() {
    return this.point().equilibria[this.at.equilibrium];
  }

  lam(p = this.at.point) {
    return this.points[p].objective.lam;
  }

  // A critical λ as a fraction.
  lamText(p = this.at.point) {
    return this.critical(p) && isShort(this.exact[p]) ? String(this.exact[p]) : rounded(this.lam(p), 1);
  }

  critical(p) {
    return this.intervals !== null && this.intervals.critical.some((lam) => lam.compare(this.exact[p]) === 0);
  }

  // A number given the scale of what it is a part of: the payoffs of one player, or of all.
  text(value, scale = this.scale) {
    return this.stochastic ? rounded(value, scale) : fractional(value, scale);
  }

  stateName() {
    return this.game.states[this.state];
  }

  // What stands before the name of the state in a sentence: nothing if the name says itself that it is a state.
  stateArticle() {
    return /^state(?![a-z])/i.test(this.stateName()) ? "" : "the state ";
  }

  // The number at a place in the solution, such as "task/0".
  look(at) {
    return at.split("/").reduce((value, key) => value[key], this.solution());
  }

  // The scale of the number at a place: of the player whose payoff, power or utility it is, or of probabilities.
  scaleAt(at) {
    const keys = at.split("/");
    if (keys[0] === "profile") return 1;
    const own = keys.findIndex((key) => OF_PLAYERS.has(key));
    if (own >= 0) return this.scales[keys[own + 1]];
    return keys[0] === "power" ? this.scales[keys[keys.length - 2]] : keys[0] === "worst" ? this.scales[keys[2]] : this.scale;
  }

  // The same as text that remembers its place and its digits.
  number(at, node = el("span")) {
    const value = this.look(at);
    node.dataset.at = at;
    node.dataset.value = value;
    if (node instanceof SVGElement) node.append(drawn("title", {}, String(value)));
    else node.title = String(value);
    node.append(at.startsWith("certificate/") && value !== null ? regretText(value) : this.text(value, this.scaleAt(at)));
    return node;
  }

  // Payoff or charged power of all players together, in a game with states from the start.
  total(p, e, key) {
    const equilibrium = this.points[p].equilibria[e];
    const values = key === "power" ? equilibrium.charged_power : equilibrium[this.stochastic ? "start_task" : "task"];
    return values.reduce((sum, value) => sum + value, 0);
  }

  actionNames(player, state = this.state) {
    const { actions } = this.game;
    return this.stochastic && Array.isArray(actions[0][0]) ? actions[state][player] : actions[player];
  }

  stage() {
    const part = this.stochastic ? this.report.stages[this.state] : this.report.payoffs;
    const { players } = this.game;
    return { part, players, names: players.map((_, i) => this.actionNames(i)), state: this.stochastic ? this.stateName() : null };
  }

  strategy(player) {
    const at = this.stochastic ? `profile/${player}/${this.state}` : `profile/${player}`;
    return { at, strategy: this.look(at), names: this.actionNames(player) };
  }

  // The probability of a joint action in the solution.
  chance(joint) {
    if (this.solution() === undefined) return 0;
    return joint.reduce((product, a, player) => product * this.strategy(player).strategy[a], 1);
  }

  // A solution in a few words.
  outline(p, e) {
    const equilibrium = this.points[p].equilibria[e];
    if (this.stochastic) return `payoffs ${equilibrium.start_task.map((value, i) => this.text(value, this.scales[i])).join(", ")}`;
    return equilibrium.profile.map((strategy, player) => {
      const played = strategy.map((_, a) => a).filter((a) => strategy[a] !== 0);
      const names = this.actionNames(player);
      if (played.length === 1) return names[played[0]];
      const mixed = played.slice(0, 3).map((a) => `${rounded(strategy[a], 1)} ${names[a]}`).join(" + ");
      return played.length > 3 ? `${mixed} + …` : mixed;
    }).join(" | ");
  }

  // Go to another λ; to the solution there that is most like the one shown now, unless one is named.
  go(p, e) {
    const before = this.solution() || this.last;
    this.last = before;
    this.at.point = p;
    this.at.equilibrium = e === undefined ? this.nearest(before) : e;
    refresh();
  }

  // Show another state.
  enter(state) {
    this.state = state;
    byId("state").value = state;
    fillActions();
    refresh();
  }

  // Go to the solution at the λ shown that plays the same actions.
  choose(statement) {
    const plays = (e, i) => this.point().equilibria[e].profile[i].flatMap((chance, a) => (Number(chance) > 1e-12 ? [a] : []));
    const e = this.certified().find((each) => statement.supports.every((own, i) => own.join() === plays(each, i).join()));
    if (e !== undefined) this.go(this.at.point, e);
  }

  nearest(before) {
    const own = this.certified();
    if (before === undefined || !own.length) return own[0];
    const old = before.profile.flat(Infinity);
    const apart = own.map((e) => this.point().equilibria[e].profile.flat(Infinity)
      .reduce((most, value, k) => Math.max(most, Math.abs(value - old[k])), 0));
    return own[apart.indexOf(Math.min(...apart))];
  }
}

function readIntervals(data) {
  if (data === null) return null;
  const vectors = (rows) => rows.map((row) => row.map((text) => Fraction.read(text)));
  const last = Fraction.read(data.last);
  const branches = data.branches.map(({ lo, hi, constant, slope, weights }) => ({
    lo: Fraction.read(lo), hi: hi === null ? null : Fraction.read(hi), constant: vectors(constant), slope: vectors(slope), weights: weights.map((text) => Fraction.read(text)),
  }));
  return { complete: data.complete, last, critical: data.critical.map((text) => Fraction.read(text)), found: statements(branches, last) };
}

function regretText(value) {
  if (value === 0) return "0";
  return typeof value === "string" ? value : value.toExponential(1);
}

const source = byId("data").textContent;
const lesson = new Lesson(JSON.parse(source));

function refresh() {
  const solved = lesson.solution() !== undefined;
  const slider = byId("lam");
  slider.value = lesson.at.point;
  const found = counted(lesson.certified().length, "solution", "solutions");
  slider.setAttribute("aria-valuetext", `λ = ${lesson.lamText()}, ${solved ? found : "failed"}`);
  show("lam-text", `λ = ${lesson.lamText()}`);
  byId("lower").disabled = lesson.at.point === 0;
  byId("higher").disabled = lesson.at.point === lesson.points.length - 1;
  byId("equilibrium-choice").hidden = lesson.certified().length < 2;
  show("equilibrium", ...lesson.certified().map((e, k) => el("option", { value: e, selected: e === lesson.at.equilibrium ? "" : null },
    `${k + 1} of ${lesson.certified().length}: ${shortened(lesson.outline(lesson.at.point, e), 60)}`)));
  byId("main").dataset.point = lesson.at.point;
  byId("main").dataset.equilibrium = solved ? lesson.at.equilibrium : "";
  show("answer", ...answer(lesson));
  show("payoffs", ...payoffTable(lesson));
  byId("payoffs").querySelectorAll(".scroll").forEach(showPlayed);
  show("game-note", ...payoffNote(lesson));
  byId("scene").hidden = !lesson.stochastic || lesson.report.scenes === null;
  if (!byId("scene").hidden) show("scene", ...sceneFigure(lesson));
  show("solution-heading", `The solution at λ = ${lesson.lamText()}`);
  show("count", solved ? solutionCount(lesson) : "");
  show("solution", ...(solved ? solutionTable(lesson) : [failure(lesson)]));
  show("certificate", ...(solved ? [certificateText(lesson)] : []));
  byId("power-section").hidden = !solved;
  show("power", solved ? powerTable(lesson) : "");
  show("network", ...(solved ? networkFigure(lesson) : []));
  show("frontier", ...frontierFigure(lesson));
  show("course", ...courseFigure(lesson));
  byId("play-section").hidden = !solved || !lesson.stochastic;
  if (solved && lesson.stochastic) {
    show("play-log", ...playLog(lesson));
    show("graph", ...(lesson.report.layout === null ? [] : stateGraph(lesson)));
  }
  refreshDeviation();
  const stochastic = solved && lesson.solution().off_policy !== undefined;
  byId("off-policy-section").hidden = !stochastic;
  show("worst", ...(stochastic ? [worstTable(lesson)] : []));
  show("off-policy", ...(stochastic ? [offPolicyTable(lesson)] : []));
  markScrolling();
  announce(solved ? `λ = ${lesson.lamText()}: ${found}. ${lesson.outline(lesson.at.point, lesson.at.equilibrium)}` : `λ = ${lesson.lamText()}: failed`);
}

function refreshDeviation() {
  const known = lesson.solution() !== undefined && lesson.solution().what_if !== undefined && byId("deviator").options.length > 0;
  byId("deviation-section").hidden = !known;
  if (!known) return show("deviation");
  const [j, a] = [Number(byId("deviator").value), Number(byId("action").value)];
  show("deviation-note", "One player changes, and all others stay with the solution at ", el("strong", {}, `λ = ${lesson.lamText()}`), ".");
  const who = el("p", {}, named(lesson.game.players[j]), " plays ", el("strong", {}, named(byId("action").selectedOptions[0].textContent)), ":");
  show("deviation", who, deviationTables(lesson, j, a), deviationText(lesson, j, a));
  markScrolling();
}

// For each player and action what everybody gets, in the first solution for which that is known.
function deviations() {
  const first = lesson.points.flatMap(({ equilibria }) => equilibria).find((equilibrium) => equilibrium.what_if);
  return first === undefined ? [] : first.what_if;
}

// A player's actions, by the names that they have in the state shown; at first one that is not played.
function fillActions() {
  if (!byId("deviator").options.length) return;
  const j = Number(byId("deviator").value);
  const names = lesson.actionNames(j);
  const own = lesson.solution() === undefined ? [] : lesson.strategy(j).strategy;
  show("action", ...deviations()[j].map((_, a) => el("option", { value: a }, names[a] === undefined ? `action ${a + 1}, not in this state` : names[a])));
  byId("action").value = Math.max(0, own.indexOf(0));
}

let waiting;

// Not at every step of a slider that is being dragged.
function announce(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => show("announcement", text), 400);
}

function prepare() {
  const { game, report, points } = lesson;
  const last = points.length - 1;
  const { aggregate, form } = points[0].objective;
  const several = game.players.length > 2 ? `, ${typeof aggregate === "string" ? aggregate : "weighted sum"} of the others' power` : "";
  const size = lesson.stochastic ? counted(report.n_states, "state", "states") : game.actions.map((own) => own.length).join(" × ") + " actions";
  const horizon = lesson.stochastic ? `, ${form} form, discount ${[...new Set(game.discount)].join(", ")}` : "";
  show("subtitle", `${counted(game.players.length, "player", "players")}, ${size}${several}${horizon}`);
  byId("lam").max = last;
  byId("lam").disabled = last === 0;
  show("marks", ...points.map((_, p) => {
    const failed = !lesson.certified(p).length;
    const mark = el("span", { class: failed ? "failed" : lesson.critical(p) ? "critical" : null }, failed ? "×" : "");
    mark.style.left = `${last ? 100 * p / last : 0}%`;
    return mark;
  }));
  byId("state-choice").hidden = !lesson.stochastic;
  if (lesson.stochastic) {
    show("state", ...game.states.map((name, s) => el("option", { value: s, selected: s === lesson.state ? "" : null }, report.start[s] ? `${name} (start${report.start[s] < 1 ? `: ${percent(report.start[s])}` : ""})` : name)));
  }
  byId("answer-section").hidden = lesson.intervals === null;
  byId("lambda-section").hidden = !lesson.dots.length;
  const table = report.payoffs;
  byId("view").hidden = lesson.stochastic || table.layout !== "matrices" || table.left_out > 0;
  // Who has no choice cannot deviate.
  show("deviator", ...deviations().flatMap((own, j) => (own.length > 1 ? [el("option", { value: j }, game.players[j])] : [])));
  fillActions();
  show("all", allTable(lesson));
  byId("download").href = URL.createObjectURL(new Blob([source], { type: "application/json" }));
  show("provenance", provenance());
}

function provenance() {
  const { report, points, stochastic, game } = lesson;
  const lams = points.map((_, p) => lesson.lamText(p));
  const which = lams.length > 12 ? `${lams.slice(0, 3).join(", ")} … ${lams[lams.length - 1]}` : lams.join(", ");
  const fewer = report.shortened ? "; usually there are more, but the game is slow to solve or the page would be too large" : "";
  const parts = [`Computed for ${counted(lams.length, "value", "values")} of λ: ${which}${fewer}.`];
  const failed = points.filter((_, p) => !lesson.certified(p).length).length;
  if (failed === points.length) parts.push("No certified solution was found.");
  else parts.push(failed ? `At ${failed} of them no certified solution was found.` : points.length > 1 ? "At each there is a certified solution." : "There is a certified solution.");
  parts.push(report.all_equilibria ? "The search was for all equilibria." : "At each λ the search was for some equilibria, not for all.");
  if (lesson.found.some((own) => own.length > 1)) parts.push("The page opens with the solution that pays all players together the most; as λ moves, it shows the solution most like the one before.");
  if (stochastic && game.states.length < report.n_states) {
    parts.push(`Of ${report.n_states.toLocaleString("en")} states the page and its file show ${game.states.length}${failed === points.length ? "" : ": those that play visits most"}.`);
  }
  if (!report.deviations && failed < points.length) parts.push("Deviations are left out, because the game is too large.");
  parts.push("Made with powergames.");
  return parts.join(" ");
}

byId("lam").addEventListener("input", (event) => lesson.go(Number(event.target.value)));
byId("lower").addEventListener("click", () => lesson.go(lesson.at.point - 1));
byId("higher").addEventListener("click", () => lesson.go(lesson.at.point + 1));
byId("equilibrium").addEventListener("change", (event) => lesson.go(lesson.at.point, Number(event.target.value)));
byId("state").addEventListener("change", (event) => lesson.enter(Number(event.target.value)));
byId("play-step").addEventListener("click", () => playStep(lesson));
byId("play-again").addEventListener("click", () => {
  steps.length = 0;
  lesson.enter(lesson.report.start.indexOf(Math.max(...lesson.report.start)));
});
document.querySelectorAll("input[name=shown]").forEach((input) => input.addEventListener("change", (event) => {
  lesson.showUtility = event.target.value === "utility";
  refresh();
}));
byId("deviator").addEventListener("change", () => {
  fillActions();
  refreshDeviation();
});
byId("action").addEventListener("change", () => {
  refreshDeviation();
  announce(byId("deviation").textContent);
});
addEventListener("resize", markScrolling);
document.querySelectorAll("details").forEach((details) => details.addEventListener("toggle", markScrolling));
prepare();
refresh();
