"""The page in a headless Chromium: every view, by mouse and by keyboard, live output, light and dark.

usage: browser.py URL TASK [PICTURES]  with MESOS_CHROMIUM naming the browser, if it isn't /usr/bin/chromium

TASK is a running task that writes a line `tick N` again and again. Ends with 0 if all is as it should be; screenshots go
to PICTURES.
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

URL, TASK = sys.argv[1:3]
PICTURES = Path(sys.argv[3]) if len(sys.argv) > 3 else None
WITHIN = 20_000
expect.set_options(timeout=WITHIN)


def picture(page, name):
    if PICTURES:
        page.screenshot(path=PICTURES / f"{name}.png")


def is_dark(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour[4:-1].split(",")) < 3 * 128


def walk(page, scheme):
    page.goto(URL + "/#/")
    expect(page.get_by_role("heading", name="Active tasks")).to_be_visible()
    assert is_dark(page) == (scheme == "dark"), scheme
    picture(page, f"page-{scheme}")
    # Each view of the navigation shows its table and says that it is the present one.
    for name, heading in [("Agents", "Agents"), ("Frameworks", "Completed frameworks"), ("Tasks", "Completed tasks"), ("Offers", "Offers")]:
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert page.locator("nav a[aria-current]").all_inner_texts() == [name]
    # A task's page, from there its agent's, and back.
    page.get_by_role("navigation").get_by_role("link", name="Tasks").click()
    page.get_by_role("link", name=TASK, exact=True).click()
    expect(page.get_by_role("heading", name="Updates")).to_be_visible()
    expect(page.get_by_text("TASK_STARTING").or_(page.get_by_text("STARTING", exact=True)).first).to_be_visible()
    picture(page, f"page-task-{scheme}")
    page.locator("dl").get_by_role("link").nth(1).click()
    expect(page.get_by_role("heading", name="Agent ")).to_be_visible()
    expect(page.get_by_role("link", name=TASK, exact=True)).to_be_visible()
    picture(page, f"page-agent-{scheme}")
    page.go_back()
    page.get_by_role("link", name="stdout, stderr and files").click()
    expect(page.get_by_role("link", name="stdout", exact=True)).to_be_visible()
    picture(page, f"page-sandbox-{scheme}")
    # The output grows while one looks.
    page.get_by_role("link", name="stdout", exact=True).click()
    text = page.locator("pre")
    expect(text).to_contain_text("tick 1")
    seen = text.inner_text().count("tick")
    page.wait_for_function(f"() => document.querySelector('pre').innerText.split('tick').length - 1 > {seen + 1}", timeout=WITHIN)
    picture(page, f"page-stdout-{scheme}")


def by_keyboard(page):
    # A new document: nothing has the focus yet.
    page.goto("about:blank")
    page.goto(URL + "/#/")
    expect(page.get_by_role("heading", name="Active tasks")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    # The filter is a key away; what fits it not is gone, and comes back.
    page.keyboard.press("/")
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing fits the filter.").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name=TASK, exact=True)).to_be_visible()
    # A task is reached by Tab and opened by Enter, even while the page draws itself anew.
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == TASK:
            break
    assert page.evaluate("document.activeElement.textContent") == TASK, "no way to the task by Tab"
    page.wait_for_timeout(2500)
    assert page.evaluate("document.activeElement.textContent") == TASK, "drawing anew loses the reader's place"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Updates")).to_be_visible()


def narrow(page):
    page.set_viewport_size({"width": 380, "height": 700})
    page.goto(URL + "/#/tasks")
    expect(page.get_by_role("heading", name="Active tasks")).to_be_visible()
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"the page is {wider} px wider than its window"
    picture(page, "page-narrow")


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=os.environ.get("MESOS_CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
    for scheme in ["light", "dark"]:
        page = browser.new_page(color_scheme=scheme, viewport={"width": 1180, "height": 620})
        wrong, asked = [], []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        walk(page, scheme)
        if scheme == "light":
            by_keyboard(page)
            narrow(page)
        assert not wrong, wrong
        elsewhere = [url for url in asked if not url.startswith((URL + "/", "data:"))]
        assert not elsewhere, elsewhere
        page.close()
    browser.close()
