/**
 * The published data (`data.json`), as the document that document.py describes.
 */
site.content = await (async () => {
  const packed = Uint8Array.from(atob(globalThis.packedData), (char) => char.charCodeAt(0));
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(text).text());
})();
