// All equilibria of a game of two players, exactly: at one λ, and as functions of λ from 0 to 1.
//
// Player 0 plays x and player 1 plays y; z takes player 1's action to hurt player 0, and w takes player 0's to hurt
// player 1. A pair of points of the two polyhedra
//
//     { (y, z, v): (1-λ) A y + λ A z <= v, B y >= v', y and z mix }    and its mirror image for (x, w)
//
// is an equilibrium exactly if each action of each of the four has probability 0 at one point, or is best at the other.
// See solvers/normal_form/vertex_enumeration.py and bifurcations.py, which this file follows and is tested against.

function transposed(matrix) {
  return matrix[0].map((_, k) => matrix.map((row) => row[k]));
}

// Where the variables of x, w, y, z begin; without weight the adversaries have none.
function labelsOf(m, n, adversaries) {
  const [w, z] = adversaries ? [m, n] : [0, 0];
  return { x: 0, w: m, y: m + w, z: m + w + n, end: m + w + n + z };
}

// One polyhedron at the vertex where the first action of each group is played. `gains` are the payoffs of those whose
// best actions are looked for, `losses` those of who is to be hurt. If λ is null it is a variable, and the groups sum to
// 1 - λ and λ. `own` and `other` say where the variables of the groups and the slacks start.
function polyhedron(gains, losses, lam, own, other, size) {
  const rest = [...gains[0].keys()].slice(1);
  const adversaries = lam === null || lam.sign !== 0;
  const factors = lam === null ? [ONE, ONE] : adversaries ? [ONE.minus(lam), lam] : [ONE];
  const starts = own.slice(0, factors.length);
  const first = (matrix, sign) => matrix.reduce((best, row, i) => (sign * row[0].compare(matrix[best][0]) > 0 ? i : best), 0);
  const [best, worst] = [first(gains, 1), first(losses, -1)];
  const nonbasic = [...starts.flatMap((start) => rest.map((k) => start + k)), other[0] + best];
  if (adversaries) nonbasic.push(other[1] + worst);
  if (lam === null) nonbasic.push(size);
  const row = (entries, lamEntry, right) => nonbasic.map((variable) => (
    variable === size ? lamEntry : entries.get(variable) || ZERO)).concat(right);
  const minus = ZERO.minus(ONE);
  const basic = [...starts];
  const rows = starts.map((start, k) => row(new Map(rest.map((j) => [start + j, ONE])), k ? minus : ONE, lam === null && k ? ZERO : ONE));
  gains.forEach((_, i) => {
    if (i === best) return;
    const lead = gains[best].map((gain, k) => gain.minus(gains[i][k]));
    const entries = new Map([[other[0] + best, minus]]);
    starts.forEach((start, g) => rest.forEach((k) => entries.set(start + k, factors[g].times(lead[0].minus(lead[k])))));
    rows.push(row(entries, ZERO, lead[0]));
    basic.push(other[0] + i);
  });
  losses.forEach((_, i) => {
    if (i === worst || !adversaries) return;
    const lead = losses[i].map((loss, k) => loss.minus(losses[worst][k]));
    const entries = new Map([[other[1] + worst, minus], ...rest.map((k) => [own[0] + k, lead[0].minus(lead[k])])]);
    rows.push(row(entries, lead[0], lead[0]));
    basic.push(other[1] + i);
  });
  if (lam !== null) return { rows: rows.map(integers), basic, nonbasic, size };
  rows.push(row(new Map(), ONE, ONE));
  basic.push(size + 1);
  return { rows: rows.map(integers), basic, nonbasic, size: size + 2 };
}

// The polyhedra of (x, w) and of (y, z).
function polyhedra(A, B, lam) {
  const labels = labelsOf(A.length, A[0].length, lam === null || lam.sign !== 0);
  const [rows, columns] = [[labels.x, labels.w], [labels.y, labels.z]];
  return {
    labels,
    row: polyhedron(transposed(B), transposed(A), lam, rows, columns, labels.end),
    column: polyhedron(A, B, lam, columns, rows, labels.end),
  };
}

