/**
 * Dialogs: the browser's own, which keeps the focus inside, closes on Escape and gives the focus back.
 */
import { el } from "./text.js";

/**
 * Opens a dialog with a title and what stands in it.
 * @param {string} title
 * @param {...Node} children
 * @returns {HTMLDialogElement}
 */
export function open(title, ...children) {
  const close = el("button", { type: "button", class: "dialog-close", "aria-label": "Close" }, "✕");
  const heading = el("h2", { id: "dialog-title", tabindex: "-1" }, title);
  /** @type {HTMLDialogElement} */
  const dialog = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, el("div", { class: "dialog-head" }, heading, close), ...children);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  // Escape closes the dialog, and not the panel behind it too
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  heading.focus();
  return dialog;
}

/**
 * A text that can be copied, with its button. Where the browser gives no clipboard, as to pages from a folder, the text
 * is selected, so that it can be copied by hand.
 * @param {string} name
 * @param {string} text
 * @param {{rows?: number}} [how]
 */
export function copyable(name, text, { rows = 1 } = {}) {
  const id = `copy-${name.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  const field = el(rows > 1 ? "textarea" : "input", { id, class: "copy-text", readonly: true, spellcheck: "false", rows: rows > 1 ? rows : null });
  field.value = text;
  const said = el("span", { class: "quiet", role: "status" });
  const button = el("button", { type: "button", "aria-label": `Copy: ${name}` }, "Copy");
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Selected: copy it with your keyboard";
    }
  });
  return el("div", { class: "copy" }, el("label", { for: id }, name), el("div", { class: "copy-row" }, field, button), said);
}
