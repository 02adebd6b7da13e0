// The page on which a game is edited: everything is computed anew whenever a payoff or λ changes.

const SIZES = [2, 3, 4];
const GRID = 50;
const LONGEST_NUMBER = 12;
const LONGEST_NAME = 40;
const HIGHEST = new Fraction(100n);

// What is shown: the game with its payoffs as they were typed, λ, and the equilibrium in question.
const play = { game: null, lam: ZERO, form: "penalty", view: "payoff", at: 0, solved: null, found: [], stops: [] };

const { games, first, form: firstForm } = JSON.parse(byId("data").textContent);

function copied(game) {
  return JSON.parse(JSON.stringify(game));
}

// A number as a person types it, null if it is none, or has too many digits to compute with at once.
function readNumber(text) {
  return text.length > LONGEST_NUMBER ? null : Fraction.read(text);
}

function load(game) {
  play.game = copied(game);
  solveGame();
}

// Draw the table, and find all equilibria for all λ.
function solveGame() {
  drawTable();
  solvePayoffs();
}

// Find all equilibria for all λ. The table stays as it is: somebody may be typing in it.
function solvePayoffs() {
  const numbers = play.game.payoffs.map((own) => own.map((row) => row.map(readNumber)));
  const wrong = numbers.flat(2).includes(null);
  play.solved = wrong ? null : { payoffs: numbers, ...branchesOf(...numbers) };
  if (play.solved) {
    play.solved.sentences = statements([...play.solved.branches, ...isolated(numbers, play.solved)], ONE);
    const stops = new Map();
    Array.from({ length: GRID + 1 }, (_, k) => new Fraction(BigInt(k), BigInt(GRID))).concat(play.solved.critical)
      .forEach((lam) => stops.set(String(lam), lam));
    play.stops = [...stops.values()].sort((one, two) => one.compare(two));
  }
  remember();
  solveAt();
}

// Find all equilibria at λ; the one shown stays the one that is most like it.
function solveAt() {
  const before = play.found[play.at];
  play.found = play.solved ? equilibriaAt(...play.solved.payoffs, play.lam) : [];
  play.at = before ? nearest(before) : 0;
  forgetLearning();
  refresh();
}

function nearest(before) {
  const old = [...before.x, ...before.y].map((each) => each.number);
  const apart = play.found.map(({ x, y }) => {
    const now = [...x, ...y];
    return now.length === old.length ? Math.max(...now.map((each, k) => Math.abs(each.number - old[k]))) : 0;
  });
  return Math.max(0, apart.indexOf(Math.min(...apart)));
}

// As a decimal where that is short, unless something happens there.
function lamText(lam = play.lam) {
  const { solved } = play;
  const critical = solved && solved.critical.some((each) => each.compare(lam) === 0);
  return !critical && 100n % lam.denominator === 0n ? String(lam.number) : fractionText(lam);
}

function refresh() {
  const { solved, found, lam, game } = play;
  const text = `λ = ${lamText()}`;
  byId("results").hidden = !solved;
  byId("main").dataset.lam = String(lam);
  show("subtitle", `2 players, ${game.actions[0].length} × ${game.actions[1].length} actions`);
  show("title", game.title || "Untitled game");
  document.title = game.title || "Untitled game";
  refreshSlider(text);
  refreshCells();
  show("answer", ...(solved ? sentences() : [el("p", { class: "warning" }, "Mend the payoffs that are marked: then the page computes.")]));
  if (!solved) return;
  show("solution-heading", `The equilibria at ${text}`);
  const sets = new Set(found.map(({ component }) => component)).size;
  show("count", `At ${text} there ${found.length === 1 ? "is" : "are"} ${counted(found.length, "equilibrium", "equilibria")}${sets < found.length
    ? `, corners of ${counted(sets, "connected set", "connected sets")}: mixtures within a set may be equilibria too` : ""}, and no other is missing.`);
  show("solution", equilibriumTable());
  const worst = greatest(found.flatMap(({ regret }) => regret));
  show("certificate", el("strong", {}, worst.sign ? "Not certified. " : "Certified. "), "Nobody can gain more than ",
    el("span", { id: "regret" }, String(worst)), " by any other strategy, mixed ones included. This bound is worked out in fractions from the payoffs and the strategies alone.");
  show("form-note", play.form === "penalty"
    ? "Both readings give the same utility and the same equilibria in a game that is played once."
    : "With probability 1 − λ the other plays as planned, and with probability λ does what is worst for you: on average payoff − λ · power. Here λ goes up to 1.");
  show("course", ...courseOf());
  drawLearning();
  refreshStory();
  markScrolling();
  announce(`${text}: ${counted(found.length, "equilibrium", "equilibria")}`);
}

