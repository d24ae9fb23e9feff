"""Task groups and their default executors."""
from words import *


def bad(case, *tasks, **more): return refused(case, group(*tasks, **more))


G = dict(command="sleep 1000")
def t(tid="g", **more): return task(tid, **{**G, **more})


SESSIONS = [
    bad("task-no-resources", t("g", resources=[cpus(0.1)]), t("h") | {"resources": []}),
    bad("task-executor-other", t(executor=executor("other"))),
    bad("task-no-command", without(t(), "command"), t("h") | {"resources": []}),
    bad("task-docker", t(container={"type": "DOCKER", "docker": {"image": "x"}})),
    bad("task-agent", t() | {"agent_id": {"value": "x"}}),
    bad("task-network", t(container={"type": "MESOS", "network_infos": [{"name": "x"}]})),
    bad("task-share-cgroups-mixed", t("g", container={"type": "MESOS", "linux_info": {"share_cgroups": False}}), t("h")),
    bad("task-secret", t(command={"value": "x", "environment": {"variables": [{"name": "A"}]}})),
    bad("task-kill-policy", t(kill_policy={"grace_period": {"nanoseconds": -5}})),
    bad("task-health", t(health_check={"type": "HTTP"})),
    bad("task-too-much", t("g", resources=[cpus(3)]), t("h", resources=[cpus(3)])),
    bad("task-limits", t(limits={"cpus": {"value": 0.01}})),
    bad("executor-no-type", t(), executor=without(executor(), "type")),
    bad("executor-unknown-type", t(), executor=executor(type="UNKNOWN")),
    bad("executor-nonsense-type", t(), executor=executor(type="NOPE")),
    bad("executor-default-command", t(), executor=executor(command={"value": "x"})),
    bad("executor-custom-no-command", t(), executor=executor(type="CUSTOM")),
    bad("executor-no-framework", t(), executor=without(executor(), "framework_id")),
    bad("executor-other-framework", t(), executor=executor(framework_id={"value": "x"})),
    bad("executor-docker", t(), executor=executor(container={"type": "DOCKER", "docker": {"image": "x"}})),
    bad("executor-container-bad", t(), executor=executor(container={"type": "DOCKER"})),
    bad("executor-grace", t(), executor=executor(shutdown_grace_period={"nanoseconds": -1})),
    bad("executor-id", t(), executor=executor("a/b")),
    bad("executor-no-cpus", t(), executor=executor() | {"resources": [mem(32), disk(32)]}),
    bad("executor-few-cpus", t(), executor=executor() | {"resources": [cpus(0.001), mem(32), disk(32)]}),
    bad("executor-no-mem", t(), executor=executor() | {"resources": [cpus(0.1), disk(32)]}),
    bad("executor-little-mem", t(), executor=executor() | {"resources": [cpus(0.1), mem(31.5), disk(32)]}),
    bad("executor-no-disk", t(), executor=executor() | {"resources": [cpus(0.1), mem(32)]}),
    bad("executor-no-resources", t(), executor=executor() | {"resources": []}),
    bad("executor-bad-resource", t(), executor=executor() | {"resources": [cpus(-1)]}),
    bad("executor-role", t(), executor=executor() | {"resources": [cpus(0.1, role="b"), mem(32), disk(32)]}),
    bad("executor-allocation", t(), executor=executor() | {"resources": [cpus(0.1, allocation_info={"role": "b"}), mem(32), disk(32)]}),
    bad("executor-shared", t(), executor=executor() | {"resources": [cpus(0.1), mem(32), disk(32, shared={}, **volume(), **reserved("a"))]}),
    bad("executor-share-cgroups", t(), executor=executor(container={"type": "MESOS", "linux_info": {"share_cgroups": True}})),
    bad("executor-revocable", t(resources=[cpus(0.1, revocable={})]), executor=executor()),
    bad("executor-ports-overlap", t(resources=[cpus(0.1), ports((9000, 9001))]), executor=executor() | {"resources": [cpus(0.1), mem(32), disk(32), ports((9001, 9002))]}),
    bad("tasks-ports-overlap", t("g", resources=[cpus(0.1), ports((9000, 9001))]), t("h", resources=[cpus(0.1), ports((9001, 9002))])),
    bad("tasks-volume-twice", t("g", resources=[cpus(0.1), disk(1, **volume(), **reserved("a"))]), t("h", resources=[cpus(0.1), disk(1, **volume(), **reserved("a"))])),
    bad("with-id", t("g"), t("h"), id={"value": "x"}),
    refused("no-body", {"type": "LAUNCH_GROUP"}),
    session("no-executor", subscribe(), offer(), accept({"type": "LAUNCH_GROUP", "launch_group": {"task_group": {"tasks": [t()]}}}), fence()),
    session("unknown-offer", subscribe(), offer(), decline(refuse=3600), accept(group(t("g"), t("h"))), fence()),
    # The recorded machine has no mesos-default-executor to start.
    session("not-launched", subscribe(), offer(), accept(group(t("g"), t("h"))), {"read": "a", "until": {"type": "UPDATE"}, "count": 2, "ack": True}),
    session("not-launched-framework-gone", subscribe(info={"failover_timeout": 60}), offer(), accept(group(t("g"))), {"read": "a", "until": {"type": "UPDATE"}}),
]
