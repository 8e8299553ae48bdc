"""A reader opens a notebook in JupyterLab in a real browser and runs all its cells.

Runs only with DIFFULEX_BROWSER=1; CHROMIUM names the browser, DIFFULEX_SHOTS a folder that keeps the screenshots.
"""
import json, os, secrets, shutil, socket, subprocess, sys, time, urllib.request
from pathlib import Path
import pytest

pytestmark = pytest.mark.skipif(os.environ.get('DIFFULEX_BROWSER') != '1', reason='needs a browser: set DIFFULEX_BROWSER=1')
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ['nbs/90_dev/90_tests.ipynb']
FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync').split()
LAB_SETTINGS = {'@jupyterlab/apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False},
                '@jupyterlab/notebook-extension/tracker': {'windowingMode': 'none'}}  # all cells stand in the page, seen or not
PANEL = 'window.jupyterapp?.shell?.currentWidget'

def browser_path():
    "The browser to use: `CHROMIUM`, else the first one installed"
    found = os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if not found: pytest.fail('no browser found: install chromium or set CHROMIUM to the program')
    return found

@pytest.fixture(scope='session')
def lab(tmp_path_factory):
    "A JupyterLab on a copy of the project; gives the address of a notebook"
    from diffulex_edge.dev.notebooks import copy_project
    home = tmp_path_factory.mktemp('lab')
    copy = copy_project(ROOT, tmp_path_factory.mktemp('project'))
    for plugin, values in LAB_SETTINGS.items():
        f = home/'settings'/f'{plugin}.jupyterlab-settings'
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_text(json.dumps(values))
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    token = secrets.token_hex(8)
    env = {**os.environ, 'JUPYTERLAB_SETTINGS_DIR': str(home/'settings'), 'JUPYTERLAB_WORKSPACES_DIR': str(home/'workspaces'),
           'JUPYTER_CONFIG_DIR': str(home/'config'), 'PYTHONPATH': str(copy)}
    log = (home/'log').open('w')
    server = subprocess.Popen([sys.executable, '-m', 'jupyter', 'lab', '--no-browser', '--allow-root', '--ip=127.0.0.1', f'--port={port}',
        f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={copy}', '--expose-app-in-browser', '--LabApp.extension_manager=readonly'],
        env=env, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api/status?token={token}', timeout=1); break
            except OSError: time.sleep(.1)
        else: pytest.fail(f'JupyterLab did not answer within a minute:\n{(home/"log").read_text()[-2000:]}')
        yield lambda nb: f'http://127.0.0.1:{port}/lab/tree/{nb}?token={token}&reset'
    finally:
        server.terminate()
        server.wait(20)

@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield browser.new_page(viewport={'width': 1280, 'height': 1500})
        browser.close()

@pytest.mark.parametrize('notebook', NOTEBOOKS)
def test_runs_in_lab(lab, page, tmp_path, notebook):
    page.goto(lab(notebook), wait_until='domcontentloaded')
    page.wait_for_function(f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=90_000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")  # a promise: it ends when every cell ran
    cells = [c for c in page.evaluate(f'{PANEL}.model.toJSON().cells') if c['cell_type'] == 'code' and ''.join(c['source']).strip()]
    shots = Path(os.environ.get('DIFFULEX_SHOTS') or tmp_path)
    shots.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shots/f'{Path(notebook).stem}.png')
    errors = [f'{c["id"]}: {o["ename"]}: {o["evalue"]}' for c in cells for o in c['outputs'] if o['output_type'] == 'error']
    assert not errors, errors
    assert all(c['execution_count'] for c in cells), [c['id'] for c in cells if not c['execution_count']]
