"The server's page: a prompt in, the film of its answer out."

import pytest

expect = pytest.importorskip('playwright.sync_api').expect
from test_app_serve import serving, tiny_engine

from diffulex_edge.runtime import DiffusionGenerationConfig


@pytest.fixture(scope='module')
def address():
    with serving(tiny_engine()) as (url, _):
        yield url


def opened(chromium, address, **options):
    "The page, and what went wrong in it"
    page, faults = chromium.new_page(**options), []
    page.on('pageerror', lambda error: faults.append(str(error)))
    page.on('console', lambda said: faults.append(said.text) if said.type == 'error' else None)
    page.goto(address)
    return page, faults


def test_enter_sends_and_the_film_is_the_engines(chromium, address, shot):
    engine = tiny_engine()
    config = DiffusionGenerationConfig(max_new_tokens=64)
    want = engine.generate(engine.tokenizer.chat('1 2'), config)
    page, faults = opened(chromium, address, viewport={'width': 900, 'height': 900})
    page.get_by_text('Settings').click()
    page.get_by_label('new tokens').fill('64')
    prompt = page.locator('[name=prompt]')
    prompt.fill('1 2')
    prompt.press('Enter')
    forwards = want.stats['forwards']['denoise']
    expect(page.locator('#status')).to_have_text(f'{want.trace.kept} tokens in {forwards} forwards')
    shown = ''.join(page.locator('#film .dx-t[data-p]:visible:not(.cut)').all_text_contents())
    assert shown.split() == want.text.split()
    page.keyboard.press('Escape')  # to the film
    page.keyboard.press('Home')
    assert page.locator('.dx-clock').text_content().startswith('0 /')
    assert page.locator('#film .dx-t.mask:visible').count() > 1
    page.keyboard.press('/')
    assert faults == []
    shot(page, 'server')
    prompt.fill('1 ' * 300)  # does not fit: said in the page
    page.get_by_role('button', name='Send').click()
    expect(page.locator('#status')).to_contain_text('leaves no room')
    expect(page.locator('#history li')).to_have_count(1)
    page.close()


def test_a_phone_and_a_stop(chromium, address, shot):
    page, faults = opened(chromium, address, viewport={'width': 390, 'height': 780})
    prompt = page.locator('[name=prompt]')
    page.route('**/v1/**', lambda route: None)  # no answer may come before the stop
    prompt.fill('3 4')
    prompt.press('Enter')
    prompt.press('Escape')
    expect(page.locator('#status')).to_have_text('stopped')
    page.unroute('**/v1/**')
    prompt.fill('1 2')
    prompt.press('Enter')
    expect(page.locator('#status')).to_contain_text('forwards')
    assert page.evaluate('() => document.documentElement.scrollWidth') == 390
    assert faults == []
    shot(page, 'server-390')
    page.close()
