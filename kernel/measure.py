"""Measures kernels side by side: start to ready, a cell's round trip, memory. Needs jupyter_client and psutil.

usage: measure.py NAME=CODE ...      such as mesos=status python3=1+1 xpython=1+1
       measure.py --cells NAME=CODE  only round trips, after a first cell that may take long
"""

import statistics
import sys
import time

import psutil
from jupyter_client.manager import KernelManager


def ready(name):
    begin = time.perf_counter()
    manager = KernelManager(kernel_name=name)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return manager, client, time.perf_counter() - begin


def trip(client, code):
    begin = time.perf_counter()
    message = client.execute(code)
    while True:
        reply = client.get_shell_msg(timeout=180)
        if reply["parent_header"].get("msg_id") == message:
            break
    took = time.perf_counter() - begin
    while True:
        output = client.get_iopub_msg(timeout=60)
        if output["parent_header"].get("msg_id") == message and output["content"].get("execution_state") == "idle":
            return took, reply["content"]["status"]


def memory(manager):
    process = psutil.Process(manager.provisioner.pid)
    return process.memory_info().rss / 1e6


def main(arguments):
    cells = "--cells" in arguments
    for pair in (argument for argument in arguments if "=" in argument):
        name, code = pair.split("=", 1)
        starts = []
        for _ in range(1 if cells else 7):
            manager, client, took = ready(name)
            starts.append(took)
            if len(starts) < (1 if cells else 7):
                client.stop_channels()
                manager.shutdown_kernel(now=True)
        rss = memory(manager)
        first, status = trip(client, code)
        trips = [trip(client, code)[0] for _ in range(15 if cells else 200)]
        print(
            f"{name:12} {code[:40]:40} {status:6} ready {statistics.median(starts):6.3f} s  first {first * 1000:8.1f} ms  "
            f"median {statistics.median(trips) * 1000:7.2f} ms  p90 {sorted(trips)[int(len(trips) * 0.9)] * 1000:7.2f} ms  "
            f"RSS {rss:5.1f} -> {memory(manager):5.1f} MB",
            flush=True,
        )
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main(sys.argv[1:])
