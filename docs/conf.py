"Sphinx's settings. docs/build.py stages the pages and calls Sphinx with this file."
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from notebooks import COLAB, GITHUB, PROJECT  # noqa: E402  (settings.ini)

project, author, release = PROJECT["title"], PROJECT["author"], PROJECT["version"]
copyright = PROJECT["copyright"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton", "hooks"]
nitpicky = False
smartquotes_action = "D"  # dashes only: "paper" in a sentence is the same word as "paper" in the code
default_role = "code"     # `x` in a docstring is code, as in markdown

# Notebooks: what was committed is what is shown.
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "gfm"
nb_ipywidgets_js = {}     # widgets need a kernel; their scripts would come from another host
myst_enable_extensions = ["dollarmath", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4
suppress_warnings = ["mystnb.unknown_mime_type"]

# API: everything exported, as it stands in the notebook; hooks.py adds each parameter's comment.
autodoc_default_options = {"members": True, "undoc-members": True, "special-members": "__call__"}
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
toc_object_entries_show_parents = "hide"
add_module_names = False

# build.py --external, in the GitHub workflow; links to our own repository are checked as files by check_links.py
linkcheck_ignore = [re.escape(GITHUB), re.escape(COLAB)]
linkcheck_timeout, linkcheck_retries = 20, 2

# HTML
html_theme = "furo"
html_title = "ssnet"
exclude_patterns = ["_static"]
html_baseurl = f"https://{PROJECT['user']}.github.io/{PROJECT['repo']}/"
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_math_renderer = "katex"
html_copy_source = False
html_show_sphinx = False
html_show_sourcelink = False
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "github-dark"
copybutton_selector = "div:not(.output) > div.highlight pre"
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b5fa5", "color-brand-content": "#0b5fa5"},
    "dark_css_variables": {"color-brand-primary": "#6cb6ff", "color-brand-content": "#6cb6ff"},
}
