"""Settings of Sphinx for the documentation; `edge_docs` puts this file beside the sources."""

import builtins
import re
from functools import cache

from docutils import nodes
from docutils.utils.math import latex2mathml
from furo.navigation import get_navigation_tree
from sphinx.addnodes import pending_xref
from sphinx.environment.adapters.toctree import TocTree

extensions = ['myst_nb', 'sphinx.ext.autodoc']
nb_execution_mode = 'off'
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = 'Show the test', 'Hide the test'
nb_ipywidgets_js = {}  # pages show saved outputs: no widget runs, so no script is fetched
myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 3
myst_links_external_new_tab = True
suppress_warnings = ['mystnb.unknown_mime_type', 'toc.not_included']
suppress_warnings += ['misc.highlighting_failure']  # CSS that is newer than its lexer
default_role = 'code'
autodoc_member_order = 'bysource'
html_theme = 'furo'
html_math_renderer = 'mathml'
html_copy_source = False
html_use_index = html_domain_indices = False  # the search finds names, too
html_static_path = ['site']
html_css_files = ['film.css']
html_extra_path = ['extra']


def add_math(page, node, block):
    "Write a formula; Sphinx goes on behind it."
    text = node.astext().replace(r'\dots', r'\ldots')  # docutils knows one of the two names
    page.body.append(latex2mathml.tex2mathml(text, as_block=block).replace('\n', ''))
    raise nodes.SkipNode


@cache
def navigation(app):
    "Return the titles of all pages as the theme lists them, with links from the top of the site."
    shape = dict(collapse=False, titles_only=True, maxdepth=-1, includehidden=True)
    tree = TocTree(app.env).get_toctree_for(app.config.root_doc, app.builder, **shape)
    return get_navigation_tree(app.builder.render_partial(tree)['fragment'])


def leave_out_navigation(app, name, template, context, document):
    "Give the theme nothing to list, before it asks."
    context['toctree'] = lambda **shape: ''


def add_navigation(app, name, template, context, document):
    "Put the titles of all pages beside a page, its own marked, the reference open within it."
    up = '../' * name.count('/')
    tree = re.sub('href="(?!#)', f'href="{up}', navigation(app))
    own = f'"><a class="reference internal" href="{up}{name}.html"'
    marked = ' current current-page"><a class="current reference internal" href="#"'
    if name.startswith('api/'):
        tree = tree.replace('type="checkbox"', 'type="checkbox" checked=""')
    context['furo_navigation_tree'] = tree.replace(own, marked)


def plain_signature(app, kind, name, documented, options, signature, returned):
    "Leave out of a signature what `Annotated` tells the command line."
    plain = re.sub(r'~?\w+\.Annotated\[(.+?), <[^>]*>\]', r'\1', signature or '')
    return (plain or None), returned


def plain_builtins(app, document):
    "Spare Sphinx to look for a page of `int` among all names, at each place that says it."
    for node in list(document.findall(pending_xref)):
        if node['reftarget'] in dir(builtins):
            node.replace_self(node.children)


def setup(app):
    "Make `mathml` known to Sphinx, the navigation quick and signatures short."
    app.connect('autodoc-process-signature', plain_signature)
    app.connect('doctree-read', plain_builtins)
    app.connect('html-page-context', leave_out_navigation, priority=400)
    app.connect('html-page-context', add_navigation, priority=600)  # the theme has 500
    inline = (lambda page, node: add_math(page, node, block=False), None)
    block = (lambda page, node: add_math(page, node, block=True), None)
    app.add_html_math_renderer('mathml', inline, block)
