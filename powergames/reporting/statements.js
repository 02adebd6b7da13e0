// The result in sentences: which strategies are an equilibrium, and for which λ exactly.

// Longer fractions are shown as decimals.
const LONGEST_FRACTION = 7;

function fractionText(fraction) {
  const text = String(fraction);
  if (text.length <= LONGEST_FRACTION) return text;
  // Never zeros in place of other digits before the point.
  const { number } = fraction;
  const short = Math.abs(number) >= 1e4 && Math.abs(number) < 1e9 ? Math.trunc(number) : Number(number.toPrecision(4));
  return `${short}…`;
}

function isShort(fraction) {
  return String(fraction).length <= LONGEST_FRACTION;
}

// Branches as sentences. A branch has an interval of λ from `lo` to `hi`, which is null if it has no upper end, and for
// each player i the strategy constant[i] + slope[i] / (1 - λ weights[i]). Those that continue each other are one
// sentence. Those without mixtures come first, and among these those that hold over an interval. `last` is the greatest λ that was looked at.
function statements(branches, last) {
  const groups = [];
  branches.forEach((branch) => {
    const inside = branch.hi === null ? branch.lo.plus(ONE) : middle(branch);
    const supports = strategiesAt(branch, inside).map((own) => own.map((_, a) => a).filter((a) => own[a].sign));
    const key = JSON.stringify(supports);
    const before = groups.find((group) => group.key === key && group.hi !== null && group.hi.compare(branch.lo) === 0
      && keyOf(...strategiesAt(group.pieces[group.pieces.length - 1], branch.lo)) === keyOf(...strategiesAt(branch, branch.lo)));
    if (before) {
      before.pieces.push(branch);
      before.hi = branch.hi;
    } else groups.push({ key, supports, lo: branch.lo, hi: branch.hi, pieces: [branch], last });
  });
  const mixed = ({ supports }) => Number(supports.some((own) => own.length > 1));
  const brief = ({ lo, hi }) => Number(hi !== null && lo.compare(hi) === 0);
  return groups.sort((one, two) => mixed(one) - mixed(two) || brief(one) - brief(two) || one.lo.compare(two.lo));
}

// As `branchAt`, with weights. Where the strategy has a pole it ends at a vertex that the limit gives.
function strategiesAt(branch, lam) {
  return branch.constant.map((constant, i) => {
    const rest = ONE.minus(lam.times(branch.weights ? branch.weights[i] : ONE));
    return constant.map((each, a) => (branch.slope[i][a].sign ? each.plus(branch.slope[i][a].over(rest)) : each));
  });
}

function holdsAt(statement, lam) {
  return statement.lo.compare(lam) <= 0 && (statement.hi === null || lam.compare(statement.hi) <= 0);
}

function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

// "both play stag", or what each of the players does.
function doing(statement, players, actions) {
  const verbs = statement.supports.map((own, i) => {
    const names = own.map((a) => actions[i][a]);
    return names.length === 1 ? ["play", names[0]] : ["mix", listed(names)];
  });
  const same = players.length > 1 && verbs.every(([verb, what]) => verb === verbs[0][0] && what === verbs[0][1]);
  if (same) return `${players.length === 2 ? "both" : "all"} ${verbs[0].join(" ")}`;
  return listed(players.map((player, i) => `${player} ${verbs[i][0]}${verbs[i][0] === "mix" ? "es" : "s"} ${verbs[i][1]}`));
}

function span({ lo, hi, last }) {
  if (hi === null) return lo.sign ? `for every λ ≥ ${fractionText(lo)}` : "for every λ ≥ 0";
  if (lo.compare(hi) === 0) return `only at λ = ${fractionText(lo)}`;
  if (!lo.sign && hi.compare(last) === 0) return `for every λ from 0 to ${fractionText(last)}`;
  return `for ${fractionText(lo)} ≤ λ ≤ ${fractionText(hi)}`;
}

// How often the actions of mixed strategies are played, as functions of λ; empty for pure ones.
function mixtures(statement, players, actions) {
  const texts = statement.supports.map((own, i) => (own.length < 2 ? "" : own.map((a) => `${actions[i][a]} ${chanceText(statement, i, a)}`).join(", ")));
  const mixing = texts.map((_, i) => i).filter((i) => texts[i]);
  if (mixing.length === players.length && players.length > 1 && new Set(texts).size === 1) return [ended(`Each plays ${texts[0]}`)];
  return mixing.map((i) => ended(capital(`${players[i]} plays ${texts[i]}`)));
}

function chanceText(statement, i, a) {
  const { pieces, lo, hi } = statement;
  const [constant, slope] = [pieces[0].constant[i][a], pieces[0].slope[i][a]];
  if (pieces.length === 1 && !slope.sign) return `with probability ${fractionText(constant)}`;
  const ends = [strategiesAt(pieces[0], lo)[i][a], strategiesAt(pieces[pieces.length - 1], hi)[i][a]].map(fractionText);
  const range = ends[0] === ends[1] ? ends[0] : `from ${ends[0]} to ${ends[1]}`;
  const plain = pieces.length === 1 && isShort(constant) && isShort(slope);
  return plain ? `with probability ${formula(constant, slope, pieces[0].weights ? pieces[0].weights[i] : ONE)}, ${range}` : `with probability ${range}`;
}

function formula(constant, slope, weight) {
  const size = slope.sign < 0 ? ZERO.minus(slope) : slope;
  const below = `(1 − ${String(weight) === "1" ? "" : String(weight)}λ)`;
  const above = size.denominator === 1n ? `${size.numerator}/${below}` : `${size.numerator}/(${size.denominator}${below})`;
  if (!constant.sign) return slope.sign < 0 ? `−${above}` : above;
  if (constant.sign < 0) return `${above} − ${ZERO.minus(constant)}`;
  return `${constant} ${slope.sign < 0 ? "−" : "+"} ${above}`;
}

function ended(text) {
  return text.endsWith("…") ? text : `${text}.`;
}

function capital(text) {
  const [first, ...rest] = Array.from(text);
  return [first.toUpperCase(), ...rest].join("");
}

// A list of sentences; those that hold at λ are marked. Choosing one calls `choose`.
function statementList(found, players, actions, lam, choose) {
  return el("ul", { class: "statements" }, ...found.map((statement) => {
    const holds = holdsAt(statement, lam);
    const more = mixtures(statement, players, actions);
    const label = el("span", {}, el("strong", {}, named(capital(doing(statement, players, actions)))), ": an equilibrium ", el("span", { class: "together" }, ended(span(statement))));
    return el("li", { class: holds ? "holds" : "fails" },
      el("span", { class: "mark", role: "img", "aria-label": holds ? "holds at this λ:" : "does not hold at this λ:" }, holds ? "●" : "○"),
      el("div", {}, choose && holds ? el("button", { type: "button", class: "plain", onclick: () => choose(statement) }, label) : label,
        ...(more.length ? [el("div", { class: "quiet small" }, ...more.map((line) => el("div", {}, line)))] : [])));
  }));
}
