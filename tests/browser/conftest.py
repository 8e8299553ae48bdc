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
FLAGS = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]
LAB_SETTINGS = {
    '@jupyterlab/apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False},
    # all cells stand in the page, seen or not
    '@jupyterlab/notebook-extension/tracker': {'windowingMode': 'none'},
}
PANEL = 'window.jupyterapp?.shell?.currentWidget'


def pytest_collection_modifyitems(items):
    if os.environ.get('DIFFULEX_BROWSER') == '1':
        return
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason='needs a browser: set DIFFULEX_BROWSER=1'))


def browser_path():
    "The browser to use: `CHROMIUM`, else the first one installed"
    if os.environ.get('CHROMIUM'):
        return os.environ['CHROMIUM']
    for name in ('chromium', 'chromium-browser', 'google-chrome'):
        if path := shutil.which(name):
            return path
    pytest.fail('no browser found: install chromium or set CHROMIUM to the program')


@pytest.fixture(scope='session')
def project(tmp_path_factory):
    "The folder of a copy of the project"
    from diffulex_edge.dev.notebooks import copy_project

    return copy_project(ROOT, tmp_path_factory.mktemp('project'))


def free_port():
    "A port that nobody listens on"
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def write_settings(home):
    "Our settings of JupyterLab, in a folder of its own"
    for plugin, values in LAB_SETTINGS.items():
        file = home / 'settings' / f'{plugin}.jupyterlab-settings'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))


def start_lab(home, project, port, token, log):
    "The process of a JupyterLab on a project"
    command = [sys.executable, '-m', 'jupyter', 'lab', '--no-browser', '--allow-root']
    options = [
        '--ip=127.0.0.1',
        f'--port={port}',
        f'--IdentityProvider.token={token}',
        f'--ServerApp.root_dir={project}',
        '--expose-app-in-browser',
        '--LabApp.extension_manager=readonly',
    ]
    own = {
        'JUPYTERLAB_SETTINGS_DIR': str(home / 'settings'),
        'JUPYTERLAB_WORKSPACES_DIR': str(home / 'workspaces'),
        'JUPYTER_CONFIG_DIR': str(home / 'config'),
        'PYTHONPATH': str(project),
    }
    return subprocess.Popen(command + options, env=os.environ | own, stdout=log, stderr=log)


def wait_for(url, seconds=180):
    "Whether an address answers in time"
    for _ in range(10 * seconds):
        try:
            urllib.request.urlopen(url, timeout=1)
            return True
        except OSError:
            time.sleep(0.1)
    return False


@pytest.fixture(scope='session')
def lab(tmp_path_factory, project):
    "A JupyterLab on the copy; gives the address of a notebook"
    home = tmp_path_factory.mktemp('lab')
    write_settings(home)
    port, token = free_port(), secrets.token_hex(8)
    address = f'http://127.0.0.1:{port}'
    with (home / 'log').open('w') as log:
        server = start_lab(home, project, port, token, log)
    try:
        if not wait_for(f'{address}/api/status?token={token}'):
            said = (home / 'log').read_text()[-2000:]
            pytest.fail(f'JupyterLab did not answer within three minutes:\n{said}')
        yield lambda notebook: f'{address}/lab/tree/{notebook}?token={token}&reset'
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


def errors_of(cells):
    "What went wrong in cells, one sentence each"
    return [
        f'{cell["id"]}: {output["ename"]}: {output["evalue"]}'
        for cell in cells
        for output in cell['outputs']
        if output['output_type'] == 'error'
    ]


def run_command(page, command, **options):
    "Run a command of JupyterLab; ends when its promise does"
    page.evaluate(f"window.jupyterapp.commands.execute('{command}', {json.dumps(options)})")


@pytest.fixture
def opened(lab, page):
    "Opens a notebook, runs all its cells, fails on an error; the page"

    def open_notebook(notebook, run=True):
        page.goto(lab(notebook), wait_until='domcontentloaded')
        idle = f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
        page.wait_for_function(idle, timeout=300_000)
        if not run:
            return page
        run_command(page, 'notebook:run-all-cells')
        cells = page.evaluate(f'{PANEL}.model.toJSON().cells')
        cells = [c for c in cells if c['cell_type'] == 'code' and ''.join(c['source']).strip()]
        assert errors_of(cells) == []
        assert [c['id'] for c in cells if not c['execution_count']] == []
        return page

    return open_notebook


@pytest.fixture
def theme(page):
    "Changes JupyterLab's theme: light or dark"

    def change(name):
        run_command(page, 'apputils:change-theme', theme=f'JupyterLab {name.title()}')
        light = str(name == 'light').lower()
        page.wait_for_function(f"document.body.dataset.jpThemeLight === '{light}'")
        page.wait_for_timeout(500)  # style sheets of a theme arrive after its name

    return change