function sentences() {
  const { sentences: found, critical } = play.solved;
  const texts = critical.map(fractionText);
  return [
    statementList(found, play.game.players, play.game.actions, play.lam, (statement) => {
      const plays = (strategy) => strategy.flatMap((chance, a) => (chance.sign ? [a] : [])).join();
      const k = play.found.findIndex(({ x, y }) => [x, y].every((own, i) => plays(own) === statement.supports[i].join()));
      if (k >= 0) choose(k);
    }),
    el("p", { class: "quiet" }, texts.length ? `${ended(`Equilibria come, go or change at λ = ${listed(texts)}`)} ` : "No equilibrium comes or goes between λ = 0 and λ = 1. ",
      "These are all equilibria; where strategies may be mixed freely, the corners of the set are listed."),
  ];
}

function choose(k) {
  play.at = k;
  refresh();
}

function refreshSlider(text) {
  const slider = byId("lam");
  const beyond = play.stops.findIndex((stop) => stop.compare(play.lam) >= 0);
  const index = beyond < 0 ? play.stops.length - 1 : beyond;
  slider.max = play.stops.length - 1;
  slider.value = index;
  slider.setAttribute("aria-valuetext", `${text}, ${counted(play.found.length, "equilibrium", "equilibria")}`);
  show("lam-text", text);
  byId("lower").disabled = !play.lam.sign;
  byId("higher").disabled = beyond < 0 || play.lam.compare(ONE) === 0;
  if (document.activeElement !== byId("exact")) byId("exact").value = String(play.lam);
  const critical = new Set(play.solved ? play.solved.critical.map(String) : []);
  show("marks", ...play.stops.map((stop, k) => {
    const mark = el("span", { class: critical.has(String(stop)) ? "critical" : null });
    mark.style.left = `${100 * k / (play.stops.length - 1)}%`;
    return mark;
  }));
}

// One stop down or up; from between two stops to the next one.
function step(by) {
  const stops = by > 0 ? play.stops : [...play.stops].reverse();
  const next = stops.find((stop) => by * stop.compare(play.lam) > 0);
  if (next) goTo(next);
}

function goTo(lam) {
  play.lam = lam;
  show("exact-problem");
  byId("exact").removeAttribute("aria-invalid");
  solveAt();
}

function goToText(text) {
  const lam = readNumber(text);
  const most = play.form === "adversarial" ? ONE : HIGHEST;
  const wrong = lam === null || lam.sign < 0 || lam.compare(most) > 0;
  if (!wrong) return goTo(lam);
  byId("exact").setAttribute("aria-invalid", "true");
  return show("exact-problem", `Give λ as a number from 0 to ${most}, such as 0.25 or 1/4.`);
}

// The table: names and payoffs to be typed, or utilities to be read.
function drawTable() {
  const { game } = play;
  const [rows, columns] = game.actions;
  const name = (value, label, change) => {
    const input = el("input", { value, "aria-label": label, maxlength: LONGEST_NAME, autocomplete: "off" });
    input.addEventListener("change", () => {
      change(input.value.trim() || value);
      remember();
      fillQuantities();
      refresh();
    });
    return input;
  };
  const player = (i) => name(game.players[i], i ? "Name of the player of the columns" : "Name of the player of the rows", (text) => { game.players[i] = text; });
  const action = (i, a) => name(game.actions[i][a], `Name of ${i ? "column" : "row"} ${a + 1}`, (text) => { game.actions[i][a] = text; });
  const caption = el("caption", {}, "Rows: ", player(0), " Columns: ", player(1));
  const head = el("tr", {}, el("td", {}), ...columns.map((_, b) => el("th", { scope: "col" }, action(1, b))));
  const body = rows.map((_, a) => el("tr", {}, el("th", { scope: "row" }, action(0, a)), ...columns.map((__, b) => drawCell(a, b))));
  show("payoffs", scrolling("Payoffs", el("table", { class: "matrix editor" }, caption, el("thead", {}, head), el("tbody", {}, ...body))));
  byId("rows").value = rows.length;
  byId("columns").value = columns.length;
  fillQuantities();
}