// All extreme equilibria at one λ >= 0, those of a connected set with the same `component`, each with a certificate.
function equilibriaAt(A, B, lam) {
  const { labels, row, column } = polyhedra(A, B, lam);
  const { x, w, y, z, end } = labels;
  const [rows, columns] = [vertices(allBases(row)), vertices(allBases(column))];
  const every = 2 ** end - 1;
  const pairs = rows.flatMap((own, r) => [...columns.keys()].filter((c) => (own.zeros | columns[c].zeros) === every).map((c) => [r, c]));
  const found = new Map();
  connectedPairs(pairs).forEach((connected, component) => {
    const faces = interchangeable(connected).map(([own, other]) => ({
      rows: extremePoints(own.map((r) => ({ strategy: rows[r].point.slice(x, w), other: rows[r].point.slice(w, y) }))),
      columns: extremePoints(other.map((c) => ({ strategy: columns[c].point.slice(y, z), other: columns[c].point.slice(z, end) }))),
    }));
    withoutCovered(faces).forEach((face) => face.rows.forEach((own) => face.columns.forEach((other) => {
      const key = keyOf(own.strategy, other.strategy);
      if (!found.has(key)) found.set(key, judged(A, B, lam, { x: own.strategy, w: own.other, y: other.strategy, z: other.other, component }));
    })));
  });
  // Those with more of the first actions come first.
  return [...found.values()].sort((one, two) => compareAll([...two.x, ...two.y], [...one.x, ...one.y]));
}

function compareAll(one, two) {
  const k = one.findIndex((each, i) => each.compare(two[i]) !== 0);
  return k < 0 ? 0 : one[k].compare(two[k]);
}

// Payoff, power and utility of both players, and bounds on what either could gain. They are worked out from the payoffs
// and the strategies alone: no strategy of player 0 has more utility than the best action against z, whatever z is.
function judged(A, B, lam, equilibrium) {
  const { x, y, z, w } = equilibrium;
  const own = [[A, x, y, z], [transposed(B), y, x, w]].map(([payoffs, mine, theirs, adversary]) => {
    const against = payoffs.map((row) => product(row, theirs));
    const task = product(mine, against);
    const held = least(transposed(payoffs).map((row) => product(row, mine)));
    const power = task.minus(held);
    const utility = task.minus(lam.times(power));
    const actions = payoffs.map((row, a) => ONE.minus(lam).times(against[a]).plus(lam.sign ? lam.times(product(row, adversary)) : ZERO));
    return { task, power, utility, regret: greatest(actions).minus(utility) };
  });
  return { ...equilibrium, task: own.map((each) => each.task), power: own.map((each) => each.power), utility: own.map((each) => each.utility), regret: own.map((each) => each.regret) };
}

// The connected parts of a graph between rows and columns, given as pairs.
function connectedPairs(pairs) {
  const component = new Map();
  const find = (node) => {
    let root = node;
    while (component.has(root)) root = component.get(root);
    return root;
  };
  pairs.forEach(([r, c]) => {
    const [one, two] = [find(`r${r}`), find(`c${c}`)];
    if (one !== two) component.set(two, one);
  });
  const parts = new Map();
  pairs.forEach((pair) => {
    const root = find(`r${pair[0]}`);
    parts.set(root, [...(parts.get(root) || []), pair]);
  });
  return [...parts.values()];
}

// Maximal sets of rows and columns of which every row pairs with every column.
function interchangeable(pairs) {
  const neighbours = new Map();
  pairs.forEach(([r, c]) => neighbours.set(r, [...(neighbours.get(r) || []), c]));
  const sides = new Map();
  neighbours.forEach((own) => {
    [...sides.values(), own].forEach((side) => {
      const shared = side.filter((c) => own.includes(c)).sort((a, b) => a - b);
      if (shared.length) sides.set(shared.join(), shared);
    });
  });
  return [...sides.values()].map((side) => [[...neighbours.keys()].filter((r) => side.every((c) => neighbours.get(r).includes(c))), side]);
}

// One point for each strategy, without those that are mixtures of others.
function extremePoints(points) {
  let kept = [...new Map(points.map((point) => [keyOf(point.strategy), point])).values()];
  kept.slice().forEach((point) => {
    const others = kept.filter((each) => each !== point);
    if (others.length > 1 && isMixture(point.strategy, others.map((each) => each.strategy))) kept = others;
  });
  return kept;
}

