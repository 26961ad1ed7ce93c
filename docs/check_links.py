"""Check every link and anchor: python docs/check_links.py

In the built site (_docs/): pages, files and anchors that links name; nothing loaded from another host. In the
notebooks and texts, as Jupyter and GitHub read them: files and anchors. Links to other hosts: only how they are
written (whether they answer is checked by Sphinx's linkcheck, in the GitHub workflow).
"""
import json
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from notebooks import GITHUB, NBS, ROOT

BUILT = ROOT / "_docs"
LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
SHEETS = ("stylesheet", "icon", "preload", "prefetch", "search", "preconnect", "modulepreload")


class Page(HTMLParser):
    "What a built page links to, what it loads, and its anchors."

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        "Note links, loads and ids of a tag."
        a = dict(attributes)
        self.ids |= {a[k] for k in ("id", "name") if a.get(k)}
        if tag == "a" and a.get("href"): self.links.append(a["href"])
        if tag == "link" and set((a.get("rel") or "").split()) & set(SHEETS): self.loads.append(a["href"])
        if a.get(LOADED.get(tag, "-")): self.loads.append(a[LOADED[tag]])


def badly_written(url):
    "Why the external `url` cannot be right, or ''."
    parts = urlsplit(url)
    if parts.scheme == "mailto": return "" if "@" in parts.path else "no address"
    if parts.scheme not in ("http", "https"): return f"the scheme '{parts.scheme}' is not known"
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc): return "no host"
    own = url.startswith(GITHUB + "/") and not (ROOT / unquote(url[len(GITHUB) + 1:].split("#")[0])).exists()
    return "our repository has no such file" if own else ""


def check_site(pages):
    "What is wrong with the links of the built `pages`, a dict of path to Page."
    for path, page in pages.items():
        base = BUILT if path.name == "404.html" else path.parent  # 404.html is shown at any depth; it has a <base>
        for url in page.links + page.loads:
            parts, shown = urlsplit(url), f"{path.relative_to(ROOT)}: {url}"
            if parts.scheme == "data": continue
            if parts.scheme or parts.netloc:
                if url in page.loads: yield f"{shown}: loaded from another host"
                elif why := badly_written(url): yield f"{shown}: {why}"
                continue
            target = (base / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir(): target = target / "index.html"
            if not target.exists(): yield f"{shown}: there is no such page or file"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{shown}: the page has no such anchor"


def texts(path):
    "The pieces of markdown of a notebook or a text: (place, markdown)."
    if path.suffix == ".md": return [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = path.relative_to(ROOT).as_posix()
    return [(f"{shown}, cell {n}", "".join(c["source"])) for n, c in enumerate(cells) if c["cell_type"] == "markdown"]


def anchors(path):
    "The anchors of a notebook (as Jupyter makes them) or of a text (as GitHub does), and those set by hand."
    whole = "\n".join(text for _, text in texts(path))
    heads = [h.strip() for h in re.findall(r"^#+ (.+)$", whole, re.M)]
    if path.suffix == ".md": heads = [re.sub(r"[^\w\- ]", "", head.lower()) for head in heads]
    return {head.replace(" ", "-") for head in heads} | set(re.findall(r'<\w+ (?:id|name)="([^"]+)"', whole))


def check_sources(paths):
    "What is wrong with the links of notebooks and texts."
    for path in paths:
        for place, text in texts(path):
            text = re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.S)
            for url in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:href|src)="([^"]+)"', text):
                parts = urlsplit(url)
                target = path.parent / unquote(parts.path) if parts.path else path
                if parts.scheme:
                    if why := badly_written(url): yield f"{place}: {url}: {why}"
                elif not target.exists(): yield f"{place}: {url}: there is no such file"
                elif parts.fragment and target.suffix in (".ipynb", ".md"):
                    if unquote(parts.fragment) not in anchors(target): yield f"{place}: {url}: no such anchor there"


def main():
    "Print all that is wrong; exit 1 if there is something."
    if not (BUILT / "index.html").exists(): sys.exit("There is no built site in _docs/: run `make docs` first.")
    pages = {path.resolve(): Page(path) for path in sorted(BUILT.rglob("*.html"))}
    sources = [p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    sources += [*ROOT.glob("*.md"), *(ROOT / "assignments").glob("*.md"), *(ROOT / "assignments").glob("source/*/*.[im][pd]*")]
    wrong = [*check_site(pages), *check_sources(sorted(sources))]
    print("\n".join(wrong))
    links = sum(len(p.links) + len(p.loads) for p in pages.values())
    if wrong: sys.exit(f"{len(wrong)} wrong links, see above.")
    print(f"{links} links of {len(pages)} pages and those of {len(sources)} notebooks and texts are right.")


if __name__ == "__main__":
    main()
