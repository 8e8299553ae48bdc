"""Everything is in settings.ini; edit there, not here."""

import json
import shlex
import zipfile
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

here = Path(__file__).parent
config = ConfigParser(delimiters=['='])
config.read(here / 'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
lib = cfg['lib_name']

CLASSIFIERS = [
    'Development Status :: 3 - Alpha',
    'Intended Audience :: Developers',
    'Intended Audience :: Science/Research',
    'Framework :: Jupyter',
    'Operating System :: MacOS',
    'Operating System :: POSIX :: Linux',
    'Programming Language :: Python :: 3 :: Only',
    'Programming Language :: Python :: 3.10',
    'Programming Language :: Python :: 3.11',
    'Programming Language :: Python :: 3.12',
    'Topic :: Scientific/Engineering :: Artificial Intelligence',
]


def chapter_files() -> list[Path]:
    """Return the notebooks and the data they read."""
    return [
        path for kind in ('ipynb', 'json', 'toml') for path in (here / 'nbs').rglob(f'*.{kind}')
    ]


def without_outputs(notebook: dict) -> dict:
    """Return a notebook for readers of a wheel: no outputs, scripts as text."""
    for cell in notebook['cells']:
        if cell['cell_type'] != 'code':
            continue
        text = ''.join(cell['source'])
        cell.update(outputs=[], execution_count=None)
        if text.startswith('%%writefile'):
            name, _, script = text.partition('\n')
            shown = f'`{name.split("/")[-1]}`:\n\n```\n{script}\n```'
            cell.update(cell_type='markdown', source=shown.splitlines(keepends=True))
            del cell['outputs'], cell['execution_count']
    return notebook


class BuildPy(build_py):
    """Put the chapters into the package, for `diffulex-edge lab`; not for an editable install."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        archive = Path(self.build_lib, lib, 'chapters.zip')
        with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as chapters:
            for path in sorted(chapter_files()):
                if '.ipynb_checkpoints' in path.parts:
                    continue
                text = path.read_text(encoding='utf-8')
                if path.suffix == '.ipynb':
                    text = json.dumps(without_outputs(json.loads(text)), ensure_ascii=False)
                chapters.writestr(path.relative_to(here / 'nbs').as_posix(), text)


class SDist(sdist):
    """Put settings.ini and the chapters into the sdist, so that a wheel can be built from it."""

    def make_distribution(self):
        self.filelist.append('settings.ini')
        self.filelist.extend(str(path.relative_to(here)) for path in chapter_files())
        super().make_distribution()


setup(
    cmdclass={'sdist': SDist, 'build_py': BuildPy},
    name=lib,
    version=cfg['version'],
    description=cfg['description'],
    keywords=cfg['keywords'].split(),
    author=cfg['author'],
    url=cfg['git_url'],
    project_urls={
        'Documentation': f'{cfg["doc_host"]}{cfg["doc_baseurl"]}',
        'Source': cfg['git_url'],
        'Issues': f'{cfg["git_url"]}/issues',
        'Changes': f'{cfg["git_url"]}/blob/{cfg["branch"]}/CHANGELOG.md',
    },
    classifiers=CLASSIFIERS,
    license=cfg['license'].upper(),
    packages=find_packages(include=[lib, f'{lib}.*']),
    package_data={lib: cfg['package_data'].split()},
    python_requires=f'>={cfg["min_python"]}',
    install_requires=shlex.split(cfg['requirements']),
    extras_require={
        extra: shlex.split(cfg[f'{extra}_requirements'])
        for extra in ('dev', 'lab', 'serve', 'eval', 'cluster', 'clients')
    },
    entry_points={'console_scripts': cfg['console_scripts'].split()},
    long_description=(here / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
)
