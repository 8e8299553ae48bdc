"An exported film opened from disk, with the network cut off."

import json
import statistics
from pathlib import Path

import pytest

expect = pytest.importorskip('playwright.sync_api').expect
from test_viz_player import long_trace

from diffulex_edge.viz.explorer import example_trace
from diffulex_edge.viz.film import Film, first_difference, load_film
from diffulex_edge.viz.player import save_html


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


def test_one_film(offline, tmp_path, shot):
    film = load_film(example_trace('smollm2_greedy'), 'SmolLM2, token by token')
    save_html(tmp_path / 'film.html', film)
    offline.goto(f'file://{tmp_path}/film.html')
    n = len(film.steps)
    assert offline.locator('.dx-clock').inner_text() == f'0 / {n}'
    offline.locator('input[type=range]').focus()
    for _ in range(12):
        offline.keyboard.press('ArrowRight')
    assert offline.locator('.dx-clock').inner_text() == f'12 / {n}'
    *_, x = (x for k, x in enumerate(film.states()) if k <= 12)
    assert offline.locator('.dx-text .dx-t:not([hidden])').all_text_contents() == [
        film.word(t) for t in x
    ]
    offline.locator('.dx-text .dx-t.new').hover()
    assert (
        offline.locator('.dx-cand .dx-c').count() == 4
        and 'null' not in offline.locator('.dx').inner_text()
    )
    offline.keyboard.press('c')
    shot(offline, f'film-{offline.scheme}', full_page=True)
    offline.locator('select[aria-label=speed]').select_option('16')
    offline.locator('.dx-play').click()
    expect(offline.locator('.dx-clock')).to_have_text(f'{n} / {n}', timeout=60_000)
    assert offline.asked == [f'file://{tmp_path}/film.html'] and not offline.faults


def test_two_films(offline, tmp_path, shot):
    films = [
        load_film(example_trace(f'smollm2_{name}'), title)
        for name, title in (('drafts', 'two drafts per forward'), ('greedy', 'one token at a time'))
    ]
    save_html(
        tmp_path / 'race.html', *films, title='A race', sync='time', diff=first_difference(*films)
    )
    offline.set_viewport_size({'width': 1500, 'height': 1000})
    offline.goto(f'file://{tmp_path}/race.html')
    offline.evaluate('film.go(5000)')
    ks = offline.evaluate('film.reels.map(r => r.step_at(5000))')
    ends = [[sum(s['ms'] for s in f.steps[:k]) for k in range(len(f.steps) + 1)] for f in films]
    assert ks == [max(k for k, t in enumerate(e) if t <= 5000 + 1e-6) for e in ends]
    shot(offline, f'race-{offline.scheme}', full_page=True)
    assert len(offline.asked) == 1 and not offline.faults


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
    ms = lambda *names: 1e3 * sum(after[n] - before[n] for n in names)
    return dict(all=ms('TaskDuration'), layout=ms('LayoutDuration', 'RecalcStyleDuration'))


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


@pytest.mark.parametrize('offline', ['light'], indirect=True)
def test_a_long_film_touches_little(offline, tmp_path, shot):
    "A step of 1,000 tokens in 200 steps changes no more than one of 100 tokens in 20"
    nodes, cost = {}, {}
    for n in (100, 1000):
        save_html(
            tmp_path / f'{n}.html', Film.of(long_trace(n, n // 5), f'{n:,} tokens × {n // 5} steps')
        )
        offline.goto(f'file://{tmp_path}/{n}.html')
        touched = offline.evaluate(
            'Array.from({length: film.reels[0].n}, '
            '(_, k) => { film.go(k + 1); return film.panes[0].touched; })'
        )
        assert touched == [5] + [10] * (n // 5 - 1)  # five new, the five before them settle
        offline.evaluate('film.go(0)')
        cost[n] = {k: v / 20 for k, v in work(offline, STEP_THROUGH).items()}
        nodes[n] = offline.evaluate('nodes')
    assert statistics.median(nodes[1000]) <= statistics.median(nodes[100]) + 2
    assert max(nodes[1000]) <= max(nodes[100]) + 4
    # ten times the text in ten times the steps; work over both would be at a hundred
    assert cost[1000]['all'] < 20 * cost[100]['all']
    (shot.folder / f'long-film-{offline.scheme}.json').write_text(
        json.dumps(
            dict(
                nodes_per_step=statistics.median(nodes[1000]),
                ms_per_step={n: {k: round(v, 2) for k, v in c.items()} for n, c in cost.items()},
            ),
            indent=1,
        )
    )
    shot(offline, f'long-{offline.scheme}')


@pytest.mark.parametrize('offline', ['light'], indirect=True)
def test_a_long_run_paints_each_step_once(offline, tmp_path):
    "The same length live: a step that arrives costs its own cells of the map and ten tokens"
    film = Film.of(long_trace())
    steps, start, film.steps = film.steps, film.data() | dict(steps=[]), []
    save_html(tmp_path / 'live.html', film)
    offline.emulate_media(color_scheme=offline.scheme, reduced_motion='reduce')
    offline.goto(f'file://{tmp_path}/live.html')
    got = offline.evaluate(
        """async ([data, steps]) => {
      const show = stage(document.getElementById('film'), [data]), out = [];
      // after the player's own, which was asked for first
      const next = () => new Promise(requestAnimationFrame);
      steps.slice(0, 160).forEach(s => show.add(0, s, {}));
      await next();
      for (const s of steps.slice(160)) {
        const before = show.panes[0].map.painted;
        show.add(0, s, {});
        await next();
        out.push([show.k(), show.panes[0].map.painted - before, show.panes[0].text.touched]);
      }
      return out;
    }""",
        [json.loads(json.dumps(start)), steps],
    )
    ks, painted, touched = zip(*got)
    assert list(ks) == list(range(161, 201)) and list(painted) == [
        len(s['new']) + len(s['conf']) // 2 for s in steps[160:]
    ]
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
    """The explorer's committed notebook as a plain page, without kernel and widgets.

    The table of the film is there, and the same output has a picture and a line of text.
    """
    from diffulex_edge.dev.docs import page_html

    notebook = Path(__file__).resolve().parents[2] / 'nbs' / '06_viz' / '05_explorer.ipynb'
    (tmp_path / 'page.html').write_text(page_html(notebook), encoding='utf-8')
    offline.goto(f'file://{tmp_path}/page.html', wait_until='domcontentloaded')
    outputs = [
        o['data']
        for c in json.loads(notebook.read_text())['cells']
        for o in c.get('outputs', [])
        if 'text/html' in o.get('data', {}) and 'steps' in ''.join(o['data'].get('text/plain', ''))
    ]
    assert len(outputs) == 2 and all(o['image/png'] for o in outputs)
    tables = offline.locator('table', has_text='denoise')
    assert (
        tables.count() >= 1 and tables.first.is_visible() and tables.first.locator('tr').count() > 3
    )
