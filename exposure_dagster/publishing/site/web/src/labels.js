/**
 * Text in a given space: how wide it is, in which lines it fits, in which size. Words are never cut.
 */
const SMALLEST = 11;
const LARGEST = 17;
export const LINE = 1.08;
/** By how much letters stand closer than they would, of the font's size: whoever draws measured text says so. */
export const TIGHT = 0.025;
/** Words that say nothing at the end of what is left of a title. */
const WEAK = new Set(["a", "all", "and", "except", "for", "in", "of", "on", "or", "other", "the", "to", "with", "&"]);

/** How long words are abbreviated where the whole of them has no room. */
const ABBREVIATED = {
  Accountants: "Accts.",
  Administrative: "Admin.",
  Administrators: "Admins.",
  Agricultural: "Agric.",
  Architects: "Archs.",
  Architectural: "Arch.",
  Assistants: "Assts.",
  Computer: "Comp.",
  Construction: "Constr.",
  Counselors: "Couns.",
  Detectives: "Det.",
  Electrical: "Elec.",
  Electronics: "Electron.",
  Engineering: "Eng.",
  Engineers: "Engrs.",
  Environmental: "Environ.",
  Equipment: "Equip.",
  Financial: "Fin.",
  Industrial: "Indus.",
  Information: "Info.",
  Inspectors: "Insp.",
  Installers: "Inst.",
  Instructional: "Instr.",
  Maintenance: "Maint.",
  Management: "Mgmt.",
  Managers: "Mgrs.",
  Manufacturing: "Mfg.",
  Mechanical: "Mech.",
  Mechanics: "Mech.",
  Occupational: "Occup.",
  Operators: "Oprs.",
  Physical: "Phys.",
  Physicians: "Phys.",
  Preparation: "Prep.",
  Psychologists: "Psych.",
  Recreation: "Rec.",
  Representatives: "Reps.",
  Scientists: "Sci.",
  Secretaries: "Secr.",
  Specialists: "Spec.",
  Supervisors: "Supv.",
  Teachers: "Tchrs.",
  Technicians: "Techs.",
  Technologists: "Techs.",
  Therapists: "Ther.",
  Transportation: "Transp.",
  Workers: "Wkrs.",
};

/** A name with its long words abbreviated: the same where it has none. */
export const abbreviated = (name) => name.replace(/\p{L}+/gu, (word) => ABBREVIATED[word] ?? word).replaceAll(".,", ",");

const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

/** @param {string} char */
function charWidth(char) {
  let width = widths.get(char);
  if (width === undefined) {
    if (!widths.size) pen.font = `100px ${getComputedStyle(document.body).fontFamily}`;
    width = pen.measureText(char).width / 100;
    widths.set(char, width);
  }
  return width;
}

/** Width of a text at 1 px of font size, near enough: a sum of characters, since there are thousands of words. */
export function unitWidth(text) {
  let width = 0;
  for (const char of text) width += charWidth(char) - TIGHT;
  return width;
}

/** The words of a text; a word may end where it has a hyphen or a slash. */
const wordsOf = (text) => text.split(/\s+|(?<=\p{L}[-/])(?=\p{L})/u).filter(Boolean);

/** Words to lines no wider than a width (in units of font size); null where a word is wider. */
export function wrapped(text, width) {
  const lines = [];
  for (const word of wordsOf(text)) {
    if (unitWidth(word) > width) return null;
    const last = lines[lines.length - 1];
    const joined = last === undefined ? word : /[-/]$/.test(last) ? last + word : `${last} ${word}`;
    if (last !== undefined && unitWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}

/** The text without its last words, longest first, with an ellipsis. */
function* shorter(text) {
  const words = text.split(/\s+/);
  for (let count = words.length - 1; count > 0; count -= 1) {
    const last = words[count - 1].replace(/[,;:.]+$/, "");
    if (WEAK.has(last.toLowerCase()) || last.length < 3) continue;
    yield `${[...words.slice(0, count - 1), last].join(" ")}…`;
  }
}

/** The text in the largest size with which it fits a box, or null. */
function fit(text, width, height, largest) {
  for (let size = largest; size >= SMALLEST; size = size > SMALLEST ? Math.max(SMALLEST, size - 1) : 0) {
    const room = Math.floor(height / (LINE * size) + 0.15);
    if (room < 1) continue;
    const lines = wrapped(text, width / size);
    if (!lines || lines.length > room) continue;
    return { lines, size, hasRoom: lines.length < room };
  }
  return null;
}

/**
 * A label for a box: the first of some names that fits it, or the beginning of the shortest of them; or null.
 * @param {string[]} names longest first
 * @param {number} width @param {number} height
 * @returns {{lines: string[], size: number, hasRoom: boolean}|null} whether there is room for a line below
 */
export function label(names, width, height) {
  if (height < SMALLEST || width < 2 * SMALLEST) return null;
  const largest = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(Math.sqrt(width * height) / 7)));
  for (const name of names) {
    const found = fit(name, width, height, largest);
    if (found) return found;
  }
  for (const name of shorter(names[names.length - 1])) {
    const found = fit(name, width, height, SMALLEST);
    if (found) return found;
  }
  return null;
}

/** One line no wider than a width, whole words; empty where not even the first fits. */
export function line(text, width, size) {
  if (unitWidth(text) * size <= width) return text;
  for (const part of shorter(text)) if (unitWidth(part) * size <= width) return part;
  return "";
}
