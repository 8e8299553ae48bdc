"""What every test shares: some processes, the `slow` mark, golden fixtures and a quiet torch."""

import fcntl
import os
from pathlib import Path

import pytest

try:
    import torch
except ModuleNotFoundError:
    torch = None  # the tests of the notebook tools run without torch

PROCESSES = 3  # on two cores: one of them often waits for a program that it started


def pytest_addoption(parser):
    parser.addoption('--slow', action='store_true', help='of the whole folder: the slow tests too')


def pytest_configure(config):
    config.addinivalue_line(
        'markers', 'slow: takes more than a few seconds; the whole folder leaves it out'
    )
    os.environ.setdefault('OMP_NUM_THREADS', '1')  # of the processes that tests start
    if torch:
        torch.set_num_threads(1)  # tiny models: a second thread only waits


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at its options
def pytest_cmdline_main(config):
    """Run the whole folder in three processes and without its slow tests.

    Unless something else was asked for: one file, a debugger, `-n 0`, `-p no:xdist` and the
    tests in a browser run as ever; `--slow` runs all tests, `-m slow` the slow ones.
    """
    options = config.option
    folder = Path(__file__).parent
    asked_for = {Path(config.invocation_params.dir, argument).resolve() for argument in config.args}
    whole_folder = bool(asked_for & {folder, folder.parent})
    in_browser = os.environ.get('DIFFULEX_BROWSER') == '1'
    if whole_folder and not options.collectonly and not options.slow and not options.markexpr:
        options.markexpr = 'not slow'
    if hasattr(config, 'workerinput') or not config.pluginmanager.hasplugin('xdist'):
        return
    if options.numprocesses is not None or options.usepdb or options.collectonly:
        return
    if whole_folder and not in_browser:
        options.numprocesses = PROCESSES
        # each process begins with a part of the files, and helps another at the end
        options.dist = 'worksteal' if options.dist == 'no' else options.dist


@pytest.hookimpl(tryfirst=True)  # before fixtures that draw a model
def pytest_runtest_setup(item):
    """Begin every test with the same random numbers, so that a random model is no other one."""
    if torch:
        torch.manual_seed(0)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Give each process a part that begins with files of slow tests.

    What is left at the end, when one helps another, is short then.
    """
    if not hasattr(config, 'workerinput'):
        return
    processes = config.workerinput['workercount']
    files = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    parts = [[] for _ in range(processes)]
    for path in sorted(files, key=lambda path: path not in slow):
        min(parts, key=len).extend(files[path])
    items[:] = sum(parts, [])


@pytest.fixture(autouse=True)
def no_grad():
    """Run each test without gradients, also when the one before switched them on."""
    if torch:
        torch.set_grad_enabled(False)


@pytest.fixture(scope='session')
def golden():
    """Folder of the golden fixtures: `DIFFULEX_GOLDEN`, else `tests/golden`."""
    path = Path(os.environ.get('DIFFULEX_GOLDEN') or Path(__file__).parent / 'golden')
    if not (path / 'MANIFEST.sha256').exists():
        pytest.fail(
            f'no golden fixtures in {path}: '
            'set DIFFULEX_GOLDEN to a folder that has MANIFEST.sha256, or unset it'
        )
    return path


def shared_folder(tmp_path_factory):
    """Return a temporary folder that all processes of a run share."""
    base = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        base = base.parent
    folder = base / 'exported'
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope='session')
def exported(golden, tmp_path_factory):
    """Give `exported(family, quantization='none', backend='xnnpack')`: (eager model, `.pte` path).

    The family's golden checkpoint with 96 cache rows; the file gives ids, confidence and logits.
    It is made once per run: who comes second waits and takes it.
    """
    from diffulex_edge.dev.testing import golden_file, golden_model
    from diffulex_edge.export import export_model
    from diffulex_edge.model import load_model

    models, folder = {}, shared_folder(tmp_path_factory)

    def export(family, quantization='none', backend='xnnpack'):
        key = family, quantization, backend
        path = folder / f'{"-".join(key)}.pte'
        if key not in models:
            golden = golden_model(family)
            mask = golden_file(golden.name)['mask_id']
            model = load_model(golden, max_seq_len=96, mask_token_id=mask)
            with open(path.with_suffix('.lock'), 'w') as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed
                if not path.exists():
                    export_model(
                        model, output_path=path, quantization=quantization, backend=backend
                    )
            models[key] = model
        return models[key], path

    return export
