// Dark or light: as the system has it, until somebody chooses.

function theme(name) {
  document.documentElement.dataset.theme = name;
  document.getElementById("theme").setAttribute("aria-pressed", name === "dark");
}

const dark = matchMedia("(prefers-color-scheme: dark)");
let chosen = false;
theme(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => chosen || theme(dark.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => {
  chosen = true;
  theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
});
