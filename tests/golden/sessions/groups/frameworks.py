"""Frameworks that subscribe, change themselves, come back and go; each call of theirs."""
from words import *

MULTI = [{"type": "MULTI_ROLE"}]
A_UUID = "AAAAAAAAQACAAAAAAAAAAA=="


def updated(id, info, *more, start=None, **update):
    """UPDATE_FRAMEWORK after a subscription, and what the master then shows of it."""
    whole = {"user": "root", "name": "golden", "id": "$a/fid", **info}
    return session(id, subscribe(info=start), call({"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": whole, **update}}),
                   *more, fence(), get("/frameworks", **{"except": ["flags", "offers", "offered_resources", "resources"]}))


def sent(id, *bodies, info=None):
    return session(id, subscribe(info=info), *[call(body) for body in bodies], fence())


def again(id, start, info, **more):
    """A second subscription of the same id."""
    return session(id, subscribe(info={"failover_timeout": 60, **start}), subscribe("b", {"failover_timeout": 60, "id": "$a/fid", **info}, fid="$a/fid", wait=False, **more),
                   {"read": "b", "until": {"type": "SUBSCRIBED"}}, end("a"), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]}))


def refused_again(id, start, info, **more):
    return session(id, subscribe(info={"failover_timeout": 60, **start}), subscribe("b", {"failover_timeout": 60, "id": "$a/fid", **info}, fid="$a/fid", wait=False, **more),
                   end("b"), fence("a"))


def no(id, info=None, **more):
    return session(id, subscribe(info=info, wait=False, **more), end("a"))


FULL = {"webui_url": "http://x/", "hostname": "h", "labels": {"labels": [{"key": "k", "value": "v"}, {"key": "k2"}]},
        "failover_timeout": 1.5, "capabilities": [{"type": t} for t in ("MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE", "GPU_RESOURCES",
        "SHARED_RESOURCES", "RESERVATION_REFINEMENT", "REGION_AWARE", "REVOCABLE_RESOURCES", "QUOTA_V2", "NOPE")], "roles": ["b", "a", "a/c"]}
CONSTRAINT = {"role_constraints": {"a": {"groups": [{"attribute_constraints": [
    {"selector": {"attribute_name": "rack"}, "predicate": {"text_equals": {"value": "r2d2"}}}]}]}}}


def constrained(*of): return {"role_constraints": {"*": {"groups": [{"attribute_constraints": list(of)}]}}}


