/**
 * The published data (`data.json`), as the document that document.py describes. What the map needs is in `data.js`;
 * reasons, other names and the like are in `more.js`, which is loaded when somebody wants them.
 */

/** @param {string} packed */
async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(text).text());
}

/**
 * A packed file beside the page, as a script: a page that is opened from a folder may load nothing else.
 * @param {string} file
 * @param {string} name the global that the script sets
 */
export async function packedFile(file, name) {
  const script = document.createElement("script");
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${file} is missing`));
    script.src = file;
    document.head.append(script);
  });
  return unpacked(globalThis[name]);
}

/** @type {any} */
export const content = await unpacked(globalThis.packedData);
