"What Sphinx lacks for us: comments of parameters, equations made at build time, Open Graph tags, a sitemap."
import enum
import html
import inspect
import re
from functools import cached_property

from docutils import nodes
from fastcore.docments import docments
from notebooks import PROJECT


def rst(text):
    "Our plain words as reStructuredText: `code` in double backticks, its special signs escaped elsewhere."
    parts = re.split(r"(`[^`\n]+`)", text)
    return "".join(f"`{p}`" if p.startswith("`") else re.sub(r"([\\*|_])", r"\\\1", p) for p in parts)


def field_comments(obj):
    "Comments of a named tuple's fields, which fastcore does not read; {} for anything else."
    if not hasattr(obj, "_fields"): return {}
    found = re.findall(r"^    (\w+): [^#\n]*#\s*(.+)$", inspect.getsource(obj), re.M)
    return {name: {"docment": comment} for name, comment in found}


def add_comments(app, what, name, obj, options, lines):
    "Append `:param x:` and `:returns:` from the comments behind the parameters of `obj`."
    lines[:] = [rst(line) for line in lines]
    if what not in ("function", "method", "class"): return
    bases = [b for b in getattr(obj, "__bases__", ()) if b not in (object, tuple)]
    if bases: lines += ["", "Subclass of " + ", ".join(f"``{b.__name__}``" for b in bases) + "."]
    comments = field_comments(obj) or docments(obj, full=True)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    stars = dict(zip(kinds, (r"\*", r"\*\*")))
    lines.append("")
    for key, value in comments.items():
        words = rst(" ".join((value["docment"] or "").split()))
        if not words or key == "self": continue
        name = f":param {stars.get(value.get('kind'), '')}{key}:"
        lines.append(f":returns: {words}" if key == "return" else f"{name} {words}")


def skip_fields(app, what, name, obj, skip, options):
    "Fields of a dataclass or named tuple are described with the class; do not list them again."
    kept = (property, cached_property, type, staticmethod, classmethod, enum.Enum)
    return True if what == "class" and not (inspect.isroutine(obj) or isinstance(obj, kept)) else None


def equation(tag):
    "A visitor that writes an equation's TeX into `tag`; docs/equations.mjs sets it after the build."
    def visit(self, node):
        self.body.append(f'<{tag} class="tex">{html.escape(node.astext())}</{tag}>')
        raise nodes.SkipNode
    return visit


def head_tags(app, pagename, templatename, context, doctree):
    "Title and first paragraph as Open Graph tags; KaTeX's style where there are equations; the base of page 404."
    if doctree is None: return
    paragraphs = [p.astext() for p in doctree.findall(nodes.paragraph) if "ways" not in p.parent.get("classes", [])]
    said = " ".join(next((p for p in paragraphs if len(p) > 40), app.config.project).split())
    said = said if len(said) < 200 else said[:197].rsplit(" ", 1)[0] + " …"
    tags = {"og:type": "article", "og:site_name": app.config.project,
            "og:title": re.sub("<[^>]+>", "", context["title"]),
            "og:description": said, "og:url": f"{app.config.html_baseurl}{pagename}.html",
            "og:image": f"{app.config.html_baseurl}_static/card.png"}
    for key, value in tags.items():
        context["metatags"] += f'<meta property="{key}" content="{html.escape(html.unescape(value))}">\n'
    context["metatags"] += f'<meta name="description" content="{html.escape(said)}">\n'
    if pagename == "404": context["metatags"] += f'<base href="/{PROJECT["repo"]}/">\n'
    if 'class="tex"' in context["body"]: app.add_css_file("katex/katex.min.css")


def sitemap(app, exception):
    "Every page in sitemap.xml."
    if exception or app.builder.name != "html": return
    names = sorted(app.env.found_docs - {"404"})
    pages = "".join(f"<url><loc>{app.config.html_baseurl}{name}.html</loc></url>\n" for name in names)
    text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n'
    (app.outdir / "sitemap.xml").write_text('<?xml version="1.0" encoding="UTF-8"?>\n' + text, encoding="utf-8")


def setup(app):
    "Register all of the above."
    app.connect("autodoc-process-docstring", add_comments)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("html-page-context", head_tags)
    app.connect("build-finished", sitemap)
    app.add_html_math_renderer("katex", (equation("span"), None), (equation("div"), None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
