#!/usr/bin/env python3
"""Asks a real Apache Mesos and an embedded one the same mutated requests, and says where their answers differ.

usage: differ.py PROGRAM [--seed N] [--count N] [--only TEXT] [--pairs] [--show N]

On `PROGRAM local` and on the Mesos of MESOS_DIR (target/apache-mesos-1.11.0). A base is a request that is good, with as
many fields as it may have; a mutation changes one place of it (with --pairs two). Without --count all are tried, else so
many, chosen by the seed. Each is asked on a framework of its own; status, headers, body and the events up to the answer
to a question are compared as tests/golden/sessions/record compares them. What differs is printed once a kind, with how
many there are. Requests after which a master was gone are named, and it is started again.
"""
import argparse, collections, copy, gzip, importlib.machinery, importlib.util, json, os, random, re, socket, sys, threading, time, types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "sessions"))
loader = importlib.machinery.SourceFileLoader("record", os.path.join(HERE, "sessions", "record"))
record = importlib.util.module_from_spec(importlib.util.spec_from_loader("record", loader))
loader.exec_module(record)
from bases import BASES, RAW
from talk import API, HEADERS, pointer

SECONDS = 4
GROUP = types.SimpleNamespace(AGENTS=1, FLAGS={"MESOS_ALLOCATION_INTERVAL": "20ms"})
OPERATOR = {"Content-Type": "application/json", "Accept": "application/json"}

LONG = "x" * 300
VALUES = {
    "null": None, "empty-text": "", "empty-list": [], "empty-object": {}, "object": {"value": "x"}, "list": ["a", "b"],
    "true": True, "text": "abc", "number": 7, "negative": -1, "zero": 0, "fraction": 1.5, "huge": 10 ** 20, "big": 4294967297,
    "small": 1e-9, "exponent": 1e300, "number-text": "12", "fraction-text": "1.5", "nan-text": "NaN", "bool-text": "true",
    "infinity": "Infinity", "slash": "a/b", "space": "a b", "dot": ".", "dots": "..", "star": "*", "dash": "-a",
    "control": "a\x01b", "tab": "a\tb", "newline": "a\nb", "unicode": "\u00e4\u4e2d", "long": LONG, "unknown": "UNKNOWN", "quote": "a'\"<",
}


class Gone(Exception):
    """A master doesn't answer any more."""


