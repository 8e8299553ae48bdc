"""What a screen reader finds in the player: names, live regions and the way by keyboard.

Read from Chromium's accessibility tree.
"""

import pytest

expect = pytest.importorskip('playwright.sync_api').expect
from test_film import offline  # noqa: F401

from diffulex_edge.viz.film import example_trace, load_film, pairs
from diffulex_edge.viz.player import save_html

CONTROLS = {'button', 'slider', 'combobox', 'textbox', 'spinbutton', 'radio', 'checkbox', 'link'}


class Tree:
    "The accessibility tree of a page; `nodes`: those that are not ignored"

    def __init__(self, page):
        cdp = page.context.new_cdp_session(page)
        cdp.send('Accessibility.enable')
        self.by_id = {n['nodeId']: n for n in cdp.send('Accessibility.getFullAXTree')['nodes']}
        cdp.detach()
        self.nodes = [n for n in self.by_id.values() if not n['ignored']]

    @staticmethod
    def role(n):
        return n['role']['value']

    @staticmethod
    def name(n):
        return n.get('name', {}).get('value', '')

    @staticmethod
    def facts(n):
        return {p['name']: p['value'].get('value') for p in n.get('properties', [])}

    def of(self, *roles):
        return [n for n in self.nodes if self.role(n) in roles]

    def text(self, n):
        return (
            self.name(n)
            if self.role(n) == 'StaticText'
            else ''.join(self.text(self.by_id[c]) for c in n.get('childIds', []))
        )

    def focused(self):
        return next(
            n for n in self.nodes if self.facts(n).get('focused') and self.role(n) != 'RootWebArea'
        )


def announced(page):
    "Live regions: (how, text)"
    tree = Tree(page)
    return [(tree.facts(n).get('live'), tree.text(n)) for n in tree.of('status')]


def opened(page, path, *names, **options):
    "Opens a page of recorded films; the first film"
    films = [load_film(example_trace(f'smollm2_{name}'), name) for name in names]
    save_html(path, *films, **options)
    page.goto(f'file://{path}')
    return films[0]


def spoken(film, token):
    return film.word(token).replace('↵', ' line break ').strip() or 'blank'


BUTTONS = {
    'step forward (right arrow)',
    'step back (left arrow)',
    'play or pause (space)',
    'to the start (Home)',
    'to the end (End)',
}


@pytest.fixture
def race(offline, tmp_path):  # noqa: F811
    "The accessibility tree of two films by time"
    opened(offline, tmp_path / 'race.html', 'drafts', 'greedy', title='A race', sync='time')
    offline.evaluate('film.go(200)')
    return Tree(offline)


def test_everything_has_a_name(race):
    named = CONTROLS | {'image', 'img', 'region', 'group'}
    assert [race.role(n) for n in race.of(*named) if not race.name(n).strip()] == []


def test_controls_are_named(race):
    assert {race.name(n) for n in race.of('combobox')} == {'speed', 'colour', 'together'}
    assert [race.name(n) for n in race.of('slider')] == ['position in the film']
    assert BUTTONS <= {race.name(n) for n in race.of('button')}


def test_films_are_named(race):
    assert {'denoising', 'drafts', 'greedy'} <= {race.name(n) for n in race.of('region')}
    assert {'A race', 'drafts', 'greedy'} <= {race.name(n) for n in race.of('heading')}


@pytest.mark.parametrize('name', ['reveal map', 'tokens per forward'])
def test_pictures_are_named(race, name):
    assert any(name in race.name(n) for n in race.of('image', 'img'))


def test_steps_are_announced(offline, tmp_path):  # noqa: F811
    film = opened(offline, tmp_path / 'film.html', 'drafts')
    offline.keyboard.press('Home')
    states = list(film.states())
    for number, step in enumerate(film.steps[:15], 1):
        offline.keyboard.press('ArrowRight')
        words = ', '.join(spoken(film, states[number][p]) for p in step.get('new', []))
        what = f'revealed: {words}' if words else 'nothing revealed'
        sentence = f'step {number} of {len(film.steps)}, {step["kind"]}, {what}'
        assert announced(offline) == [('polite', sentence)]


COUNT_SENTENCES = """() => {
  window.said = 0;
  const observer = new MutationObserver(() => said++);
  const everything = {childList: true, characterData: true, subtree: true};
  observer.observe(document.querySelector('.dx-say'), everything);
}"""


def test_a_film_that_plays_says_little_and_where_it_stopped(offline, tmp_path):  # noqa: F811
    film = opened(offline, tmp_path / 'film.html', 'drafts')
    count = len(film.steps)
    offline.evaluate(COUNT_SENTENCES)
    offline.locator('select[aria-label=speed]').select_option('16')
    offline.locator('.dx-play').click()
    expect(offline.locator('.dx-clock')).to_have_text(f'{count} / {count}', timeout=60_000)
    expect(offline.locator('.dx-say')).to_contain_text(f'step {count} of')
    assert offline.evaluate('said') <= 3


FOCUSED = 'document.activeElement.dataset.p'


def names_after(film, number):
    "What each token is called after a step"
    names = []
    reveals = {}
    for k, step in enumerate(film.steps[:number], 1):
        sure = dict(pairs(step['conf']))
        for p in step.get('new', []):
            reveals[p] = f'revealed in step {k}, confidence {sure[p] / 1000:.2f}'
    for p, token in enumerate(list(film.states())[number]):
        names.append(f'{spoken(film, token)}, position {p}, {reveals.get(p, "prompt")}')
    return names


def test_every_token_is_reached_by_keyboard(offline, tmp_path):  # noqa: F811
    film = opened(offline, tmp_path / 'film.html', 'greedy')
    offline.evaluate('film.go(20)')
    for _ in range(20):  # Tab alone leads from the top of the page into the text
        offline.keyboard.press('Tab')
        if offline.evaluate(FOCUSED) == '0':
            break
    else:
        pytest.fail('20 times Tab did not lead into the text')
    names = names_after(film, 20)
    for position, name in enumerate(names):
        assert offline.evaluate(FOCUSED) == str(position)
        if position % 7 == 0 or position == len(names) - 1:  # reading the tree takes a while
            tree = Tree(offline)
            assert tree.name(tree.focused()) == name
        offline.keyboard.press('ArrowRight')
    assert offline.locator('.dx-clock').inner_text() == f'20 / {len(film.steps)}'
    offline.keyboard.press('Shift+Tab')  # and out again
    assert offline.evaluate(FOCUSED) is None
