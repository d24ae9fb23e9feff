"""Demo-API.ipynb in the plain evcxr_jupyter kernel, unchanged but for its first cell of code.

usage: plain_evcxr.py EVCXR_JUPYTER    with MESOS_REPL naming the program that holds the session

evcxr_jupyter lets a panic and a failed `?` pass as success, so what is shown counts, not the cells' states.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
FIRST = f"""\
:dep mesos-handle = {{ path = "{ROOT / "kernel/handle"}" }}
use mesos_handle::prelude::*;
"""


def shown(cell):
    def text(output):
        if output.output_type == "stream":
            return output.text
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
        return output.data.get("text/plain", "")

    return "\n".join(text(output) for output in cell.outputs)


def main():
    with tempfile.TemporaryDirectory() as folder:
        spec = {"argv": [sys.argv[1], "--control_file", "{connection_file}"], "display_name": "Rust", "language": "rust"}
        place = Path(folder) / "kernels/rust"
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps({**spec, "interrupt_mode": "message"}))
        os.environ["JUPYTER_PATH"] = folder
        # A session of its own, wherever this person may have another.
        os.environ["XDG_RUNTIME_DIR"] = folder
        notebook = nbformat.read(ROOT / "notebooks/Demo-API.ipynb", as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells[0].source = FIRST + cells[0].source
        assert KernelSpecManager().find_kernel_specs().get("rust"), "the kernel is known"
        NotebookClient(notebook, timeout=900, kernel_name="rust", allow_errors=True, resources={"metadata": {"path": folder}}).execute()
    for number, cell in enumerate(cells):
        meant = "raises-exception" in cell.metadata.get("tags", [])
        if not meant and any(output.output_type == "error" for output in cell.outputs):
            raise SystemExit(f"cell {number} fails:\n{cell.source}\n{shown(cell)}")
    everything = "\n".join(shown(cell) for cell in cells)
    for wanted in ["RUNNING", "FAILED", "KILLED", "the offer is too small", "TEARDOWN answered 202"]:
        assert wanted in everything, f"no {wanted!r} in:\n{everything}"
    tables = sum("<table" in output.get("data", {}).get("text/html", "") for cell in cells for output in cell.outputs)
    assert tables >= 5, f"{tables} tables"
    print(f"{len(cells)} cells, {tables} tables")


if __name__ == "__main__":
    main()