function drawCell(a, b) {
  const { game } = play;
  const inputs = [0, 1].map((i) => {
    const input = el("input", {
      class: `player-${i}`, value: game.payoffs[i][a][b], inputmode: "text", autocomplete: "off", spellcheck: "false",
      "aria-label": `Payoff of ${game.players[i]} at ${game.actions[0][a]}, ${game.actions[1][b]}`, "data-cell": `${i}/${a}/${b}`,
    });
    input.style.setProperty("--letters", input.value.length);
    input.addEventListener("input", () => edit(input, i, a, b));
    return input;
  });
  return el("td", { "data-joint": `${a}/${b}` }, el("span", { class: "pairing" }, ...inputs), el("span", { class: "utilities" }), el("span", { class: "arrows" }), el("span", { class: "chance" }));
}

let typing;

function edit(input, i, a, b) {
  play.game.payoffs[i][a][b] = input.value;
  input.style.setProperty("--letters", input.value.length);
  input.toggleAttribute("aria-invalid", false);
  clearTimeout(typing);
  typing = setTimeout(solvePayoffs, 250);
}

// What the cells say besides what is typed in them.
function refreshCells() {
  const { game, solved, view, lam } = play;
  const joint = game.actions[0].flatMap((_, a) => game.actions[1].map((__, b) => [a, b]));
  const wrong = joint.flatMap(([a, b]) => [0, 1].filter((i) => readNumber(game.payoffs[i][a][b]) === null).map((i) => [i, a, b]));
  document.querySelectorAll("[data-cell]").forEach((input) => {
    if (wrong.some((place) => place.join("/") === input.dataset.cell)) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  });
  show("payoff-problem", ...wrong.slice(0, 1).map(([i, a, b]) => (
    `Payoff of ${game.players[i]} at ${game.actions[0][a]}, ${game.actions[1][b]}: “${game.payoffs[i][a][b]}” is no number the page can use. Write 3, −0.5 or 2/3, with at most ${LONGEST_NUMBER} characters.`)));
  document.querySelectorAll(".editor .pairing").forEach((node) => { node.hidden = view === "utility"; });
  if (!solved) {
    document.querySelectorAll(".editor .arrows, .editor .chance, .editor .utilities").forEach((node) => node.replaceChildren());
    document.querySelectorAll(".best-reply").forEach((node) => node.classList.remove("best-reply"));
    show("game-note");
    return;
  }
  const cells = new Map(joint.map((own, k) => [own.join(), k]));
  const worth = joint.map(([a, b]) => (view === "utility" ? utilityOf(a, b) : solved.payoffs.map((own) => own[a][b])));
  const best = bestExactReplies(joint, worth, cells);
  const chosen = play.found[play.at];
  joint.forEach(([a, b], k) => {
    const cell = document.querySelector(`[data-joint="${a}/${b}"]`);
    const isBest = (i) => best[k][i] === joint[k][i];
    cell.querySelectorAll("input").forEach((input, i) => input.classList.toggle("best-reply", isBest(i)));
    cell.querySelector(".utilities").replaceChildren(...(view === "utility" ? worth[k].flatMap((value, i) => [
      ...(i ? [", "] : []), el("span", { class: `player-${i}${isBest(i) ? " best-reply" : ""}`, title: String(value) }, fractionText(value))]) : []));
    cell.querySelector(".arrows").replaceChildren(...replyArrows(game.players, game.actions, joint[k], best[k]));
    const chance = chosen.x[a].times(chosen.y[b]);
    cell.classList.toggle("played", chance.sign > 0);
    cell.style.setProperty("--share", chance.number);
    cell.querySelector(".chance").textContent = chance.sign ? `played: ${percent(chance.number)}` : "";
  });
  show("game-note", "The first number is that of ", coloured(game.players, 0), ", the second that of ", coloured(game.players, 1), ". ",
    view === "utility" ? `Utility at λ = ${lamText()}, if both play for sure: payoff minus λ times power. Underlined: a best reply among single actions; a mixture may be better still. `
      : "Underlined: a best reply to what the other plays there. ", "An arrow shows where a player would rather go. What the chosen equilibrium plays is framed.");
}

function utilityOf(a, b) {
  const [A, B] = play.solved.payoffs;
  const powers = [A[a][b].minus(least(A[a])), B[a][b].minus(least(B.map((row) => row[b])))];
  return [A[a][b], B[a][b]].map((payoff, i) => payoff.minus(play.lam.times(powers[i])));
}

