"An exported film opened from disk, with the network cut off."
import json, statistics
import pytest
expect = pytest.importorskip('playwright.sync_api').expect
from diffulex_edge.viz.explorer import example_trace
from diffulex_edge.viz.film import Film, first_difference, load_film
from diffulex_edge.viz.player import save_html
from test_viz_player import long_trace

@pytest.fixture(params=['light', 'dark'])
def offline(chromium, request):
    "A page that cannot reach anything but files; `asked` lists what it asked for"
    context = chromium.new_context(offline=True, color_scheme=request.param, viewport={'width': 1100, 'height': 900})
    page = context.new_page()
    page.scheme, page.asked, page.faults = request.param, [], []
    page.on('request', lambda r: page.asked.append(r.url))
    page.on('pageerror', lambda e: page.faults.append(str(e)))
    page.on('console', lambda m: page.faults.append(m.text) if m.type == 'error' else None)
    yield page
    context.close()

def test_one_film(offline, tmp_path, shot):
    film = load_film(example_trace('smollm2_greedy'), 'SmolLM2, token by token')
    save_html(tmp_path/'film.html', film)
    offline.goto(f'file://{tmp_path}/film.html')
    n = len(film.steps)
    assert offline.locator('.dx-clock').inner_text() == f'0 / {n}'
    offline.locator('input[type=range]').focus()
    for _ in range(12): offline.keyboard.press('ArrowRight')
    assert offline.locator('.dx-clock').inner_text() == f'12 / {n}'
    *_, x = (x for k, x in enumerate(film.states()) if k <= 12)
    assert offline.locator('.dx-text .dx-t:not([hidden])').all_text_contents() == [film.word(t) for t in x]
    offline.locator('.dx-text .dx-t.new').hover()
    assert offline.locator('.dx-cand .dx-c').count() == 4 and 'null' not in offline.locator('.dx').inner_text()
    offline.keyboard.press('c')
    shot(offline, f'film-{offline.scheme}', full_page=True)
    offline.locator('select[aria-label=speed]').select_option('16')
    offline.locator('.dx-play').click()
    expect(offline.locator('.dx-clock')).to_have_text(f'{n} / {n}', timeout=60_000)
    assert offline.asked == [f'file://{tmp_path}/film.html'] and not offline.faults

def test_two_films(offline, tmp_path, shot):
    films = [load_film(example_trace(f'smollm2_{name}'), title) for name, title in (('drafts', 'two drafts per forward'), ('greedy', 'one token at a time'))]
    save_html(tmp_path/'race.html', *films, title='A race', sync='time', diff=first_difference(*films))
    offline.set_viewport_size({'width': 1500, 'height': 1000})
    offline.goto(f'file://{tmp_path}/race.html')
    offline.evaluate('film.go(5000)')
    ks = offline.evaluate("film.reels.map(r => r.step_at(5000))")
    ends = [[sum(s['ms'] for s in f.steps[:k]) for k in range(len(f.steps) + 1)] for f in films]
    assert ks == [max(k for k, t in enumerate(e) if t <= 5000 + 1e-6) for e in ends]
    shot(offline, f'race-{offline.scheme}', full_page=True)
    assert len(offline.asked) == 1 and not offline.faults

def test_a_long_film_touches_little(offline, tmp_path, shot):
    film = Film.of(long_trace(), '1,000 tokens × 200 steps')
    save_html(tmp_path/'long.html', film)
    offline.goto(f'file://{tmp_path}/long.html')
    touched, ms = zip(*offline.evaluate("Array.from({length: 201}, (_, k) => { const t = performance.now(); film.go(k); return [film.panes[0].touched, performance.now() - t]; })"))
    assert max(touched[1:]) == 10 and sum(touched[1:]) == 5 + 199 * 10  # five new tokens, and the five before them settle
    (shot.folder/f'long-film-{offline.scheme}.json').write_text(json.dumps(dict(median_ms=round(statistics.median(ms), 2), slowest_ms=round(max(ms), 2))))
    shot(offline, f'long-{offline.scheme}')

def test_without_script(chromium, tmp_path):
    film = load_film(example_trace('smollm2_drafts'), 'drafts')
    save_html(tmp_path/'film.html', film)
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(f'file://{tmp_path}/film.html')
    assert page.locator('noscript tr, table tr').count() > 5
    context.close()
