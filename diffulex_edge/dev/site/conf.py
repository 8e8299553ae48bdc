"""Settings of Sphinx for the documentation; `edge_docs` puts this file beside the sources."""

from docutils import nodes
from docutils.utils.math import latex2mathml

extensions = ['myst_nb', 'sphinx.ext.autodoc']
nb_execution_mode = 'off'
nb_merge_streams = True
nb_ipywidgets_js = {}  # pages show saved outputs: no widget runs, so no script is fetched
myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 3
myst_links_external_new_tab = True
suppress_warnings = ['mystnb.unknown_mime_type', 'toc.not_included']
default_role = 'code'
autodoc_member_order = 'bysource'
html_theme = 'furo'
html_math_renderer = 'mathml'
html_copy_source = False
html_static_path = ['site']
html_css_files = ['film.css']
html_extra_path = ['extra']


def add_math(page, node, block):
    "Write a formula; Sphinx goes on behind it."
    text = node.astext().replace(r'\dots', r'\ldots')  # docutils knows one of the two names
    page.body.append(latex2mathml.tex2mathml(text, as_block=block).replace('\n', ''))
    raise nodes.SkipNode


def setup(app):
    "Make `mathml` known to Sphinx."
    inline = (lambda page, node: add_math(page, node, block=False), None)
    block = (lambda page, node: add_math(page, node, block=True), None)
    app.add_html_math_renderer('mathml', inline, block)
