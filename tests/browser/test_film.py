"An exported film opened from disk, with the network cut off."

import json
import statistics
from itertools import accumulate
from pathlib import Path

import pytest

expect = pytest.importorskip('playwright.sync_api').expect
from test_viz_player import long_trace

from diffulex_edge.viz.film import (
    Film,
    example_trace,
    film_data,
    load_film,
)
from diffulex_edge.viz.player import save_html

OUTSIDE = """() => {  // pixels of long candidates beyond their panel
    const all = [...document.querySelectorAll('.dx-cand .dx-c')];
    for (const one of all) one.textContent = 'beautifully 0.98';
    const right = (one) => one.getBoundingClientRect().right;
    return right(all.at(-1)) - right(document.querySelector('.dx-detail'));
}"""


@pytest.fixture(params=['light', 'dark'])
def offline(chromium, request):
    "A page that cannot reach anything but files; `asked` lists what it asked for"
    context = chromium.new_context(
        offline=True, color_scheme=request.param, viewport={'width': 1100, 'height': 900}
    )
    page = context.new_page()
    page.scheme, page.asked, page.faults = request.param, [], []
    page.on('request', lambda r: page.asked.append(r.url))
    page.on('pageerror', lambda e: page.faults.append(str(e)))
    page.on('console', lambda m: page.faults.append(m.text) if m.type == 'error' else None)
    yield page
    context.close()


def recorded(name, title):
    "A film that comes with the library."
    return load_film(example_trace(f'smollm2_{name}'), title)


def opened(page, path, *films, **options):
    "Saves a film page and opens it."
    save_html(path, *films, **options)
    page.goto(f'file://{path}')


def test_one_film(offline, tmp_path, shot):
    film = recorded('blocks', 'SmolLM2, in blocks of four')
    opened(offline, tmp_path / 'film.html', film)
    count = len(film.steps)
    clock = offline.locator('.dx-clock')
    assert clock.inner_text() == f'{count} / {count}'  # the whole text is what one sees first
    offline.keyboard.press('Home')  # the page listens without a click
    assert clock.inner_text() == f'0 / {count}'
    for _ in range(12):
        offline.keyboard.press('ArrowRight')
    assert clock.inner_text() == f'12 / {count}'
    words = [film.word(token) for token in list(film.states())[12]]
    assert offline.locator('.dx-text .dx-t:not([hidden])').all_text_contents() == words
    offline.locator('.dx-text .dx-t.new:not([hidden])').hover()
    assert offline.locator('.dx-cand .dx-c').count() == 4
    assert offline.evaluate(OUTSIDE) < 0
    assert 'null' not in offline.locator('.dx').inner_text()
    offline.keyboard.press('c')
    shot(offline, f'film-{offline.scheme}', full_page=True)
    offline.locator('select[aria-label=speed]').select_option('16')
    offline.locator('.dx-play').click()
    expect(clock).to_have_text(f'{count} / {count}', timeout=60_000)
    assert offline.asked == [f'file://{tmp_path}/film.html']
    assert offline.faults == []


def test_a_step_comes_into_view(offline, tmp_path):
    "On a phone the text is longer than its box"
    offline.set_viewport_size({'width': 390, 'height': 844})
    opened(offline, tmp_path / 'film.html', recorded('greedy', 'one token at a time'))
    offline.keyboard.press('Home')
    for _ in range(50):
        offline.keyboard.press('ArrowRight')
        token, box = offline.locator('.dx-t.new:not([hidden])'), offline.locator('.dx-text')
        if token.count():
            shown = [what.bounding_box() for what in (token.last, box)]
            bottoms = [one['y'] + one['height'] for one in shown]
            assert bottoms[0] <= bottoms[1]


def test_two_films(offline, tmp_path, shot):
    films = [
        recorded('drafts', 'drafts of a head'),
        recorded('greedy', 'one token at a time'),
    ]
    offline.set_viewport_size({'width': 1500, 'height': 1000})
    opened(offline, tmp_path / 'race.html', *films, title='A race', sync='time')
    offline.evaluate('film.go(300)')
    for i, step in enumerate(offline.evaluate('film.reels.map((reel) => reel.stepAt(300))')):
        ends = list(accumulate((s['ms'] for s in films[i].steps), initial=0))
        assert step == max(k for k, end in enumerate(ends) if end <= 300 + 1e-6)
        assert 0 < step < len(films[i].steps)
    shot(offline, f'race-{offline.scheme}', full_page=True)
    assert len(offline.asked) == 1
    assert offline.faults == []


def work(page, act):
    "CPU milliseconds of the page's thread that an action costs: in all, and in style and layout"
    cdp = page.context.new_cdp_session(page)
    cdp.send('Performance.enable', dict(timeDomain='threadTicks'))

    def read():
        return {m['name']: m['value'] for m in cdp.send('Performance.getMetrics')['metrics']}

    before = read()
    page.evaluate(act)
    after = read()
    cdp.detach()
    spent = {name: 1e3 * (after[name] - before[name]) for name in after}
    layout = spent['LayoutDuration'] + spent['RecalcStyleDuration']
    return dict(all=spent['TaskDuration'], layout=layout)