// As `bestReplies`, in fractions.
function bestExactReplies(joint, worth, cells) {
  return joint.map((own, k) => own.map((action, i) => {
    let [best, most] = [action, worth[k][i]];
    play.game.actions[i].forEach((_, a) => {
      const value = worth[cells.get(own.map((each, j) => (j === i ? a : each)).join())][i];
      if (value.compare(most) > 0) [best, most] = [a, value];
    });
    return best;
  }));
}

function strategyText(strategy, names) {
  const played = strategy.map((_, a) => a).filter((a) => strategy[a].sign);
  if (played.length === 1) return names[played[0]];
  return played.map((a) => `${fractionText(strategy[a])} ${names[a]}`).join(" + ");
}

function equilibriumTable() {
  const { players, actions } = play.game;
  const both = (values) => el("span", { title: values.join(", ") }, values.map(fractionText).join(", "));
  const heads = ["", ...players, "payoffs", "power over them", "utilities", "regrets"];
  const rows = play.found.map((each, k) => el("tr", { class: k === play.at ? "chosen" : null },
    el("th", { scope: "row" }, el("label", {}, el("input", { type: "radio", name: "chosen", checked: k === play.at ? "" : null, onchange: () => choose(k) }), ` ${k + 1}`)),
    ...[each.x, each.y].map((strategy, i) => el("td", {}, named(strategyText(strategy, actions[i])))),
    ...[each.task, each.power, each.utility, each.regret].map((values) => el("td", { class: "number" }, both(values)))));
  return scrolling("Equilibria", stacked(el("table", {},
    el("thead", {}, el("tr", {}, ...heads.map((head, k) => el("th", { scope: "col", class: k > 2 ? "number" : null }, k ? named(head) : el("span", { class: "hidden" }, "number"))))),
    el("tbody", {}, ...rows))));
}

// What the picture over λ can show: [text, function of (x, y, λ) in floats].
function quantities() {
  const { players, actions } = play.game;
  const measures = [0, 1].flatMap((i) => [
    [`payoff of ${players[i]}`, (x, y) => worthOf(i, x, y)[0]],
    [`power over ${players[i]}`, (x, y) => worthOf(i, x, y)[1]],
    [`utility of ${players[i]}`, (x, y, lam) => worthOf(i, x, y)[0] - lam * worthOf(i, x, y)[1]],
  ]);
  const chances = actions.flatMap((own, i) => own.map((action, a) => [`probability that ${players[i]} plays ${action}`, (x, y) => [x, y][i][a]]));
  return [...measures, ...chances];
}

// Payoff of a player and power over them, in floats.
function worthOf(i, x, y) {
  const payoffs = play.solved.payoffs[i].map((row) => row.map((each) => each.number));
  const table = i ? payoffs[0].map((_, b) => payoffs.map((row) => row[b])) : payoffs;
  const [mine, theirs] = i ? [y, x] : [x, y];
  const against = table[0].map((_, b) => table.reduce((total, row, a) => total + mine[a] * row[b], 0));
  const task = against.reduce((total, value, b) => total + theirs[b] * value, 0);
  return [task, task - Math.min(...against)];
}

function fillQuantities() {
  const before = Number(byId("quantity").value || 0);
  const names = quantities().map(([name]) => name);
  show("quantity", ...names.map((name, k) => el("option", { value: k }, name)));
  byId("quantity").value = before < names.length ? before : 0;
}

const SAMPLES = 24;

