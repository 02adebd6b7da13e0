// The state shown on its grid: what each cell is, who stands where and looks which way, and what lies there.

const CELL = 54;

function sceneFigure(lesson) {
  const { rows, pieces } = lesson.report.scenes;
  const shown = pieces[lesson.state];
  const middleOf = (x, y) => [(x + 0.5) * CELL, (y + 0.5) * CELL];
  const words = (x, y, text, attributes = {}) => drawn("text", { x, y, "text-anchor": "middle", ...attributes }, text);
  const cells = rows.flatMap((row, y) => row.flatMap((kind, x) => [
    drawn("rect", { x: x * CELL, y: y * CELL, width: CELL, height: CELL, class: kind ? "cell station" : "cell" }),
    ...(kind && kind !== "counter" && kind !== "wall" ? [words(middleOf(x, y)[0], y * CELL + 12, kind, { class: "small-text" })] : []),
  ]));
  const things = shown.flatMap((piece) => {
    const [x, y] = middleOf(piece.x, piece.y);
    // A few words below each other, as a cell is narrow.
    if (piece.player < 0) return piece.holds.split(/[ ,]+/).slice(0, 3).map((word, k) => words(x, y + 12 * k, word, { class: "small-text", "font-weight": 700 }));
    const [dx, dy] = piece.facing;
    const nose = [[24 * dx, 24 * dy], [11 * dx - 9 * dy, 11 * dy + 9 * dx], [11 * dx + 9 * dy, 11 * dy - 9 * dx]];
    return [
      ...(dx || dy ? [drawn("polygon", { points: nose.map(([a, b]) => `${x + a},${y + b}`).join(" "), class: `piece-${piece.player}` })] : []),
      drawn("circle", { cx: x, cy: y, r: 14, class: `piece piece-${piece.player}` }),
      words(x, y + 5, String(piece.player + 1), { class: "on-piece" }),
      ...(piece.holds ? [words(x, dy > 0 ? y - CELL / 2 + 10 : y + CELL / 2 - 2, piece.holds, { class: "halo small-text" })] : []),
    ];
  });
  const [width, height] = [rows[0].length * CELL, rows.length * CELL];
  const svg = drawn("svg", { viewBox: `-1 -1 ${width + 2} ${height + 2}`, role: "img", width, "aria-label": `Picture of the state: ${lesson.stateName()}` }, ...cells, ...things);
  const facing = shown.some((piece) => piece.facing.some(Boolean)) ? " A tip shows where a player looks." : "";
  const carrying = shown.some((piece) => piece.holds) ? " Next to a player: what the player holds." : "";
  const names = lesson.game.players.flatMap((name, i) => (name.endsWith(String(i + 1)) ? [] : [`${i + 1} is ${name}`]));
  const who = shown.length ? ended(listed(names)) : "Nobody is on the grid.";
  return [svg, el("figcaption", {}, names.length || !shown.length ? who : "", facing, carrying)];
}
