// Fractions of any size, and linear systems in integers. Nothing here knows of games.

function divisor(a, b) {
  let [large, small] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (small) [large, small] = [small, large % small];
  return large;
}

class Fraction {
  constructor(numerator, denominator = 1n) {
    const shared = divisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
    this.numerator = numerator / shared;
    this.denominator = denominator / shared;
  }

  // Read "3", "-0.25", "2/3" or "1e-2"; null for anything else.
  static read(text) {
    const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,2}))?(?:\/(\d+))?$/i.exec(String(text).trim().replace("−", "-"));
    if (parts === null) return null;
    const [, sign, whole = "", after = "", exponent = "0", below = "1"] = parts;
    if (!(whole + after) || !Number(below)) return null;
    const power = Number(exponent) - after.length;
    const digits = BigInt(`${sign}${whole}${after}`);
    return new Fraction(digits * 10n ** BigInt(Math.max(power, 0)), BigInt(below) * 10n ** BigInt(Math.max(-power, 0)));
  }

  plus(other) {
    return new Fraction(this.numerator * other.denominator + other.numerator * this.denominator, this.denominator * other.denominator);
  }

  minus(other) {
    return new Fraction(this.numerator * other.denominator - other.numerator * this.denominator, this.denominator * other.denominator);
  }

  times(other) {
    return new Fraction(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  over(other) {
    return new Fraction(this.numerator * other.denominator, this.denominator * other.numerator);
  }

  // Negative, zero or positive as this is less than, equal to or greater than the other.
  compare(other) {
    const difference = this.numerator * other.denominator - other.numerator * this.denominator;
    return difference < 0n ? -1 : Number(difference > 0n);
  }

  get sign() {
    return this.numerator < 0n ? -1 : Number(this.numerator > 0n);
  }

  get number() {
    // Digits beyond those of a double would overflow.
    const extra = BigInt(Math.max(0, Math.max(this.numerator.toString(2).length, this.denominator.toString(2).length) - 1000));
    return Number(this.numerator >> extra) / Number(this.denominator >> extra);
  }

  toString() {
    return this.denominator === 1n ? String(this.numerator) : `${this.numerator}/${this.denominator}`;
  }
}

const ZERO = new Fraction(0n);
const ONE = new Fraction(1n);

function sum(fractions) {
  return fractions.reduce((total, each) => total.plus(each), ZERO);
}

function product(left, right) {
  return sum(left.map((each, k) => each.times(right[k])));
}

function least(fractions) {
  return fractions.reduce((best, each) => (each.compare(best) < 0 ? each : best));
}

function greatest(fractions) {
  return fractions.reduce((best, each) => (each.compare(best) > 0 ? each : best));
}

// A text that tells strategies apart.
function keyOf(...strategies) {
  return strategies.map((strategy) => strategy.join(" ")).join(" | ");
}

// The middle of an interval.
function middle({ lo, hi }) {
  return lo.plus(hi).over(new Fraction(2n));
}

// The same row times a positive number, in integers without a common factor.
function integers(row) {
  const denominator = row.reduce((all, each) => all / divisor(all, each.denominator) * each.denominator, 1n);
  const scaled = row.map((each) => each.numerator * (denominator / each.denominator));
  const shared = scaled.reduce(divisor, 0n) || 1n;
  return scaled.map((each) => each / shared);
}

// Equations det * basic[i] + Σ_k rows[i][k] nonbasic[k] = rows[i][last], in integers. Every pivot divides without a
// remainder (Edmonds 1967, Bareiss 1968).
class Tableau {
  constructor(rows, basic, nonbasic) {
    Object.assign(this, { rows, basic: [...basic], nonbasic: [...nonbasic], det: 1n, origin: [...basic] });
  }

  pivot(row, column) {
    const { rows, det } = this;
    const own = rows[row];
    const pivot = own[column];
    const sign = pivot < 0n ? -1n : 1n;
    this.rows = rows.map((entries, i) => {
      if (i === row) return entries.map((entry, k) => sign * (k === column ? det : entry));
      const factor = entries[column];
      return entries.map((entry, k) => sign * (k === column ? -factor : (entry * pivot - factor * own[k]) / det));
    });
    this.det = sign * pivot;
    [this.basic[row], this.nonbasic[column]] = [this.nonbasic[column], this.basic[row]];
  }

  // The row that leaves when a column enters, by the lexicographic rule; -1 if none does.
  leaving(column) {
    let candidates = this.rows.map((_, i) => i).filter((i) => this.rows[i][column] > 0n);
    if (candidates.length) candidates = this.closest(candidates, column, this.nonbasic.length);
    for (const variable of this.origin) {
      if (candidates.length < 2) break;
      const place = this.nonbasic.indexOf(variable);
      // In the column of a basic variable only its own row has an entry, which is positive and loses the tie.
      candidates = place >= 0 ? this.closest(candidates, column, place) : candidates.filter((i) => this.basic[i] !== variable);
    }
    return candidates.length ? candidates[0] : -1;
  }

  // Those of the rows with the least ratio of one column to another.
  closest(candidates, column, numerator) {
    let best = [];
    candidates.forEach((i) => {
      const difference = best.length
        ? this.rows[i][numerator] * this.rows[best[0]][column] - this.rows[best[0]][numerator] * this.rows[i][column] : 0n;
      if (difference < 0n) best = [i];
      else if (difference === 0n) best.push(i);
    });
    return best;
  }
}

function bits(variables) {
  return variables.reduce((all, variable) => all | (1 << variable), 0);
}

// All bases of a polyhedron that is given at one vertex, made simple by a lexicographic perturbation: the variables that
// are nonbasic, those that are zero, both as bits, and the values of all as numerators with one denominator.
function allBases({ rows, basic, nonbasic, size }) {
  const tableau = new Tableau(rows, basic, nonbasic);
  const seen = new Set([bits(nonbasic)]);
  const found = [];
  const path = [{ row: -1, column: -1, next: 0 }];
  while (path.length) {
    const here = path[path.length - 1];
    if (here.next === 0) {
      const numerators = Array(size).fill(0n);
      tableau.basic.forEach((variable, i) => { numerators[variable] = tableau.rows[i][nonbasic.length]; });
      const zeros = bits(numerators.map((_, k) => k).filter((k) => numerators[k] === 0n));
      found.push({ basis: bits(tableau.nonbasic), zeros, numerators, denominator: tableau.det });
    }
    if (here.next === nonbasic.length) {
      path.pop();
      if (path.length) tableau.pivot(here.row, here.column);
      continue;
    }
    const column = here.next;
    here.next += 1;
    const row = tableau.leaving(column);
    if (row < 0) continue;
    const basis = bits(tableau.nonbasic) ^ (1 << tableau.nonbasic[column]) ^ (1 << tableau.basic[row]);
    if (seen.has(basis)) continue;
    seen.add(basis);
    tableau.pivot(row, column);
    path.push({ row, column, next: 0 });
  }
  return found;
}

// Each vertex once, however many bases it has.
function vertices(bases) {
  const first = new Map();
  bases.forEach((each) => first.has(each.zeros) || first.set(each.zeros, each));
  return [...first.values()].map(({ zeros, numerators, denominator }) => (
    { zeros, point: numerators.map((each) => new Fraction(each, denominator)) }));
}

// Whether a point is a mixture of others: a first phase of the simplex method, by the lexicographic rule.
function isMixture(point, others) {
  const target = [...point, ONE];
  const rows = target.map((value, k) => {
    const row = [...others.map((other) => (k < point.length ? other[k] : ONE)), value];
    return integers(value.sign < 0 ? row.map((each) => ZERO.minus(each)) : row);
  });
  const count = others.length;
  const artificial = rows.map((_, k) => count + k);
  const tableau = new Tableau(rows, artificial, others.map((_, k) => k));
  for (;;) {
    const missing = tableau.basic.map((_, i) => i).filter((i) => tableau.basic[i] >= count);
    if (missing.every((i) => tableau.rows[i][count] === 0n)) return true;
    const gain = (column) => missing.reduce((total, i) => total + tableau.rows[i][column], 0n);
    const column = tableau.nonbasic.findIndex((variable, k) => variable < count && gain(k) > 0n);
    if (column < 0) return false;
    tableau.pivot(tableau.leaving(column), column);
  }
}
