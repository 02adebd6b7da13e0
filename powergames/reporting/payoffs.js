// The game: matrices for two and three players, a list for more, with what the solution plays in colour.

// Actions of a player beyond which a matrix is set smaller, and its payoffs are rounded more; and beyond which it gets the
// whole width of the page, as do long payoffs: letters of a row.
const LARGE = 6;
const NARROW = 2;
const SHORT_ROW = 36;

function payoffTable(lesson) {
  const { part, players, names } = lesson.stage();
  const chances = part.joint.map((joint) => lesson.chance(joint));
  if (part.layout === "list") return [payoffList(lesson, part, players, names, chances)];
  const cells = new Map(part.joint.map((joint, k) => [joint.join(), k]));
  const shown = names.map((_, i) => [...new Set(part.joint.map((joint) => joint[i]))]);
  const values = lesson.showUtility ? utilities(lesson, part, cells) : part.payoffs;
  const best = lesson.stochastic || part.left_out ? null : bestReplies(part.joint, values, cells, lesson.scales);
  const matrices = (shown[2] || [null]).map((third) => {
    const caption = third === null
      ? el("caption", {}, "Rows: ", coloured(players, 0), ". Columns: ", coloured(players, 1), ".")
      : el("caption", {}, named(players[2]), " plays ", el("strong", {}, named(names[2][third])), ". Rows: ",
        coloured(players, 0), ". Columns: ", coloured(players, 1), ".");
    const large = Math.max(shown[0].length, shown[1].length) > LARGE;
    const head = el("tr", {}, el("td", {}), ...shown[1].map((b) => el("th", { scope: "col" }, named(names[1][b]))));
    const body = shown[0].map((a) => el("tr", {}, el("th", { scope: "row" }, named(names[0][a])),
      ...shown[1].map((b) => {
        const k = cells.get((third === null ? [a, b] : [a, b, third]).join());
        return payoffCell(lesson, part, values, k, chances[k], large, best && best[k]);
      })));
    const width = large ? " large" : shown[1].length > NARROW || rowLength(part, names[1], players.length) > SHORT_ROW ? " wide" : "";
    return scrolling("Payoffs", el("table", { class: `matrix${width}` }, caption, el("thead", {}, head), el("tbody", {}, ...body)));
  });
  return [el("div", { class: "side-by-side" }, ...matrices)];
}

// About how many letters a row of a matrix has at most.
function rowLength(part, columns, players) {
  const longest = Math.max(...part.payoffs.flat().map((payoff) => rounded(payoff, 1).length));
  return columns.reduce((total, name) => total + Math.max(name.length, (longest + 2) * players), 0);
}

function coloured(players, i) {
  return el("span", { class: `player-${i}` }, named(players[i]));
}

function payoffCell(lesson, part, values, k, chance, large, best) {
  const text = (value, i) => (large ? coarse(value, lesson.scales[i]) : values === part.payoffs ? rounded(value, lesson.scales[i]) : lesson.text(value, lesson.scales[i]));
  const numbers = values[k].flatMap((value, i) => [
    ...(i ? [", "] : []),
    el("span", { class: `player-${i}${best && best[i] === part.joint[k][i] ? " best-reply" : ""}`, title: String(value) }, text(value, i)),
  ]);
  const cell = el("td", { class: chance > 0 ? "played" : null }, ...numbers);
  cell.style.setProperty("--share", chance);
  const arrows = best ? replyArrows(lesson.game.players, lesson.stage().names, part.joint[k], best) : [];
  if (arrows.length) cell.append(el("span", { class: "arrows" }, ...arrows));
  if (chance > 0) cell.append(el("span", { class: "chance" }, el("span", { class: "word" }, "played: "), percent(chance)));
  if (part.next) cell.append(el("span", { class: "next" }, following(part.next[k])));
  return cell;
}

// For each joint action and each player, the player's best action against what the others play there: the one that is
// played there if it is among the best.
function bestReplies(joint, values, cells, scales) {
  return joint.map((own, k) => own.map((action, i) => {
    const other = (a) => cells.get(own.map((each, j) => (j === i ? a : each)).join());
    let [best, most] = [action, numeric(values[k][i])];
    for (let a = 0; other(a) !== undefined; a += 1) {
      const value = numeric(values[other(a)][i]);
      if (value > most + 1e-12 * scales[i]) [best, most] = [a, value];
    }
    return best;
  }));
}

// Where the player of the rows and that of the columns would rather go.
function replyArrows(players, names, joint, best) {
  return [0, 1].filter((i) => i < joint.length && best[i] !== joint[i]).map((i) => {
    const back = best[i] < joint[i];
    const sign = i ? (back ? "←" : "→") : back ? "↑" : "↓";
    const words = `${players[i]} would rather play ${names[i][best[i]]}`;
    return el("span", { class: `player-${i}`, role: "img", "aria-label": words, title: words }, sign);
  });
}

