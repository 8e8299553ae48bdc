"""Everything is in settings.ini; edit there, not here."""

import shlex
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
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


class SDist(sdist):
    """Put settings.ini into the sdist, so that a wheel can be built from it without MANIFEST.in."""

    def make_distribution(self):
        self.filelist.append('settings.ini')
        super().make_distribution()


setup(
    cmdclass={'sdist': SDist},
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
        extra: shlex.split(cfg[f'{extra}_requirements']) for extra in ('dev', 'serve', 'eval')
    },
    entry_points={'console_scripts': cfg['console_scripts'].split()},
    long_description=(here / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
)