def places(value, path=()):
    """Every place within a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def mutations(body, path):
    """The names of what can be done to a place."""
    there = at(body, path)
    if path:
        yield "removed"
        for name, new in VALUES.items():
            if new != there or type(new) is not type(there):
                yield name
    if isinstance(there, dict):
        yield "unknown-field"
    if isinstance(there, list):
        yield "twice"
        yield "nested"
    if isinstance(there, str) and there.isupper():
        yield "lower"
    if path and isinstance(there, (dict, str)):
        yield "listed"
    if isinstance(there, (int, float)) and not isinstance(there, bool):
        yield "as-text"


def mutated(body, path, name):
    body = copy.deepcopy(body)
    there = at(body, path)
    new = {"unknown-field": lambda: {**there, "zzz": 1}, "twice": lambda: there + there, "nested": lambda: [there],
           "lower": lambda: str(there).lower(), "listed": lambda: [there], "as-text": lambda: str(there)}
    new = new[name]() if name in new else VALUES.get(name)
    if not path:
        return new
    holder = at(body, path[:-1])
    if name == "removed":
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return body


def cases(rng, pairs):
    for name, base in BASES.items():
        found = [(path, what) for path in places(at(base["body"], base.get("at", ())), base.get("at", ())) for what in mutations(base["body"], path)]
        if pairs:
            singles = found
            found = [tuple(rng.sample(singles, 2)) for _ in range(len(singles))]
        else:
            found = [()] + [(one,) for one in found]
        for changes in found:
            body = base["body"]
            try:
                for path, what in changes:
                    body = mutated(body, path, what)
            except (KeyError, IndexError, TypeError):
                continue
            label = " ".join("%s:%s" % ("/".join(map(str, path)), what) for path, what in changes)
            yield {"id": "%s %s" % (name, label), **{k: v for k, v in base.items() if k not in ("body", "at")}, "body": body}
    if not pairs:
        for name, raw in RAW.items():
            yield {"id": "raw " + name, "raw": raw}


class Side:
    """One of the two, and how to ask it."""

    def __init__(self, program):
        self.program, self.cluster = program, None
        self.start()

    def start(self):
        if self.cluster:
            self.cluster.stop()
        self.cluster = record.Cluster(GROUP, self.program)
        self.place = ("127.0.0.1", int(self.cluster.master.rsplit(":", 1)[1]))

    def post(self, path, body, headers):
        data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        lines = ["POST %s HTTP/1.1" % path, "Host: 127.0.0.1"] + ["%s: %s" % each for each in headers.items()]
        head = "\r\n".join(lines + ["Content-Length: %d" % len(data)]) + "\r\n\r\n"
        return Answer(self.place, head.encode() + data)

    def play(self, case):
        if "raw" in case:
            return [Answer(self.place, case["raw"], whole=True).shown()]
        talk = OneTalk(self, case)
        try:
            return talk.play()
        finally:
            talk.end()


class Answer:
    """The answer to bytes: its head, and its body or the events of a stream."""

    def __init__(self, place, raw, whole=False):
        try:
            self.socket = socket.create_connection(place, SECONDS)
        except OSError as error:
            raise Gone(str(error)) from None
        self.data, self.how = b"", "open"
        self.socket.settimeout(SECONDS)
        try:
            self.socket.sendall(raw)
        except OSError:
            pass
        self.status, self.headers = None, {}
        while b"\r\n\r\n" not in self.data and self.more():
            pass
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = first.split(" ", 1)[1]
        self.headers = {k.title().replace("Www", "WWW"): v for k, v in (line.split(": ", 1) for line in lines if ": " in line)}
        self.data = rest
        self.chunked = self.headers.get("Transfer-Encoding") == "chunked"
        self.records = b""
        if not self.chunked:
            length = int(self.headers.get("Content-Length", 0))
            while len(self.data) < length and self.more():
                pass
            self.body, self.rest = self.data[:length], self.data[length:]
            if whole and self.how == "open":
                self.socket.settimeout(0.15)
                while self.more():
                    pass
                self.rest = self.data[length:]
            self.socket.close()

    def more(self):
        try:
            got = self.socket.recv(65536)
        except TimeoutError:
            self.how = "silent"
            return False
        except OSError:
            self.how = "closed"
            return False
        self.how = self.how if got else "closed"
        self.data += got
        return bool(got)

    def shown(self):
        if self.status is None:
            return {"nothing": self.how, "data": self.data.decode("latin-1")}
        shown = {"status": self.status, "headers": {k: v for k, v in self.headers.items() if k in HEADERS + ("Content-Encoding",)}}
        if not self.chunked:
            shown["body"] = self.body.decode(errors="replace")
            if self.headers.get("Content-Encoding") == "gzip":
                shown["body"] = gzip.decompress(self.body).decode()
            if "json" in self.headers.get("Content-Type", ""):
                shown["body"] = None
            # What follows on the same connection: answers to more requests.
            shown["rest"] = [line for line in self.rest.decode("latin-1").split("\r\n") if line.startswith("HTTP/")]
        else:
            shown["first"] = self.first()
            self.socket.close()
        return shown

    def first(self):
        try:
            return self.event()["type"]
        except EOFError:
            return "CLOSED"
        except ValueError:
            return "BYTES"

    def chunk(self):
        while b"\r\n" not in self.data:
            if not self.more():
                raise EOFError(self.how)
        size, _, rest = self.data.partition(b"\r\n")
        size = int(size, 16)
        while len(rest) < size + 2:
            if not self.more():
                raise EOFError(self.how)
            rest = self.data.partition(b"\r\n")[2]
        self.data = rest[size + 2:]
        if size == 0:
            raise EOFError("closed")
        self.records += rest[:size]

    def event(self):
        while b"\n" not in self.records:
            self.chunk()
        length, _, rest = self.records.partition(b"\n")
        while len(rest) < int(length):
            self.chunk()
            rest = self.records.partition(b"\n")[2]
        self.records = rest[int(length):]
        return json.loads(rest[:int(length)])


class OneTalk:
    def __init__(self, side, case):
        self.side, self.case, self.kept, self.stream, self.fid = side, case, {}, None, None

    def fill(self, value):
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if isinstance(value, str) and re.fullmatch(r"\$[a-z][\w/-]*", value):
            name, _, path = value[1:].partition("/")
            return pointer(self.kept[name], path)
        return value

    def subscribe(self, body, headers=OPERATOR):
        answer = self.side.post(API, body, headers)
        if answer.status != "200 OK":
            return [answer.shown()]
        self.stream = answer
        events = []
        while True:
            try:
                event = answer.event()
            except EOFError as error:
                events.append("closed" if str(error) == "closed" else "silent")
                break
            events.append(event)
            if event["type"] == "SUBSCRIBED":
                self.fid = event["subscribed"]["framework_id"]
                break
        return [{"status": answer.status, "type": answer.headers.get("Content-Type")}, events]

    def operate(self, body):
        answer = self.side.post("/api/v1", body, OPERATOR)
        try:
            return json.loads(answer.body) if answer.body else {}
        except ValueError:
            return answer.body.decode(errors="replace")

    def call(self, body):
        return self.side.post(API, body, {**OPERATOR, "Mesos-Stream-Id": self.stream.headers["Mesos-Stream-Id"]})

    def offer(self):
        while True:
            event = self.stream.event()
            if event["type"] == "OFFERS":
                self.kept["o"] = event["offers"]["offers"][0]
                return

    def fence(self):
        got = []
        self.call({"type": "RECONCILE", "framework_id": self.fid, "reconcile": {"tasks": [{"task_id": {"value": "the fence"}}]}})
        while True:
            try:
                event = self.stream.event()
            except EOFError as error:
                return got + [str(error)]
            if event.get("update", {}).get("status", {}).get("task_id", {}).get("value") == "the fence":
                return got
            # What comes of agents comes when it comes.
            of_agent = event["type"] == "FAILURE" or event.get("update", {}).get("status", {}).get("source") not in (None, "SOURCE_MASTER")
            if event["type"] not in ("OFFERS", "HEARTBEAT") and not of_agent:
                got.append(event)

    def play(self):
        case = self.case
        if case["kind"] == "subscribe":
            got = self.subscribe(case["body"])
            if self.fid:
                got.append(self.fence())
                got.append(self.shown())
            return got
        info = {"user": "root", "name": "golden", "roles": ["a"], "capabilities": [{"type": "MULTI_ROLE"}], **case.get("info", {})}
        self.subscribe({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}})
        self.kept["a"] = {"fid": self.fid}
        if case.get("offer"):
            self.offer()
        got = []
        for before in case.get("before", []):
            got.append(self.call(self.fill({"framework_id": "$a/fid", **before})).shown())
            got.append(self.fence())
        body = case["body"]
        got.append(self.call(self.fill(body)).shown())
        got.append(self.fence())
        if case.get("clean"):
            # Done by the agent, which needs a moment.
            time.sleep(0.04)
            got[-1] += self.fence()
        if case.get("shown"):
            got.append(self.shown())
        if case.get("clean") and self.fid:
            got.append(self.reserved())
        return got

    def shown(self):
        """Frameworks as the operator sees them, without their offers, which come when they come."""
        frameworks = self.operate({"type": "GET_FRAMEWORKS"}).get("get_frameworks", {}).get("frameworks", [])
        return [{k: v for k, v in each.items() if k not in ("offers", "offered_resources")} for each in frameworks]

    def reserved(self):
        agents = self.operate({"type": "GET_AGENTS"})["get_agents"]["agents"]
        found = [r for r in agents[0]["total_resources"] if r.get("reservations") or r.get("role", "*") != "*"]
        if found:
            self.call({"type": "TEARDOWN", "framework_id": self.fid})
            self.fid = None
            id = agents[0]["agent_info"]["id"]
            volumes = [r for r in found if r.get("disk", {}).get("persistence")]
            if volumes:
                self.operate({"type": "DESTROY_VOLUMES", "destroy_volumes": {"agent_id": id, "volumes": volumes}})
            def plain(r):
                r = {k: v for k, v in r.items() if k not in ("shared", "allocation_info")}
                if "disk" in r:
                    r.pop("disk")
                return r
            left = [plain(r) for r in found]
            while left:
                answer = self.operate({"type": "UNRESERVE_RESOURCES", "unreserve_resources": {"agent_id": id, "resources": left}})
                if answer:
                    raise Gone("can't be cleaned: %s" % answer)
                left = [{**r, "reservations": r["reservations"][:-1]} for r in left if len(r["reservations"]) > 1]
        return found

    def end(self):
        if self.fid and self.stream:
            try:
                self.call({"type": "TEARDOWN", "framework_id": self.fid})
                while True:
                    self.stream.event()
            except (EOFError, Gone):
                pass
        if self.stream:
            self.stream.socket.close()


def run(side, todo, done):
    for number, case in enumerate(todo):
        try:
            outcome = side.play(case)
        except Gone as error:
            outcome = ["gone", str(error)]
        except Exception as error:
            outcome = ["failed", "%s: %s" % (type(error).__name__, error)]
        if outcome[:1] in (["gone"], ["failed"]) or side.cluster.process.poll() is not None:
            ended = side.cluster.process.poll() is not None
            if ended:
                outcome = ["it has ended"]
            side.start()
        done[number] = outcome


def kind_of(lines):
    text = lines[0]
    text = re.sub(r"\d+", "N", text)
    return re.sub(r"x{50,}", "LONG", text)[:400]


def main():
    words = argparse.ArgumentParser()
    words.add_argument("program")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--count", type=int)
    words.add_argument("--only", default="")
    words.add_argument("--pairs", action="store_true")
    words.add_argument("--show", type=int, default=2)
    words = words.parse_args()
    rng = random.Random(words.seed)
    todo = [case for case in cases(rng, words.pairs) if re.search(words.only, case["id"])]
    if words.count and words.count < len(todo):
        todo = rng.sample(todo, words.count)
    sides = [Side(None), Side(words.program)]
    try:
        done = [[None] * len(todo), [None] * len(todo)]
        start = time.time()
        threads = [threading.Thread(target=run, args=(side, todo, of)) for side, of in zip(sides, done)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for side in sides:
            side.cluster.stop()
    kinds = collections.defaultdict(list)
    for case, real, embedded in zip(todo, *done):
        was, new = record.Plain(), record.Plain()
        lines = record.differ(was(real), new(embedded), "")
        if lines:
            kinds[case["id"].split()[0] + " " + kind_of(lines)].append((case, lines))
    differ = sum(map(len, kinds.values()))
    for found in sorted(kinds.values(), key=len, reverse=True):
        print("== %d" % len(found))
        for case, lines in found[:words.show]:
            print("  %s\n    %s" % (case["id"][:200], "\n    ".join(line[:700] for line in lines[:3])))
        print("  also: " + "; ".join(case["id"][:90] for case, _ in found[words.show:words.show + 12]))
    print("%d tried in %.0f s, %d differ, of %d kinds" % (len(todo), time.time() - start, differ, len(kinds)))


if __name__ == "__main__":
    main()
