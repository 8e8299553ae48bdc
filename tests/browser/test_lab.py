"A reader opens notebooks in JupyterLab in a real browser and runs all their cells."

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ['nbs/06_viz/03_player.ipynb', 'nbs/90_dev/01_tests.ipynb'] + ['nbs/index.ipynb'] * (
    ROOT / 'nbs' / 'index.ipynb'
).exists()


@pytest.mark.parametrize('notebook', NOTEBOOKS)
def test_runs_in_lab(opened, shot, notebook):
    shot(opened(notebook), notebook.rpartition('/')[2].removesuffix('.ipynb'))
