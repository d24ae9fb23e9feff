"""Good requests with as many fields as they may have: what differ.py mutates. Plain data, and bytes where it is HTTP itself."""
import json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "sessions"))
from words import *

FID = {"value": "$a/fid/value"}
OFFER = {"value": "$o/id/value"}
AGENT = {"value": "$o/agent_id/value"}
LABELS = {"labels": [{"key": "k", "value": "v"}, {"key": "l"}]}

INFO = {
    "user": "root", "name": "golden", "failover_timeout": 5.0, "checkpoint": True, "roles": ["a", "b/c"], "hostname": "h",
    "webui_url": "http://h/", "capabilities": [{"type": "MULTI_ROLE"}, {"type": "PARTITION_AWARE"}, {"type": "RESERVATION_REFINEMENT"}],
    "labels": LABELS,
    "offer_filters": {"a": {"min_allocatable_resources": {"quantities": [{"quantities": {"cpus": {"value": 1}, "mem": {"value": 32}}}]}}},
}
CONSTRAINT = {"selector": {"attribute_name": "rack"}, "predicate": {"text_equals": {"value": "r2d2"}}}
OTHERS = [{"selector": {"pseudoattribute_type": "HOSTNAME"}, "predicate": {"exists": {}}},
          {"selector": {"attribute_name": "x"}, "predicate": {"text_matches": {"regex": "a.*"}}}]
CONSTRAINTS = {"role_constraints": {"a": {"groups": [{"attribute_constraints": [CONSTRAINT] + OTHERS}]}}}

# More than there is: refused by the last of all checks, so that nothing starts.
MUCH = [cpus(100), mem(32)]
COMMAND = {
    "value": "sleep 1000", "shell": True, "user": "root", "arguments": ["a", "b"],
    "uris": [{"value": "http://127.0.0.1/x", "executable": False, "extract": True, "cache": False, "output_file": "x"}],
    "environment": {"variables": [{"name": "A", "value": "b", "type": "VALUE"},
                                  {"name": "S", "type": "SECRET", "secret": {"type": "VALUE", "value": {"data": "YQ=="}}},
                                  {"name": "R", "type": "SECRET", "secret": {"type": "REFERENCE", "reference": {"name": "n", "key": "k"}}}]},
}
TASK = {
    "name": "t", "task_id": {"value": "t"}, "agent_id": AGENT, "resources": MUCH, "command": {"value": "sleep 1000"},
    "data": "YQ==", "labels": LABELS, "kill_policy": {"grace_period": {"nanoseconds": 5000000000}},
    "max_completion_time": {"nanoseconds": 5000000000}, "limits": {"cpus": {"value": 200}, "mem": {"value": "Infinity"}},
    "discovery": {"visibility": "CLUSTER", "name": "d", "environment": "e", "location": "l", "version": "1", "labels": LABELS,
                  "ports": {"ports": [{"number": 80, "name": "n", "protocol": "tcp", "visibility": "EXTERNAL", "labels": LABELS}]}},
}
PLAIN = {"name": "t", "task_id": {"value": "t"}, "agent_id": AGENT, "resources": MUCH, "command": {"value": "sleep 1000"}}
DOCKER = {
    "type": "DOCKER", "hostname": "h",
    "docker": {"image": "busybox", "network": "BRIDGE", "privileged": False, "force_pull_image": False, "volume_driver": "local",
               "port_mappings": [{"host_port": 9000, "container_port": 80, "protocol": "tcp"}], "parameters": [{"key": "env", "value": "A=b"}]},
    "volumes": [{"mode": "RW", "container_path": "/x", "host_path": "/tmp"}],
    "network_infos": [{"name": "n", "groups": ["g"], "labels": LABELS, "ip_addresses": [{"protocol": "IPv4", "ip_address": "1.2.3.4"}],
                       "port_mappings": [{"host_port": 9001, "container_port": 81, "protocol": "tcp"}]}],
}
MESOS = {
    "type": "MESOS",
    "mesos": {"image": {"type": "DOCKER", "cached": True, "docker": {"name": "busybox", "credential": {"principal": "p", "secret": "s"}}}},
    "volumes": [{"mode": "RW", "container_path": "/x", "source": {"type": "SANDBOX_PATH", "sandbox_path": {"type": "SELF", "path": "p"}}},
                {"mode": "RO", "container_path": "/z", "source": {"type": "SECRET", "secret": {"type": "VALUE", "value": {"data": "YQ=="}}}},
                {"mode": "RO", "container_path": "/y", "source": {"type": "HOST_PATH", "host_path": {"path": "/tmp", "mount_propagation": {"mode": "HOST_TO_CONTAINER"}}}},
                {"mode": "RW", "container_path": "/w", "source": {"type": "DOCKER_VOLUME", "docker_volume": {"driver": "d", "name": "n", "driver_options": {"parameter": [{"key": "k", "value": "v"}]}}}}],
    "linux_info": {"capability_info": {"capabilities": ["NET_ADMIN"]}, "bounding_capabilities": {"capabilities": ["CHOWN"]},
                   "share_pid_namespace": False, "share_cgroups": True, "ipc_mode": "PRIVATE", "shm_size": 64,
                   "seccomp": {"profile_name": "x", "unconfined": False}},
    "rlimit_info": {"rlimits": [{"type": "RLMT_CORE", "hard": 10, "soft": 5}]},
    "tty_info": {"window_size": {"rows": 10, "columns": 10}},
}
EXECUTOR = {
    "type": "CUSTOM", "executor_id": {"value": "e"}, "framework_id": FID, "command": {"value": "sleep 1000"}, "name": "n", "source": "s",
    "data": "YQ==", "labels": LABELS, "resources": [cpus(0.1), mem(32)], "shutdown_grace_period": {"nanoseconds": 1000000000},
    "discovery": {"visibility": "FRAMEWORK"},
}
TIMES = {"delay_seconds": 1, "interval_seconds": 2, "timeout_seconds": 3}
HEALTH = {**TIMES, "consecutive_failures": 2, "grace_period_seconds": 4}
DEFAULT = {"type": "DEFAULT", "executor_id": {"value": "de"}, "framework_id": FID, "resources": [cpus(0.1), mem(32), disk(32)],
           "labels": LABELS, "shutdown_grace_period": {"nanoseconds": 1000000000}}
