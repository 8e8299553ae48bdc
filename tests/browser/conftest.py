"""A JupyterLab on a copy of the project and a Chromium to look at it; both need DIFFULEX_BROWSER=1.

CHROMIUM names the browser, DIFFULEX_SHOTS a folder that keeps the screenshots.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run '
    '--disable-background-networking --disable-component-update --disable-sync'
).split()
LAB_SETTINGS = {
    '@jupyterlab/apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False},
    '@jupyterlab/notebook-extension/tracker': {'windowingMode': 'none'},
}  # all cells stand in the page, seen or not
PANEL = 'window.jupyterapp?.shell?.currentWidget'


def pytest_collection_modifyitems(items):
    if os.environ.get('DIFFULEX_BROWSER') == '1':
        return
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason='needs a browser: set DIFFULEX_BROWSER=1'))


def browser_path():
    "The browser to use: `CHROMIUM`, else the first one installed"
    found = os.environ.get('CHROMIUM') or next(
        filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
    )
    if not found:
        pytest.fail('no browser found: install chromium or set CHROMIUM to the program')
    return found


@pytest.fixture(scope='session')
def project(tmp_path_factory):
    "The folder of a copy of the project"
    from diffulex_edge.dev.notebooks import copy_project

    return copy_project(ROOT, tmp_path_factory.mktemp('project'))


@pytest.fixture(scope='session')
def lab(tmp_path_factory, project):
    "A JupyterLab on the copy; gives the address of a notebook"
    home = tmp_path_factory.mktemp('lab')
    for plugin, values in LAB_SETTINGS.items():
        f = home / 'settings' / f'{plugin}.jupyterlab-settings'
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_text(json.dumps(values))
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    token = secrets.token_hex(8)
    env = {
        **os.environ,
        'JUPYTERLAB_SETTINGS_DIR': str(home / 'settings'),
        'JUPYTERLAB_WORKSPACES_DIR': str(home / 'workspaces'),
        'JUPYTER_CONFIG_DIR': str(home / 'config'),
        'PYTHONPATH': str(project),
    }
    log = (home / 'log').open('w')
    server = subprocess.Popen(
        [
            sys.executable,
            '-m',
            'jupyter',
            'lab',
            '--no-browser',
            '--allow-root',
            '--ip=127.0.0.1',
            f'--port={port}',
            f'--IdentityProvider.token={token}',
            f'--ServerApp.root_dir={project}',
            '--expose-app-in-browser',
            '--LabApp.extension_manager=readonly',
        ],
        env=env,
        stdout=log,
        stderr=log,
    )
    try:
        for _ in range(1800):
            try:
                urllib.request.urlopen(
                    f'http://127.0.0.1:{port}/api/status?token={token}', timeout=1
                )
                break
            except OSError:
                time.sleep(0.1)
        else:
            log_end = (home / 'log').read_text()[-2000:]
            pytest.fail(f'JupyterLab did not answer within three minutes:\n{log_end}')
        yield lambda nb: f'http://127.0.0.1:{port}/lab/tree/{nb}?token={token}&reset'
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope='session')
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={'width': 1280, 'height': 1500})
    page.set_default_timeout(60_000)
    yield page
    page.close()


@pytest.fixture
def shot(tmp_path):
    "Saves a screenshot of a page or an element under a name"
    folder = Path(os.environ.get('DIFFULEX_SHOTS') or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def save(what, name, **options):
        what.screenshot(path=folder / f'{name}.png', **options)

    save.folder = folder
    return save


@pytest.fixture
def opened(lab, page):
    "Opens a notebook, runs all its cells, fails on an error; the page"

    def open_notebook(notebook, run=True):
        page.goto(lab(notebook), wait_until='domcontentloaded')
        page.wait_for_function(
            f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=300_000
        )
        if not run:
            return page
        page.evaluate(
            "window.jupyterapp.commands.execute('notebook:run-all-cells')"
        )  # a promise: it ends when every cell ran
        cells = [
            c
            for c in page.evaluate(f'{PANEL}.model.toJSON().cells')
            if c['cell_type'] == 'code' and ''.join(c['source']).strip()
        ]
        errors = [
            f'{c["id"]}: {o["ename"]}: {o["evalue"]}'
            for c in cells
            for o in c['outputs']
            if o['output_type'] == 'error'
        ]
        assert not errors, errors
        assert all(c['execution_count'] for c in cells), [
            c['id'] for c in cells if not c['execution_count']
        ]
        return page

    return open_notebook


@pytest.fixture
def theme(page):
    "Changes JupyterLab's theme: light or dark"

    def change(name):
        change_to = f"{{theme: 'JupyterLab {name.title()}'}}"
        page.evaluate(f"window.jupyterapp.commands.execute('apputils:change-theme', {change_to})")
        page.wait_for_function(
            f"document.body.dataset.jpThemeLight === '{str(name == 'light').lower()}'"
        )
        page.wait_for_timeout(500)  # style sheets of a theme arrive after its name

    return change
