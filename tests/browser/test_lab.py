"A reader opens notebooks in JupyterLab in a real browser and runs all their cells."

import pytest

NOTEBOOKS = ['nbs/06_viz/09_player.ipynb', 'nbs/90_dev/02_rendering.ipynb', 'nbs/index.ipynb']


@pytest.mark.parametrize('notebook', NOTEBOOKS)
def test_runs_in_lab(opened, shot, notebook):
    shot(opened(notebook), notebook.rpartition('/')[2].removesuffix('.ipynb'))