RESERVED = {"reservations": [{"type": "DYNAMIC", "role": "a", "principal": "p", "labels": LABELS}]}
REFINED = {"reservations": [{"type": "DYNAMIC", "role": "a"}, {"type": "DYNAMIC", "role": "a/b", "principal": "p"}]}
VOLUME = {"disk": {"persistence": {"id": "v", "principal": "p"}, "volume": {"container_path": "data", "mode": "RW"}}}
STATUS = {"agent_id": AGENT, "task_id": {"value": "t"}, "uuid": "AAAAAAAAAAAAAAAAAAAAAA=="}
REFINES = {"capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}], "roles": ["a", "a/b"]}

BASES = {}
OP = ("accept", "operations", 0)


def base(name, body, kind="call", **more):
    BASES[name] = {"kind": kind, "body": body, **more}


def accepting(name, operation, at=OP, **more):
    accept = {"type": "ACCEPT", "framework_id": FID, "accept": {"offer_ids": [OFFER], "operations": [operation], "filters": {"refuse_seconds": 0}}}
    base(name, accept, at=at, **{"offer": True, **more})


def tasked(name, task, *at, **more):
    accepting(name, {"type": "LAUNCH", "launch": {"task_infos": [task]}}, OP + ("launch", "task_infos", 0) + at, **more)


def grouped(name, executor, tasks, *at):
    accepting(name, {"type": "LAUNCH_GROUP", "launch_group": {"executor": executor, "task_group": {"tasks": tasks}}}, OP + ("launch_group",) + at)


def simple(name, **more):
    base(name.lower().replace("_", "-"), {"type": name, "framework_id": FID, **more})


base("subscribe", {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO, "force": False, "suppressed_roles": ["b/c"], "offer_constraints": CONSTRAINTS}}, "subscribe")
base("subscribe-one-role", {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "golden", "role": "a", "principal": "p", "id": {"value": "x"}},
     "force": True, "suppressed_roles": []}, "framework_id": {"value": "x"}}, "subscribe")
base("update-framework", {"type": "UPDATE_FRAMEWORK", "framework_id": FID, "update_framework": {"framework_info": {**INFO, "id": FID}, "suppressed_roles": ["b/c"],
     "offer_constraints": CONSTRAINTS}}, info={**INFO, "roles": ["a", "b/c"]}, shown=True)
