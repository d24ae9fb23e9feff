"""The agent's endpoints: its operator API, its pages, its files, and nested containers."""
from words import *

RUN = [subscribe(), offer(), run(task(command="echo out; echo err >&2; exec sleep 1000"))]
TASKS = {"except": ["statuses", "executor_pid", "status_update_state", "status_update_uuid", "state"]}
C = agent("GET_CONTAINERS", keep={"c": "/get_containers/containers/0/container_id"}) | {"only": []}
S = get("/slave(1)/state", keep={"dir": "/frameworks/0/executors/0/directory"}, **{"only": []})
NESTED = {"value": "nested", "parent": "$c"}
def one(id, kind, **more): return session(id, agent(kind, **more))
def file(id, path, *more): return session("files/" + id, RUN, S, {"wait": "/files/read?path=${dir}/stdout&offset=0", "at": "/data", "is": "out\n"}, get(path), *more)
NOISY = {"except": ["flags", "ports", "disk", "mem", "executor_pid"]}
RECORDIO = {"Content-Type": "application/json", "Accept": "application/recordio", "Message-Accept": "application/json"}


SESSIONS = [
    one("get/health", "GET_HEALTH"), one("get/version", "GET_VERSION"), one("get/logging-level", "GET_LOGGING_LEVEL"), one("get/agent", "GET_AGENT"), one("get/state", "GET_STATE"),
    one("get/tasks", "GET_TASKS"), one("get/executors", "GET_EXECUTORS"), one("get/frameworks", "GET_FRAMEWORKS"), one("get/operations", "GET_OPERATIONS"), one("get/resource-providers", "GET_RESOURCE_PROVIDERS"),
    one("get/containers", "GET_CONTAINERS"), session("get/flags", agent("GET_FLAGS") | {"only": ["/type"]}), session("get/metrics", agent("GET_METRICS", timeout={"nanoseconds": 0}) | {"only": ["/type"]}),
    one("get/containers-nested", "GET_CONTAINERS", show_nested=True, show_standalone=True),
    *[one("missing/" + kind.lower().replace("_", "-"), kind) for kind in ("GET_METRICS", "SET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE", "LAUNCH_NESTED_CONTAINER", "WAIT_NESTED_CONTAINER", "KILL_NESTED_CONTAINER", "REMOVE_NESTED_CONTAINER",
      "LAUNCH_NESTED_CONTAINER_SESSION", "ATTACH_CONTAINER_INPUT", "ATTACH_CONTAINER_OUTPUT", "LAUNCH_CONTAINER", "WAIT_CONTAINER", "KILL_CONTAINER", "REMOVE_CONTAINER", "ADD_RESOURCE_PROVIDER_CONFIG", "UPDATE_RESOURCE_PROVIDER_CONFIG",
      "REMOVE_RESOURCE_PROVIDER_CONFIG", "MARK_RESOURCE_PROVIDER_GONE", "PRUNE_IMAGES")],
    *[session("fields/" + kind.lower().replace("_", "-"), send({"type": kind, kind.lower(): {}}, "/slave(1)/api/v1") | ({"only": []} if kind == "GET_METRICS" else {})) for kind in ("GET_METRICS", "SET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE", "LAUNCH_NESTED_CONTAINER", "WAIT_NESTED_CONTAINER", "KILL_NESTED_CONTAINER",
      "REMOVE_NESTED_CONTAINER", "LAUNCH_NESTED_CONTAINER_SESSION", "ATTACH_CONTAINER_OUTPUT", "LAUNCH_CONTAINER", "WAIT_CONTAINER", "KILL_CONTAINER", "REMOVE_CONTAINER", "MARK_RESOURCE_PROVIDER_GONE", "ADD_RESOURCE_PROVIDER_CONFIG")],
    session("http/get", send(path="/slave(1)/api/v1", method="GET", headers={})), session("http/no-content-type", send(path="/slave(1)/api/v1", headers={}, text="{}")), session("http/text", send(path="/slave(1)/api/v1", headers={"Content-Type": "text/plain"}, text="{}")),
    session("http/empty", send(path="/slave(1)/api/v1", text="")), session("http/array", send(path="/slave(1)/api/v1", text="[]")), session("http/no-type", send(path="/slave(1)/api/v1", text="{}")), session("http/unknown", send(path="/slave(1)/api/v1", text='{"type":"UNKNOWN"}')),
    session("http/nonsense", send(path="/slave(1)/api/v1", text='{"type":"NOPE"}')), session("http/cut", send(path="/slave(1)/api/v1", text='{"type"')), session("http/accept", send({"type": "GET_HEALTH"}, "/slave(1)/api/v1", headers={**JSON, "Accept": "text/html"})),
    session("http/accept-recordio", send({"type": "GET_HEALTH"}, "/slave(1)/api/v1", headers={**JSON, "Accept": "application/recordio"})), session("http/message-accept", send({"type": "GET_HEALTH"}, "/slave(1)/api/v1", headers={**JSON, "Message-Accept": "application/json"})),
    session("http/message-content-type", send({"type": "GET_HEALTH"}, "/slave(1)/api/v1", headers={**JSON, "Message-Content-Type": "application/json"})), session("http/recordio", send(path="/slave(1)/api/v1", headers={**JSON, "Content-Type": "application/recordio"}, text='21\n{"type":"GET_HEALTH"}')),
    session("http/recordio-typed", send(path="/slave(1)/api/v1", headers={**JSON, "Content-Type": "application/recordio", "Message-Content-Type": "application/json"}, text='21\n{"type":"GET_HEALTH"}')),
    session("http/pb", send(path="/slave(1)/api/v1", headers={"Content-Type": "application/x-protobuf", "Accept": "application/x-protobuf"}, hex="0801")), session("http/pb-bad", send(path="/slave(1)/api/v1", headers={"Content-Type": "application/x-protobuf", "Accept": "application/x-protobuf"}, hex="ffff")),
    session("http/pb-answer", send({"type": "GET_VERSION"}, "/slave(1)/api/v1", headers={"Content-Type": "application/json", "Accept": "application/x-protobuf"})),
    session("http/mixed", send({"type": "GET_HEALTH", "list_files": 5}, "/slave(1)/api/v1")),
    session("logging/good", agent("SET_LOGGING_LEVEL", level=0, duration={"nanoseconds": 1})), session("logging/high", agent("SET_LOGGING_LEVEL", level=5, duration={"nanoseconds": 1})),
    # Pages.
    *[session("page/%s-%s" % (path.replace("(1)", "").replace("/", "-"), method), send(path="/slave(1)" + path, method=method, headers={}, **NOISY) | {"except": ["flags", "build_date", "git_sha", "git_tag", "build_user", "build_time"]})
      for path in ("/state", "/health", "/containers", "/monitor/statistics", "/flags", "/nothing") for method in ("GET", "POST", "HEAD", "PUT")],
    session("page/state-running", RUN, get("/slave(1)/state", **{"except": ["flags", "statuses", "state"]}), agent("GET_STATE") | TASKS, agent("GET_TASKS") | TASKS, agent("GET_EXECUTORS"), agent("GET_FRAMEWORKS"),
            agent("GET_CONTAINERS") | {"except": ["resource_statistics", "executor_pid"]}, get("/slave(1)/containers", **{"except": ["statistics", "executor_pid"]}), get("/slave(1)/monitor/statistics", **{"except": ["statistics"]}) ),
    session("page/containers-id", RUN, C, get("/slave(1)/containers?container_id=${c/value}", **{"except": ["statistics", "executor_pid"]}), get("/slave(1)/containers?container_id=nope")),
    # Files.
    file("browse", "/files/browse?path=${dir}"), file("browse-short", "/files/browse?path=/frameworks/${a/fid/value}/executors/t/runs/latest"), file("browse-slash", "/files/browse?path=${dir}/"),
    file("browse-file", "/files/browse?path=${dir}/stdout"), file("browse-nothing", "/files/browse?path=${dir}/nope"), file("browse-no-path", "/files/browse"), file("browse-empty", "/files/browse?path="),
    file("browse-jsonp", "/files/browse?path=${dir}/nope&jsonp=f"), file("read", "/files/read?path=${dir}/stdout&offset=0&length=100"), file("read-offset", "/files/read?path=${dir}/stdout&offset=1&length=2"),
    file("read-past", "/files/read?path=${dir}/stdout&offset=100&length=2"), file("read-minus", "/files/read?path=${dir}/stdout&offset=-1"), file("read-minus-two", "/files/read?path=${dir}/stdout&offset=-2"), file("read-no-offset", "/files/read?path=${dir}/stdout"),
    file("read-bad-offset", "/files/read?path=${dir}/stdout&offset=x"), file("read-bad-length", "/files/read?path=${dir}/stdout&offset=0&length=x"), file("read-length-minus", "/files/read?path=${dir}/stdout&offset=0&length=-1"), file("read-length-zero", "/files/read?path=${dir}/stdout&offset=0&length=0"),
    file("read-length-low", "/files/read?path=${dir}/stdout&offset=0&length=-2"), file("read-folder", "/files/read?path=${dir}&offset=0"), file("read-nothing", "/files/read?path=${dir}/nope&offset=0"), file("read-no-path", "/files/read"), file("read-jsonp", "/files/read?path=${dir}/stdout&offset=0&jsonp=f"),
    file("download", "/files/download?path=${dir}/stdout"), file("download-folder", "/files/download?path=${dir}"), file("download-nothing", "/files/download?path=${dir}/nope"), file("download-no-path", "/files/download"),
    file("passwd", "/files/read?path=/etc/passwd&offset=0"), file("relative", "/files/read?path=etc&offset=0"), file("json-endings", "/files/read.json?path=${dir}/stdout&offset=0&length=1", get("/files/browse.json?path=${dir}/nope"), get("/files/nothing"), get("/files")),
    file("v1", "/files/nothing", agent("LIST_FILES", path="$dir"), agent("LIST_FILES", path="${dir}/stdout"), agent("LIST_FILES", path="/nope"), agent("READ_FILE", path="${dir}/stdout", offset=0), agent("READ_FILE", path="${dir}/stdout", offset=1, length=2), agent("READ_FILE", path="${dir}/stdout", offset=100),
         agent("READ_FILE", path="${dir}", offset=0), agent("READ_FILE", path="/nope", offset=0), agent("READ_FILE", path="/etc/passwd", offset=0), agent("READ_FILE", path="${dir}/stdout", offset=0, length=0)),
    # Nested containers.
    one("nested/launch-unknown", "LAUNCH_NESTED_CONTAINER", container_id={"value": "n", "parent": {"value": "nope"}}, command={"value": "true"}),
    one("nested/launch-no-parent", "LAUNCH_NESTED_CONTAINER", container_id={"value": "n"}, command={"value": "true"}), one("nested/launch-bad-id", "LAUNCH_NESTED_CONTAINER", container_id={"value": "a/b", "parent": {"value": "x"}}, command={"value": "true"}),
    one("nested/launch-bad-parent", "LAUNCH_NESTED_CONTAINER", container_id={"value": "a", "parent": {"value": "a/b"}}, command={"value": "true"}), one("nested/launch-empty-id", "LAUNCH_NESTED_CONTAINER", container_id={"value": "", "parent": {"value": "x"}}, command={"value": "true"}),
    one("nested/launch-bad-env", "LAUNCH_NESTED_CONTAINER", container_id={"value": "a", "parent": {"value": "x"}}, command={"value": "true", "environment": {"variables": [{"name": "A"}]}}),
    one("nested/launch-bad-container", "LAUNCH_NESTED_CONTAINER", container_id={"value": "a", "parent": {"value": "x"}}, command={"value": "true"}, container={"type": "DOCKER"}),
    one("nested/wait-unknown", "WAIT_NESTED_CONTAINER", container_id={"value": "n", "parent": {"value": "nope"}}), one("nested/wait-no-parent", "WAIT_NESTED_CONTAINER", container_id={"value": "n"}),
    one("nested/kill-unknown", "KILL_NESTED_CONTAINER", container_id={"value": "n", "parent": {"value": "nope"}}), one("nested/kill-no-parent", "KILL_NESTED_CONTAINER", container_id={"value": "n"}), one("nested/remove-unknown", "REMOVE_NESTED_CONTAINER", container_id={"value": "n", "parent": {"value": "nope"}}),
    one("nested/remove-no-parent", "REMOVE_NESTED_CONTAINER", container_id={"value": "n"}), one("container/wait-unknown", "WAIT_CONTAINER", container_id={"value": "n"}), one("container/kill-unknown", "KILL_CONTAINER", container_id={"value": "n"}), one("container/remove-unknown", "REMOVE_CONTAINER", container_id={"value": "n"}),
    one("container/launch-nested-unknown", "LAUNCH_CONTAINER", container_id={"value": "n", "parent": {"value": "nope"}}, command={"value": "true"}), one("container/launch-bad-resources", "LAUNCH_CONTAINER", container_id={"value": "n"}, command={"value": "true"}, resources=[cpus(-1)]),
    session("nested/output-unknown", send({"type": "ATTACH_CONTAINER_OUTPUT", "attach_container_output": {"container_id": {"value": "nope"}}}, "/slave(1)/api/v1", headers=RECORDIO)),
    session("nested/session-unknown", send({"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session": {"container_id": {"value": "n", "parent": {"value": "nope"}}, "command": {"value": "true"}}}, "/slave(1)/api/v1", headers=RECORDIO)),
    session("nested/input-as-json", send({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": {"type": "CONTAINER_ID", "container_id": {"value": "nope"}}}, "/slave(1)/api/v1")),
    session("nested/run", RUN, C, agent("LAUNCH_NESTED_CONTAINER", container_id=NESTED, command={"value": "exit 3"}), agent("WAIT_NESTED_CONTAINER", container_id=NESTED), agent("LAUNCH_NESTED_CONTAINER", container_id=NESTED, command={"value": "exit 3"}),
            agent("REMOVE_NESTED_CONTAINER", container_id=NESTED), agent("REMOVE_NESTED_CONTAINER", container_id=NESTED), agent("WAIT_NESTED_CONTAINER", container_id=NESTED)),
    session("nested/kill", RUN, C, agent("LAUNCH_NESTED_CONTAINER", container_id=NESTED, command={"value": "exec sleep 1000"}), agent("REMOVE_NESTED_CONTAINER", container_id=NESTED), agent("GET_CONTAINERS", show_nested=True) | {"except": ["resource_statistics", "executor_pid", "nested"]},
            agent("KILL_NESTED_CONTAINER", container_id=NESTED, signal=9), agent("WAIT_NESTED_CONTAINER", container_id=NESTED), agent("KILL_NESTED_CONTAINER", container_id=NESTED)),
    session("nested/kill-parent", RUN, C, agent("KILL_CONTAINER", container_id="$c"), {"read": "a", "until": {"type": "UPDATE"}}),
    session("nested/attach-parent", RUN, C, send({"type": "ATTACH_CONTAINER_OUTPUT", "attach_container_output": {"container_id": "$c"}}, "/slave(1)/api/v1", headers=RECORDIO)),
    session("nested/wait-parent", RUN, C, agent("WAIT_NESTED_CONTAINER", container_id="$c")),
    session("nested/statistics", RUN, agent("GET_CONTAINERS") | {"only": ["/get_containers/containers/0/executor_name", "/get_containers/containers/0/resource_statistics/mem_limit_bytes", "/get_containers/containers/0/resource_statistics/cpus_limit", "/get_containers/containers/0/resource_statistics/cpus_soft_limit"]}),
    # The executor API.
    *[session("executor/" + name, send(path="/slave(1)/api/v1/executor", text=text)) for name, text in (("empty", ""), ("no-type", "{}"), ("no-ids", '{"type":"SUBSCRIBE"}'), ("no-subscribe", '{"type":"SUBSCRIBE","executor_id":{"value":"e"},"framework_id":{"value":"f"}}'),
      ("unknown-framework", '{"type":"SUBSCRIBE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"subscribe":{}}'), ("update-none", '{"type":"UPDATE","executor_id":{"value":"e"},"framework_id":{"value":"f"}}'), ("message-none", '{"type":"MESSAGE","executor_id":{"value":"e"},"framework_id":{"value":"f"}}'),
      ("update-no-uuid", '{"type":"UPDATE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING"}}}'), ("update-bad-uuid", '{"type":"UPDATE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"AAAA"}}}'),
      ("update-no-source", '{"type":"UPDATE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"AAAAAAAAQACAAAAAAAAAAA==","timestamp":1}}}'),
      ("update-staging", '{"type":"UPDATE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"update":{"status":{"task_id":{"value":"t"},"state":"TASK_STAGING","uuid":"AAAAAAAAQACAAAAAAAAAAA==","timestamp":1,"source":"SOURCE_EXECUTOR"}}}'),
      ("message", '{"type":"MESSAGE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"message":{"data":"aGk="}}'), ("heartbeat", '{"type":"HEARTBEAT","executor_id":{"value":"e"},"framework_id":{"value":"f"}}'))],
    session("executor/get", send(path="/slave(1)/api/v1/executor", method="GET", headers={})), session("executor/text", send(path="/slave(1)/api/v1/executor", headers={"Content-Type": "text/plain"}, text="{}")), session("executor/accept", send(path="/slave(1)/api/v1/executor", headers={**JSON, "Accept": "text/html"}, text='{"type":"SUBSCRIBE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"subscribe":{}}')),
    session("executor/unknown-executor", RUN, send({"type": "SUBSCRIBE", "executor_id": {"value": "e"}, "framework_id": "$a/fid", "subscribe": {}}, "/slave(1)/api/v1/executor")),
]
