/**
 * The published data (`data.json`), as the document that document.py describes.
 */
site.unpacked = async (packed) => {
  const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(text).text());
};
site.content = await site.unpacked(globalThis.packedData);