accepting("accept", {"type": "LAUNCH", "launch": {"task_infos": [PLAIN]}}, ())
accepting("accept-operation", {"id": {"value": "op"}, "type": "LAUNCH", "launch": {"task_infos": [PLAIN, {**PLAIN, "task_id": {"value": "u"}}]}})
tasked("task", TASK)
tasked("task-command", {**PLAIN, "command": COMMAND}, "command")
tasked("task-docker", {**PLAIN, "container": DOCKER}, "container")
tasked("task-mesos", {**PLAIN, "container": MESOS}, "container")
tasked("task-executor", {**{k: v for k, v in PLAIN.items() if k != "command"}, "executor": EXECUTOR}, "executor")
tasked("task-health-cmd", {**PLAIN, "health_check": {**HEALTH, "type": "COMMAND", "command": {"value": "true"}}}, "health_check")
tasked("task-health-http", {**PLAIN, "health_check": {**HEALTH, "type": "HTTP", "http": {"protocol": "IPv4", "scheme": "http", "port": 80, "path": "/", "statuses": [200]}}}, "health_check")
tasked("task-health-tcp", {**PLAIN, "health_check": {**HEALTH, "type": "TCP", "tcp": {"port": 80, "protocol": "IPv6"}}}, "health_check")
tasked("task-check-cmd", {**PLAIN, "check": {**TIMES, "type": "COMMAND", "command": {"command": {"value": "true"}}}}, "check")
tasked("task-check-http", {**PLAIN, "check": {**TIMES, "type": "HTTP", "http": {"port": 80, "path": "/"}}}, "check")
tasked("task-check-tcp", {**PLAIN, "check": {**TIMES, "type": "TCP", "tcp": {"port": 80}}}, "check")
tasked("task-resources", {**PLAIN, "resources": [cpus(100), mem(32), ports((9000, 9001), (9003, 9004)), items("s", "a", "b"),
       {"name": "disk", "type": "SCALAR", "scalar": {"value": 10}, "disk": {"source": {"type": "PATH", "path": {"root": "/x"}, "id": "i", "profile": "p"}}}]}, "resources")
tasked("task-reserved", {**PLAIN, "resources": [cpus(100, **REFINED), disk(10, shared={}, **RESERVED, **VOLUME)]}, "resources", info=REFINES)
tasked("task-old-role", {**PLAIN, "resources": [cpus(100, role="a", reservation={"principal": "p", "labels": LABELS}), mem(1, revocable={}, allocation_info={"role": "a"})]}, "resources")
grouped("group", DEFAULT, [{**TASK, "resources": MUCH}, {**PLAIN, "task_id": {"value": "u"}}])
grouped("group-checks", DEFAULT, [{**PLAIN, "check": {**TIMES, "type": "COMMAND", "command": {"command": {"value": "true"}}}},
        {**PLAIN, "task_id": {"value": "u"}, "health_check": {**HEALTH, "type": "HTTP", "http": {"port": 80}}}], "task_group", "tasks")
grouped("group-container", {**DEFAULT, "container": {"type": "MESOS", "network_infos": [{"name": "n"}]}}, [{**PLAIN, "container": MESOS}])
for kind, resources, info in (("reserve", [cpus(1, **RESERVED), ports((9000, 9001), **RESERVED)], {}), ("reserve-old", [cpus(1, role="a", reservation={"principal": "p"})], {}),
                              ("reserve-refined", [cpus(1, **REFINED)], REFINES)):
    accepting(kind, {"type": "RESERVE", "id": {"value": "op"}, "reserve": {"resources": resources}}, OP, clean=True, info=info)
