// Building elements. Names from a game are only ever text, never markup.

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function el(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

function show(id, ...children) {
  byId(id).replaceChildren(...children);
}

// A name from the game, kept from mixing its direction of writing with the text around it; a short one on one line.
function named(text) {
  return el("bdi", { class: text.length < 17 ? "short" : null }, text);
}

// Names that only count, as "0" and "1" do, with a word before them.
function spoken(names, word) {
  return names.every((name, i) => name === String(i)) ? names.map((name) => `${word} ${name}`) : names;
}

// Up to five digits, with a power of ten if there are many before the point. A difference from zero that is rounding,
// given the scale of all payoffs, is zero.
function rounded(value, scale) {
  if (typeof value === "string") return value;
  if (value === null) return "unknown";
  return Math.abs(value) < 1e-12 * scale ? "0" : digits(value, 5);
}

// The number that a payoff stands for, which is a text such as "1/3" where floats cannot hold it.
function numeric(payoff) {
  const [above, below = "1"] = String(payoff).split("/");
  return Number(above) / Number(below);
}

function digits(value, most) {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const number = Number(value.toPrecision(most));
  return Math.abs(number) < 1e6 ? String(number) : number.toExponential().replace("e+", "e");
}

// As a fraction where it is one of a small denominator up to rounding, else with up to five digits.
function fractional(value, scale) {
  if (typeof value !== "number" || Number.isInteger(value) || Math.abs(value) > 1e6) return rounded(value, scale);
  for (let below = 1; below <= 60; below += 1) {
    const above = Math.round(value * below);
    if (above && Math.abs(value * below - above) < 1e-12 * Math.max(1, Math.abs(above))) return below > 1 ? `${above}/${below}` : String(above);
  }
  return rounded(value, scale);
}

// Rounded to a step of a thousandth or so of the scale.
function coarse(value, scale) {
  if (typeof value === "string") return value;
  const step = 10 ** (Math.ceil(Math.log10(scale)) - 3);
  return rounded(Math.round(value / step) * step, scale);
}

function shortened(text, most) {
  const letters = Array.from(text);
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
}

// Shortened in the middle, for names of which the end tells them apart.
function shortenedInside(text, most) {
  const letters = Array.from(text);
  const last = Math.floor((most - 1) / 2);
  return letters.length > most ? [...letters.slice(0, most - 1 - last), "…", ...letters.slice(-last)].join("") : text;
}

function counted(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

// Rows are lists of cells, a cell a node or text; the first cell of each row is its header.
function table(caption, columns, rows, numbers = [], arranged = (made) => made) {
  const heads = columns.map((column, k) => el("th", { scope: "col", class: numbers.includes(k) ? "number" : null }, column));
  const body = rows.map((row) =>
    el("tr", {}, ...row.map((cell, k) => (k === 0
      ? el("th", { scope: "row" }, cell)
      : el("td", { class: numbers.includes(k) ? "number" : null }, cell)))));
  return scrolling(caption, arranged(el("table", {},
    ...(caption ? [el("caption", {}, caption)] : []),
    el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...body))));
}

const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

// Let a table become a list on a narrow screen: each row a block, each of its cells a line that begins with the name of
// the column.
function stacked(made) {
  made.classList.add("stacked");
  const heads = [...made.tHead.rows[0].cells].map((head) => head.textContent);
  // Roles are named, because some browsers forget them where a table is not displayed as one.
  [made, ...made.querySelectorAll("thead, tbody, tr, th, td")].forEach((node) => {
    node.setAttribute("role", ROLES[node.tagName] || (node.scope === "col" ? "columnheader" : "rowheader"));
    if (node.tagName === "TD") node.dataset.column = heads[node.cellIndex];
  });
  return made;
}

// A box that scrolls by itself where the window is too narrow, or the table long.
function scrolling(label, child) {
  return el("div", { class: "scroll", role: "group", "aria-label": label || "Table" }, child);
}

// Boxes that have something to scroll can be reached by the keyboard, and others are no stops.
function markScrolling() {
  document.querySelectorAll(".scroll").forEach((box) => {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  });
}
