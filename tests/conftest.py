"What every test shares: the `slow` mark, the golden fixtures and a quiet torch."

import os
from pathlib import Path

import pytest

try:
    import torch
except ModuleNotFoundError:
    torch = None  # the tests of the notebook tools run without torch


def pytest_configure(config):
    config.addinivalue_line(
        'markers', 'slow: takes more than a few seconds; leave out with -m "not slow"'
    )
    if torch:
        torch.set_num_threads(1)  # tiny models: a second thread only waits


@pytest.fixture(autouse=True)
def no_grad():
    "Run each test without gradients, also when the one before switched them on"
    if torch:
        torch.set_grad_enabled(False)


@pytest.fixture(scope='session')
def golden():
    "Folder of the golden fixtures: `DIFFULEX_GOLDEN`, else `tests/golden`"
    path = Path(os.environ.get('DIFFULEX_GOLDEN') or Path(__file__).parent / 'golden')
    if not (path / 'MANIFEST.sha256').exists():
        pytest.fail(
            f'no golden fixtures in {path}: set DIFFULEX_GOLDEN to a folder that has MANIFEST.sha256, or unset it'
        )
    return path


@pytest.fixture(scope='session')
def exported(golden, tmp_path_factory):
    "exported(family, quantization='none', backend='xnnpack') -> (eager model, path) of the family's golden checkpoint, 96 cache rows, ids, confidence and logits; made once per run"
    from diffulex_edge.dev.testing import golden_model
    from diffulex_edge.export import export_model
    from diffulex_edge.model import load_model

    made, folder = {}, tmp_path_factory.mktemp('pte')

    def export(family, quantization='none', backend='xnnpack'):
        key = family, quantization, backend
        if key not in made:
            model = load_model(golden_model(family), max_seq_len=96)
            made[key] = (
                model,
                export_model(
                    model,
                    output_path=folder / f'{"-".join(key)}.pte',
                    quantization=quantization,
                    backend=backend,
                ).path,
            )
        return made[key]

    return export