accepting("reserve-source", {"type": "RESERVE", "reserve": {"source": [cpus(1)], "resources": [cpus(1, **RESERVED)]}}, OP, clean=True)
accepting("unreserve", {"type": "UNRESERVE", "id": {"value": "op"}, "unreserve": {"resources": [cpus(1, **RESERVED)]}})
accepting("create", {"type": "CREATE", "id": {"value": "op"}, "create": {"volumes": [disk(10, **RESERVED, **VOLUME)]}})
accepting("destroy", {"type": "DESTROY", "id": {"value": "op"}, "destroy": {"volumes": [disk(10, **RESERVED, **VOLUME)]}})
accepting("grow", {"type": "GROW_VOLUME", "id": {"value": "op"}, "grow_volume": {"volume": disk(10, **RESERVED, **VOLUME), "addition": disk(1, **RESERVED)}})
accepting("shrink", {"type": "SHRINK_VOLUME", "id": {"value": "op"}, "shrink_volume": {"volume": disk(10, **RESERVED, **VOLUME), "subtract": {"value": 1}}})
accepting("create-disk", {"type": "CREATE_DISK", "id": {"value": "op"}, "create_disk": {"source": disk(10, disk={"source": {"type": "RAW"}}), "target_type": "MOUNT", "target_profile": "p"}})
accepting("destroy-disk", {"type": "DESTROY_DISK", "id": {"value": "op"}, "destroy_disk": {"source": disk(10, disk={"source": {"type": "MOUNT", "mount": {"root": "x"}}})}})
BOTH = OP[:2]
ALL = {"type": "ACCEPT", "framework_id": FID, "accept": {"offer_ids": [OFFER], "filters": {"refuse_seconds": 0}, "operations": [
    {"type": "RESERVE", "reserve": {"resources": [disk(10, **RESERVED)]}}, {"type": "CREATE", "create": {"volumes": [disk(10, **RESERVED, **VOLUME)]}}]}}
base("reserve-and-create", ALL, at=BOTH, offer=True, clean=True)

base("decline", {"type": "DECLINE", "framework_id": FID, "decline": {"offer_ids": [OFFER], "filters": {"refuse_seconds": 0}}}, offer=True)
base("accept-inverse", {"type": "ACCEPT_INVERSE_OFFERS", "framework_id": FID, "accept_inverse_offers": {"inverse_offer_ids": [OFFER], "filters": {"refuse_seconds": 0}}}, offer=True)
base("decline-inverse", {"type": "DECLINE_INVERSE_OFFERS", "framework_id": FID, "decline_inverse_offers": {"inverse_offer_ids": [OFFER], "filters": {"refuse_seconds": 0}}}, offer=True)
simple("REVIVE", revive={"roles": ["a"]})
simple("SUPPRESS", suppress={"roles": ["a"]})
simple("TEARDOWN")
BASES["kill"] = {"kind": "call", "offer": True, "body": {"type": "KILL", "framework_id": FID, "kill": {"task_id": {"value": "t"}, "agent_id": AGENT, "kill_policy": {"grace_period": {"nanoseconds": 1}}}}}
BASES["reconcile"] = {"kind": "call", "offer": True, "body": {"type": "RECONCILE", "framework_id": FID, "reconcile": {"tasks": [{"task_id": {"value": "t"}, "agent_id": AGENT}, {"task_id": {"value": "u"}}]}}}
BASES["acknowledge"] = {"kind": "call", "offer": True, "body": {"type": "ACKNOWLEDGE", "framework_id": FID, "acknowledge": STATUS}}
BASES["acknowledge-operation"] = {"kind": "call", "offer": True, "body": {"type": "ACKNOWLEDGE_OPERATION_STATUS", "framework_id": FID, "acknowledge_operation_status": {
    "agent_id": AGENT, "resource_provider_id": {"value": "rp"}, "uuid": STATUS["uuid"], "operation_id": {"value": "op"}}}}
BASES["reconcile-operations"] = {"kind": "call", "offer": True, "body": {"type": "RECONCILE_OPERATIONS", "framework_id": FID, "reconcile_operations": {"operations": [
    {"operation_id": {"value": "op"}, "agent_id": AGENT, "resource_provider_id": {"value": "rp"}}]}}}
BASES["message"] = {"kind": "call", "offer": True, "body": {"type": "MESSAGE", "framework_id": FID, "message": {"agent_id": AGENT, "executor_id": {"value": "e"}, "data": "YQ=="}}}
BASES["shutdown"] = {"kind": "call", "offer": True, "body": {"type": "SHUTDOWN", "framework_id": FID, "shutdown": {"executor_id": {"value": "e"}, "agent_id": AGENT}}}
BASES["request"] = {"kind": "call", "offer": True, "body": {"type": "REQUEST", "framework_id": FID, "request": {"requests": [{"agent_id": AGENT, "resources": [cpus(1), mem(32)]}]}}}


