/**
 * Makes the site's script from src/: the committed `page/built/site.js`, and beside it the hash of what it was made from.
 * With --check nothing is written: the built script has to be, byte for byte, what lies here.
 */
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";

const HERE = new URL("./", import.meta.url);
const BUILT = new URL("../page/built/", HERE);
const PACKAGES = ["d3-axis", "d3-hierarchy", "d3-scale", "d3-selection", "minisearch"];
/** What these are made of themselves. */
const INNER = ["d3-array", "d3-color", "d3-format", "d3-interpolate", "d3-time", "d3-time-format", "internmap"];

const text = (name) => readFile(new URL(name, HERE), "utf8");

/** SHA-256 over name and content of every input, in order of names: test_site_bundle.py computes the same. */
async function inputsHash() {
  const sources = (await readdir(new URL("src/", HERE))).filter((name) => name.endsWith(".js")).sort();
  const hash = createHash("sha256");
  for (const name of [...sources.map((source) => `src/${source}`), "build.js", "package-lock.json", "package.json"].sort()) {
    hash.update(`${name}\0${await text(name)}\0`);
  }
  return hash.digest("hex");
}

/** The licences of the libraries inside, as they ask for: each text once. */
async function notices(inputs) {
  const used = (name) => Object.keys(inputs).some((path) => path.includes(`node_modules/${name}/`));
  const named = new Map();
  for (const name of [...PACKAGES, ...INNER].filter(used).sort()) {
    const { version } = JSON.parse(await text(`node_modules/${name}/package.json`));
    const licence = (await text(`node_modules/${name}/LICENSE`).catch(() => text(`node_modules/${name}/LICENSE.txt`))).trim();
    named.set(licence, [...(named.get(licence) || []), `${name} ${version}`]);
  }
  const parts = [...named].map(([licence, names]) => `${names.join(", ")}\n\n${licence}`);
  return `/*! Made by web/build.js from web/src, with these libraries:\n\n${parts.join("\n\n---\n\n")}\n*/\n`;
}

async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: new URL(".", HERE).pathname,
    entryPoints: ["src/main.js"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    write: false,
  });
  // one classic script, since a browser loads no modules from a folder; in an async function, since it waits for the data
  return `${await notices(metafile.inputs)}(async()=>{"use strict";${outputFiles[0].text.trim()}})();\n`;
}

const files = { "site.js": await bundle(), "site.js.inputs": `${await inputsHash()}\n` };
if (process.argv.includes("--check")) {
  for (const [name, made] of Object.entries(files)) {
    const kept = await readFile(new URL(name, BUILT), "utf8").catch(() => null);
    if (kept !== made) {
      console.error(`page/built/${name} is not what these sources make: run \`make page\` and commit it.`);
      process.exit(1);
    }
  }
} else {
  await mkdir(BUILT, { recursive: true });
  for (const [name, made] of Object.entries(files)) await writeFile(new URL(name, BUILT), made);
}