STEP_THROUGH = """async () => {
  window.nodes = [];
  const o = new MutationObserver(() => {}), root = document.getElementById('film');
  o.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
  for (let k = 1; k <= 20; k++) {
    film.go(k);
    nodes.push(new Set(o.takeRecords().map(r => r.target)).size);
    await new Promise(requestAnimationFrame);
  }
  o.disconnect();
}"""


TOUCHED = """film.go(0), Array.from({length: film.reels[0].count}, (_, step) => {
  film.go(step + 1);
  return film.panes[0].text.touched;
})"""


@pytest.fixture(scope='module')
def measured(chromium, tmp_path_factory):
    "Films of 100 and 1,000 tokens, five a step: what steps touch and change, and their cost"
    context = chromium.new_context(offline=True, viewport={'width': 1100, 'height': 900})
    page = context.new_page()
    found = {}
    for tokens in (100, 1000):
        steps = tokens // 5
        film = Film.of(long_trace(tokens, steps), f'{tokens:,} tokens × {steps} steps')
        opened(page, tmp_path_factory.mktemp('long') / 'film.html', film)
        touched = page.evaluate(TOUCHED)
        page.evaluate('film.go(0)')
        cost = {name: ms / 20 for name, ms in work(page, STEP_THROUGH).items()}
        found[tokens] = dict(touched=touched, cost=cost, nodes=page.evaluate('nodes'))
    yield found, page
    context.close()


@pytest.mark.parametrize('tokens', [100, 1000])
def test_a_step_touches_what_is_new_and_what_was(measured, tokens):
    "Five are new, the five before them settle"
    found, _ = measured
    assert found[tokens]['touched'] == [5] + [10] * (tokens // 5 - 1)


def test_a_long_film_changes_as_few_nodes_as_a_short_one(measured, shot):
    found, page = measured
    short, long = found[100]['nodes'], found[1000]['nodes']
    summary = dict(
        nodes_per_step=statistics.median(long), ms_per_step={n: f['cost'] for n, f in found.items()}
    )
    (shot.folder / 'long-film-light.json').write_text(json.dumps(summary, indent=1))
    shot(page, 'long-light')
    assert statistics.median(long) <= statistics.median(short) + 2
    assert max(long) <= max(short) + 4


def test_a_long_film_costs_less_than_its_square(measured):
    "Ten times the text in ten times the steps; work over both would be at a hundred"
    found, _ = measured
    assert found[1000]['cost']['all'] < 20 * found[100]['cost']['all']


LIVE = """async ([data, steps]) => {
  const player = new Player(document.getElementById('film'), [data]);
  const [pane] = player.panes;
  const found = [];
  // after the player's own, which was asked for first
  const drawn = () => new Promise(requestAnimationFrame);
  steps.slice(0, 160).forEach((step) => player.add(0, step, {}));
  await drawn();
  for (const step of steps.slice(160)) {
    const before = pane.map.painted;
    player.add(0, step, {});
    await drawn();
    found.push([player.step, pane.map.painted - before, pane.text.touched]);
  }
  return found;
}"""


@pytest.mark.parametrize('offline', ['light'], indirect=True)
def test_a_long_run_paints_each_step_once(offline, tmp_path):
    "The same length live: a step costs its own cells in the map and ten tokens of text"
    film = Film.of(long_trace())
    steps, film.steps = film.steps, []
    offline.emulate_media(color_scheme=offline.scheme, reduced_motion='reduce')
    opened(offline, tmp_path / 'live.html', film)
    found = offline.evaluate(LIVE, [film_data(film), json.loads(json.dumps(steps))])
    numbers, painted, touched = zip(*found)
    assert list(numbers) == list(range(161, 201))
    assert list(painted) == [len(s['new']) + len(s['conf']) // 2 for s in steps[160:]]
    assert set(touched) == {10}


def test_without_script(chromium, tmp_path):
    film = load_film(example_trace('smollm2_drafts'), 'drafts')
    save_html(tmp_path / 'film.html', film)
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(f'file://{tmp_path}/film.html')
    assert page.locator('noscript tr, table tr').count() > 5
    context.close()


def test_a_notebook_without_a_kernel(offline, tmp_path):
    "The explorer's notebook as a plain page, without kernel and widgets: the film's table is there"
    from nbconvert import HTMLExporter

    [notebook] = (Path(__file__).resolve().parents[2] / 'nbs' / '06_viz').glob('*_explorer.ipynb')
    body, _ = HTMLExporter(template_name='basic').from_filename(str(notebook))
    (tmp_path / 'page.html').write_text(body, encoding='utf-8')
    offline.goto(f'file://{tmp_path}/page.html', wait_until='domcontentloaded')
    cells = json.loads(notebook.read_text())['cells']
    outputs = [output.get('data', {}) for cell in cells for output in cell.get('outputs', [])]
    views = [
        data for data in outputs if ''.join(data.get('text/plain', '')).startswith('Explorer(')
    ]
    assert len(views) == 3
    assert all('text/html' in data and data['image/png'] for data in views)
    table = offline.locator('table', has_text='denoise').first
    assert table.is_visible()
    assert table.locator('tr').count() > 3