def http(method="POST", path=API, headers=None, body=b'{"type":"KILL"}', version="HTTP/1.1", length=True, **more):
    """A request as bytes; a header of None is left out."""
    named = {"Host": "127.0.0.1", "Content-Type": "application/json", "Accept": "application/json", "Connection": "close",
             **(headers or {}), **{k.replace("_", "-"): v for k, v in more.items()}}
    lines = ["%s %s %s" % (method, path, version)]
    lines += ["%s: %s" % (k, each) for k, v in named.items() if v is not None for each in (v if isinstance(v, list) else [v])]
    if length:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


SUBSCRIBE = b'{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"n"}}}'
RAW = {}

for value in ("", "application/json", "application/JSON", "Application/Json", "application/json;charset=utf-8", "application/json; charset=utf-8", " application/json ",
              "text/json", "application/*", "*/*", "application/x-protobuf", "application/recordio", "application/x-www-form-urlencoded", "json",
              "application/json,application/x-protobuf", "application/json ", "multipart/form-data", "\u00e4", None):
    RAW["content-type %s" % value] = http(headers={"Content-Type": value})
    RAW["content-type get %s" % value] = http("GET", headers={"Content-Type": value}, body=b"")
RAW["content-type twice"] = http(headers={"Content-Type": ["application/json", "application/json"]})
RAW["content-type two"] = http(headers={"Content-Type": ["text/plain", "application/json"]})
RAW["content-type lower-name"] = http(headers={"Content-Type": None, "content-type": "application/json"})
RAW["content-type upper-name"] = http(headers={"Content-Type": None, "CONTENT-TYPE": "application/json"})
ACCEPTS = ("", "*", "*/*", "application/*", "application/json", "APPLICATION/JSON", "application/x-protobuf", "text/html", "text/*", "application/json;q=0", "application/json; q=0",
           "application/json;q=0.0", "application/json;q=0.000", "application/json;q=1", "application/json;q=x", "application/json;q=-1", "application/json;q=2", "application/json;q=",
           "*/*;q=0", "*/*;q=0,application/json", "application/json;q=0,*/*", "application/json;q=0, application/x-protobuf", "application/x-protobuf;q=0.1,application/json;q=0.9",
           "application/x-protobuf, application/json", "text/html,application/json", "text/html, application/json", "text/html,*/*", "application/json;charset=utf-8",
           "application/json;version=1;q=0.5", "application/*;q=0", "application/*;q=0,application/json", "application/json,", ",application/json", ",", ";", "application/json; Q=0",
           "application/json;q=0;q=1", "application", "application/", "/json", "application/recordio", "application/x-protobuf;q=0,*/*", "json", "application/json;q=0.5;x", "\u00e4", None)
for value in ACCEPTS:
    RAW["accept subscribe %s" % value] = http(headers={"Accept": value}, body=SUBSCRIBE)
    RAW["accept operator %s" % value] = http(path="/api/v1", headers={"Accept": value}, body=b'{"type":"GET_VERSION"}')
    RAW["accept call %s" % value] = http(headers={"Accept": value})
    RAW["accept get %s" % value] = http("GET", "/version", headers={"Accept": value}, body=b"")
RAW["accept twice"] = http(headers={"Accept": ["text/html", "application/json"]}, body=SUBSCRIBE)
for value in ("gzip", "gzip;q=0", "gzip;q=0.5", "*", "*;q=0", "identity", "deflate", "GZIP", "gzip, deflate", "deflate, gzip", "identity;q=0", "", "gzip;q=x", "*;q=0,gzip", "x-gzip"):
    RAW["accept-encoding %s" % value] = http("GET", "/state", headers={"Accept-Encoding": value}, body=b"")
    RAW["accept-encoding short %s" % value] = http("GET", "/version", headers={"Accept-Encoding": value}, body=b"")
    RAW["accept-encoding refused %s" % value] = http(headers={"Accept-Encoding": value})
for value in ("close", "keep-alive", "Keep-Alive", "Close", "CLOSE", "", "upgrade", "close, x", None):
    RAW["connection %s" % value] = http(headers={"Connection": value})
    RAW["connection 1.0 %s" % value] = http(headers={"Connection": value}, version="HTTP/1.0")
    RAW["connection get %s" % value] = http("GET", "/version", headers={"Connection": value}, body=b"")
    RAW["connection twice %s" % value] = http("GET", "/version", headers={"Connection": value}, body=b"") * 2
    RAW["connection post twice %s" % value] = http(headers={"Connection": value}) * 2
