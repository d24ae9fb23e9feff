"""Runs the notebooks without a browser, and compares what they mean with what is saved.

Ids, times, ports and amounts differ from run to run and mean nothing here; what counts is which cells fail and how, how
many outputs they have, which states and calls are named, and what is printed otherwise.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
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
    return {
        "errors": [output.ename for output in shown if output.output_type == "error"],
        "kinds": [output.output_type for output in shown if output.output_type != "stream"],
        "prints": any(output.output_type == "stream" for output in shown),
        "states": sorted(set(STATES.findall(text)) - PASSING),
        "calls": sorted(set(CALLS.findall(text))),
        "html": sum("text/html" in output.get("data", {}) for output in shown),
    }


def run(path):
    # What is saved shall not depend on a registry's being in reach.
    os.environ.setdefault("MESOS_NO_DOCKER", "1")
    notebook = nbformat.read(path, as_version=4)
    saved = [meaning(cell) if cell.cell_type == "code" else None for cell in notebook.cells]
    client = NotebookClient(
        notebook, timeout=300, kernel_name="mesos", allow_errors=True, record_timing=False, resources={"metadata": {"path": str(HERE)}}
    )
    client.execute()
    return notebook, saved


def differences(notebook, saved):
    for number, (cell, was) in enumerate(zip(notebook.cells, saved)):
        if cell.cell_type != "code":
            continue
        now = meaning(cell)
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        if now["errors"] and not tagged:
            trouble = next(output for output in cell.outputs if output.output_type == "error")
            yield f"cell {number} fails: {trouble.ename}: {trouble.evalue}"
        if tagged and not now["errors"]:
            yield f"cell {number} should fail and doesn't"
        for part in now:
            if was is not None and now[part] != was[part]:
                yield f"cell {number}: {part}: saved {was[part]!r}, now {now[part]!r}"


def settled(notebook):
    """The notebook with ids and ports that stay the same from run to run."""
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


def main():
    write = "--write" in sys.argv[1:]
    named = [Path(name) for name in sys.argv[1:] if not name.startswith("--")]
    failed = False
    for path in named or sorted(HERE.glob("*.ipynb")):
        notebook, saved = run(path)
        if write:
            saved = [None] * len(saved)
        found = list(differences(notebook, saved))
        failed |= bool(found)
        print(f"{path.name}: {'as saved' if not found and not write else 'runs' if not found else 'differs'}")
        for line in found:
            print(f"  {line}")
        if write and not found:
            notebook.metadata.kernelspec = {"display_name": "Mesos", "language": "rust", "name": "mesos"}
            nbformat.write(settled(notebook), path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
