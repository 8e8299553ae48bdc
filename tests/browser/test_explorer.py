"The denoising explorer in JupyterLab: by keyboard, two at a time, live."

import json
import re


def clock(box):
    return box.locator('.dx-clock').inner_text()


def add_notebook(project, name, *cells):
    "A notebook in the copy of the project"
    nb = dict(
        cells=[
            dict(
                cell_type='code',
                id=f'c{i}',
                metadata={},
                execution_count=None,
                outputs=[],
                source=c,
            )
            for i, c in enumerate(cells)
        ],
        metadata=dict(kernelspec=dict(display_name='python3', language='python', name='python3')),
        nbformat=4,
        nbformat_minor=5,
    )
    (project / 'nbs' / name).write_text(json.dumps(nb))
    return f'nbs/{name}'


def test_by_keyboard_and_edited(opened, shot, theme):
    page = opened('nbs/06_viz/05_explorer.ipynb')
    cells = page.evaluate('window.jupyterapp.shell.currentWidget.content.widgets.length')
    box = page.locator('.dx[role=region]').first
    box.scroll_into_view_if_needed()
    box.locator('.dx-main input[type=range]').focus()
    page.keyboard.press('Home')
    n = int(clock(box).split(' / ')[1])
    assert clock(box) == f'0 / {n}' and n >= 2
    page.keyboard.press('ArrowRight')
    assert clock(box) == f'1 / {n}' and box.locator('.dx-facts').inner_text().startswith(
        f'step 1 of {n} · denoise'
    )
    new = box.locator('.dx-text .dx-t.new')
    assert new.count() == int(
        re.search(r'(\d+) revealed', box.locator('.dx-facts').inner_text())[1]
    )
    shot(box, 'explorer-step-light')
    page.keyboard.press('c')
    assert (
        box.locator('select[aria-label=colour]').input_value() == 'confidence'
        and box.locator('.dx-text .dx-t.ramp').count() > 0
    )
    page.keyboard.press('ArrowLeft')
    assert clock(box) == f'0 / {n}'
    page.keyboard.press('End')
    assert clock(box) == f'{n} / {n}' and box.locator('.dx-text .dx-t.mask').count() == 0
    # into the text: one token is in the Tab order, arrows move on; no step is made
    box.locator('.dx-text .dx-t[tabindex="0"]').focus()
    for _ in range(3):
        page.keyboard.press('ArrowRight')
    focus = page.evaluate(
        '[document.activeElement.dataset.p, document.activeElement.getAttribute("aria-label")]'
    )
    assert focus[0] == '3' and 'position 3' in focus[1] and clock(box) == f'{n} / {n}'
    page.keyboard.press('ArrowDown')
    assert page.evaluate('document.activeElement.dataset.p') == '7'
    assert 'position 7' in box.locator('.dx-detail').inner_text()
    masked = box.locator('.dx-text .dx-t.done').first
    masked.hover()
    assert box.locator('.dx-detail .dx-cand tr').count() >= 1
    theme('dark')
    shot(box, 'explorer-token-dark')
    theme('light')
    # none of these keys reached the notebook
    assert page.evaluate('window.jupyterapp.shell.currentWidget.content.widgets.length') == cells
    assert all(
        b
        for b in box.locator('button').evaluate_all(
            "all => all.map(b => b.getAttribute('aria-label') || b.textContent.trim())"
        )
    )
    # two cells masked with the mouse, and denoised again
    box.get_by_label('mask', exact=True).check()
    for p in (5, 6):
        box.locator(f'.dx-text .dx-t[data-p="{p}"]').click()
    assert box.locator('.dx-text .dx-t.e-mask').count() == 2 and '2 masked' in box.inner_text()
    shot(box, 'explorer-edit-light')
    box.get_by_text('denoise again').click()
    status = page.locator('.dx-form [role=status]').first
    page.wait_for_function(
        "document.querySelector('.dx-form [role=status]').textContent.startsWith('done: 2 tokens')"
    )
    page.wait_for_function("document.querySelector('.dx-clock').textContent === '1 / 1'")
    assert (
        status.inner_text().startswith('done: 2 tokens')
        and box.locator('.dx-text .dx-t.mask').count() == 0
    )