for value in ("100-continue", "100-Continue", "x", ""):
    RAW["expect %s" % value] = http(Expect=value)
for value in ("", "x", "\u00e4", "a" * 2000):
    RAW["stream-id subscribe %s" % value[:9]] = http(headers={"Mesos-Stream-Id": value}, body=SUBSCRIBE)
    RAW["stream-id call %s" % value[:9]] = http(headers={"Mesos-Stream-Id": value}, body=b'{"type":"REVIVE","framework_id":{"value":"x"}}')
for value in ("0", "3", "100", "-1", "abc", "", "1e3", "0x10", "99999999999999999999", "+15", " 15", "15 ", "15, 15"):
    RAW["content-length %s" % value] = http(length=False, Content_Length=value)
RAW["content-length twice"] = http(Content_Length="15")
RAW["content-length two"] = http(Content_Length="3")
RAW["content-length none"] = http(length=False)
RAW["content-length none-empty"] = http(length=False, body=b"")
CHUNKS = {"one": b"f\r\n{\"type\":\"KILL\"}\r\n0\r\n\r\n", "two": b"7\r\n{\"type\"\r\n8\r\n:\"KILL\"}\r\n0\r\n\r\n", "upper": b"F\r\n{\"type\":\"KILL\"}\r\n0\r\n\r\n",
          "extension": b"f;a=b\r\n{\"type\":\"KILL\"}\r\n0\r\n\r\n", "trailer": b"f\r\n{\"type\":\"KILL\"}\r\n0\r\nX: y\r\n\r\n", "bad": b"zz\r\nabc\r\n", "none": b"0\r\n\r\n",
          "short": b"5\r\n{\"type\":\"KILL\"}\r\n0\r\n\r\n", "zeros": b"000f\r\n{\"type\":\"KILL\"}\r\n0\r\n\r\n", "negative": b"-1\r\n"}
for name, body in CHUNKS.items():
    for value in ("chunked", "Chunked", "gzip, chunked", "identity"):
        RAW["transfer-encoding %s %s" % (value, name)] = http(length=False, body=body, Transfer_Encoding=value)
RAW["transfer-encoding both"] = http(body=CHUNKS["one"], Transfer_Encoding="chunked")
import gzip, zlib
PACKED = gzip.compress(b'{"type":"KILL"}')
for name, (value, body) in {"good": ("gzip", PACKED), "not": ("gzip", b'{"type":"KILL"}'), "empty": ("gzip", b""), "upper": ("GZIP", PACKED), "deflate": ("deflate", zlib.compress(b'{"type":"KILL"}')),
                            "cut": ("gzip", PACKED[:20]), "two": ("gzip", PACKED + PACKED), "more": ("gzip", PACKED + b"x"), "identity": ("identity", b'{"type":"KILL"}'), "list": ("gzip, gzip", PACKED),
                            "x": ("x", b'{"type":"KILL"}'), "nothing": ("", b'{"type":"KILL"}')}.items():
    RAW["content-encoding %s" % name] = http(Content_Encoding=value, body=body)
for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "FOO", "post", "Post", ""):
    for path in (API, "/api/v1", "/version", "/nosuch", "/teardown", "/state", "/", "/health", "/redirect", "/files/browse", "/api/v1/executor", "/quota", "/machine/up", "/reserve", "/weights"):
        RAW["method %s %s" % (method, path)] = http(method, path, body=b"")
