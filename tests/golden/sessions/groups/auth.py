"""Who may do what: credentials, authorization by ACLs, roles and root submissions."""
from words import *

ALICE, BOB, OPS = basic("alice", "a"), basic("bob", "b"), basic("ops", "o")
OPERATOR = {"Authorization": OPS["Authorization"]}
FLAGS = {"MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "true", "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS": "basic", "MESOS_AUTHENTICATE_HTTP_READONLY": "true",
         "MESOS_AUTHENTICATE_HTTP_READWRITE": "true", "MESOS_ROLES": "a,a/b,c,dev", "MESOS_ROOT_SUBMISSIONS": "false"}
ANY, NONE = {"type": "ANY"}, {"type": "NONE"}
def who(*names): return {"values": list(names)}
FILES = {"MESOS_CREDENTIALS": {"credentials": [{"principal": "alice", "secret": "a"}, {"principal": "bob", "secret": "b"}, {"principal": "ops", "secret": "o"}]},
         "MESOS_HTTP_CREDENTIALS": {"credentials": [{"principal": "ops", "secret": "o"}]},
         "MESOS_ACLS": {"permissive": False,
            "register_frameworks": [{"principals": who("alice"), "roles": who("a")}, {"principals": who("bob"), "roles": who("c", "a/%")}, {"principals": who("ops"), "roles": ANY}],
            "run_tasks": [{"principals": who("alice"), "users": who("nobody", "games")}, {"principals": who("bob"), "users": NONE}, {"principals": ANY, "users": who("nobody")}],
            "teardown_frameworks": [{"principals": who("ops"), "framework_principals": who("alice")}],
            "reserve_resources": [{"principals": who("alice"), "roles": who("a")}, {"principals": who("ops"), "roles": who("dev")}], "unreserve_resources": [{"principals": who("alice"), "reserver_principals": who("alice")}, {"principals": who("ops"), "reserver_principals": who("ops")}],
            "create_volumes": [{"principals": who("alice"), "roles": who("a")}], "destroy_volumes": [{"principals": who("alice"), "creator_principals": who("alice")}],
            "update_quotas": [{"principals": who("ops"), "roles": who("a")}], "get_quotas": [{"principals": who("ops"), "roles": who("a")}], "view_roles": [{"principals": who("ops", "alice"), "roles": who("a")}],
            "update_weights": [{"principals": who("ops"), "roles": who("a")}], "view_frameworks": [{"principals": who("ops"), "users": ANY}, {"principals": who("alice"), "users": who("nobody")}], "view_tasks": [{"principals": who("ops"), "users": ANY}],
            "view_executors": [{"principals": who("ops"), "users": ANY}], "get_endpoints": [{"principals": who("ops"), "paths": ANY}, {"principals": who("alice"), "paths": who("/logging/toggle")}], "access_mesos_logs": [{"principals": who("ops"), "logs": ANY}],
            "view_flags": [{"principals": who("ops"), "flags": ANY}], "set_log_level": [{"principals": who("ops"), "level": ANY}], "get_maintenance_schedules": [{"principals": who("ops"), "machines": ANY}], "get_maintenance_statuses": [{"principals": who("ops"), "machines": ANY}],
            "update_maintenance_schedules": [{"principals": who("ops"), "machines": ANY}], "drain_agents": [{"principals": who("bob"), "agents": ANY}], "register_agents": [{"principals": ANY, "agents": ANY}], "access_sandboxes": [{"principals": who("ops"), "users": ANY}],
            "launch_nested_containers_under_parent_with_user": [{"principals": who("ops"), "users": ANY}]}}

def multi(*roles, **more): return {"user": "nobody", "roles": list(roles), "capabilities": [{"type": "MULTI_ROLE"}], **more}
def sub(id, by, info): return session("sub/" + id, subscribe(info={"user": "nobody", **info}, headers=by, wait=False), end("a"))
def good(by, info, name="a"): return subscribe(name, info={"user": "nobody", **info}, headers=by) + [{"own": name, "headers": by}]
def op(kind, by=OPS, **more): return operate(kind, headers=by, **more)
def gets(path, by): return session("page%s/%s" % (path, {id(ALICE): "alice", id(BOB): "bob", id(OPS): "ops"}[id(by)]), get(path, {"Authorization": by["Authorization"]}, **{"except": ["flags"]}))