def test_two_at_a_time(opened, shot, theme):
    page = opened('nbs/06_viz/06_compare.ipynb')
    race, thresholds = (page.locator('.dx-two').nth(i) for i in (0, 1))
    race.scroll_into_view_if_needed()
    assert (
        'The answers are identical.' in race.inner_text()
        and race.locator('select[aria-label="together"]').input_value() == 'time'
    )
    slider = race.locator('input[type=range]')
    slider.focus()
    page.keyboard.press('Home')
    for _ in range(40):
        page.keyboard.press('ArrowRight')
    facts = [race.locator('.dx-facts').nth(i).inner_text() for i in (0, 1)]
    ks = [int(re.match(r'step (\d+)', f)[1]) for f in facts]
    assert (
        clock(race).endswith(' s') and 40 <= sum(ks) <= 42 and min(ks) > 5
    )  # in turns: whose forward ends next
    shot(race, 'compare-light')
    theme('dark')
    shot(race, 'compare-dark')
    theme('light')
    race.locator('select[aria-label="together"]').select_option('step')
    slider.focus()
    page.keyboard.press('ArrowRight')
    ks = [
        int(re.match(r'step (\d+)', race.locator('.dx-facts').nth(i).inner_text())[1])
        for i in (0, 1)
    ]
    assert ks[0] == ks[1]
    assert (
        'First difference: token' in thresholds.inner_text()
        and thresholds.locator('.dx-text .dx-t.diff').count() == 2
    )
    words = thresholds.locator('input[type=range]')
    words.focus()
    page.keyboard.press('End')
    a, b = thresholds.locator('.dx-text .dx-t.diff').all_inner_texts()
    assert a != b
    shot(thresholds, 'compare-difference-light')


def test_live(opened, project, shot, theme):
    page = opened(
        add_notebook(
            project,
            '_live.ipynb',
            """
from diffulex_edge.model import load_model
from diffulex_edge.runtime import DiffusionEngine, DiffusionGenerationConfig
from diffulex_edge.dev.testing import golden_dir
from diffulex_edge.viz.explorer import explore
import time
engine = DiffusionEngine(load_model(golden_dir() / 'sdar_a', max_seq_len=1024))
step = engine.session.step
def slow_step(*arguments, **options):
    time.sleep(.06)  # still writing when "stop" is clicked, on any machine
    return step(*arguments, **options)
engine.session.step = slow_step
config = DiffusionGenerationConfig(
    max_new_tokens=1000, confidence_threshold=None, candidates=4, eos_token_id=()
)
e = explore(engine, [1, 2, 3], config, title='live')
e""",
            "print('the kernel answers', e.status, len(e.film.steps) > 0)",
        )
    )
    out = page.locator('.jp-OutputArea-output').last.inner_text()
    assert 'the kernel answers running' in out  # the second cell ran while the model was writing
    box, status = (
        page.locator('.dx[role=region]').first,
        page.locator('.dx-form [role=status]').first,
    )
    page.wait_for_function("parseInt(document.querySelector('.dx-clock').textContent) >= 30")
    assert status.inner_text() == 'running'
    fields = (
        page.locator('.dx-form')
        .first.locator('input, select, textarea')
        .evaluate_all('all => all.map(i => i.labels[0].firstChild.textContent)')
    )
    assert fields == [
        'prompt',
        'new tokens',
        'algorithm',
        'threshold',
        'block length',
        'steps per block',
        'temperature',
        'seed',
    ]  # every field has a name to be heard
    shot(page, 'live-light')
    page.get_by_role('button', name='stop').click()
    page.wait_for_function(
        "document.querySelector('.dx-form [role=status]').textContent.startsWith('stopped')"
    )
    k, n = map(int, clock(box).split(' / '))
    assert k == n < 1000 and box.locator('.dx-text .dx-t.new, .dx-text .dx-t.done').count() >= n / 2
    page.wait_for_timeout(300)
    assert clock(box) == f'{k} / {n}'  # and it stays stopped
    # another run from the form
    page.locator('.dx-form input[name=tokens]').fill('6')
    page.locator('.dx-form textarea').fill('9 8 7')
    page.locator('.dx-form textarea').press('Control+Enter')
    page.wait_for_function(
        "document.querySelector('.dx-form [role=status]').textContent.startsWith('done: 6 tokens')"
    )
    assert (
        box.locator('.dx-text .dx-t.given').all_inner_texts() == [' 9', ' 8', ' 7']
        or len(box.locator('.dx-text .dx-t.given').all_inner_texts()) == 3
    )
    page.locator('.dx-form input[name=tokens]').fill('4000')
    page.get_by_role('button', name='generate').click()
    page.wait_for_function(
        "document.querySelector('.dx-form [role=status]').textContent.startsWith('failed')"
    )
    assert '1024' in status.inner_text()
    theme('dark')
    shot(page, 'live-dark')
