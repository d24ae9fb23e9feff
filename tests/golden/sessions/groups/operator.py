"""The operator API of the master: what it shows of an empty cluster, what it changes, and what it refuses."""
from words import *

R = reserved("dev")
V = {**volume(), **R}
AGENT = get("/slaves", keep={"s": "/slaves/0"}, **{"only": []})
SID = {"value": "$s/id"}
def op(kind, **more): return operate(kind, **more)
def one(id, kind, **more): return session(id, op(kind, **more))
def of_agent(id, *steps): return session(id, AGENT, *steps)
def shown(): return get("/slaves", **{"except": ["flags"]})
def drop(*names): return {"except": list(names)}


SESSIONS = [
    one("get/health", "GET_HEALTH"), one("get/version", "GET_VERSION"), one("get/logging-level", "GET_LOGGING_LEVEL"),
    session("get/master", op("GET_MASTER")), one("get/agents", "GET_AGENTS"), one("get/frameworks", "GET_FRAMEWORKS"), one("get/executors", "GET_EXECUTORS"),
    one("get/tasks", "GET_TASKS"), one("get/operations", "GET_OPERATIONS"), one("get/roles", "GET_ROLES"), one("get/weights", "GET_WEIGHTS"), one("get/quota", "GET_QUOTA"),
    one("get/maintenance-status", "GET_MAINTENANCE_STATUS"), one("get/maintenance-schedule", "GET_MAINTENANCE_SCHEDULE"), one("get/state", "GET_STATE"),
    session("get/flags", op("GET_FLAGS") | {"only": ["/type"]}), session("get/metrics", op("GET_METRICS", timeout={"nanoseconds": 0}) | {"only": ["/type"]}),
    session("get/metrics-no-timeout", op("GET_METRICS") | {"only": ["/type"]}),
    *[one("missing/" + kind.lower().replace("_", "-"), kind) for kind in ("SET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE", "UPDATE_WEIGHTS", "RESERVE_RESOURCES", "UNRESERVE_RESOURCES",
      "CREATE_VOLUMES", "DESTROY_VOLUMES", "GROW_VOLUME", "SHRINK_VOLUME", "UPDATE_MAINTENANCE_SCHEDULE", "START_MAINTENANCE", "STOP_MAINTENANCE", "DRAIN_AGENT",
      "DEACTIVATE_AGENT", "REACTIVATE_AGENT", "UPDATE_QUOTA", "SET_QUOTA", "REMOVE_QUOTA", "TEARDOWN", "MARK_AGENT_GONE", "GET_METRICS")],
    *[session("fields/" + kind.lower().replace("_", "-"), send({"type": kind, kind.lower(): {}}) | ({"only": []} if kind == "GET_METRICS" else {})) for kind in ("SET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE", "UPDATE_WEIGHTS", "RESERVE_RESOURCES",
      "UNRESERVE_RESOURCES", "CREATE_VOLUMES", "DESTROY_VOLUMES", "GROW_VOLUME", "SHRINK_VOLUME", "UPDATE_MAINTENANCE_SCHEDULE", "START_MAINTENANCE", "STOP_MAINTENANCE", "DRAIN_AGENT",
      "DEACTIVATE_AGENT", "REACTIVATE_AGENT", "UPDATE_QUOTA", "SET_QUOTA", "REMOVE_QUOTA", "TEARDOWN", "MARK_AGENT_GONE", "GET_METRICS")],
    # Unknown agents and frameworks.
    one("unknown/teardown", "TEARDOWN", framework_id={"value": "x"}), one("unknown/mark-gone", "MARK_AGENT_GONE", agent_id={"value": "x"}),
    one("unknown/drain", "DRAIN_AGENT", agent_id={"value": "x"}), one("unknown/deactivate", "DEACTIVATE_AGENT", agent_id={"value": "x"}),
    one("unknown/reactivate", "REACTIVATE_AGENT", agent_id={"value": "x"}), one("unknown/reserve", "RESERVE_RESOURCES", agent_id={"value": "x"}, resources=[cpus(1, **R)]),
    one("unknown/unreserve", "UNRESERVE_RESOURCES", agent_id={"value": "x"}, resources=[cpus(1, **R)]), one("unknown/create", "CREATE_VOLUMES", agent_id={"value": "x"}, volumes=[disk(1, **V)]),
    one("unknown/destroy", "DESTROY_VOLUMES", agent_id={"value": "x"}, volumes=[disk(1, **V)]), one("unknown/grow", "GROW_VOLUME", agent_id={"value": "x"}, volume=disk(1, **V), addition=disk(1, **R)),
    one("unknown/shrink", "SHRINK_VOLUME", agent_id={"value": "x"}, volume=disk(2, **V), subtract={"value": 1}),
    one("unknown/grow-no-agent", "GROW_VOLUME", volume=disk(1, **V), addition=disk(1, **R)), one("unknown/shrink-no-agent", "SHRINK_VOLUME", volume=disk(2, **V), subtract={"value": 1}),
    # Reservations and volumes.
    of_agent("reserve/good", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)]), shown(), op("GET_AGENTS"), get("/roles"), op("GET_ROLES"),
             op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)]), shown()),
    of_agent("reserve/refined", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)]), op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, reservations=R["reservations"] + reserved("dev/a")["reservations"])]), shown(),
             op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, reservations=R["reservations"] + reserved("dev/a")["reservations"])]), shown(), op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)])),
    of_agent("reserve/source", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)]), op("RESERVE_RESOURCES", agent_id=SID, source=[cpus(1, **R)], resources=[cpus(1, **reserved("prod"))]), shown(),
             op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **reserved("prod"))])),
    of_agent("reserve/source-other-amount", op("RESERVE_RESOURCES", agent_id=SID, source=[cpus(2, **R)], resources=[cpus(1, **reserved("prod"))])),
    of_agent("reserve/source-unreserved", op("RESERVE_RESOURCES", agent_id=SID, source=[cpus(1)], resources=[cpus(1, **reserved("prod"))]), shown(), op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **reserved("prod"))])),
    of_agent("reserve/source-not-there", op("RESERVE_RESOURCES", agent_id=SID, source=[cpus(1, **R)], resources=[cpus(1, **reserved("prod"))])),
    of_agent("reserve/too-much", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(100, **R)])),
    of_agent("reserve/unreserved", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1)])),
    of_agent("reserve/static", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, role="dev")])),
    of_agent("reserve/star", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **reserved("*"))])),
    of_agent("reserve/allocated", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, allocation_info={"role": "dev"}, **R)])),
    of_agent("reserve/nothing", op("RESERVE_RESOURCES", agent_id=SID, resources=[])),
    of_agent("reserve/negative", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(-1, **R)])),
    of_agent("reserve/principal", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **reserved("dev", "p"))]), shown(), op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **reserved("dev", "p"))])),
    of_agent("reserve/two-roles", op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R), mem(1, **reserved("prod"))]), shown(), op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R), mem(1, **reserved("prod"))])),
    of_agent("unreserve/not-there", op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)])),
    of_agent("unreserve/unreserved", op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1)])),
    of_agent("create/not-there", op("CREATE_VOLUMES", agent_id=SID, volumes=[disk(1, **V)])),
    of_agent("create/unreserved", op("CREATE_VOLUMES", agent_id=SID, volumes=[disk(1, **volume())])),
    of_agent("create/bad-disk", op("CREATE_VOLUMES", agent_id=SID, volumes=[disk(1, **R)])),
    of_agent("create/nothing", op("CREATE_VOLUMES", agent_id=SID, volumes=[])),
    of_agent("create/good", op("RESERVE_RESOURCES", agent_id=SID, resources=[disk(64, **R)]), op("CREATE_VOLUMES", agent_id=SID, volumes=[disk(32, **V)]), shown(),
             op("CREATE_VOLUMES", agent_id=SID, volumes=[disk(8, **V)]), op("UNRESERVE_RESOURCES", agent_id=SID, resources=[disk(32, **V)]),
             op("GROW_VOLUME", agent_id=SID, volume=disk(32, **V), addition=disk(8, **R)), shown(), op("SHRINK_VOLUME", agent_id=SID, volume=disk(40, **V), subtract={"value": 30}), shown(),
             op("GROW_VOLUME", agent_id=SID, volume=disk(32, **V), addition=disk(8, **R)), op("SHRINK_VOLUME", agent_id=SID, volume=disk(10, **V), subtract={"value": 30}),
             op("DESTROY_VOLUMES", agent_id=SID, volumes=[disk(32, **V)]), op("DESTROY_VOLUMES", agent_id=SID, volumes=[disk(10, **V)]), shown(),
             op("UNRESERVE_RESOURCES", agent_id=SID, resources=[disk(64, **R)])),
    of_agent("destroy/not-there", op("DESTROY_VOLUMES", agent_id=SID, volumes=[disk(1, **V)])),
    of_agent("destroy/no-volume", op("DESTROY_VOLUMES", agent_id=SID, volumes=[disk(1, **R)])),
    # With offers out: they are rescinded where needed.
    session("offered/reserve", AGENT, subscribe(), offer(), op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)]), {"read": "a", "until": {"type": "RESCIND"}}, offer("a", "o2"),
            op("UNRESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)]), {"wait": "/slaves", "at": "/slaves/0/reserved_resources", "is": {}}),
    session("offered/used", AGENT, subscribe(), offer(), run(task(resources=[cpus(3.5), mem(32)])), op("RESERVE_RESOURCES", agent_id=SID, resources=[cpus(1, **R)])),
    # Old endpoints.
    *[session("old/%s-%s" % (path[1:].replace("/", "-"), name), send(path=path, method=method, headers={"Content-Type": "application/x-www-form-urlencoded"}, text=text))
      for path, method in (("/teardown", "POST"), ("/reserve", "POST"), ("/unreserve", "POST"), ("/create-volumes", "POST"), ("/destroy-volumes", "POST"), ("/weights", "PUT"), ("/quota", "POST"), ("/machine/up", "POST"), ("/machine/down", "POST"), ("/maintenance/schedule", "POST"))
      for name, text in (("empty", ""), ("unknown", "frameworkId=x&slaveId=x&resources=[]&volumes=[]"), ("no-resources", "slaveId=x"), ("bad-json", "{"), ("object", "{}"), ("array", "[]"), ("bad-form", "slaveId=x&resources={"))],
    session("old/teardown", subscribe(), send(path="/teardown", headers={}, text="frameworkId=${a/fid/value}"), end()),
    session("old/reserve", AGENT, send(path="/reserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"dev","reservation":{}}]'), shown(),
            send(path="/unreserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"dev","reservation":{}}]'), shown()),
    session("old/reserve-bad", AGENT, send(path="/reserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"cpus","type":"SCALAR","scalar":{"value":1}}]'),
            send(path="/reserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"cpus"}]'), send(path="/reserve", headers={}, text='slaveId=${s/id}&resources={}'), send(path="/reserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"cpus","type":"SCALAR","scalar":{"value":100},"role":"dev","reservation":{}}]')),
    session("old/volumes", AGENT, send(path="/reserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"disk","type":"SCALAR","scalar":{"value":8},"role":"dev","reservation":{}}]'),
            send(path="/create-volumes", headers={}, text='slaveId=${s/id}&volumes=[{"name":"disk","type":"SCALAR","scalar":{"value":8},"role":"dev","reservation":{},"disk":{"persistence":{"id":"v"},"volume":{"container_path":"x","mode":"RW"}}}]'), shown(),
            send(path="/destroy-volumes", headers={}, text='slaveId=${s/id}&volumes=[{"name":"disk","type":"SCALAR","scalar":{"value":8},"role":"dev","reservation":{},"disk":{"persistence":{"id":"v"},"volume":{"container_path":"x","mode":"RW"}}}]'),
            send(path="/unreserve", headers={}, text='slaveId=${s/id}&resources=[{"name":"disk","type":"SCALAR","scalar":{"value":8},"role":"dev","reservation":{}}]')),
    # Logging level.
    one("logging/good", "SET_LOGGING_LEVEL", level=1, duration={"nanoseconds": 1}), one("logging/too-high", "SET_LOGGING_LEVEL", level=9, duration={"nanoseconds": 1}),
    one("logging/negative", "SET_LOGGING_LEVEL", level=-1, duration={"nanoseconds": 1}),
    session("logging/toggle", get("/logging/toggle"), get("/logging/toggle?level=1"), get("/logging/toggle?level=1&duration=x"), get("/logging/toggle?level=-1&duration=1secs"), get("/logging/toggle?level=0&duration=1secs"), get("/logging/toggle?duration=1secs")),
    # Files of the master.
    one("files/list-root", "LIST_FILES", path="/"), one("files/list-master", "LIST_FILES", path="/master"), one("files/list-empty", "LIST_FILES", path=""), one("files/read-nothing", "READ_FILE", path="/nope", offset=0), one("files/read-log", "READ_FILE", path="/master/log", offset=0),
    session("files/browse", send(path="/files/browse?path=/nope", method="GET", headers={}, to="master")),
    # Weights.
    session("weights/round", op("UPDATE_WEIGHTS", weight_infos=[{"role": "a", "weight": 2.5}, {"role": "b", "weight": 0.5}]), op("GET_WEIGHTS"), get("/weights"), get("/roles"), op("GET_ROLES"),
            op("UPDATE_WEIGHTS", weight_infos=[{"role": "a", "weight": 1}]), op("GET_WEIGHTS"), op("UPDATE_WEIGHTS", weight_infos=[{"role": "b", "weight": 1}])),
    one("weights/zero", "UPDATE_WEIGHTS", weight_infos=[{"role": "a", "weight": 0}]), one("weights/negative", "UPDATE_WEIGHTS", weight_infos=[{"role": "a", "weight": -1}]),
    one("weights/bad-role", "UPDATE_WEIGHTS", weight_infos=[{"role": "/a", "weight": 1}]), one("weights/no-role", "UPDATE_WEIGHTS", weight_infos=[{"weight": 1}]), one("weights/none", "UPDATE_WEIGHTS", weight_infos=[]),
    one("weights/star", "UPDATE_WEIGHTS", weight_infos=[{"role": "*", "weight": 1}]), session("weights/spaces", op("UPDATE_WEIGHTS", weight_infos=[{"role": " a ", "weight": 1}]), op("GET_WEIGHTS")),
    session("weights/old", send([{"role": "c", "weight": 3}], "/weights", "PUT", {}), get("/weights"), send([{"role": "c", "weight": 0}], "/weights", "PUT", {}), send([{"role": "c", "weight": 1}], "/weights", "PUT", {}), get("/weights"), send({"role": "c"}, "/weights", "PUT", {})),
    # Quota.
    session("quota/update", op("UPDATE_QUOTA", quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 1}, "mem": {"value": 64}}, "limits": {"cpus": {"value": 2}}}]), op("GET_QUOTA"), get("/quota"), get("/roles"),
            op("UPDATE_QUOTA", quota_configs=[{"role": "a"}]), op("GET_QUOTA"), get("/quota")),
    session("quota/force", op("UPDATE_QUOTA", force=True, quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 100}}}]), op("GET_QUOTA"), op("UPDATE_QUOTA", quota_configs=[{"role": "a"}])),
    one("quota/too-much", "UPDATE_QUOTA", quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 100}}}]),
    one("quota/limit-below", "UPDATE_QUOTA", quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 2}}, "limits": {"cpus": {"value": 1}}}]),
    one("quota/negative", "UPDATE_QUOTA", quota_configs=[{"role": "a", "limits": {"cpus": {"value": -1}}}]), one("quota/infinite", "UPDATE_QUOTA", quota_configs=[{"role": "a", "limits": {"cpus": {"value": "Infinity"}}}]),
    one("quota/star", "UPDATE_QUOTA", quota_configs=[{"role": "*", "limits": {"cpus": {"value": 1}}}]), one("quota/bad-role", "UPDATE_QUOTA", quota_configs=[{"role": "a b"}]), one("quota/no-role", "UPDATE_QUOTA", quota_configs=[{}]),
    one("quota/none", "UPDATE_QUOTA", quota_configs=[]), one("quota/twice", "UPDATE_QUOTA", quota_configs=[{"role": "a"}, {"role": "a"}]),
    session("quota/hierarchy", op("UPDATE_QUOTA", quota_configs=[{"role": "a/b", "guarantees": {"cpus": {"value": 1}}}]), op("UPDATE_QUOTA", quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 0.5}}}]),
            op("UPDATE_QUOTA", quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 1}}}, {"role": "a/b", "guarantees": {"cpus": {"value": 1}}}]), op("GET_QUOTA"), op("UPDATE_QUOTA", quota_configs=[{"role": "a"}]), op("UPDATE_QUOTA", quota_configs=[{"role": "a/b"}, {"role": "a"}])),
    session("quota/set", op("SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(1)]}), op("SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(2)]}), op("GET_QUOTA"), op("REMOVE_QUOTA", role="q"), op("GET_QUOTA")),
    one("quota/set-too-much", "SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(100)]}), one("quota/set-none", "SET_QUOTA", quota_request={"role": "q", "guarantee": []}), one("quota/set-twice", "SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(1), cpus(1)]}),
    one("quota/set-role", "SET_QUOTA", quota_request={"guarantee": [cpus(1)]}), one("quota/set-reserved", "SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(1, **R)]}), one("quota/set-ports", "SET_QUOTA", quota_request={"role": "q", "guarantee": [ports((1, 2))]}),
    one("quota/set-disk", "SET_QUOTA", quota_request={"role": "q", "guarantee": [disk(1, **V)]}), one("quota/set-zero", "SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(0)]}), one("quota/set-star", "SET_QUOTA", quota_request={"role": "*", "guarantee": [cpus(1)]}),
    one("quota/set-revocable", "SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(1, revocable={})]}), one("quota/set-role-inside", "SET_QUOTA", quota_request={"role": "q", "guarantee": [cpus(1, role="q")]}),

    session("quota/old", send({"role": "o", "guarantee": [cpus(1)]}, "/quota", "POST", {}), get("/quota"), send({"role": "o", "guarantee": [cpus(1)]}, "/quota", "POST", {}), send({"role": "o2", "force": True, "guarantee": [cpus(100)]}, "/quota", "POST", {}), get("/quota"),
            send(path="/quota/o", method="DELETE", headers={}), send(path="/quota/o2", method="DELETE", headers={}), send(path="/quota", method="DELETE", headers={}), get("/quota")),
    session("quota/limits-offers", op("UPDATE_QUOTA", quota_configs=[{"role": "a", "limits": {"cpus": {"value": 1}, "mem": {"value": 128}}}]), subscribe(info={"role": "a"}), offer(), get("/roles"), op("GET_ROLES"), op("UPDATE_QUOTA", quota_configs=[{"role": "a"}])),
    session("quota/consumed", op("UPDATE_QUOTA", quota_configs=[{"role": "a", "guarantees": {"cpus": {"value": 1}}, "limits": {"cpus": {"value": 1}}}]), subscribe(info={"role": "a"}), offer(), run(task(resources=[cpus(0.5), mem(32)])), get("/roles", **drop("offered", "resources")), op("UPDATE_QUOTA", quota_configs=[{"role": "a"}])),
    session("quota/limit-zero", op("UPDATE_QUOTA", quota_configs=[{"role": "a", "limits": {"cpus": {"value": 0}}}]), subscribe(info={"role": "a"}), offer(), op("UPDATE_QUOTA", quota_configs=[{"role": "a"}])),
    # Agents.
    of_agent("agent/deactivate", op("DEACTIVATE_AGENT", agent_id=SID), shown(), op("GET_AGENTS"), op("DEACTIVATE_AGENT", agent_id=SID), op("REACTIVATE_AGENT", agent_id=SID), shown(), op("REACTIVATE_AGENT", agent_id=SID)),
    session("agent/deactivate-offered", AGENT, subscribe(), offer(), op("DEACTIVATE_AGENT", agent_id=SID), {"read": "a", "until": {"type": "RESCIND"}}, get("/state-summary"), op("REACTIVATE_AGENT", agent_id=SID), offer("a", "o2")),
    # Events.
    session("events/hello", send({"type": "SUBSCRIBE"}, stream="e"), {"read": "e", "until": {"type": "SUBSCRIBED"}}),
    session("events/framework", send({"type": "SUBSCRIBE"}, stream="e"), {"read": "e", "until": {"type": "SUBSCRIBED"}}, subscribe(info={"failover_timeout": 60}), {"read": "e", "until": {"type": "FRAMEWORK_ADDED"}, **drop("offers", "offered_resources")},
            {"close": "a"}, {"wait": "/frameworks", "at": "/frameworks/0/connected", "is": False}, subscribe("b", {"failover_timeout": 60, "id": "$a/fid"}, fid="$a/fid"), {"read": "e", "until": {"type": "FRAMEWORK_UPDATED"}, **drop("offers", "offered_resources")},
            teardown("b"), {"read": "e", "until": {"type": "FRAMEWORK_REMOVED"}}),
    session("events/task", send({"type": "SUBSCRIBE"}, stream="e"), {"read": "e", "until": {"type": "SUBSCRIBED"}}, subscribe(), {"read": "e", "until": {"type": "FRAMEWORK_ADDED"}, **drop("offers", "offered_resources")}, offer(), accept(launch(task(command="true"))), until("TASK_FINISHED"),
            {"read": "e", "until": {"type": "TASK_UPDATED", "task_updated/state": "TASK_FINISHED"}}, teardown(), {"read": "e", "until": {"type": "FRAMEWORK_REMOVED"}}),
    session("events/update-framework", send({"type": "SUBSCRIBE"}, stream="e"), {"read": "e", "until": {"type": "SUBSCRIBED"}}, subscribe(), {"read": "e", "until": {"type": "FRAMEWORK_ADDED"}, **drop("offers", "offered_resources")},
            call({"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": {"user": "root", "name": "new", "id": "$a/fid"}}}), {"read": "e", "until": {"type": "FRAMEWORK_UPDATED"}, **drop("offers", "offered_resources")}),
]
