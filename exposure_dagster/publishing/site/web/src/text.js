/**
 * Making elements. Text from pages and models only ever becomes a text node here, never markup.
 */

/**
 * An element with properties and children. `data-*`, `aria-*`, `role` and the like are given as attributes;
 * `on…` properties are listeners; null and undefined are left out.
 * @param {string} tag
 * @param {Object<string, any>} [properties]
 * @param {...(Node|string|number|null|undefined)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Foreign text that cannot turn the direction of what stands beside it. */
export const foreign = (text) => el("bdi", {}, text);

/** A source as an item of a list, with its address and licence where they are known. */
export function credited({ source, url, licence }) {
  const name = url ? el("a", { href: url, rel: "noreferrer", class: "out" }, foreign(source)) : foreign(source);
  return el("li", {}, name, ".", licence ? " " : null, licence ? foreign(licence) : null);
}

/** Replaces an element's children. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * A part of the page, by its id: each is there, and whoever asks knows its kind.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/** Lower case, without accents and punctuation: what is compared in searches. */
export const folded = (text) =>
  text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
