"The denoising explorer in JupyterLab: by keyboard, two at a time, live."

import json
import re

import pytest

STATUS = "document.querySelector('.dx-form [role=status]').textContent"
CLOCK = "document.querySelector('.dx-clock').textContent"


def clock(box):
    return box.locator('.dx-clock').inner_text()


def steps_of(box, films=1):
    "The step that the facts of each film name"
    facts = [box.locator('.dx-facts').nth(i).inner_text() for i in range(films)]
    return [int(re.match(r'step (\d+)', text)[1]) for text in facts]


def add_notebook(project, name, *cells):
    "A notebook in the copy of the project"
    empty = dict(cell_type='code', metadata={}, execution_count=None, outputs=[])
    kernel = dict(display_name='python3', language='python', name='python3')
    notebook = dict(
        cells=[empty | dict(id=f'c{i}', source=source) for i, source in enumerate(cells)],
        metadata=dict(kernelspec=kernel),
        nbformat=4,
        nbformat_minor=5,
    )
    (project / 'nbs' / name).write_text(json.dumps(notebook))
    return f'nbs/{name}'


@pytest.fixture
def explorer(opened):
    "The explorer's notebook, run, and its live sudoku at the start"
    page = opened('nbs/06_viz/13_explorer.ipynb')
    box = page.locator('.dx[role=region]', has=page.locator('.dx-edit')).first
    box.scroll_into_view_if_needed()
    box.locator('.dx-main input[type=range]').focus()
    page.keyboard.press('Home')
    return page, box


def test_by_keyboard_and_edited(explorer, shot, theme):
    "One notebook for all of it: opening and running it takes most of the time"
    page, box = explorer
    cells = page.evaluate('window.jupyterapp.shell.currentWidget.content.widgets.length')
    steps_by_arrows(page, box, shot)
    colours_by_key(page, box)
    tokens_by_arrows(page, box)
    token_under_the_pointer(box, shot, theme)
    # none of these keys reached the notebook
    assert page.evaluate('window.jupyterapp.shell.currentWidget.content.widgets.length') == cells
    names = "all => all.map(b => b.getAttribute('aria-label') || b.textContent.trim())"
    assert all(box.locator('button').evaluate_all(names))
    masked_and_denoised_again(page, box, shot)


def steps_by_arrows(page, box, shot):
    count = int(clock(box).split(' / ')[1])
    assert count >= 2
    assert clock(box) == f'0 / {count}'
    page.keyboard.press('ArrowRight')
    assert clock(box) == f'1 / {count}'
    facts = box.locator('.dx-facts').inner_text()
    assert facts.startswith(f'step 1 of {count} · denoise')
    revealed = int(re.search(r'(\d+) revealed', facts)[1])
    assert box.locator('.dx-text .dx-t.new').count() == revealed
    shot(box, 'explorer-step-light')


def colours_by_key(page, box):
    count = int(clock(box).split(' / ')[1])
    page.keyboard.press('c')
    assert box.locator('select[aria-label=colour]').input_value() == 'confidence'
    assert box.locator('.dx-text .dx-t.ramp').count() > 0
    page.keyboard.press('ArrowLeft')
    assert clock(box) == f'0 / {count}'
    page.keyboard.press('End')
    assert clock(box) == f'{count} / {count}'
    assert box.locator('.dx-text .dx-t.mask').count() == 0


def tokens_by_arrows(page, box):
    "One token is in the Tab order, arrows move on from there; no step is made"
    before = clock(box)
    box.locator('.dx-text .dx-t[tabindex="0"]').focus()
    for _ in range(3):
        page.keyboard.press('ArrowRight')
    assert page.evaluate('document.activeElement.dataset.p') == '3'
    assert 'position 3' in page.evaluate('document.activeElement.getAttribute("aria-label")')
    assert clock(box) == before
    page.keyboard.press('ArrowDown')
    assert page.evaluate('document.activeElement.dataset.p') == '7'
    assert 'position 7' in box.locator('.dx-detail').inner_text()


def token_under_the_pointer(box, shot, theme):
    box.locator('.dx-text .dx-t.done').first.hover()
    assert box.locator('.dx-detail .dx-cand tr').count() >= 1
    theme('dark')
    shot(box, 'explorer-token-dark')
    theme('light')


def masked_and_denoised_again(page, box, shot):
    box.get_by_label('mask', exact=True).check()
    for position in (5, 6):
        box.locator(f'.dx-text .dx-t[data-p="{position}"]').click()
    assert box.locator('.dx-text .dx-t.e-mask').count() == 2
    assert '2 masked' in box.inner_text()
    shot(box, 'explorer-edit-light')
    box.get_by_text('denoise again').click()
    page.wait_for_function(f"{STATUS}.startsWith('done: 2 tokens')")
    again = page.locator('.dx[role=region]', has=page.locator('.dx-edit')).first
    again.locator('.dx-clock', has_text='1 / 1').wait_for()
    assert again.locator('.dx-text .dx-t.mask').count() == 0