for path in ("", "/", "//", "/api", "/api/", "/api/v1/", "/api/v1/scheduler/", "/api/v1/scheduler/x", "/api/v1/schedulerx", "/api//v1//scheduler", "//api/v1/scheduler", "/API/v1/scheduler", "/api/v1/scheduler?a=b",
             "/api/v1/scheduler?", "/api/v1/scheduler#x", "/api/v1/scheduler?a=%zz", "/api/v1/scheduler?a&b=c&&", "/api/v1%2fscheduler", "/api/v1/%73cheduler", "/api/v1/%", "/api/v1/%zz", "/api/v1/%2", "/api/v1/scheduler%00",
             "/api/v1/sched uler", "/api/./v1/scheduler", "/api/../api/v1/scheduler", "/..", "/api/v1/scheduler/..", "/master", "/master/", "/master/api/v1", "/master/master/api/v1/scheduler", "/master/version", "/masterx/version",
             "/master(1)/version", "http://127.0.0.1/api/v1/scheduler", "http://x/api/v1", "api/v1/scheduler", "*", "/api/v2/scheduler", "/api/v1/operator", "/version/x", "/version/", "/metrics", "/metrics/", "/help", "/static/x",
             "/system/stats.json", "/logging/toggle", "/profiler/start", "/state.json", "/master/state.json", "/slave(1)/state", "/allocator", "/hierarchical-allocator(1)/x", "/__processes__", "/registrar(1)/registry",
             "/roles", "/slaves", "/frameworks?framework_id=x", "/tasks?limit=0", "/tasks?limit=-1", "/tasks?limit=abc", "/tasks?order=x", "/tasks?offset=99", "/tasks?limit=1e9", "/version?jsonp=f", "/version?jsonp=", "/version?jsonp=f&jsonp=g",
             "/version?jsonp=%3c", "/\u00e4", "/" + "a" * 9000, "/api/v1/scheduler;x=y"):
    RAW["path post %s" % path[:40]] = http(path=path)
    RAW["path get %s" % path[:40]] = http("GET", path, body=b"")
for version in ("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1", "http/1.1", "", "HTTP/1.1 x"):
    RAW["version %s" % version] = http(version=version)
for name, value in {"none": None, "empty": "", "port": "127.0.0.1:5050", "twice": ["127.0.0.1", "localhost"]}.items():
    RAW["host %s" % name] = http(Host=value)
RAW["header no-colon"] = http(headers={"X": "y\r\nnonsense"})
RAW["header space-name"] = http(headers={"X Y": "z"})
RAW["header space-before-colon"] = http(headers={"X ": "z"})
RAW["header folded"] = http(headers={"X": "y\r\n z"})
RAW["header bare-lf"] = http().replace(b"\r\n", b"\n", 3)
RAW["header all-lf"] = http().replace(b"\r\n", b"\n")
RAW["header control"] = http(headers={"X": "a\x01b"})
RAW["header nul"] = http(headers={"X": "a\x00b"})
RAW["header many"] = http(headers={"X%d" % n: "y" for n in range(150)})
RAW["header long"] = http(headers={"X": "y" * 20000})
RAW["header longest"] = http(headers={"X": "y" * 100000})
RAW["header empty-name"] = http(headers={"": "y"})
RAW["start crlf"] = b"\r\n\r\n" + http()
RAW["start space"] = b" " + http()
RAW["garbage"] = b"hello\r\n\r\n"
RAW["nothing-but-newlines"] = b"\r\n\r\n\r\n"
RAW["tls"] = bytes.fromhex("160301020001000100") * 3
RAW["authorization"] = http(Authorization="Basic YTpi")
RAW["user-agent libprocess"] = http(headers={"User-Agent": "libprocess/scheduler(1)@127.0.0.1:1"})
RAW["libprocess-from"] = http(headers={"Libprocess-From": "scheduler(1)@127.0.0.1:1"})