// Without products of polytopes that lie within another one.
function withoutCovered(faces) {
  const kept = [];
  faces.forEach((face, k) => {
    const rivals = [...kept, ...faces.slice(k + 1)];
    const within = (points, hull) => points.every((point) => isMixture(point.strategy, hull.map((each) => each.strategy)));
    if (!rivals.some((rival) => within(face.rows, rival.rows) && within(face.columns, rival.columns))) kept.push(face);
  });
  return kept;
}

// All equilibria for all λ from 0 to 1: branches, each with its interval `lo` to `hi` of λ, within which player i plays
// constant[i] + slope[i] / (1 - λ); and the critical λ, inside of 0 to 1, at which a branch begins or ends, or there are
// more equilibria than branches tell.
function branchesOf(A, B) {
  const { labels, row, column } = polyhedra(A, B, null);
  const { x, w, y, z, end } = labels;
  const [rows, columns] = [slices(row, end), slices(column, end)];
  const every = 2 ** end - 1;
  const pairs = rows.edges.flatMap((own) => columns.edges
    .filter((other) => (own.zeros | other.zeros) === every && other.lo.compare(own.hi) < 0 && other.hi.compare(own.lo) > 0)
    .map((other) => [own, other]));
  let pieces = pairs.map(([own, other]) => {
    const functions = [along(own, x, w), along(other, y, z)];
    return { lo: greatest([own.lo, other.lo]), hi: least([own.hi, other.hi]), constant: functions.map(([constant]) => constant), slope: functions.map(([, slope]) => slope) };
  });
  if (overlapping(pairs)) pieces = extremePieces(A, B, pieces);
  const branches = joined(pieces);
  const critical = new Map();
  branches.flatMap(({ lo, hi }) => [lo, hi]).concat(more(rows, columns, labels, branches))
    .filter((lam) => lam.sign > 0 && lam.compare(ONE) < 0).forEach((lam) => critical.set(String(lam), lam));
  return { branches, critical: [...critical.values()].sort((one, two) => one.compare(two)) };
}

// The vertices of a polyhedron in which λ is a variable, and its edges along which λ changes.
function slices(side, lamAt) {
  const bases = allBases(side);
  const mask = 2 ** lamAt - 1;
  const points = new Map(vertices(bases).map(({ zeros, point }) => [zeros, { zeros: zeros & mask, point, lam: point[lamAt] }]));
  const halves = new Map();
  const edges = new Map();
  bases.forEach((base) => {
    for (let k = 0; k < side.size; k += 1) {
      if (!(base.basis & (1 << k))) continue;
      // Two bases that share all nonbasic variables but one are the ends of an edge.
      const shared = base.basis ^ (1 << k);
      if (!halves.has(shared)) halves.set(shared, base);
      else {
        const ends = [points.get(halves.get(shared).zeros), points.get(base.zeros)].sort((one, two) => one.lam.compare(two.lam));
        const [from, to] = ends;
        if (from.lam.compare(to.lam) < 0) {
          edges.set(`${keyOf(from.point)}; ${keyOf(to.point)}`, { from, to, lo: from.lam, hi: to.lam, zeros: from.zeros & to.zeros });
        }
      }
    }
  });
  return { points: [...points.values()], edges: [...edges.values()] };
}

function normalized(group) {
  const total = sum(group);
  return total.sign ? group.map((each) => each.over(total)) : null;
}

// The strategy of a group along an edge, as a constant and a slope over 1 - λ.
function along({ from, to }, start, stop) {
  const [begin, end] = [from, to].map(({ point }) => normalized(point.slice(start, stop)));
  // Towards λ = 1 the group loses its weight, its numerators in proportion to it.
  if (end === null) return [begin, begin.map(() => ZERO)];
  const [one, other] = [from, to].map(({ lam }) => ONE.over(ONE.minus(lam)));
  const slope = begin.map((each, k) => end[k].minus(each).over(other.minus(one)));
  return [begin.map((each, k) => each.minus(slope[k].times(one))), slope];
}

// The strategies of a branch at one λ of its interval.
function branchAt(branch, lam) {
  return branch.constant.map((constant, i) => constant.map((each, k) => (
    branch.slope[i][k].sign ? each.plus(branch.slope[i][k].over(ONE.minus(lam))) : each)));
}

function contains({ lo, hi }, lam) {
  return lo.compare(lam) <= 0 && lam.compare(hi) <= 0;
}

