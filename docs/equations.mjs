// Set every equation of the built pages with KaTeX: node docs/equations.mjs SITE
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import katex from "katex";

const text = (s) => s.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
  .replaceAll("&#x27;", "'").replaceAll("&amp;", "&");
let count = 0;
const wrong = [];
for (const name of readdirSync(process.argv[2], { recursive: true }).filter((n) => n.endsWith(".html"))) {
  const path = join(process.argv[2], name);
  const page = readFileSync(path, "utf-8");
  const done = page.replace(/<(span|div) class="tex">([^]*?)<\/\1>/g, (_, tag, tex) => {
    count += 1;
    try {
      return `<${tag} class="math">${katex.renderToString(text(tex), { displayMode: tag === "div", strict: "error" })}</${tag}>`;
    } catch (error) {
      wrong.push(`${name}: ${text(tex)}: ${error.message}`);
      return tex;
    }
  });
  if (done !== page) writeFileSync(path, done);
}
if (wrong.length) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
console.log(`${count} equations`);