TEXTS = ["", " ", "\n", "null", "true", "false", "0", "-0", "1", "-1", "1.5", "1e5", "1E5", "1e+5", "1e-5", "1e400", "-1e400", "1e-400", "01", "1.", ".5", "-", "+1", "--1", "1-1", "1e", "1e+", "1.2.3", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "nan", "inf",
         '""', '"a', "'a'", '"\\', '"\\"', '"\\x"', '"\\u12"', '"\\u00e4"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\udc00"', '"\\ud800\\u0041"', '"\\u0000"', '"\t"', '"\n"', '"\x7f"', "[]", "[", "]", "[,]", "[1,]", "[1 2]", "[1,,2]", "[[]]", "[}", "{}", "{", "}", "{,}", '{"a"}', '{"a":}',
         '{"a":1,}', '{"a":1 "b":2}', '{a:1}', '{1:2}', '{"a":1}}', '{"a":1} x', '{"a":1}\n\n', '{"a":1}\x00', '{"a":1}//c', '/*c*/{}', '{} {}', "\ufeff{}", "nul", "nulll", "tru", "truex", "True", "TRUE", "None", "undefined", '{"type":"KILL","type":"REVIVE"}', '{"type":"REVIVE","type":"KILL"}',
         '{"type":null}', '{"type":"kill"}', '{"type":3}', '{"type":"3"}', '{"type":["KILL"]}', '{"Type":"KILL"}', '{"type" : "KILL"}', '{"type"\n:\n"KILL"}', '{"type":"KI\\u004cL"}', '{"type":"KILL\\u0000"}', '{"\\u0074ype":"KILL"}', '{"type":"KILL"', '{"type":"KILL"\n\n', '\n\n{"type":"KILL",\n}',
         '{"type":"KILL","kill":{"task_id":{"value":1}}}', '{"type":"KILL","kill":{"task_id":{"value":true}}}', '{"type":"KILL","framework_id":{"value":1.0}}', "[" * 199 + "]" * 199, "[" * 201 + "]" * 201, '{"a":' * 150 + "1" + "}" * 150,
         '{"type":"KILL","framework_id":{"value":"x"},"kill":{"task_id":{"value":"\\ud800"}}}', '{"a":1e308}', '{"a":1e309}', '{"a":-}', '{"a":tru}', '{"a":"b"c}', '{"a":1;}', '{"":1}', '{"a":9223372036854775807}', '{"a":9223372036854775808}', '{"a":18446744073709551616}', '{"a":1.0e}', "\x00", "\x0b{}", "\xa0{}", "a" * 3000,
         '"' + "a" * 3000, '{"a":\r\n1\r\n,}', '\r\n\r\nx', 'x\ny', '\tx', '{"x":\n\n\n"a\nb"}', '{"a":[1,\n2,\n,3]}', '{"a":falsey}', '{"a":"\\/"}', '{"a":"\\a"}', '{"a":1.5.}', '{"a":00}', '{"a":-01}', '{"a":1e5.5}', '{"a":1,"b"', '{"a":1,"b":', '{"a":1,', '{"a":{"b":[{}}', '[{"a":1}', '[1', '[1,', '[1, ', '["', '{"', '{ ', '[ ']
for number, text in enumerate(TEXTS):
    for path in (API, "/api/v1"):
        RAW["json %s %d %s" % (path, number, text[:40].encode("unicode_escape").decode())] = http(path=path, body=text.encode())
for number, body in enumerate((b"\xff", b'"\xff"', b'{"type":"\xff"}', b'{"\xff":1}', b'\xc3', b'{"type":"KILL"}\xff', b'{"type":"KILL","framework_id":{"value":"\xff"},"kill":{"task_id":{"value":"a"}}}')):
    RAW["json bytes %d" % number] = http(body=body)

BINARY = {
    "empty": "", "type-kill": "1005", "type-unknown": "1000", "type-99": "1063", "type-negative": "10ffffffffffffffffff01", "cut-varint": "10", "long-varint": "10" + "ff" * 11, "cut-length": "0a", "length-over": "0a05", "length-huge": "0affffffff0f",
    "group-start": "13", "group-end": "14", "group": "131410 05".replace(" ", ""), "wire-6": "16", "wire-7": "17", "field-0": "0001", "unknown-varint": "f83f011005", "unknown-bytes": "fa3f01611005", "unknown-fixed32": "fd3f000000001005", "unknown-fixed64": "f93f00000000000000001005",
    "type-twice": "10051001", "type-as-bytes": "120105", "type-as-fixed": "1505000000", "framework-id-as-varint": "08011005", "framework-id-empty": "0a001005", "framework-id": "0a030a01781005", "framework-id-twice": "0a030a01780a030a01791005",
    "framework-id-bad-utf8": "0a030a01ff1005", "kill-empty": "0a030a01781005" + "3200", "trailing": "100500", "json": b'{"type":"KILL"}'.hex(), "subscribe-empty": "10011a00", "subscribe-info-empty": "10011a020a00", "subscribe": "10011a0a0a080a04726f6f74120 16e".replace(" ", ""),
}
for name, text in BINARY.items():
    for path in (API, "/api/v1"):
        for wanted in ("application/x-protobuf", "application/json"):
            RAW["protobuf %s %s %s" % (path, name, wanted)] = http(path=path, headers={"Content-Type": "application/x-protobuf", "Accept": wanted}, body=bytes.fromhex(text))
