"""What tests of pages ask of every page in a browser."""

from __future__ import annotations

# Ratio of the luminances of each text and its background, the lowest one, with the text. Numbers on discs are left out:
# they have the colours of a player's name and its ground, exchanged.
CONTRAST = """() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, under) => top.slice(0, 3).map((v, k) => top[3] * v + (1 - top[3]) * under[k]);
  const light = (rgb) => rgb.map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (node) => node === null ? [255, 255, 255]
    : over(parse(getComputedStyle(node).backgroundColor), ground(node.parentElement));
  const found = [...document.querySelectorAll("body *")]
    .filter((node) => node.checkVisibility() && !node.disabled && !node.closest("script, .on-piece"))
    .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .map((node) => {
      const style = getComputedStyle(node);
      const pair = [over(parse(node.closest("svg") ? style.fill : style.color), ground(node)), ground(node)].map(light);
      return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), node.textContent];
    });
  return found.sort((a, b) => a[0] - b[0])[0];
}"""


def violations(page, axe):
    """What axe-core finds of serious or critical impact: rules, and where they are broken."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in serious]
