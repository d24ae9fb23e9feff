"""Measures kernels side by side: start to ready, a cell's round trip, memory. Needs jupyter_client and psutil.

usage: measure.py NAME=CODE ...      such as mesos=status python3=1+1 xpython=1+1
       measure.py --cells NAME=CODE ...   Rust cells: a first one half a minute after the start, then many, in turns
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


def beside(pairs):
    """Rust cells of several kernels, in turns, so that what else the machine does weighs on all of them alike."""
    running = []
    for name, code in pairs:
        manager, client, took = ready(name)
        running.append((name, code, manager, client, took))
    time.sleep(30)
    firsts = [trip(client, code) for _, code, _, client, _ in running]
    trips = [[] for _ in running]
    for _ in range(25):
        for at, (_, code, _, client, _) in enumerate(running):
            trips[at].append(trip(client, code)[0])
    least = statistics.median(trips[0])
    for (name, code, manager, client, _), (first, status), took in zip(running, firsts, trips):
        median = statistics.median(took)
        print(
            f"{name:12} {code[:40]:40} {status:6} first {first:6.3f} s  median {median:6.3f} s  "
            f"p90 {sorted(took)[int(len(took) * 0.9)]:6.3f} s  against the first kernel {median / least:5.2f}",
            flush=True,
        )
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def alone(name, code):
    starts = []
    for _ in range(7):
        manager, client, took = ready(name)
        starts.append(took)
        if len(starts) < 7:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    rss = memory(manager)
    first, status = trip(client, code)
    trips = [trip(client, code)[0] for _ in range(200)]
    print(
        f"{name:12} {code[:40]:40} {status:6} ready {statistics.median(starts):6.3f} s  first {first * 1000:8.1f} ms  "
        f"median {statistics.median(trips) * 1000:7.2f} ms  p90 {sorted(trips)[int(len(trips) * 0.9)] * 1000:7.2f} ms  "
        f"RSS {rss:5.1f} -> {memory(manager):5.1f} MB",
        flush=True,
    )
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def main(arguments):
    pairs = [argument.split("=", 1) for argument in arguments if "=" in argument]
    if "--cells" in arguments:
        beside(pairs)
    else:
        for name, code in pairs:
            alone(name, code)


if __name__ == "__main__":
    main(sys.argv[1:])
