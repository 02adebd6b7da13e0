// Who holds power over whom, as arrows: the wider, the more power.

const NETWORK = { size: 340, most: 8, widest: 9, letters: 12, smallest: 24, largest: 36 };

function networkFigure(lesson) {
  const { players } = lesson.game;
  const n = players.length;
  if (n < 2) return [];
  if (n > NETWORK.most) return [el("figcaption", {}, `A drawing of ${n} players would be hard to read; the table has it all.`)];
  const power = lesson.stochastic ? lesson.solution().power[lesson.state] : lesson.solution().power;
  const at = lesson.stochastic ? `power/${lesson.state}` : "power";
  const radius = NETWORK.size / 2 - 50;
  // Names stay inside their discs, as far as discs have room beside each other.
  const shown = players.map((name) => shortened(name, NETWORK.letters));
  const disc = n > 4 ? NETWORK.smallest : Math.min(NETWORK.largest, Math.max(NETWORK.smallest, ...shown.map((name) => 3.7 * name.length + 2)));
  const places = players.map((_, i) => {
    const angle = n === 2 ? Math.PI * (1 - i) : 2 * Math.PI * i / n - Math.PI / 2;
    return { x: NETWORK.size / 2 + radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
  const heights = places.map(({ y }) => y);
  const top = Math.min(...heights) - 65;
  const height = Math.max(...heights) + 65 - top;
  const arrows = [];
  const labels = [];
  players.forEach((_, i) => players.forEach((_, j) => {
    if (i === j || lesson.text(power[i][j], lesson.scales[i]) === "0") return;
    const share = power[i][j] / lesson.greatestPower;
    const width = 1.5 + (NETWORK.widest - 1.5) * share;
    const bend = arrow(places[j], places[i], width, disc);
    arrows.push(...bend.nodes);
    // Of three and more players, numbers beside the arrows would meet in the middle; there they stand on the arrows.
    const place = n > 2 ? { x: bend.x, y: bend.y + 4 } : beside(bend, lesson.text(power[i][j], lesson.scales[i]), width);
    labels.push(lesson.number(`${at}/${i}/${j}`, drawn("text", { ...place, "text-anchor": "middle", class: n > 2 ? "halo wide-halo" : "halo" })));
  }));
  const nodes = players.flatMap((name, i) => [
    drawn("circle", { cx: places[i].x, cy: places[i].y, r: disc, class: "node" }),
    drawn("text", { x: places[i].x, y: places[i].y + 4, "text-anchor": "middle", class: "halo" },
      drawn("title", {}, name), shown[i]),
  ]);
  if (!arrows.length) return [el("figcaption", {}, "Nobody can take anything from anybody.")];
  return [
    drawn("svg", { viewBox: `0 ${top} ${NETWORK.size} ${height}`, role: "img", "aria-label": "Power network; the table has the same numbers" },
      ...arrows, ...nodes, ...labels),
    el("figcaption", {}, "An arrow from one player to another: the first can take that much from the second."),
  ];
}

// Where the middle of a text stands beside an arrow: further where the text is wide.
function beside(bend, text, width) {
  const distance = width / 2 + 4 + Math.abs(bend.out.x) * 3.7 * text.length + Math.abs(bend.out.y) * 7;
  return { x: bend.x + bend.out.x * distance, y: bend.y + bend.out.y * distance + 4 };
}

// A bent arrow between discs, so that the one back runs beside it; its middle, and the direction away from the one back.
function arrow(from, to, width, disc) {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy);
  const [ux, uy] = [dx / length, dy / length];
  const bend = Math.min(46, 0.22 * length);
  const middle = { x: (from.x + to.x) / 2 - uy * bend, y: (from.y + to.y) / 2 + ux * bend };
  const start = towards(from, middle, disc + 1);
  const tip = towards(to, middle, disc + 3);
  const size = 7 + width;
  const neck = towards(tip, middle, size);
  const [hx, hy] = [(neck.x - tip.x) / size, (neck.y - tip.y) / size];
  const half = 4 + width / 2;
  const corners = [[tip.x, tip.y], [neck.x - hy * half, neck.y + hx * half], [neck.x + hy * half, neck.y - hx * half]];
  return {
    nodes: [
      drawn("path", { d: `M${start.x} ${start.y}Q${middle.x} ${middle.y} ${neck.x} ${neck.y}`, class: "edge", "stroke-width": width }),
      drawn("polygon", { points: corners.map((corner) => corner.join()).join(" "), class: "head" }),
    ],
    x: (start.x + 2 * middle.x + tip.x) / 4,
    y: (start.y + 2 * middle.y + tip.y) / 4,
    out: { x: -uy, y: ux },
  };
}

function towards(from, to, distance) {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  return { x: from.x + (to.x - from.x) * distance / length, y: from.y + (to.y - from.y) * distance / length };
}