// Each branch as a line over its interval: it is known at every λ, not only at those that are drawn.
function courseOf() {
  const [name, measure] = quantities()[Number(byId("quantity").value)];
  const lines = play.solved.branches.map((branch) => {
    const [lo, hi] = [branch.lo.number, branch.hi.number];
    return Array.from({ length: SAMPLES + 1 }, (_, k) => {
      const lam = lo + (hi - lo) * k / SAMPLES;
      const profile = branch.constant.map((own, i) => own.map((each, a) => (
        each.number + (branch.slope[i][a].sign ? branch.slope[i][a].number / (1 - lam) : 0))));
      return { x: lam, y: measure(...profile, lam) };
    });
  });
  const now = play.found.map(({ x, y }, k) => ({
    k, x: play.lam.number, y: measure(x.map((each) => each.number), y.map((each) => each.number), play.lam.number) }));
  const scale = Math.max(1e-300, ...play.solved.payoffs.flat(2).map((each) => Math.abs(each.number)));
  const chart = axes([...lines.flat(), ...now], 230, ["λ", 1], [name, scale]);
  chart.svg.setAttribute("aria-label", `${name} in all equilibria over λ; the sentences above say the same`);
  play.solved.critical.forEach((lam) => {
    const x = chart.x(lam.number);
    chart.svg.append(drawn("line", { x1: x, x2: x, y1: chart.topY, y2: chart.bottomY, class: "critical" }, drawn("title", {}, `λ = ${lam}`)));
  });
  lines.forEach((line) => chart.svg.append(drawn("path", { class: "curve", d: `M${line.map(({ x, y }) => `${chart.x(x).toFixed(2)} ${chart.y(y).toFixed(2)}`).join("L")}` })));
  const at = chart.x(play.lam.number);
  chart.svg.append(drawn("line", { x1: at, x2: at, y1: chart.topY, y2: chart.bottomY, class: "now" }));
  now.forEach((dot) => {
    const place = { cx: chart.x(dot.x), cy: chart.y(dot.y) };
    chart.svg.append(drawn("circle", { ...place, r: 4.5, class: "dot here best", onclick: () => choose(dot.k) }));
    if (dot.k === play.at) chart.svg.append(drawn("circle", { ...place, r: 8, class: "ring" }));
  });
  return [chart.svg, el("figcaption", {}, "Each line is one equilibrium over its exact interval of λ; where strategies may be mixed freely, a corner of the set. Dotted: where equilibria come, go or change. Blue: λ now.")];
}

// The game as text after the # of the address, so that a link leads to it.
function remember() {
  const { title, players, actions, payoffs } = play.game;
  const hash = `#game=${encodeURIComponent(JSON.stringify({ title, players, actions, payoffs }))}`;
  byId("link").href = hash;
  history.replaceState(null, "", hash);
}

// The game that a link holds, or null. A link may come from anybody.
function linked() {
  const parts = /^#game=(.*)$/.exec(location.hash);
  if (parts === null) return null;
  try {
    const { title, players, actions, payoffs } = JSON.parse(decodeURIComponent(parts[1]));
    const texts = (list, size) => Array.isArray(list) && list.length === size && list.every((text) => typeof text === "string" && text.length <= LONGEST_NAME);
    const fits = texts([title], 1) && texts(players, 2) && actions.length === 2 && actions.every((own) => SIZES.includes(own.length) && texts(own, own.length))
      && payoffs.length === 2 && payoffs.every((own) => own.length === actions[0].length && own.every((row) => texts(row, actions[1].length)));
    return fits ? { title, players, actions, payoffs } : null;
  } catch {
    return null;
  }
}

function resize() {
  const { game } = play;
  const sizes = [Number(byId("rows").value), Number(byId("columns").value)];
  game.actions = game.actions.map((own, i) => Array.from({ length: sizes[i] }, (_, a) => own[a] || `${i ? "column" : "row"} ${a + 1}`));
  game.payoffs = game.payoffs.map((own) => game.actions[0].map((_, a) => game.actions[1].map((__, b) => (own[a] && own[a][b]) || "0")));
  play.found = [];
  solveGame();
}

let waiting;

function announce(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => show("announcement", text), 400);
}

function prepare() {
  show("classic", el("option", { value: "" }, "choose a game"), ...games.map(({ title }, k) => el("option", { value: k }, title)));
  byId("classic").addEventListener("change", (event) => {
    if (event.target.value === "") return;
    play.found = [];
    load(games[Number(event.target.value)]);
    event.target.value = "";
  });
  byId("rows").addEventListener("change", resize);
  byId("columns").addEventListener("change", resize);
  byId("lam").addEventListener("input", (event) => goTo(play.stops[Number(event.target.value)]));
  byId("lower").addEventListener("click", () => step(-1));
  byId("higher").addEventListener("click", () => step(1));
  byId("exact").addEventListener("change", (event) => goToText(event.target.value));
  byId("quantity").addEventListener("change", refresh);
  document.querySelectorAll("input[name=shown]").forEach((input) => input.addEventListener("change", () => {
    play.view = input.value;
    refresh();
  }));
  document.querySelectorAll("input[name=form]").forEach((input) => {
    input.checked = input.value === firstForm;
    input.addEventListener("change", () => {
      play.form = input.value;
      if (play.form === "adversarial" && play.lam.compare(ONE) > 0) goTo(ONE);
      else refresh();
    });
  });
  play.form = firstForm;
  prepareStory();
  prepareLearning();
  addEventListener("resize", markScrolling);
  load(linked() || games[first]);
}

prepare();
