// Dots for all certified solutions of the page: payoff against power, and both against λ.

const CHART = { width: 340, left: 46, right: 12, top: 10, bottom: 38, letter: 7.5 };

function frontierFigure(lesson) {
  const dots = lesson.dots.map((dot) => ({ ...dot, x: dot.power, y: dot.task }));
  const best = undominated(dots, lesson.scale);
  const chart = axes(dots, 260, ["power of others, all players together", lesson.scale], ["payoff of all players together", lesson.scale]);
  chart.svg.setAttribute("aria-label", `Payoff against power: ${dots.length} solutions; the table below has the same numbers`);
  addDots(lesson, chart, dots, best);
  return [chart.svg, el("figcaption", {}, "Payoff against power. Blue: solutions at the chosen λ. Ringed: the chosen solution. Filled: no other solution has more payoff without more power, or less power without less payoff.")];
}

function courseFigure(lesson) {
  const parts = ["task", "power"].map((key) => {
    const dots = lesson.dots.map((dot) => ({ ...dot, x: lesson.lam(dot.p), y: dot[key] }));
    const failed = lesson.points.map((_, p) => p).filter((p) => !lesson.certified(p).length);
    const ends = failed.map((p) => ({ x: lesson.lam(p), y: dots.length ? dots[0].y : 0 }));
    const name = key === "task" ? "payoff of all" : "power of others, all";
    const chart = axes([...dots, ...ends, { x: lesson.lam(), y: dots.length ? dots[0].y : 0 }], 165, ["λ", 1], [name, lesson.scale]);
    chart.svg.setAttribute("aria-label", `${name} at each λ; the table below has the same numbers`);
    criticalIn(lesson).forEach((lam) => chart.svg.append(drawn("line", {
      x1: chart.x(lam.number), x2: chart.x(lam.number), y1: chart.topY, y2: chart.bottomY, class: "critical",
    }, drawn("title", {}, `λ = ${fractionText(lam)}`))));
    const now = chart.x(lesson.lam());
    chart.svg.append(drawn("line", { x1: now, x2: now, y1: chart.topY, y2: chart.bottomY, class: "now" }));
    failed.forEach((p) => chart.svg.append(drawn("text", {
      x: chart.x(lesson.lam(p)), y: chart.bottomY - 3, "text-anchor": "middle", class: "failed", onclick: () => lesson.go(p),
    }, drawn("title", {}, `λ = ${lesson.lamText(p)}: failed`), "×")));
    addDots(lesson, chart, dots, new Set());
    return chart.svg;
  });
  const notes = ["All solutions over λ."];
  if (criticalIn(lesson).length) notes.push(lesson.intervals.complete ? "Dotted lines: λ at which equilibria come, go or change." : "Dotted lines: λ at which pure equilibria come or go.");
  if (lesson.found.some((own) => !own.length)) notes.push("A red ×: no certified solution was found at this λ.");
  return [...parts, el("figcaption", {}, notes.join(" "))];
}

// The critical λ between the least and the greatest λ of the page.
function criticalIn(lesson) {
  const { exact, intervals } = lesson;
  return intervals === null ? [] : intervals.critical.filter((lam) => exact[0].compare(lam) <= 0 && lam.compare(exact[exact.length - 1]) <= 0);
}

// The chosen ones last, so that they lie on top.
function addDots(lesson, chart, dots, best) {
  const order = (dot) => (dot.p === lesson.at.point ? 1 : 0);
  [...dots].sort((a, b) => order(a) - order(b)).forEach((dot) => {
    const here = dot.p === lesson.at.point;
    const place = { cx: chart.x(dot.x), cy: chart.y(dot.y) };
    chart.svg.append(drawn("circle", {
      ...place, r: here ? 4.5 : 3, class: `dot${best.has(dot.key) ? " best" : ""}${here ? " here" : ""}`, onclick: () => lesson.go(dot.p, dot.e),
    }, drawn("title", {}, `λ = ${lesson.lamText(dot.p)}: payoff ${lesson.text(dot.task)}, power ${lesson.text(dot.power)}`)));
    if (here && dot.e === lesson.at.equilibrium) chart.svg.append(drawn("circle", { ...place, r: 8, class: "ring" }));
  });
}

// Keys of the dots to which no other is better in one of payoff and power and as good in the other.
function undominated(dots, scale) {
  const slack = 1e-9 * scale;
  const sorted = [...dots].sort((a, b) => a.power - b.power || b.task - a.task);
  const kept = new Set();
  let most = -Infinity;
  let group = [];
  const close = () => {
    const top = Math.max(...group.map((dot) => dot.task));
    if (top > most + slack) group.filter((dot) => dot.task >= top - slack).forEach((dot) => kept.add(dot.key));
    most = Math.max(most, top);
    group = [];
  };
  sorted.forEach((dot) => {
    if (group.length && dot.power > group[0].power + slack) close();
    group.push(dot);
  });
  if (group.length) close();
  return kept;
}

function axes(dots, height, [xLabel, xScale], [yLabel, yScale]) {
  const range = (values, scale) => {
    const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    // Differences that are rounding are none.
    const slack = 1e-9 * scale;
    if (Math.max(Math.abs(low), Math.abs(high)) < slack) return [-0.06 * scale, scale];
    const margin = high - low < slack ? Math.abs(high) * 0.1 : (high - low) * 0.06;
    return [low - margin, high + margin];
  };
  const [x0, x1] = range(dots.map((dot) => dot.x), xScale);
  const [y0, y1] = range(dots.map((dot) => dot.y), yScale);
  // Long numbers get the room that they need.
  const numbers = ticks(y0, y1).map(([, text]) => text.length);
  const left = Math.max(CHART.left, 8 + CHART.letter * Math.max(...numbers));
  const rightX = CHART.width - CHART.right;
  const [topY, bottomY] = [CHART.top + 14, height - CHART.bottom];
  const x = (value) => left + (value - x0) / (x1 - x0) * (rightX - left);
  const y = (value) => bottomY - (value - y0) / (y1 - y0) * (bottomY - topY);
  const svg = drawn("svg", { viewBox: `0 0 ${CHART.width} ${height}`, role: "img" });
  ticks(x0, x1).forEach(([value, text]) => svg.append(
    drawn("line", { x1: x(value), x2: x(value), y1: topY, y2: bottomY, class: "grid" }),
    drawn("text", { x: x(value), y: bottomY + 15, "text-anchor": "middle" }, text)));
  ticks(y0, y1).forEach(([value, text]) => svg.append(
    drawn("line", { x1: left, x2: rightX, y1: y(value), y2: y(value), class: "grid" }),
    drawn("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, text)));
  svg.append(
    drawn("path", { d: `M${left} ${topY}V${bottomY}H${rightX}`, class: "axis" }),
    drawn("text", { x: rightX, y: bottomY + 32, "text-anchor": "end" }, xLabel),
    drawn("text", { x: 4, y: CHART.top + 2 }, yLabel));
  return { svg, x, y, topY, bottomY };
}

// Round numbers of an axis, each with its text, in which neighbours differ.
function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first;
  const values = Array.from({ length: count + 1 }, (_, k) => (first + k) * step);
  const places = Math.floor(Math.log10(Math.max(...values.map(Math.abs)) / step) + 1e-9) + 1;
  return values.map((value) => [value, digits(value, Math.min(15, Math.max(3, places)))]);
}
