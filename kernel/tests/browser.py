"""The notebooks in JupyterLab, in a headless Chromium: run, look, interrupt, and see that nothing from outside is markup.

usage: browser.py [PICTURES]  with MESOS_CHROMIUM naming the browser, if it isn't /usr/bin/chromium
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PROMPTS = "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent.trim())"
HOSTILE = 'echo "<script>document.title=1</script><img src=x onerror=document.title=2>"; sleep 600'


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def until(what, limit, look):
    end = time.monotonic() + limit
    while not look():
        if time.monotonic() > end:
            raise SystemExit(f"not within {limit} s: {what}")
        time.sleep(0.1)


class Lab:
    def __init__(self, folder, theme):
        for notebook in NOTEBOOKS.glob("*.ipynb"):
            shutil.copy(notebook, folder)
        hostile = nbformat.v4.new_notebook(metadata={"kernelspec": {"display_name": "Mesos", "name": "mesos"}})
        cells = [f"run --cmd '{HOSTILE}' --name x", "tasks", "wait x finished --timeout 600s"]
        hostile.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(hostile, folder / "hostile.ipynb")
        settings = folder / "settings/@jupyterlab/apputils-extension"
        settings.mkdir(parents=True)
        (settings / "themes.jupyterlab-settings").write_text(f'{{"theme": "JupyterLab {theme}"}}')
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        self.port = free_port()
        places = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTER_CONFIG_DIR": "config"}
        environment = {name: str(folder / place) for name, place in places.items()}
        options = [f"--port={self.port}", "--no-browser", "--allow-root", "--ServerApp.token=", f"--ServerApp.root_dir={folder}"]
        self.server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env={**os.environ, **environment, "MESOS_NO_DOCKER": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def open(self, browser, name):
        page = browser.new_page(viewport={"width": 1100, "height": 1500})
        page.goto(f"http://127.0.0.1:{self.port}/lab/tree/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=300000)
        page.wait_for_selector("text=/Mesos \\| (Idle|Busy)/", timeout=300000)
        page.keyboard.press("Control+b")
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells")
        return page


def tour(lab, browser, pictures, theme):
    page = lab.open(browser, "Demo-API.ipynb")
    until("all cells have run", 600, lambda: all(prompt not in ("[ ]:", "[*]:") for prompt in page.evaluate(PROMPTS)))
    assert page.locator(".jp-OutputArea-output table").count() >= 5, "tables"
    assert page.locator("img[alt^=timeline]").count() >= 1, "a timeline"
    assert "RUNNING" in page.locator(".jp-Notebook").inner_text(), "a running task"
    page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTop = 1050")
    time.sleep(1)
    if pictures:
        page.screenshot(path=pictures / f"kernel-{theme.lower()}.png")
    page.close()


def hostile(lab, browser):
    page = lab.open(browser, "hostile.ipynb")
    until("the last cell waits", 300, lambda: page.evaluate(PROMPTS)[-1] == "[*]:")
    until("the task is shown", 300, lambda: "<script>" in page.locator(".jp-OutputArea").nth(1).inner_text())
    assert page.locator(".jp-OutputArea-output script").count() == 0, "markup from a task's command"
    assert page.locator(".jp-OutputArea-output img[src=x]").count() == 0, "an image from a task's command"
    assert page.title() not in ("1", "2"), "a script from a task's command has run"
    begin = time.monotonic()
    page.click('[data-command="notebook:interrupt-kernel"], button[title^="Interrupt"], jp-button[title^="Interrupt"]')
    until("the cell is interrupted", 60, lambda: "Interrupted" in page.locator(".jp-OutputArea").nth(2).inner_text())
    print(f"interrupted within {time.monotonic() - begin:.2f} s")
    page.close()


def main():
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for theme in ("Light", "Dark") if pictures else ("Light",):
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            lab = Lab(Path(folder), theme)
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("MESOS_CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
            )
            try:
                until("JupyterLab listens", 300, lab.listens)
                tour(lab, browser, pictures, theme)
                hostile(lab, browser)
            finally:
                browser.close()
                lab.server.terminate()
                lab.server.wait()


if __name__ == "__main__":
    main()
