"""The words that sessions are written in: steps, calls, tasks and resources as plain data."""
import base64, json

API = "/api/v1/scheduler"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def session(name, *steps):
    return {"id": name, "steps": list(flat(steps))}


def flat(steps):
    for step in steps:
        if isinstance(step, (list, tuple)):
            yield from flat(step)
        else:
            yield step


def send(body=None, path="/api/v1", method="POST", headers=JSON, **more):
    """more: text or hex instead of a body, to="master" for /files, keep, stream."""
    step = {"send": {"method": method, "path": path, "headers": headers}}
    if body is not None:
        step["send"]["body"] = body
    for name in ("text", "hex", "to"):
        if name in more:
            step["send"][name] = more.pop(name)
    return {**step, **more}


def get(path, headers=None, **more):
    return send(path=path, method="GET", headers=headers or {}, **more)


def operate(kind, headers=JSON, at="/api/v1", keep=None, stream=None, **more):
    """An operator's call: the field named as the type, unless nothing is given."""
    body = {"type": kind, **({kind.lower(): more} if more else {})}
    return send(body, at, headers=headers, **({"keep": keep} if keep else {}), **({"stream": stream} if stream else {}))


def agent(kind, headers=JSON, **more):
    return operate(kind, headers, "/slave(1)/api/v1", **more)


def subscribe(name="a", info=None, headers=JSON, wait=True, fid=None, **more):
    info = {"user": "root", "name": "golden", **(info or {})}
    body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info, **more}}
    if fid:
        body["framework_id"] = fid
    steps = [send(body, API, headers=headers, stream=name)]
    if wait:
        steps.append({"read": name, "until": {"type": "SUBSCRIBED"}})
    return steps


def call(body, name="a", headers=JSON, **more):
    body = {**body, "framework_id": body.get("framework_id", "$%s/fid" % name)}
    return send(body, API, headers={**headers, "Mesos-Stream-Id": "${%s/stream}" % name}, **more)


def teardown(name="a"):
    return [call({"type": "TEARDOWN"}, name), {"end": name}]


def offer(name="a", keep="o", **more):
    return {"read": name, "until": {"type": "OFFERS", **more}, "keep": {keep: "/offers/offers/0"}}


def until(state, name="a", ack=True, **more):
    return {"read": name, "until": {"type": "UPDATE", "update/status/state": state}, **({"ack": True} if ack else {}), **more}


def fence(name="a"):
    return {"fence": name}


def end(name="a"):
    return {"end": name}


def cpus(n, **more): return {"name": "cpus", "type": "SCALAR", "scalar": {"value": n}, **more}
def mem(n, **more): return {"name": "mem", "type": "SCALAR", "scalar": {"value": n}, **more}
def disk(n, **more): return {"name": "disk", "type": "SCALAR", "scalar": {"value": n}, **more}
def ports(*ranges, **more):
    return {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": b, "end": e} for b, e in ranges]}, **more}
def items(name, *of, **more): return {"name": name, "type": "SET", "set": {"item": list(of)}, **more}


def reserved(role, principal=None, labels=None):
    """What makes a resource a dynamically reserved one."""
    more = {**({"principal": principal} if principal else {}), **({"labels": labels} if labels else {})}
    return {"reservations": [{"type": "DYNAMIC", "role": role, **more}]}


def volume(id="v", path="data", mode="RW", principal=None):
    """What makes a disk a persistent volume."""
    of = {"id": id, **({"principal": principal} if principal else {})}
    return {"disk": {"persistence": of, "volume": {"container_path": path, "mode": mode}}}


def task(tid="t", command="sleep 1000", offer="o", resources=None, **more):
    t = {"name": tid, "task_id": {"value": tid}, "agent_id": "$%s/agent_id" % offer, "resources": resources or [cpus(0.1), mem(32)]}
    if command is not None:
        t["command"] = {"value": command} if isinstance(command, str) else command
    return {**t, **more}


def without(task, *names):
    return {k: v for k, v in task.items() if k not in names}


def launch(*tasks, **more): return {"type": "LAUNCH", "launch": {"task_infos": list(tasks)}, **more}


def executor(eid="e", offer="o", **more):
    """A default executor with what it needs at least."""
    return {"type": "DEFAULT", "executor_id": {"value": eid}, "framework_id": "$a/fid",
            "resources": [cpus(0.1), mem(32), disk(32)], **more}


def group(*tasks, executor=None, **more):
    return {"type": "LAUNCH_GROUP", "launch_group": {"executor": executor or globals()["executor"](),
                                                     "task_group": {"tasks": list(tasks)}}, **more}


def operation(kind, id=None, **more):
    return {"type": kind, kind.lower(): more, **({"id": {"value": id}} if id else {})}


def reserve(*resources, id=None, **more): return operation("RESERVE", id, resources=list(resources), **more)
def unreserve(*resources, id=None): return operation("UNRESERVE", id, resources=list(resources))
def create(*volumes, id=None): return operation("CREATE", id, volumes=list(volumes))
def destroy(*volumes, id=None): return operation("DESTROY", id, volumes=list(volumes))


def accept(*operations, offers=("o",), name="a", refuse=0, **more):
    filters = {} if refuse is None else {"filters": {"refuse_seconds": refuse}}
    ids = ["$%s/id" % offer for offer in offers]
    return call({"type": "ACCEPT", "accept": {"offer_ids": ids, "operations": list(operations), **filters}}, name, **more)


def decline(offers=("o",), name="a", refuse=0):
    return call({"type": "DECLINE", "decline": {"offer_ids": ["$%s/id" % o for o in offers], "filters": {"refuse_seconds": refuse}}}, name)


def run(t, name="a", offer_name="o"):
    """Launches a task and sees it run."""
    return [accept(launch(t), offers=(offer_name,), name=name), until("TASK_RUNNING", name)]


def basic(user, secret):
    return {**JSON, "Authorization": "Basic " + base64.b64encode(("%s:%s" % (user, secret)).encode()).decode()}


def refused(id, *operations, **info):
    """Operations on an offer that the master refuses, or does nothing for: what it says at once."""
    return session(id, subscribe(info=info), offer(), accept(*operations), fence())
