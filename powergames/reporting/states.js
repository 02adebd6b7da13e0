// A game with states: which follow which in the solution, as a graph, and a play of it step by step.

const GRAPH = { few: 6, widest: 560, wide: 460, narrow: 340, height: 320, margin: 62, radius: 15, letters: 18, letter: 3.7, numbers: 24 };

// The probability of a joint action in a state, and what follows each state, in the solution.
function chanceIn(lesson, state, joint) {
  return joint.reduce((product, a, player) => product * lesson.solution().profile[player][state][a], 1);
}

function followers(lesson, state) {
  const { joint, next } = lesson.report.stages[state];
  const total = new Map();
  joint.forEach((own, k) => {
    const chance = chanceIn(lesson, state, own);
    if (chance > 0) next[k].forEach(([name, share]) => total.set(name, (total.get(name) || 0) + chance * share));
  });
  return total;
}

function stateGraph(lesson) {
  const { states } = lesson.game;
  // On a phone letters would shrink with the picture.
  const width = innerWidth < 640 ? GRAPH.narrow : states.length > GRAPH.few ? GRAPH.widest : GRAPH.wide;
  const places = lesson.report.layout.map(([x, y]) => ({
    x: GRAPH.margin + x * (width - 2 * GRAPH.margin), y: GRAPH.margin / 2 + y * (GRAPH.height - GRAPH.margin) }));
  const arrows = [];
  const labels = [];
  states.forEach((_, s) => followers(lesson, s).forEach((chance, name) => {
    const t = states.indexOf(name);
    if (t < 0 || chance < 1e-9) return;
    const text = chance > 0.999999 ? "" : percent(chance);
    const thick = 1 + 3 * chance;
    const title = drawn("title", {}, `from ${states[s]} to ${name}: ${percent(chance)}`);
    if (s === t) {
      const { x, y } = places[s];
      const high = y - GRAPH.radius;
      arrows.push(drawn("path", { class: "edge", "stroke-width": thick, d: `M${x - 7} ${high + 2}C${x - 22} ${high - 24} ${x + 22} ${high - 24} ${x + 7} ${high + 2}` }, title));
      if (text) labels.push(drawn("text", { x: x + 20, y: high - 6, class: "halo small-text" }, text));
      return;
    }
    const bend = arrow(places[s], places[t], thick, GRAPH.radius);
    bend.nodes[0].append(title);
    arrows.push(...bend.nodes);
    const { x, y } = beside(bend, text, thick);
    if (text) labels.push(drawn("text", { x: within(x, GRAPH.letter * text.length, width), y, "text-anchor": "middle", class: "halo small-text" }, text));
  }));
  const joins = (s, t) => (followers(lesson, s).get(states[t]) || 0) >= 1e-9;
  const crowded = labels.length > GRAPH.numbers;
  const nodes = states.map((name, s) => drawn("circle", {
    cx: places[s].x, cy: places[s].y, r: GRAPH.radius, class: s === lesson.state ? "node here" : "node", onclick: () => lesson.enter(s),
  }, drawn("title", {}, name)));
  // Names stand below their states: further below where an arrow ends there, so that its tip stays free. Long ones move
  // inwards.
  const names = states.map((name, s) => {
    const { x, y } = places[s];
    const fromBelow = (t) => places[t].y - y > 0.4 * Math.abs(places[t].x - x);
    const tip = states.some((_, t) => t !== s && fromBelow(t) && (joins(t, s) || joins(s, t)));
    return drawn("text", {
      x: within(x, GRAPH.letter * Math.min(name.length, GRAPH.letters), width), y: y + GRAPH.radius + (tip ? 27 : 14), "text-anchor": "middle", class: "halo",
    }, shortenedInside(name, GRAPH.letters));
  });
  return [
    drawn("svg", { viewBox: `0 -10 ${width} ${GRAPH.height + 20}`, role: "img", "aria-label": "States, and which follow which in the solution" },
      ...arrows, ...names, ...nodes, ...(crowded ? [] : labels)),
    el("figcaption", {}, "Arrows show which state follows which if all play the solution. ", crowded ? "Here thick ones are likely. " : "A number is a probability; an arrow without one is certain. ",
      el("span", { class: "screen" }, crowded ? "Point at an arrow to see how likely. " : "", "The state shown is filled; choose another one to go there.")),
  ];
}

// The middle of something so wide on both sides that has to fit into the picture.
function within(x, half, width) {
  return Math.max(half, Math.min(x, width - half));
}

// Steps of the play that is shown, each a list of what to write.
const steps = [];

// An index drawn with these probabilities; what is missing to one is drawn as -1.
function drawnFrom(chances) {
  let left = Math.random();
  return chances.findIndex((chance) => {
    left -= chance;
    return left < 0;
  });
}

function playStep(lesson) {
  const { game, report, state } = lesson;
  const { joint, payoffs, next } = report.stages[state];
  const own = game.players.map((_, i) => Math.max(0, drawnFrom(lesson.solution().profile[i][state])));
  const k = joint.findIndex((each) => each.join() === own.join());
  const doing = game.players.flatMap((player, i) => [i ? ", " : "", named(player), " plays ", named(lesson.actionNames(i)[own[i]])]);
  if (k < 0) {
    steps.push([...doing, ". What follows is not on this page."]);
    return refresh();
  }
  const paid = ` Payoffs: ${payoffs[k].map((value, i) => rounded(value, lesson.scales[i])).join(", ")}.`;
  const drawnNext = drawnFrom(next[k].map(([, chance]) => chance));
  // Rounding may leave a little to one.
  const [name] = next[k][drawnNext < 0 && following(next[k]).includes("others") ? -1 : Math.max(0, drawnNext)] || [null];
  const t = name === null ? -1 : game.states.indexOf(name);
  steps.push([...doing, ".", paid, ...(t < 0 ? [" The game goes on in a state that is not on this page."] : [" Next: ", named(name), "."])]);
  return t < 0 ? refresh() : lesson.enter(t);
}

function playLog(lesson) {
  if (!steps.length) return [el("p", { class: "quiet screen" }, "Nothing played yet: choose a state, or begin at the start.")];
  return [el("ol", { start: Math.max(1, steps.length - 7) }, ...steps.slice(-8).map((step) => el("li", {}, ...step.map((part) => (part instanceof Node ? part.cloneNode(true) : part)))))];
}
