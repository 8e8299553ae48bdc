"""Check this folder: every file whole, and one step of model.pte as it was when published."""

import contextlib
import hashlib
import io
import json
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
NEEDED = {'model.pte', 'tokenizer.json', 'tokenizer_config.json', 'export_report.json'}
LINE = re.compile(r'([0-9a-f]{64})  ([^/\0]+)')


def digest(file):
    """Return the SHA-256 of a file, or nothing where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def damaged():
    """Return the names in SHA256SUMS whose file is missing or was changed, or its own."""
    try:
        text = (FOLDER / 'SHA256SUMS').read_text(encoding='utf-8')
    except (OSError, ValueError):
        return ['SHA256SUMS']
    lines = [LINE.fullmatch(line) for line in text.split('\n')[:-1]]
    if not all(lines) or NEEDED - {line[2] for line in lines}:
        return ['SHA256SUMS']
    return [line[2] for line in lines if digest(FOLDER / line[2]) != line[1]]


def same_rows(step):
    """Return how many best tokens of the recorded step are the recorded ones, and how many rows."""
    import executorch.kernels.quantized  # noqa: F401  registers operators of quantized embeddings
    import torch
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(FOLDER / 'model.pte')
    tokens = torch.tensor([step['tokens']])
    inputs = [tokens, torch.tensor([0]), torch.tensor([tokens.shape[1]])]
    inputs += [torch.tensor(values) for values in step['more_inputs']]
    ids = program.load_method('forward').execute(inputs)[0].tolist()
    return sum(a == b for a, b in zip(ids, step['ids'])), len(step['ids'])


def main():
    """Print what was found; return 1 when something is wrong."""
    bad = damaged()
    if bad:
        print('damaged or missing:', ', '.join(bad))
        return 1
    step = json.loads((FOLDER / 'export_report.json').read_text(encoding='utf-8'))['smoke_step']
    with contextlib.redirect_stderr(io.StringIO()):  # what the libraries say of themselves
        same, rows = same_rows(step)
    good = same >= 0.75 * rows
    print(f'{same} of {rows} best tokens as published:', 'ok' if good else 'WRONG')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
