/**
 * Builds the console: `node build.mjs [FOLDER]`.
 *
 * Files that never change lie in assets/, with what they hold in their names; index.html names them.
 * The folder is replaced as a whole, so that a server never sees half of it.
 */

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = resolve(process.argv[2] ?? join(HERE, "../python/vertebra/console_files"));
const STAGED = `${OUT}.staged`;

await rm(STAGED, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [join(HERE, "src/main.tsx")],
  outdir: join(STAGED, "assets"),
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  conditions: ["source"],
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file", ".svg": "file" },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

const written = Object.keys(metafile.outputs).map((path) => relative(STAGED, resolve(path)));
const named = (end) => written.find((path) => path.endsWith(end) && !path.includes("LEGAL"));
const page = await readFile(join(HERE, "src/index.html"), "utf8");
await mkdir(STAGED, { recursive: true });
await writeFile(
  join(STAGED, "index.html"),
  page.replace("SCRIPT", `/${named(".js")}`).replace("STYLE", `/${named(".css")}`),
);
await writeFile(join(STAGED, "icon.svg"), await readFile(join(HERE, "src/icon.svg"), "utf8"));
await rm(OUT, { recursive: true, force: true });
await rename(STAGED, OUT);
