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
];

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
const manifest = [];
for (const [name, files] of wanted) {
  const folder = join(here, "node_modules", name);
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const licence = `${name}.LICENSE.txt`;
  await copyFile(join(folder, "LICENSE"), join(vendor, licence));
  for (const file of files) {
    const as = file.split("/").at(-1);
    await copyFile(join(folder, file), join(vendor, as));
    const sha256 = createHash("sha256").update(await readFile(join(vendor, as))).digest("hex");
    manifest.push({ file: as, package: name, version: about.version, licence: about.license ?? "0BSD", text: licence, sha256 });
  }
}
await writeFile(join(vendor, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
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