SESSIONS = [
    session("http/none", get("/state"), get("/slaves"), operate("GET_HEALTH"), get("/version"), get("/health"), get("/metrics/snapshot", **{"only": []}), get("/flags"), get("/maintenance/status"), get("/redirect"), get("/roles"), get("/weights"), get("/quota"), get("/tasks"), get("/api/v1"), send(path=API, method="GET", headers={})),
    session("http/wrong", get("/state", {"Authorization": "Basic eHg="}), get("/state", {"Authorization": "Bearer x"}), get("/state", {"Authorization": ""}), get("/state", basic("alice", "b"))),
    session("http/old-none", send(path="/teardown", headers={}, text="frameworkId=x"), send(path="/reserve", headers={}, text=""), send(path="/machine/up", headers={}, text="[]"), send(path="/quota", method="POST", headers={}, text=""), send(path="/weights", method="PUT", headers={}, text="[]")),
    session("http/agent-none", get("/slave(1)/state"), send({"type": "GET_HEALTH"}, "/slave(1)/api/v1")),
    sub("alice-c", ALICE, multi("c")), sub("alice-a-and-c", ALICE, multi("a", "c")), sub("alice-star", ALICE, {}), sub("alice-sub", ALICE, multi("a/b")), sub("bob-a", BOB, multi("a")), sub("bob-unlisted", BOB, multi("a/x")), 
    session("sub/other-principal", subscribe(info=multi("a", principal="bob"), headers=ALICE, wait=False)),
    sub("root", ALICE, multi("a", user="root")), sub("unlisted-and-root", ALICE, multi("zz", user="root")), sub("c-and-root", ALICE, multi("c", user="root")),
    session("sub/alice", good(ALICE, multi("a")), {"fence": "a"}), session("sub/bob-below", good(BOB, multi("a/b", "c")), {"fence": "a"}), sub("no-roles", BOB, multi()),
    session("sub/bob-takes-alices", good(ALICE, multi("a", failover_timeout=60)), subscribe("b", info=multi("a/b", id="$a/fid"), headers=BOB, wait=False, fid="$a/fid"), end("b"), {"fence": "a"}),
    session("update/to-c", good(ALICE, multi("a")), call({"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": {"name": "golden", "id": "$a/fid", **multi("c")}}}, headers=ALICE),
            call({"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": {"name": "golden", "id": "$a/fid", "principal": "alice", **multi("c")}}}, headers=ALICE), {"fence": "a"}),
    session("call/by-another", good(ALICE, multi("a")), call({"type": "REVIVE"}, headers=BOB), call({"type": "TEARDOWN"}, headers=JSON), {"fence": "a"}),
    session("task/user", good(ALICE, multi("a")), offer(), accept(launch(task(command={"value": "true", "user": "daemon"})), headers=ALICE), {"fence": "a"}),
    session("task/second-user", good(ALICE, multi("a")), offer(), accept(launch(task("x", command={"value": "true", "user": "daemon"}), task("y", command={"value": "true", "user": "root"})), headers=ALICE), {"fence": "a"}),
    session("task/bob", good(BOB, multi("c")), offer(), accept(launch(task()), headers=BOB), {"fence": "a"}),
    session("task/executor-user", good(ALICE, multi("a")), offer(), accept(launch(without(task(executor={"executor_id": {"value": "e"}, "command": {"value": "x", "user": "root"}}), "command")), headers=ALICE), {"fence": "a"}),
    session("task/group", good(ALICE, multi("a")), offer(), accept(group(task("g", command="true"), task("h", command={"value": "true", "user": "root"})), headers=ALICE), {"fence": "a"}),
    session("operation/reserve-other", good(OPS, multi("c")), offer(), accept(reserve(cpus(1, **reserved("c", "ops")), id="x"), headers=OPS), {"fence": "a"}),
    session("operation/reserve-principal", good(ALICE, multi("a")), offer(), accept(reserve(cpus(1, **reserved("a")), id="x"), headers=ALICE), {"fence": "a"}),
    session("operation/cycle", good(ALICE, multi("a")), offer(), accept(reserve(disk(1, **reserved("a", "alice"))), create(disk(1, **volume(principal="alice"), **reserved("a", "alice"))), destroy(disk(1, **volume(principal="alice"), **reserved("a", "alice"))), unreserve(disk(1, **reserved("a", "alice"))), headers=ALICE), {"fence": "a"}, offer("a", "o2")),
    session("operation/create-denied", good(OPS, multi("dev")), offer(), accept(reserve(disk(1, **reserved("dev", "ops"))), create(disk(1, **volume(principal="ops"), **reserved("dev", "ops")), id="x"), unreserve(disk(1, **reserved("dev", "ops"))), headers=OPS), {"fence": "a"}, offer("a", "o2")),
    session("operation/unreserve-others", get("/slaves", OPERATOR, keep={"s": "/slaves/0"}, **{"only": []}), op("RESERVE_RESOURCES", agent_id={"value": "$s/id"}, resources=[cpus(1, **reserved("dev", "ops"))]), op("RESERVE_RESOURCES", agent_id={"value": "$s/id"}, resources=[cpus(1, **reserved("a", "ops"))]),
            op("RESERVE_RESOURCES", agent_id={"value": "$s/id"}, resources=[cpus(1, **reserved("dev"))]), op("RESERVE_RESOURCES", agent_id={"value": "$s/id"}, resources=[cpus(1, **reserved("dev", "alice"))]), op("UNRESERVE_RESOURCES", by=ALICE, agent_id={"value": "$s/id"}, resources=[cpus(1, **reserved("dev", "ops"))]), op("UNRESERVE_RESOURCES", agent_id={"value": "$s/id"}, resources=[cpus(1, **reserved("dev", "ops"))])),
    session("op/quota", op("UPDATE_QUOTA", quota_configs=[{"role": "c"}]), op("UPDATE_QUOTA", quota_configs=[{"role": "a"}]), op("UPDATE_QUOTA", by=BOB, quota_configs=[{"role": "a"}]), op("SET_QUOTA", by=BOB, quota_request={"role": "a", "guarantee": [cpus(1)]}), op("SET_QUOTA", quota_request={"role": "a", "guarantee": [cpus(1)]}), op("GET_QUOTA"), op("GET_QUOTA", by=ALICE), op("REMOVE_QUOTA", by=BOB, role="a"), op("REMOVE_QUOTA", role="a"), op("SET_QUOTA", quota_request={"role": "zz", "guarantee": [cpus(1)]}), op("UPDATE_QUOTA", quota_configs=[{"role": "zz"}])),
    session("op/weights", op("UPDATE_WEIGHTS", weight_infos=[{"role": "c", "weight": 2}]), op("UPDATE_WEIGHTS", by=ALICE, weight_infos=[{"role": "a", "weight": 2}]), op("UPDATE_WEIGHTS", weight_infos=[{"role": "a", "weight": 2}]), op("GET_WEIGHTS"), op("GET_WEIGHTS", by=BOB), op("UPDATE_WEIGHTS", weight_infos=[{"role": "a", "weight": 1}]), op("UPDATE_WEIGHTS", weight_infos=[{"role": "zz", "weight": 2}])),
    session("op/teardown", good(BOB, multi("c")), op("TEARDOWN", framework_id="$a/fid"), op("TEARDOWN", by=ALICE, framework_id="$a/fid"), {"fence": "a"}), session("op/teardown-alice", good(ALICE, multi("a")), op("TEARDOWN", framework_id="$a/fid"), end("a")),
    session("op/frameworks", good(ALICE, multi("a")), op("GET_FRAMEWORKS", by=BOB), op("GET_FRAMEWORKS", by=ALICE) | {"except": ["offers", "offered_resources"]}, op("GET_ROLES", by=ALICE) | {"except": ["resources"]}, op("GET_ROLES", by=BOB), op("GET_STATE", by=BOB) | {"except": ["offered_resources"]}, op("GET_TASKS", by=ALICE), op("GET_EXECUTORS", by=BOB)),
    session("op/flags", op("GET_FLAGS", by=BOB), op("GET_FLAGS", by=ALICE), op("SET_LOGGING_LEVEL", by=BOB, level=0, duration={"nanoseconds": 1}), op("SET_LOGGING_LEVEL", level=0, duration={"nanoseconds": 1}), op("LIST_FILES", by=BOB, path="/master/log"), op("READ_FILE", by=BOB, path="/master/log", offset=0), op("GET_MAINTENANCE_STATUS", by=BOB), op("GET_MAINTENANCE_SCHEDULE", by=BOB),
            op("UPDATE_MAINTENANCE_SCHEDULE", by=BOB, schedule={"windows": []}), op("UPDATE_MAINTENANCE_SCHEDULE", by=BOB, schedule={"windows": [{"machine_ids": [{"hostname": "x"}], "unavailability": {"start": {"nanoseconds": 1}}}]}), op("START_MAINTENANCE", by=BOB, machines=[{"hostname": "x"}]), op("STOP_MAINTENANCE", by=BOB, machines=[{"hostname": "x"}])),
    session("op/agents", get("/slaves", OPERATOR, keep={"s": "/slaves/0"}, **{"only": []}), op("MARK_AGENT_GONE", agent_id={"value": "$s/id"}), op("DRAIN_AGENT", agent_id={"value": "$s/id"}), op("DEACTIVATE_AGENT", by=ALICE, agent_id={"value": "$s/id"}), op("REACTIVATE_AGENT", by=ALICE, agent_id={"value": "$s/id"})),
    *[gets(path, by) for path in ("/state", "/slaves", "/frameworks", "/tasks", "/roles", "/flags", "/weights", "/quota", "/maintenance/schedule", "/maintenance/status", "/state-summary") for by in (ALICE, BOB)],
    # Base64 as it is read: up to its padding, which may be missing.
    *[session("odd/%s" % name, send({"type": "REVIVE", "framework_id": {"value": "x"}}, API, headers={**JSON, "Authorization": value})) for name, value in {
        "no-padding": "Basic YWxpY2U6YQ", "half-padding": "Basic YWxpY2U6YQ=", "more-padding": "Basic YWxpY2U6YQ===", "after-padding": "Basic YWxpY2U6YQ==!", "two": "Basic YWxpY2U6YQ==,YWxpY2U6YQ==",
        "tab": "Basic YWxp\tY2U6YQ==", "space": "Basic YWxp Y2U6YQ==", "tab-before": "Basic\tYWxpY2U6YQ==", "lower": "basic YWxpY2U6YQ==", "nothing": "Basic", "bad": "Basic !YWxpY2U6YQ=="}.items()],
]
