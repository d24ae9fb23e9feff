"""Agents that drain, are marked gone or go away, each in a cluster of its own."""
from words import *

FRESH = True
AGENT = get("/slaves", keep={"s": "/slaves/0"}, **{"only": []})
SID = {"value": "$s/id"}
AWARE = {"capabilities": [{"type": "PARTITION_AWARE"}]}
def op(kind, **more): return operate(kind, **more)
def of_agent(id, *steps): return session(id, AGENT, *steps)
def shown(): return get("/slaves", **{"except": ["flags"]})
def gone(): return {"wait": "/slaves", "at": "/slaves", "is": []}


SESSIONS = [
    of_agent("agent/drain", op("DRAIN_AGENT", agent_id=SID), {"wait": "/slaves", "at": "/slaves/0/drain_info/state", "is": "DRAINED"}, shown(), op("GET_AGENTS"), op("DRAIN_AGENT", agent_id=SID, max_grace_period={"seconds": 5}), {"wait": "/slaves", "at": "/slaves/0/drain_info/state", "is": "DRAINED"}, shown(), op("REACTIVATE_AGENT", agent_id=SID), shown()),
    of_agent("agent/drain-negative", op("DRAIN_AGENT", agent_id=SID, max_grace_period={"seconds": -5})),
    session("agent/drain-task", AGENT, subscribe(info={"capabilities": [{"type": "PARTITION_AWARE"}]}), offer(), run(task()), op("DRAIN_AGENT", agent_id=SID, max_grace_period={"seconds": 0}), until("TASK_KILLED"),
            {"wait": "/slaves", "at": "/slaves/0/drain_info/state", "is": "DRAINED"}, op("REACTIVATE_AGENT", agent_id=SID)),
    session("agent/drain-task-plain", AGENT, subscribe(), offer(), run(task()), op("DRAIN_AGENT", agent_id=SID), until("TASK_KILLED"), {"wait": "/slaves", "at": "/slaves/0/drain_info/state", "is": "DRAINED"}, op("REACTIVATE_AGENT", agent_id=SID)),
    session("gone/idle", AGENT, op("MARK_AGENT_GONE", agent_id=SID), gone(), op("GET_AGENTS"), op("MARK_AGENT_GONE", agent_id=SID), get("/slaves")),
    session("gone/offered", AGENT, subscribe(), offer(), op("MARK_AGENT_GONE", agent_id=SID), {"read": "a", "until": {"type": "FAILURE"}}, fence()),
    session("gone/task", AGENT, subscribe(), offer(), run(task()), op("MARK_AGENT_GONE", agent_id=SID), {"read": "a", "until": {"type": "FAILURE"}}, fence(), operate("GET_TASKS") | {"except": ["statuses"]}),
    session("gone/task-aware", AGENT, subscribe(info=AWARE), offer(), run(task()), op("MARK_AGENT_GONE", agent_id=SID), {"read": "a", "until": {"type": "FAILURE"}}, fence(),
            call({"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "t"}, "agent_id": "$o/agent_id"}]}}), fence(), get("/tasks")),
    session("gone/drain", AGENT, subscribe(info=AWARE), offer(), run(task()), op("DRAIN_AGENT", agent_id=SID, mark_gone=True), {"read": "a", "until": {"type": "FAILURE"}, "ack": True}, fence(), op("GET_AGENTS")),
    session("gone/events", AGENT, send({"type": "SUBSCRIBE"}, stream="e"), {"read": "e", "until": {"type": "SUBSCRIBED"}}, operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [{"machine_ids": [{"hostname": "localhost", "ip": "127.0.0.1"}], "unavailability": {"start": {"nanoseconds": 4102444800000000000}}}]}),
            operate("START_MAINTENANCE", machines=[{"hostname": "localhost", "ip": "127.0.0.1"}]), {"read": "e", "until": {"type": "AGENT_REMOVED"}}),
    session("down/task", AGENT, subscribe(), offer(), run(task()), operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [{"machine_ids": [{"hostname": "localhost", "ip": "127.0.0.1"}], "unavailability": {"start": {"nanoseconds": 4102444800000000000}}}]}),
            operate("START_MAINTENANCE", machines=[{"hostname": "localhost", "ip": "127.0.0.1"}]), {"read": "a", "until": {"type": "FAILURE"}}, fence(), op("GET_AGENTS"), op("GET_MAINTENANCE_STATUS"), op("DRAIN_AGENT", agent_id=SID)),
    session("down/task-aware", AGENT, subscribe(info=AWARE), offer(), run(task()), operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [{"machine_ids": [{"hostname": "localhost", "ip": "127.0.0.1"}], "unavailability": {"start": {"nanoseconds": 4102444800000000000}}}]}),
            operate("START_MAINTENANCE", machines=[{"hostname": "localhost", "ip": "127.0.0.1"}]), {"read": "a", "until": {"type": "FAILURE"}}, fence()),
]
