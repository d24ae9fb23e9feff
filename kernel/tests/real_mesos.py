"""The notebooks on Apache Mesos itself, unchanged but for the line that names the master: they must mean what is saved.

usage: real_mesos.py    with MESOS_DIR naming the installed Mesos; needs Docker with busybox:latest

nginx:alpine may be out of reach of this machine: an image of busybox that does nothing for long takes its place.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "notebooks"))
import headless

IMAGE = "mesos-repl-notebooks:latest"
NAMED = "connect_embedded()?"


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def image():
    """busybox with a command of its own that goes on until it is killed."""
    container = docker("create", "busybox:latest", "true")
    docker("commit", "--change", 'CMD ["sh", "-c", "echo at work; sleep 3600"]', container, IMAGE)
    docker("rm", container)


def activated(address):
    try:
        with urllib.request.urlopen(f"http://{address}/state", timeout=5) as answer:
            return json.load(answer)["activated_slaves"]
    except (OSError, ValueError):
        return 0


def mesos(folder):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    log = open(folder / "log", "w")
    flags = {"MESOS_WORK_DIR": str(folder / "work"), "MESOS_ALLOCATION_INTERVAL": "200ms"}
    command = [Path(os.environ["MESOS_DIR"]) / "run", str(port), "1"]
    process = subprocess.Popen(command, env={**os.environ, **flags}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    address = f"127.0.0.1:{port}"
    end = time.monotonic() + 120
    while not activated(address):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"Apache Mesos isn't ready:\n{(folder / 'log').read_text()[-4000:]}")
        time.sleep(0.2)
    return process, address


def main():
    image()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        process, address = mesos(Path(folder))
        try:
            os.environ["MESOS_MASTER"] = address
            for path in sorted(headless.HERE.glob("Demo-API*.ipynb")):
                change = {headless.IMAGE: IMAGE, NAMED: f'connect("{address}")?'}
                notebook, saved = headless.run(path, change)
                found = list(headless.differences(notebook, saved, compare=True))
                print(f"{path.name}: {'differs' if found else 'as saved'}", *found, sep="\n  ")
                wrong += found
        finally:
            process.kill()
            process.wait()
            docker("rmi", "--force", IMAGE)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