// Whether an edge has several partners at the same λ, so that equilibria may span a set.
function overlapping(pairs) {
  return [0, 1].some((own) => {
    const partners = new Map();
    pairs.forEach((pair) => partners.set(pair[own], [...(partners.get(pair[own]) || []), pair[1 - own]]));
    return [...partners.values()].some((edges) => {
      const sorted = edges.sort((one, two) => one.lo.compare(two.lo) || one.hi.compare(two.hi));
      return sorted.slice(1).some((edge, k) => sorted[k].hi.compare(edge.lo) > 0);
    });
  });
}

// What is extreme: between two neighbouring ends of pieces, each piece is so at all λ or at none.
function extremePieces(A, B, pieces) {
  const ends = [...new Map(pieces.flatMap(({ lo, hi }) => [lo, hi]).map((lam) => [String(lam), lam])).values()].sort((one, two) => one.compare(two));
  return ends.slice(1).flatMap((hi, k) => {
    const span = { lo: ends[k], hi };
    const at = middle(span);
    const extreme = new Set(equilibriaAt(A, B, at).map((each) => keyOf(each.x, each.y)));
    return pieces
      .filter((piece) => piece.lo.compare(span.lo) <= 0 && span.hi.compare(piece.hi) <= 0 && extreme.has(keyOf(...branchAt(piece, at))))
      .map((piece) => ({ ...piece, ...span }));
  });
}

// Join pieces that are the same function of λ on intervals that touch.
function joined(pieces) {
  const inOrder = (one, two) => one.lo.compare(two.lo) || one.hi.compare(two.hi);
  const functions = new Map();
  pieces.slice().sort(inOrder).forEach((piece) => {
    const key = keyOf(...piece.constant, ...piece.slope);
    const own = functions.get(key) || [];
    functions.set(key, own);
    const last = own[own.length - 1];
    if (last && piece.lo.compare(last.hi) <= 0) last.hi = greatest([last.hi, piece.hi]);
    else own.push({ ...piece });
  });
  const first = (branch) => branchAt(branch, middle(branch)).flat();
  return [...functions.values()].flat().sort((one, two) => inOrder(one, two) || compareAll(first(two), first(one)));
}

// The equilibria that are on no branch, as branches at a single λ: one at which something changes, 0 or 1.
function isolated([A, B], { branches, critical }) {
  return [ZERO, ...critical, ONE].flatMap((lam) => {
    const known = new Set(branches.filter((branch) => contains(branch, lam)).map((branch) => keyOf(...branchAt(branch, lam))));
    return equilibriaAt(A, B, lam).filter(({ x, y }) => !known.has(keyOf(x, y)))
      .map(({ x, y }) => ({ lo: lam, hi: lam, constant: [x, y], slope: [x, y].map((own) => own.map(() => ZERO)) }));
  });
}

// The λ at which there are equilibria that are on no branch.
function more(rows, columns, labels, branches) {
  const { x, w, y, z, end } = labels;
  const every = 2 ** end - 1;
  const missed = [];
  const look = (lam, own, other) => {
    if (lam.sign <= 0 || lam.compare(ONE) >= 0) return;
    const key = keyOf(normalized(own.slice(x, w)), normalized(other.slice(y, z)));
    if (!branches.some((branch) => contains(branch, lam) && keyOf(...branchAt(branch, lam)) === key)) missed.push(lam);
  };
  const on = ({ from, to, lo, hi }, lam) => {
    const share = lam.minus(lo).over(hi.minus(lo));
    return from.point.map((each, k) => each.plus(share.times(to.point[k].minus(each))));
  };
  const meets = (edge, point) => (edge.zeros | point.zeros) === every && edge.lo.compare(point.lam) < 0 && edge.hi.compare(point.lam) > 0;
  rows.points.forEach((point) => {
    columns.edges.filter((edge) => meets(edge, point)).forEach((edge) => look(point.lam, point.point, on(edge, point.lam)));
    columns.points.filter((other) => (other.zeros | point.zeros) === every && other.lam.compare(point.lam) === 0)
      .forEach((other) => look(point.lam, point.point, other.point));
  });
  columns.points.forEach((point) => {
    rows.edges.filter((edge) => meets(edge, point)).forEach((edge) => look(point.lam, on(edge, point.lam), point.point));
  });
  return missed;
}
