// The game: matrices for two and three players, a list for more, with what the solution plays in colour.

// Actions of a player beyond which a matrix is set smaller, and its payoffs are rounded more.
const LARGE = 6;

function payoffTable(lesson) {
  const { part, players, names } = lesson.stage();
  const chances = part.joint.map((joint) => lesson.chance(joint));
  if (part.layout === "list") return [payoffList(lesson, part, players, names, chances)];
  const cells = new Map(part.joint.map((joint, k) => [joint.join(), k]));
  const shown = names.map((_, i) => [...new Set(part.joint.map((joint) => joint[i]))]);
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
        return payoffCell(lesson, part, k, chances[k], large);
      })));
    return scrolling("Payoffs", el("table", { class: large ? "matrix large" : "matrix" }, caption, el("thead", {}, head), el("tbody", {}, ...body)));
  });
  return [el("div", { class: "side-by-side" }, ...matrices)];
}

function coloured(players, i) {
  return el("span", { class: `player-${i}` }, named(players[i]));
}

function payoffCell(lesson, part, k, chance, large) {
  const numbers = part.payoffs[k].flatMap((payoff, i) => [
    ...(i ? [", "] : []),
    el("span", { class: `player-${i}`, title: String(payoff) }, large ? coarse(payoff, lesson.scale) : lesson.text(payoff)),
  ]);
  const cell = el("td", { class: chance > 0 ? "played" : null }, ...numbers);
  cell.style.setProperty("--share", chance);
  if (chance > 0) cell.append(el("span", { class: "chance" }, `played: ${percent(chance)}`));
  if (part.next) cell.append(el("span", { class: "next" }, following(part.next[k])));
  return cell;
}

function payoffList(lesson, part, players, names, chances) {
  const states = part.next ? ["what follows"] : [];
  const heads = [...players, ...players.map((name) => `payoff of ${name}`), "played", ...states];
  const rows = part.joint.map((joint, k) => el("tr", { class: chances[k] > 0 ? "played" : null },
    ...joint.map((a, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, named(names[i][a]))),
    ...part.payoffs[k].map((payoff) => el("td", { class: "number", title: String(payoff) }, lesson.text(payoff))),
    el("td", { class: "number" }, chances[k] > 0 ? percent(chances[k]) : ""),
    ...(part.next ? [el("td", {}, following(part.next[k]))] : [])));
  return scrolling("Payoffs", el("table", { class: "large" },
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, named(head))))),
    el("tbody", {}, ...rows)));
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
    parts.push("In each cell the first number is the payoff of ", coloured(players, 0), ", the second that of ", coloured(players, 1), ". ");
  } else if (part.layout === "matrices") {
    parts.push(`Each cell holds the payoffs of ${players.join(", ")}, in this order. `);
  }
  if (state !== null) parts.push("The table is for the state ", el("strong", {}, named(state)), ", and an arrow says what state follows. ");
  if (part.left_out) parts.push(`The game is large: ${part.left_out.toLocaleString("en")} more joint actions are not shown here. `);
  const isLarge = byId("payoffs").querySelector(".large") !== null;
  if (isLarge && part.payoffs.flat().some((payoff) => coarse(payoff, lesson.scale) !== lesson.text(payoff))) parts.push("Payoffs in the table are rounded; point at one to see all its digits. ");
  if (lesson.solution() !== undefined) parts.push("What the solution plays is framed or shaded.");
  return parts;
}
