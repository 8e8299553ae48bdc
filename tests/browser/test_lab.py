"A reader opens notebooks in JupyterLab in a real browser and runs all their cells."
import pytest

NOTEBOOKS = ['nbs/index.ipynb', 'nbs/07_viz/75_player.ipynb', 'nbs/90_dev/90_tests.ipynb']

@pytest.mark.parametrize('notebook', NOTEBOOKS)
def test_runs_in_lab(opened, project, shot, notebook):
    if not (project/notebook).exists(): pytest.fail(f'{notebook} is not there')
    shot(opened(notebook), notebook.rpartition('/')[2].removesuffix('.ipynb'))
