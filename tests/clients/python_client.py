"""Runs a task to its end with another project's client: `python_client.py avmesos|mesoshttp MASTER`.

Prints each state of the task, a line each; ends with 0 once the task has finished and the framework is torn down.
"""
import importlib
import os
import pwd
import sys
import threading

client = importlib.import_module(sys.argv[1] + ".client").MesosClient
USER = pwd.getpwuid(os.getuid()).pw_name


class Scheduler:
    def __init__(self, url):
        self.launched = False
        self.driver = None
        self.done = threading.Event()
        self.client = client([url], frameworkName="python", frameworkUser=USER, max_reconnect=1)
        self.client.on(client.SUBSCRIBED, self.subscribed)
        self.client.on(client.OFFERS, self.offers)
        self.client.on(client.UPDATE, self.update)
        self.client.on(client.ERROR, lambda message: self.end("error " + str(message)))

    def run(self):
        threading.Thread(target=self.client.register, daemon=True).start()
        if not self.done.wait(60):
            sys.exit("no task has ended within 60 s")
        self.driver.tearDown()

    def end(self, why):
        print(why, flush=True)
        self.done.set()

    def subscribed(self, driver):
        print("subscribed", flush=True)
        self.driver = driver

    def offers(self, offers):
        for offer in offers:
            if self.launched:
                offer.decline()
                continue
            self.launched = True
            scalar = lambda name, value: {"name": name, "type": "SCALAR", "scalar": {"value": value}}
            offer.accept([{
                "name": "python",
                "task_id": {"value": "python-1"},
                "agent_id": offer.get_offer()["agent_id"],
                "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
                "command": {"value": "echo from python", "user": USER},
            }], {"filters": {"refuse_seconds": 1.0}})

    def update(self, update):
        # The client acknowledges by itself.
        status = update["status"]
        print(status["state"], flush=True)
        if status["state"] not in ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING"):
            self.done.set()


Scheduler(sys.argv[2]).run()
