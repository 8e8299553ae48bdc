"""Settings of Sphinx for the documentation; `edge_docs` puts this file beside the sources."""

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.addnodes import toctree

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


def title_alone(contents):
    "Return the table of contents of a page without the page's own sections."
    if not contents.children or any(contents.findall(toctree)):
        return contents  # it leads to other pages
    entry = contents.children[0]
    short_entry, short = entry.copy(), contents.copy()
    short_entry += entry.children[0].deepcopy()
    short += short_entry
    return short


def keep_titles(app, env):
    """Set the sections of all pages aside.

    The navigation of every page shows titles only, but copies the sections of all pages to
    leave them out at the end: most of the time of a build of hundreds of pages.
    """
    env.whole_tocs = env.tocs
    env.tocs = {name: title_alone(contents) for name, contents in env.whole_tocs.items()}


def show_sections(app, document, name):
    "Give a page that is about to be written its own sections."
    app.env.tocs[name] = app.env.whole_tocs[name]


def hide_sections(app, name, template, context, document):
    "Take the sections of a page away when it has been written."
    if document is not None:
        app.env.tocs[name] = title_alone(app.env.whole_tocs[name])


def setup(app):
    "Make `mathml` known to Sphinx, and the navigation quick."
    app.connect('env-updated', keep_titles)
    app.connect('doctree-resolved', show_sections)
    app.connect('html-page-context', hide_sections, priority=900)  # the theme has read them
    inline = (lambda page, node: add_math(page, node, block=False), None)
    block = (lambda page, node: add_math(page, node, block=True), None)
    app.add_html_math_renderer('mathml', inline, block)