SESSIONS = [
    session("sub/full", subscribe(info=FULL), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]}),
            operate("GET_FRAMEWORKS", keep=None) | {"except": ["offers", "offered_resources"]}),
    session("sub/plain", subscribe(), operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    session("sub/role", subscribe(info={"role": "eng/web"}), operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}, get("/roles"), operate("GET_ROLES")),
    session("sub/two-roles", subscribe(info={"roles": ["a", "b"], "capabilities": MULTI}), offer(), get("/roles", **{"except": ["allocated", "offered", "resources"]})),
    session("sub/no-roles", subscribe(info={"roles": [], "capabilities": MULTI}), get("/frameworks"), get("/roles")),
    session("sub/suppressed", subscribe(info={"roles": ["a", "b"], "capabilities": MULTI}, suppressed_roles=["a"]), offer(),
            operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    session("sub/suppressed-twice", subscribe(info={"roles": ["a", "b"], "capabilities": MULTI}, suppressed_roles=["a", "a"]),
            operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    session("sub/constraints", subscribe(info={"roles": ["a"], "capabilities": MULTI}, offer_constraints=CONSTRAINT), offer(),
            get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]}), operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    session("sub/constraints-role", subscribe(info={"roles": ["b"], "capabilities": MULTI}, offer_constraints=CONSTRAINT), offer()),
    session("sub/constraints-none", subscribe(offer_constraints={}), fence()),
    no("sub/constraint-unknown-pseudo", offer_constraints=constrained({"selector": {"pseudoattribute_type": "NOPE"}, "predicate": {"exists": {}}})),
    no("sub/constraint-no-predicate", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {}})),
    session("sub/constraint-both", subscribe(offer_constraints=constrained({"selector": {"attribute_name": "x", "pseudoattribute_type": "HOSTNAME"}, "predicate": {"exists": {}}})), fence(), operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    no("sub/constraint-two-predicates", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"exists": {}, "text_matches": {"regex": "("}}})),
    no("sub/constraint-regex-brace", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "a{2,1}"}}})),
    no("sub/constraint-regex-star", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_not_matches": {"regex": "*a"}}})),
    no("sub/constraint-regex-class", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "[b-a]"}}})),
    no("sub/constraint-regex-look", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "(?=a)"}}})),
    no("sub/constraint-regex-escape", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "\\"}}})),
    no("sub/constraint-regex-huge", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "((a{100}){100}){100}"}}})),
    no("sub/constraint-regex-repeat", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "a{2000}"}}})),
    no("sub/constraint-regex-unclosed", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "[a"}}})),
    no("sub/constraint-regex-paren", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "a)"}}})),
    no("sub/constraint-regex-backref", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "(a)\\1"}}})),
    no("sub/constraint-regex-doublestar", offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "a**"}}})),
    no("sub/filter-infinite", {"offer_filters": {"*": {"min_allocatable_resources": {"quantities": [{"quantities": {"cpus": {"value": "Infinity"}}}]}}}}),
    session("sub/filter-no-minimum", subscribe(info={"offer_filters": {"*": {}}}), offer()),
    session("sub/filter-empty", subscribe(info={"offer_filters": {"*": {"min_allocatable_resources": {"quantities": []}}}}), offer(), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]})),
    session("sub/filter-too-much", subscribe(info={"offer_filters": {"*": {"min_allocatable_resources": {"quantities": [{"quantities": {"cpus": {"value": 100}}}]}}}}),
            subscribe("b"), offer("b"), fence("a")),
    no("sub/filter-negative", {"offer_filters": {"a": {"min_allocatable_resources": {"quantities": [{"quantities": {"mem": {"value": -0.1}}}]}}}}),
    no("sub/many-wrong", {"role": "a b", "failover_timeout": 1e300, "id": {"value": "x/y"}}, fid={"value": "x/y"}),
    no("sub/roles-and-role", {"role": "a", "roles": ["b"]}),
    no("sub/duplicate-three", {"roles": ["x", "y", "x", "z", "z", "x"], "capabilities": MULTI}),
    no("sub/suppressed-without-multirole", {"role": "a"}, suppressed_roles=["b"]),
    session("sub/suppressed-own", subscribe(info={"role": "a"}, suppressed_roles=["a"]), fence()),
    session("sub/suppressed-star", subscribe(suppressed_roles=["*"]), fence(), operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    session("sub/empty-user", subscribe(info={"user": ""}), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]})),
    session("sub/zero-timeout-text", subscribe(info={"failover_timeout": "1.5"}), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]})),
    session("sub/principal", subscribe(info={"principal": "p"}), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]})),
    session("sub/domain-unknown-caps", subscribe(info={"capabilities": [{}, {"type": "UNKNOWN"}, {"type": "MULTI_ROLE"}], "roles": ["a"]}),
            get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]})),
    # UPDATE_FRAMEWORK
    updated("update/name", {"name": "other", "webui_url": "http://y/", "hostname": "hh", "labels": {"labels": [{"key": "a"}]}}),
    updated("update/failover-timeout", {"failover_timeout": 77}),
    updated("update/failover-timeout-bad", {"failover_timeout": 1e300}),
    updated("update/to-multirole", {"capabilities": MULTI, "roles": ["*", "a"]}),
    updated("update/to-role", {"role": "a"}),
    updated("update/drop-multirole", {"role": "a"}, start={"roles": ["a"], "capabilities": MULTI}),
    updated("update/roles", {"roles": ["b", "c"], "capabilities": MULTI}, start={"roles": ["a"], "capabilities": MULTI}),
    updated("update/duplicate-roles", {"roles": ["b", "b"], "capabilities": MULTI}, start={"roles": ["a"], "capabilities": MULTI}),
    updated("update/suppressed", {"roles": ["a", "b"], "capabilities": MULTI}, operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]},
            start={"roles": ["a"], "capabilities": MULTI}, suppressed_roles=["b"]),
    updated("update/suppressed-bad", {"roles": ["a"], "capabilities": MULTI}, start={"roles": ["a"], "capabilities": MULTI}, suppressed_roles=["b"]),
    updated("update/user", {"user": "bob"}),
    updated("update/checkpoint", {"checkpoint": True}),
    updated("update/user-and-checkpoint", {"user": "bob", "checkpoint": True}),
    updated("update/principal", {"principal": "q"}),
    updated("update/constraints", {}, operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}, offer_constraints=constrained({"selector": {"attribute_name": "rack"}, "predicate": {"not_exists": {}}})),
    updated("update/constraints-bad", {}, offer_constraints=constrained({"selector": {"attribute_name": "x"}, "predicate": {}})),
    updated("update/filters-bad", {"offer_filters": {"*": {"min_allocatable_resources": {"quantities": [{"quantities": {}}]}}}}),
    updated("update/id-other", {"id": {"value": "other"}}),
    sent("update/no-info", {"type": "UPDATE_FRAMEWORK", "update_framework": {}}),
    session("update/role-with-offer", subscribe(info={"roles": ["a", "b"], "capabilities": MULTI}), offer(),
            call({"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": {"user": "root", "name": "golden", "id": "$a/fid", "roles": ["c"], "capabilities": MULTI}}}),
            {"read": "a", "until": {"type": "RESCIND"}}, offer("a", "o2")),
    session("update/gone", subscribe(info={"failover_timeout": 60}), call({"type": "TEARDOWN"}), end(), call({"type": "UPDATE_FRAMEWORK", "update_framework":
            {"framework_info": {"user": "root", "name": "golden", "id": "$a/fid"}}})),
    # A second subscription
    again("again/name", {}, {"name": "other"}),
    again("again/user", {}, {"user": "nobody", "checkpoint": True}),
    again("again/roles", {"roles": ["a"], "capabilities": MULTI}, {"roles": ["b"], "capabilities": MULTI}),
    again("again/to-multirole", {"role": "a"}, {"roles": ["a", "b"], "capabilities": MULTI}),
    again("again/timeout", {}, {"failover_timeout": 0.5}),
    again("again/suppressed", {"roles": ["a"], "capabilities": MULTI}, {"roles": ["a"], "capabilities": MULTI}, suppressed_roles=["a"]),
    refused_again("again/bad-role", {}, {"role": "/a"}),
    refused_again("again/bad-suppressed", {}, {}, suppressed_roles=["x"]),
    refused_again("again/principal", {"principal": "p"}, {"principal": "q"}),
    refused_again("again/no-principal", {"principal": "p"}, {}),
    session("again/same-connection-gone", subscribe(info={"failover_timeout": 60}), {"close": "a"}, {"wait": "/frameworks", "at": "/frameworks/0/connected", "is": False},
            get("/frameworks"), call({"type": "REVIVE"}), subscribe("b", {"failover_timeout": 60, "id": "$a/fid"}, fid="$a/fid")),
    session("again/unknown-id", subscribe(info={"id": {"value": "my own id"}}, fid={"value": "my own id"}), get("/frameworks", **{"except": ["offers", "offered_resources", "resources"]})),
    session("again/removed", subscribe(), call({"type": "TEARDOWN"}), end(), subscribe("b", {"id": "$a/fid"}, fid="$a/fid", wait=False), end("b")),
    # Calls
    sent("call/accept-empty", {"type": "ACCEPT", "accept": {}}),
    sent("call/accept-filters-bad", {"type": "ACCEPT", "accept": {"offer_ids": [{"value": "x"}], "filters": {"refuse_seconds": -1}}}),
    sent("call/decline-nothing", {"type": "DECLINE", "decline": {}}),
    sent("call/decline-twice", {"type": "DECLINE", "decline": {"offer_ids": [{"value": "x"}, {"value": "x"}]}}),
    sent("call/revive-roles", {"type": "REVIVE", "revive": {"roles": ["a"]}}, info={"roles": ["a", "b"], "capabilities": MULTI}),
    sent("call/revive-bad-roles", {"type": "REVIVE", "revive": {"roles": ["nope", "/x"]}}, info={"roles": ["a", "b"], "capabilities": MULTI}),
    sent("call/revive-role", {"type": "REVIVE", "revive": {"role": "a"}}, info={"roles": ["a", "b"], "capabilities": MULTI}),
    sent("call/suppress-roles", {"type": "SUPPRESS", "suppress": {"roles": ["a"]}}, info={"roles": ["a", "b"], "capabilities": MULTI}),
    session("call/suppress-then-show", subscribe(info={"roles": ["a", "b"], "capabilities": MULTI}), call({"type": "SUPPRESS", "suppress": {"roles": ["b"]}}), fence(),
            operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}, call({"type": "REVIVE"}), fence(), operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    session("call/suppress-bad-then-show", subscribe(info={"roles": ["a", "b"], "capabilities": MULTI}), call({"type": "SUPPRESS", "suppress": {"roles": ["b", "nope"]}}), fence(),
            operate("GET_FRAMEWORKS") | {"except": ["offers", "offered_resources"]}),
    sent("call/kill-unknown", {"type": "KILL", "kill": {"task_id": {"value": "x"}, "agent_id": {"value": "y"}}}),
    sent("call/kill-unknown-aware", {"type": "KILL", "kill": {"task_id": {"value": "x"}, "agent_id": {"value": "y"}}}, info={"capabilities": [{"type": "PARTITION_AWARE"}]}),
    session("call/kill-known-agent-aware", subscribe(info={"capabilities": [{"type": "PARTITION_AWARE"}]}), offer(), call({"type": "KILL", "kill": {"task_id": {"value": "x"}, "agent_id": "$o/agent_id"}}), fence()),
    sent("call/kill-empty-id", {"type": "KILL", "kill": {"task_id": {"value": ""}}}),
    sent("call/kill-negative-grace", {"type": "KILL", "kill": {"task_id": {"value": "x"}, "kill_policy": {"grace_period": {"nanoseconds": -1}}}}),
    sent("call/shutdown-unknown", {"type": "SHUTDOWN", "shutdown": {"executor_id": {"value": "e"}, "agent_id": {"value": "x"}}}),
    sent("call/shutdown-no-agent", {"type": "SHUTDOWN", "shutdown": {"executor_id": {"value": "e"}}}),
    sent("call/acknowledge-short", {"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": {"value": "x"}, "task_id": {"value": "t"}, "uuid": "AAAAAAAAQACAAAAAAAAA"}}),
    sent("call/acknowledge-zero", {"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": {"value": "x"}, "task_id": {"value": "t"}, "uuid": "AAAAAAAAAAAAAAAAAAAAAA=="}}),
    sent("call/acknowledge-version-9", {"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": {"value": "x"}, "task_id": {"value": "t"}, "uuid": "AAAAAAAAkACAAAAAAAAAAA=="}}),
    sent("call/acknowledge-ones", {"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": {"value": "x"}, "task_id": {"value": "t"}, "uuid": "/////////////////////w=="}}),
    sent("call/acknowledge-unknown", {"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": {"value": "x"}, "task_id": {"value": "t"}, "uuid": A_UUID}}),
    sent("call/acknowledge-operation", {"type": "ACKNOWLEDGE_OPERATION_STATUS", "acknowledge_operation_status": {"agent_id": {"value": "x"}, "operation_id": {"value": "o"}, "uuid": A_UUID}}),
    sent("call/acknowledge-operation-no-id", {"type": "ACKNOWLEDGE_OPERATION_STATUS", "acknowledge_operation_status": {"agent_id": {"value": "x"}, "uuid": A_UUID}}),
    sent("call/acknowledge-operation-bad-uuid", {"type": "ACKNOWLEDGE_OPERATION_STATUS", "acknowledge_operation_status": {"operation_id": {"value": "o"}, "uuid": "AA=="}}),
    sent("call/reconcile-unknown", {"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "a"}}, {"task_id": {"value": "b"}, "agent_id": {"value": "x"}}, {"task_id": {"value": "a"}}]}}),
    sent("call/reconcile-unknown-aware", {"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "a"}}, {"task_id": {"value": "b"}, "agent_id": {"value": "x"}}]}}, info={"capabilities": [{"type": "PARTITION_AWARE"}]}),
    session("call/reconcile-agent-aware", subscribe(info={"capabilities": [{"type": "PARTITION_AWARE"}]}), offer(), call({"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "a"}, "agent_id": "$o/agent_id"}]}}), fence()),
    sent("call/reconcile-operations-empty", {"type": "RECONCILE_OPERATIONS", "reconcile_operations": {}}),
    session("call/reconcile-operations", subscribe(), offer(), call({"type": "RECONCILE_OPERATIONS", "reconcile_operations": {"operations": [
        {"operation_id": {"value": "a"}}, {"operation_id": {"value": "b"}, "agent_id": {"value": "x"}}, {"operation_id": {"value": "c"}, "agent_id": "$o/agent_id"},
        {"operation_id": {"value": "d"}, "agent_id": "$o/agent_id", "resource_provider_id": {"value": "rp"}}]}}), fence()),
    session("call/reconcile-operations-accept", subscribe(), call({"type": "RECONCILE_OPERATIONS", "reconcile_operations": {}}, headers={"Content-Type": "application/json", "Accept": "text/html"})),
    sent("call/message-unknown", {"type": "MESSAGE", "message": {"agent_id": {"value": "x"}, "executor_id": {"value": "e"}, "data": "aGk="}}),
    session("call/message-unknown-executor", subscribe(), offer(), call({"type": "MESSAGE", "message": {"agent_id": "$o/agent_id", "executor_id": {"value": "e"}, "data": "aGk="}}), fence()),
    sent("call/request", {"type": "REQUEST", "request": {"requests": [{"agent_id": {"value": "x"}, "resources": [cpus(1)]}]}}),
    sent("call/request-none", {"type": "REQUEST", "request": {}}),
    sent("call/inverse-accept", {"type": "ACCEPT_INVERSE_OFFERS", "accept_inverse_offers": {"inverse_offer_ids": [{"value": "x"}], "filters": {"refuse_seconds": 1}}}),
    sent("call/inverse-accept-none", {"type": "ACCEPT_INVERSE_OFFERS", "accept_inverse_offers": {}}),
    sent("call/inverse-decline", {"type": "DECLINE_INVERSE_OFFERS", "decline_inverse_offers": {"inverse_offer_ids": [{"value": "x"}]}}),
    session("call/teardown-body", subscribe(), call({"type": "TEARDOWN", "teardown": {"x": 1}}), end()),
    session("call/offer-of-another", subscribe(), subscribe("b"), {"read": "a", "until": {"type": "OFFERS"}, "keep": {"o": "/offers/offers/0"}},
            accept(launch(task()), name="b"), fence("b"), fence("a"), call({"type": "DECLINE", "decline": {"offer_ids": ["$o/id"]}}, "b"), fence("b"), fence("a")),
    session("call/wrong-stream", subscribe(), subscribe("b"), send({"type": "REVIVE", "framework_id": "$a/fid"}, API, headers={**JSON, "Mesos-Stream-Id": "${b/stream}"})),
    session("call/stream-case", subscribe(), send({"type": "REVIVE", "framework_id": "$a/fid"}, API, headers={**JSON, "mesos-stream-id": "${a/stream}"})),
]
