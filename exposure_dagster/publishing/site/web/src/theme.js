/**
 * Light or dark: as the system says, until the reader chooses.
 */
import { byId } from "./text.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
const ORDER = ["auto", "light", "dark"];
const resolved = new Map();
let chosen = stored();

function stored() {
  try {
    return ORDER.find((name) => name === localStorage.getItem("theme")) || "auto";
  } catch {
    return "auto"; // a browser may forbid storage to pages from a folder
  }
}

function store() {
  try {
    localStorage.setItem("theme", chosen);
  } catch {
    // the choice then lasts as long as the page
  }
}

export const isDark = () => chosen === "dark" || (chosen === "auto" && system.matches);

/** Puts the choice on the page; `changed` is called whenever the colours change. */
export function start(button, changed) {
  const show = () => {
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    resolved.clear();
    button.textContent = `Theme: ${NAMES[chosen]}`;
  };
  button.addEventListener("click", () => {
    chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length];
    store();
    show();
    changed();
  });
  system.addEventListener("change", () => {
    resolved.clear();
    changed();
  });
  show();
}

/** The value of a CSS custom property that holds a colour, as the page resolves it now. */
export function css(name) {
  if (!resolved.has(name)) {
    const probe = byId("colour-probe");
    probe.style.color = `var(${name})`;
    resolved.set(name, getComputedStyle(probe).color);
  }
  return resolved.get(name);
}