def test_two_at_a_time(opened, shot, theme):
    page = opened('nbs/06_viz/14_compare.ipynb')
    race, thresholds = (page.locator('.dx-two').nth(i) for i in (0, 2))
    race.scroll_into_view_if_needed()
    assert 'The answers are identical.' in race.inner_text()
    together = race.locator('select[aria-label="together"]')
    assert together.input_value() == 'time'
    together.select_option('step')
    slider = race.locator('input[type=range]')
    slider.focus()
    page.keyboard.press('Home')
    page.keyboard.press('ArrowRight')
    first, second = steps_of(race, 2)
    assert first == second
    together.select_option('time')
    slider.focus()
    page.keyboard.press('Home')
    for _ in range(40):
        page.keyboard.press('ArrowRight')
    assert clock(race).endswith(' s')
    steps = steps_of(race, 2)
    assert 40 <= sum(steps) <= 42  # in turns: whose forward ends next
    assert min(steps) > 5
    shot(race, 'compare-light')
    theme('dark')
    shot(race, 'compare-dark')
    theme('light')
    the_difference_is_framed(page, thresholds, shot)


def the_difference_is_framed(page, box, shot):
    framed = box.locator('.dx-text .dx-t.diff')
    assert 'First difference: token' in box.inner_text()
    assert framed.count() == 2
    box.locator('input[type=range]').focus()
    page.keyboard.press('End')
    first, second = framed.all_inner_texts()
    assert first != second
    shot(box, 'compare-difference-light')


LIVE = """
import time

from diffulex_edge.dev.testing import golden_dir
from diffulex_edge.model import load_model
from diffulex_edge.runtime import DiffusionEngine, DiffusionGenerationConfig
from diffulex_edge.viz.explorer import explore

engine = DiffusionEngine(load_model(golden_dir() / 'sdar_a', max_seq_len=1024))
step = engine.session.step


def slow_step(*arguments, **options):
    time.sleep(0.06)  # still writing when "stop" is clicked, on any machine
    return step(*arguments, **options)


engine.session.step = slow_step
settings = dict(max_new_tokens=1000, confidence_threshold=None, candidates=4, eos_token_id=())
view = explore(engine, [1, 2, 3], DiffusionGenerationConfig(**settings), title='live')
view"""
ASK = "print('the kernel answers', view.status, len(view.film.steps) > 0)"
LABELS = [
    'prompt',
    'new tokens',
    'algorithm',
    'threshold',
    'block length',
    'steps per block',
    'temperature',
    'seed',
]


def test_live(opened, project, shot, theme):
    page = opened(add_notebook(project, '_live.ipynb', LIVE, ASK))
    said = page.locator('.jp-OutputArea-output').last.inner_text()
    assert 'the kernel answers running' in said  # the second cell ran while the model was writing
    box = page.locator('.dx[role=region]').first
    page.wait_for_function(f'parseInt({CLOCK}) >= 30')
    assert page.evaluate(STATUS) == 'running'
    fields = page.locator('.dx-form').first.locator('input, select, textarea')
    labels = fields.evaluate_all('all => all.map(i => i.labels[0].firstChild.textContent)')
    assert labels == LABELS  # every field has a name to be heard
    shot(page, 'live-light')
    stopped_by_button(page, box)
    page.get_by_text('settings', exact=True).click()
    another_run_from_the_form(page, box)
    a_run_that_fails(page)
    theme('dark')
    shot(page, 'live-dark')


def stopped_by_button(page, box):
    page.get_by_role('button', name='stop').click()
    page.wait_for_function(f"{STATUS}.startsWith('stopped')")
    step, count = map(int, clock(box).split(' / '))
    assert step == count < 1000
    assert box.locator('.dx-text .dx-t.new, .dx-text .dx-t.done').count() >= count / 2
    page.wait_for_timeout(300)
    assert clock(box) == f'{step} / {count}'  # and it stays stopped


def another_run_from_the_form(page, box):
    page.locator('.dx-form input[name=tokens]').fill('6')
    prompt = page.locator('.dx-form textarea')
    prompt.fill('9 8 7')
    prompt.press('Control+Enter')
    page.wait_for_function(f"{STATUS}.startsWith('done: 6 tokens')")
    assert box.locator('.dx-text .dx-t.given').count() == 3


def a_run_that_fails(page):
    page.locator('.dx-form input[name=tokens]').fill('4000')
    page.get_by_role('button', name='generate').click()
    page.wait_for_function(f"{STATUS}.startsWith('failed')")
    assert '1024' in page.evaluate(STATUS)
