// What everybody gets when one player leaves the solution.

function deviationTables(lesson, j, a) {
  const keys = lesson.stochastic
    ? [["payoff from the start", (i) => `start_task/${i}`], ["payoff from the state shown on", (i) => `task/${i}/${lesson.state}`]]
    : [["payoff", (i) => `task/${i}`], ["utility", (i) => `utility/${i}`]];
  return el("div", { class: "side-by-side" }, ...keys.map(([name, key]) => {
    const rows = lesson.game.players.map((player, i) => {
      const [now, then] = [key(i), `what_if/${j}/${a}/${key(i)}`];
      return [named(player), lesson.number(now), lesson.number(then), change(lesson, now, then)];
    });
    return table(name, ["player", "now", "then", "change"], rows, [1, 2, 3]);
  }));
}

function change(lesson, before, after) {
  const difference = lesson.look(after) - lesson.look(before);
  // What is left when two numbers cancel is rounding.
  const scale = lesson.scaleAt(before);
  const text = Math.abs(difference) < 1e-9 * scale ? "0" : lesson.text(difference, scale);
  return text === "0" || difference < 0 ? text : `+${text}`;
}

function deviationText(lesson, j, a) {
  const player = named(lesson.game.players[j]);
  if (lesson.stochastic) return el("p", {}, player, " plays this action for ever, in every state that has it, and plays as before in all other states.");
  const gain = lesson.look(`what_if/${j}/${a}/utility/${j}`) - lesson.look(`utility/${j}`);
  const slack = Math.max(1e-9 * lesson.scales[j], lesson.solution().certificate.regrets[j]);
  if (Math.abs(gain) <= slack) return el("p", {}, "It makes no difference to the utility of ", player, ".");
  return el("p", {}, player, " would lose utility, and so does not do it.");
}

function worstTable(lesson) {
  const { players } = lesson.game;
  const rows = [["plays as in the solution", ...players.map((_, i) => lesson.number(`start_task/${i}`))]];
  Object.keys(lesson.solution().worst).forEach((label) => {
    rows.push([manner(label, "this player"), ...players.map((_, i) => lesson.number(`worst/${label}/${i}`))]);
  });
  const columns = ["if another player", ...players.map((name) => el("span", {}, "least for ", named(name)))];
  return table("", columns, rows, players.map((_, i) => i + 1));
}

function offPolicyTable(lesson) {
  const { players } = lesson.game;
  const rows = lesson.solution().off_policy.map((entry, k) => [
    named(players[entry.deviator]),
    manner(entry.how, entry.against === null ? "" : named(players[entry.against])),
    ...players.map((_, i) => lesson.number(`off_policy/${k}/start_task/${i}`)),
  ]);
  const columns = ["who deviates", "what this player does", ...players.map((name) => el("span", {}, "payoff of ", named(name)))];
  return table("", columns, rows, players.map((_, i) => i + 2));
}

// What a player does who leaves the solution, from a label such as "adversarial for 10 steps".
function manner(label, victim) {
  const [kind, ...time] = label.split(" ");
  if (kind === "adversarial") return el("span", {}, "acts against ", victim, ` ${time.join(" ")}`);
  return kind === "freeze" ? "always plays the same action" : "plays every action equally often";
}
