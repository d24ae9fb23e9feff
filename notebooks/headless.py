"""Runs the notebooks without a browser, and compares what they mean with what is saved.

usage: headless.py (--check | --write) [--image IMAGE] [NOTEBOOK ...]

Ids, times, ports and amounts differ from run to run and mean nothing here; what counts is which cells fail and how, how
many outputs they have, which states and calls are named, and what is printed otherwise. --write saves a cell's outputs
anew only where they mean something else than those that are saved, so that nothing changes for nothing.

--image IMAGE runs that image where a notebook says nginx:alpine, for a cluster that can't fetch it.
MESOS_MASTER=HOST:PORT works on that Mesos; notebooks that need an embedded one are left out then.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
IMAGE = "nginx:alpine"
STATES = re.compile(
    r"\b(?:STAGING|STARTING|RUNNING|KILLING|FINISHED|FAILED|KILLED|ERROR|LOST|DROPPED|UNREACHABLE|GONE)\b"
)
# On its way a task may pass these too fast to be told of.
PASSING = {"STAGING", "STARTING", "KILLING"}
CALLS = re.compile(r"\b(?:SUBSCRIBE|ACCEPT|DECLINE|REVIVE|SUPPRESS|KILL|TEARDOWN|RECONCILE)\b")


def texts(output):
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return output.ename
    return output.data.get("text/plain", "")


def meaning(cell):
    """What a cell's outputs say, without what differs from run to run."""
    shown = [output for output in cell.outputs if texts(output).strip()]
    text = "\n".join(texts(output) for output in shown)
    still = "\n".join(texts(output) for output in shown if output.output_type != "display_data")
    return {
        "errors": [output.ename for output in shown if output.output_type == "error"],
        "kinds": [output.output_type for output in shown if output.output_type != "stream"],
        "prints": any(output.output_type == "stream" for output in shown),
        "states": sorted(set(STATES.findall(still)) - PASSING),
        "calls": sorted(set(CALLS.findall(text))),
        "html": sum("text/html" in output.get("data", {}) for output in shown),
    }


def pictured(cell):
    """The states in pictures that go on changing after their cell: how far they got is the machine's affair."""
    living = "\n".join(texts(output) for output in cell.outputs if output.output_type == "display_data")
    return set(STATES.findall(living)) - PASSING


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(path, change):
    """The notebook after a run, with some words of its cells changed, and as it was saved."""
    # What is saved shall not depend on a registry's being in reach.
    os.environ.setdefault("MESOS_NO_DOCKER", "1")
    saved = nbformat.read(path, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        for was, now in change.items():
            cell.source = cell.source.replace(was, now)
        cell.outputs = []
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="mesos",
        allow_errors=True,
        record_timing=False,
        resources={"metadata": {"path": str(HERE)}},
    )
    client.execute()
    return notebook, saved


def differences(notebook, saved, compare):
    for number, (cell, was) in enumerate(zip(code_cells(notebook), code_cells(saved))):
        now, before = meaning(cell), meaning(was)
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        if now["errors"] and not tagged:
            trouble = next(output for output in cell.outputs if output.output_type == "error")
            yield f"cell {number} fails: {trouble.ename}: {trouble.evalue}"
        if tagged and not now["errors"]:
            yield f"cell {number} should fail and doesn't"
        for part in now if compare else ():
            if now[part] != before[part]:
                yield f"cell {number}: {part}: saved {before[part]!r}, now {now[part]!r}"
        if compare and not pictured(cell) <= pictured(was):
            yield f"cell {number}: pictured: saved {sorted(pictured(was))}, now {sorted(pictured(cell))}"


def settled(notebook):
    """The notebook with ids and ports that are nobody's."""
    text = nbformat.writes(notebook)
    known = {}

    def same(match):
        return known.setdefault(match.group(), f"00000000-0000-4000-8000-{len(known) + 1:012}")

    text = re.sub(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", same, text)
    # Shortened ids are the beginnings of whole ones.
    for whole, new in known.items():
        text = re.sub(rf"\b{whole[:8]}\b", f"{new[:6]}{new[-2:]}", text)
        text = re.sub(rf"\b{whole[:4]}-0", f"{new[:4]}-0", text)
    text = re.sub(r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:5050", text)
    return nbformat.reads(text, as_version=4)


def write(path, notebook, saved):
    """Saves the notebook; whether anything in it has changed."""
    fresh = settled(notebook)
    for cell, was in zip(code_cells(fresh), code_cells(saved)):
        same = was.outputs and meaning(cell) == meaning(was) and cell.source == was.source
        cell.outputs = was.outputs if same else cell.outputs
    fresh.metadata = {
        "kernelspec": {"display_name": "Mesos", "language": "rust", "name": "mesos"},
        "language_info": fresh.metadata.language_info,
    }
    before = path.read_text()
    nbformat.write(fresh, path)
    return path.read_text() != before


def needs_embedded(notebook):
    return "embedded" in notebook.metadata.get("mesos", {}).get("needs", "") or any(
        cell.source.startswith("fault ") for cell in code_cells(notebook)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    parser.add_argument("--image", default=IMAGE)
    parser.add_argument("notebooks", nargs="*", type=Path)
    asked = parser.parse_args()
    failed = False
    for path in asked.notebooks or sorted(HERE.glob("*.ipynb")):
        if os.environ.get("MESOS_MASTER") and needs_embedded(nbformat.read(path, as_version=4)):
            print(f"{path.name}: left out, it needs an embedded Mesos")
            continue
        notebook, saved = run(path, {IMAGE: asked.image})
        found = list(differences(notebook, saved, compare=asked.check))
        failed |= bool(found)
        if found:
            print(f"{path.name}: differs")
        elif asked.write:
            print(f"{path.name}: {'saved anew' if write(path, notebook, saved) else 'as saved'}")
        else:
            print(f"{path.name}: as saved")
        for line in found:
            print(f"  {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
