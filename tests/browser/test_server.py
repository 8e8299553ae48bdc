"The server's page: a prompt in, the denoising out."

import pytest

expect = pytest.importorskip('playwright.sync_api').expect
from test_app_serve import serving, tiny_engine

from diffulex_edge.runtime import DiffusionGenerationConfig


def test_the_page_shows_a_denoising(chromium, shot):
    engine = tiny_engine()
    want = engine.generate(
        engine.tokenizer.chat('1 2'), DiffusionGenerationConfig(max_new_tokens=126)
    )
    with serving(engine) as (url, worker):
        page = chromium.new_page(viewport={'width': 900, 'height': 520})
        faults = []
        page.on('pageerror', lambda e: faults.append(str(e)))
        page.goto(url)
        page.get_by_label('Prompt').fill('1 2')
        page.get_by_role('button', name='Denoise').click()
        expect(page.locator('#text')).to_have_text(want.text, use_inner_text=False, timeout=60_000)
        expect(page.locator('#draft')).to_have_text('')
        forwards = want.stats['forwards']['denoise']
        assert f'forward {forwards}' in page.locator('#facts').text_content()
        assert faults == []
        shot(page, 'server')
        page.get_by_label('Prompt').fill('1 ' * 300)  # does not fit: said in the page
        page.get_by_role('button', name='Denoise').click()
        expect(page.locator('#facts')).to_contain_text('leaves no room')
        page.close()
