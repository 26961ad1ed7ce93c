"""The built site in headless Chromium: python -m pytest docs

Every page opens without an error and without a request to another host, at the width of a desk and of a phone, and
nothing sticks out to the right. `-s` shows weight and first paint of a few pages.
"""
import pytest
from conftest import BUILT, watch

PAGES = sorted(p.relative_to(BUILT).as_posix() for p in BUILT.rglob("*.html") if "_static" not in p.parts)
WEIGHED = ("index.html", "primers/1_saliency.html", "12_sam.html", "20_metrics.html", "api/sam.html", "glossary.html",
           "search.html", "playground.html")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
TRANSFERRED = """performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
                 .reduce((sum, e) => sum + e.transferSize, 0)"""


@pytest.mark.parametrize("width, theme", [(1280, "light"), (390, "dark")])
def test_every_page_opens_and_fits(browser, site, width, theme):
    context, wrong = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme), []
    opened = context.new_page()
    watch(opened, site, wrong)
    for name in PAGES:
        opened.goto(f"{site}/{name}", wait_until="load")
        sizes = opened.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if sizes[0] > sizes[1]: wrong.append(f"{name}: {sizes[0]} pixels wide on a screen of {sizes[1]}")
    context.close()
    assert len(PAGES) > 40 and not wrong, "\n".join(wrong)


def test_search_finds_saliency_aggregation(page, site):
    page.goto(f"{site}/index.html")
    page.fill(".sidebar-search", "saliency aggregation")
    page.press(".sidebar-search", "Enter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("document.querySelector('#search-results .search-summary')?.textContent.includes('found')")
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.pathname)")
    assert any(path.endswith("/12_sam.html") for path in found[:3]), found


def test_dark_mode_toggles(page, site):
    page.goto(f"{site}/12_sam.html")
    seen = set()
    for _ in range(3):  # light, dark, as the system has it
        page.click(".content-icon-container .theme-toggle")
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2, seen


def test_figures_lie_on_white_in_the_dark(browser, site):
    opened = browser.new_page(color_scheme="dark")
    opened.goto(f"{site}/12_sam.html")
    colour = opened.evaluate("getComputedStyle(document.querySelector('.cell_output img')).backgroundColor")
    opened.close()
    assert colour == "rgb(255, 255, 255)"


def test_equations_are_set(page, site):
    page.goto(f"{site}/12_sam.html")
    assert page.locator(".katex-display .katex-html").first.bounding_box()["height"] > 30
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Math'))")
    assert not [name for name in PAGES if 'class="tex"' in (BUILT / name).read_text(encoding="utf-8")]


def test_an_exported_cell_leads_to_its_api_and_back(page, site):
    page.goto(f"{site}/12_sam.html")
    page.click(".exported a[href$='#ssnet.sam.aggregate']")
    entry = page.locator("dt[id='ssnet.sam.aggregate'] + dd")
    assert "saliency score of each class" in entry.inner_text() and "Tensor" in entry.inner_text()
    page.click("article a[href$='12_sam.html']")
    assert page.title().startswith("SAM")


def test_a_missing_page_finds_its_style_at_any_depth(page, site):
    page.goto(f"{site}/404.html")
    assert page.evaluate("document.querySelector('base').getAttribute('href')") == "/ssnet/"
    assert page.locator("h1").inner_text().startswith("This page is not here")


def test_weight_and_first_paint(browser, site):
    "Prints a table; asserts the weight only, because time depends on the machine."
    print("\npage                      KB   first paint, ms")
    for name in (n for n in WEIGHED if n in PAGES):
        context = browser.new_context(viewport={"width": 1280, "height": 900})  # nothing kept from the page before
        opened = context.new_page()
        opened.goto(f"{site}/{name}", wait_until="networkidle")
        weight, paint = opened.evaluate(TRANSFERRED) / 1e3, opened.evaluate(PAINT)
        print(f"{name:24}{weight:5.0f}   {paint:.0f}")
        context.close()
        assert name == "playground.html" or weight < 1500, name