// Payoff minus λ times the power of the others, if everybody plays one action for sure.
function utilities(lesson, part, cells) {
  const { aggregate } = lesson.points[0].objective;
  const n = lesson.game.players.length;
  return part.joint.map((own, k) => own.map((_, i) => {
    const value = (joint) => numeric(part.payoffs[cells.get(joint.join())][i]);
    const powers = own.map((__, j) => {
      if (j === i) return 0;
      const could = lesson.stage().names[j].map((___, a) => value(own.map((each, l) => (l === j ? a : each))));
      return numeric(part.payoffs[k][i]) - Math.min(...could);
    });
    const weight = (j) => (Array.isArray(aggregate) ? numeric(aggregate[i][j]) : aggregate === "mean" ? 1 / (n - 1) : 1);
    const power = aggregate === "max" ? Math.max(...powers) : powers.reduce((sum, each, j) => sum + (j === i ? 0 : weight(j) * each), 0);
    return numeric(part.payoffs[k][i]) - lesson.lam() * power;
  }));
}

function payoffList(lesson, part, players, names, chances) {
  const states = part.next ? ["what follows"] : [];
  const heads = [...players, ...players.map((name) => `payoff of ${name}`), "played", ...states];
  const rows = part.joint.map((joint, k) => el("tr", { class: chances[k] > 0 ? "played" : null },
    ...joint.map((a, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, named(names[i][a]))),
    ...part.payoffs[k].map((payoff, i) => el("td", { class: "number", title: String(payoff) }, rounded(payoff, lesson.scales[i]))),
    el("td", { class: "number" }, chances[k] > 0 ? percent(chances[k]) : ""),
    ...(part.next ? [el("td", {}, following(part.next[k]))] : [])));
  return scrolling("Payoffs", el("table", { class: "large" },
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, named(head))))),
    el("tbody", {}, ...rows)));
}

// Scroll a long table to what the solution plays, if that is out of sight.
function showPlayed(box) {
  const played = box.querySelector(".played");
  if (played === null) return;
  const [inner, outer] = [played.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.bottom > outer.top + box.clientHeight || inner.top < outer.top) box.scrollTop += inner.top - outer.top - (box.clientHeight - inner.height) / 2;
  if (played.tagName !== "TD") return;
  if (inner.right > outer.left + box.clientWidth || inner.left < outer.left) box.scrollLeft += inner.left - outer.left - (box.clientWidth - inner.width) / 2;
}

function percent(chance) {
  const value = 100 * chance;
  return value < 0.1 ? "under 0.1 %" : `${Number(value.toPrecision(3))} %`;
}

function following(next) {
  if (next.length === 1 && next[0][1] > 0.999999) return `→ ${next[0][0]}`;
  const known = next.reduce((sum, [, chance]) => sum + chance, 0);
  const rest = known < 0.999 ? ", others" : "";
  return `→ ${next.map(([name, chance]) => `${name} ${percent(chance)}`).join(", ")}${rest}`;
}

function payoffNote(lesson) {
  const { part, players, state } = lesson.stage();
  const parts = [];
  if (players.length === 2 && part.layout === "matrices") {
    const what = state === null ? "the payoff" : "the payoff in this step";
    parts.push(`In each cell the first number is ${what} of `, coloured(players, 0), ", the second that of ", coloured(players, 1), ". ");
  } else if (part.layout === "matrices") {
    parts.push(`Each cell holds the payoffs${state === null ? "" : " in this step"} of ${listed(players)}, in this order. `);
  }
  if (!lesson.stochastic && part.layout === "matrices" && !part.left_out) {
    parts.push(lesson.showUtility
      ? `Utility at λ = ${lesson.lamText()}: payoff minus λ times the power of the others. Underlined: a best reply among single actions; a mixture may be better still. `
      : "Underlined: a best reply to what the others play there. ", "An arrow shows where a player would rather go. ");
  }
  if (state !== null) parts.push(`The table is for ${lesson.stateArticle()}`, el("strong", {}, named(state)), ". An arrow → says which state comes next. ");
  if (state !== null && !part.left_out && part.payoffs.flat().every((payoff) => numeric(payoff) === 0)) parts.push("Nobody is paid in this step, whatever they play. ");
  if (part.left_out) parts.push(`The game is large: ${part.left_out.toLocaleString("en")} more joint actions are not shown here. `);
  const isLarge = byId("payoffs").querySelector(".large") !== null;
  if (isLarge && part.payoffs.some((own) => own.some((payoff, i) => coarse(payoff, lesson.scales[i]) !== rounded(payoff, lesson.scales[i])))) parts.push("Payoffs in the table are rounded", el("span", { class: "screen" }, "; point at one to see all its digits"), ". ");
  if (lesson.solution() !== undefined) parts.push("What the solution plays is framed or shaded, with its probability.");
  return parts;
}
