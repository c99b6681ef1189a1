// Builds the islands and copies what they stand on, with licences and a manifest, into the server's static folder.
// The results are committed, so that a machine without node runs them.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../src/ancu/server/web/static");
const vendor = join(target, "vendor");
const wanted = [
  ["htmx.org", ["dist/htmx.min.js"]],
  ["uplot", ["dist/uPlot.iife.min.js", "dist/uPlot.min.css"]],
  ["maplibre-gl", [["dist/maplibre-gl-worker.mjs", "maplibre-gl-worker.js"]]], // its other half is within map.js
];

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
const manifest = [];
for (const [name, files] of wanted) {
  const folder = join(here, "node_modules", name);
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const licence = `${name}.LICENSE.txt`;
  const text = (await readdir(folder)).find((file) => /^LICEN[CS]E/i.test(file));
  await copyFile(join(folder, text), join(vendor, licence));
  for (const wantedFile of files) {
    const [file, as] = Array.isArray(wantedFile) ? wantedFile : [wantedFile, wantedFile.split("/").at(-1)];
    await copyFile(join(folder, file), join(vendor, as));
    const sha256 = createHash("sha256").update(await readFile(join(vendor, as))).digest("hex");
    manifest.push({ file: as, package: name, version: about.version, licence: about.license ?? "0BSD", text: licence, sha256 });
  }
}
await writeFile(join(vendor, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
// The map is a chunk of its own, far heavier than all the rest: only its page asks for it, and only where there is one.
await build({
  entryPoints: [join(here, "src/map/map.ts")],
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "eof",
  logOverride: { "empty-import-meta": "silent" }, // where the worker lies is said by the page
});
// Every file at the top of src/islands is an island of its own; what they share lies beside that folder.
const islands = (await readdir(join(here, "src/islands"))).map((name) => join(here, "src/islands", name));
await build({
  entryPoints: islands,
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
});
