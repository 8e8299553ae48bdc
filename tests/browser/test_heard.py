"""What a screen reader finds: Chromium's accessibility tree of the player.

Names, live regions and the way by keyboard.
"""

import pytest

expect = pytest.importorskip('playwright.sync_api').expect
from test_film import offline  # noqa: F401

from diffulex_edge.viz.explorer import example_trace
from diffulex_edge.viz.film import first_difference, load_film
from diffulex_edge.viz.player import save_html

CONTROLS = {'button', 'slider', 'combobox', 'textbox', 'spinbutton', 'radio', 'checkbox', 'link'}


class Tree:
    """The accessibility tree of a page.

    `nodes` that are not ignored, as (role, name, properties), and the text inside a node.
    """

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


def test_controls_and_pictures_have_names(offline, tmp_path):  # noqa: F811
    films = [
        load_film(example_trace(f'smollm2_{name}'), title)
        for name, title in (('drafts', 'two drafts'), ('greedy', 'one by one'))
    ]
    save_html(
        tmp_path / 'race.html', *films, title='A race', sync='time', diff=first_difference(*films)
    )
    offline.goto(f'file://{tmp_path}/race.html')
    offline.evaluate('film.go(2000)')
    tree = Tree(offline)
    nameless = [
        tree.role(n)
        for n in tree.nodes
        if tree.role(n) in CONTROLS | {'image', 'img', 'region', 'group'}
        and not tree.name(n).strip()
    ]
    assert not nameless, nameless
    assert {'speed', 'colour', 'together'} == {tree.name(n) for n in tree.of('combobox')} and [
        tree.name(n) for n in tree.of('slider')
    ] == ['position in the film']
    assert {
        'step forward (right arrow)',
        'step back (left arrow)',
        'play or pause (space)',
        'to the start (Home)',
        'to the end (End)',
    } <= {tree.name(n) for n in tree.of('button')}
    assert {'denoising', 'two drafts', 'one by one'} <= {tree.name(n) for n in tree.of('region')}
    assert {'A race', 'two drafts', 'one by one'} <= {tree.name(n) for n in tree.of('heading')}
    assert any('reveal map' in tree.name(n) for n in tree.of('image', 'img')) and any(
        'tokens per forward' in tree.name(n) for n in tree.of('image', 'img')
    )


def test_steps_are_announced(offline, tmp_path):  # noqa: F811
    film = load_film(example_trace('smollm2_drafts'), 'drafts')
    save_html(tmp_path / 'film.html', film)
    offline.goto(f'file://{tmp_path}/film.html')
    offline.locator('input[type=range]').focus()
    states = list(film.states())
    for k in range(1, 16):
        offline.keyboard.press('ArrowRight')
        step = film.steps[k - 1]
        [(live, text)] = announced(offline)
        words = ', '.join(
            (film.word(states[k][p]).replace('↵', ' line break ').strip() or 'blank')
            for p in step.get('new', [])
        )
        assert live == 'polite' and text == f'step {k} of {len(film.steps)}, {step["kind"]}, ' + (
            f'revealed: {words}' if words else 'nothing revealed'
        )
    # a film that plays does not talk all the time, and says where it stopped
    offline.evaluate(
        'window.said = 0; new MutationObserver(() => said++).observe('
        "document.querySelector('.dx-say'), "
        '{childList: true, characterData: true, subtree: true})'
    )
    offline.locator('select[aria-label=speed]').select_option('16')
    offline.locator('.dx-play').click()
    expect(offline.locator('.dx-clock')).to_have_text(
        f'{len(film.steps)} / {len(film.steps)}', timeout=60_000
    )
    expect(offline.locator('.dx-say')).to_contain_text(f'step {len(film.steps)} of')
    assert offline.evaluate('said') <= 3


def test_every_token_is_reached_by_keyboard(offline, tmp_path):  # noqa: F811
    film = load_film(example_trace('smollm2_greedy'), 'greedy')
    save_html(tmp_path / 'film.html', film)
    offline.goto(f'file://{tmp_path}/film.html')
    offline.evaluate('film.go(20)')
    state = list(film.states())[20]
    for _ in range(20):  # Tab alone leads from the top of the page into the text
        offline.keyboard.press('Tab')
        if offline.evaluate('document.activeElement.dataset.p') == '0':
            break
    else:
        pytest.fail('20 times Tab did not lead into the text')
    born = {
        p: (k, dict(zip(s['conf'][::2], s['conf'][1::2])).get(p))
        for k, s in enumerate(film.steps[:20], 1)
        for p in s.get('new', [])
    }
    for p, t in enumerate(state):
        tree = (
            Tree(offline) if p % 7 == 0 or p == len(state) - 1 else None
        )  # a look at every seventh
        assert offline.evaluate('document.activeElement.dataset.p') == str(p)
        if tree:
            name, word = (
                tree.name(tree.focused()),
                film.word(t).replace('↵', ' line break ').strip() or 'blank',
            )
            k, sure = born.get(p, (None, None))
            assert name == f'{word}, position {p}, ' + (
                'prompt' if k is None else f'revealed in step {k}, confidence {sure / 1000:.2f}'
            ), name
        offline.keyboard.press('ArrowRight')
    assert offline.locator('.dx-clock').inner_text() == f'20 / {len(film.steps)}'
    offline.keyboard.press('Shift+Tab')  # and out again
    assert offline.evaluate('document.activeElement.dataset.p') is None
