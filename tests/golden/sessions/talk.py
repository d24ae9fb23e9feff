"""Plays sessions: short talks with a master and its agent, a step at a time, and notes what came back.

A session is a list of steps, each a dict of plain data, so that tests/embedded/sessions.rs plays the same ones:

  {"send": {"method", "path", "headers", "body" | "text" | "hex"}, "stream": NAME}   a request; a stream is kept under its name
  {"read": NAME, "until": {FIELD: VALUE}, "count": N, "ack": True}                   events, up to the one that fits
  {"fence": NAME}                                                                    events, up to the answer to a question
  {"end": NAME}                                                                      events, up to the stream's end
  {"close": NAME}                                                                    the client hangs up
  {"own": NAME, "headers": {...}}                                                    more headers for the stream's own calls
  {"wait": PATH, "at": POINTER, "is": VALUE}                                         asks until the answer says so

A step may "keep" parts of what came under a name: {"keep": {"o": "/offers/offers/0"}}. A later string "$o/id" becomes
that value, and "${o/id/value}" within a string its text. What came is put into the step as "got"; heartbeats and, but
where they are waited for, offers are left out, since they come when they come. Offers that were passed over are found by
the next step that waits for one.
"""
import http.client, json, queue, re, threading, time, urllib.parse

API = "/api/v1/scheduler"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
HEADERS = ("Content-Type", "Location", "Transfer-Encoding", "Allow", "WWW-Authenticate")
SECONDS = 8


def pointer(value, path):
    for part in [p for p in path.split("/") if p]:
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def fits(event, wanted):
    return all(pointer(event, path) == value for path, value in wanted.items())


class Talk:
    def __init__(self, master, agent):
        self.master, self.agent, self.kept, self.streams = master, agent, {}, {}

    def fill(self, value):
        if isinstance(value, dict):
            return {self.fill(k): self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if not isinstance(value, str):
            return value
        if re.fullmatch(r"\$[a-z][\w/-]*", value):
            name, _, path = value[1:].partition("/")
            return pointer(self.kept[name], path)
        def part(found):
            name, _, path = found[1].partition("/")
            return str(pointer(self.kept[name], path))
        return re.sub(r"\$\{([^}]*)\}", part, value)

    def place(self, send):
        path = send["path"]
        of_agent = path.startswith(("/slave(", "/files/")) and send.get("to") != "master"
        return self.agent if of_agent else self.master

    def open(self, send):
        place = urllib.parse.urlparse(self.place(send))
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=SECONDS)
        if "hex" in send:
            data = bytes.fromhex(send["hex"])
        elif "text" in send:
            data = self.fill(send["text"]).encode()
        elif "body" in send:
            data = json.dumps(self.fill(send["body"]), separators=(",", ":")).encode()
        else:
            data = None
        connection.request(send["method"], self.fill(send["path"]), data, self.fill(send.get("headers", {})))
        return connection, connection.getresponse()

    def send(self, step):
        connection, response = self.open(step["send"])
        headers = {k: v for k, v in ((k.title().replace("Www", "WWW"), v) for k, v in response.getheaders()) if k in HEADERS}
        got = {"status": response.status, "headers": headers}
        if headers.get("Transfer-Encoding") == "chunked":
            name = step.get("stream", "?")
            stream = {"events": queue.Queue(), "passed": [], "connection": connection, "id": response.getheader("Mesos-Stream-Id")}
            self.kept[name] = {"stream": stream["id"]}
            self.streams[name] = stream
            stream["socket"] = response.fp.raw._sock
            binary = "json" not in headers.get("Content-Type", "")
            threading.Thread(target=follow, args=(response, stream["events"], binary), daemon=True).start()
        else:
            body = response.read()
            connection.close()
            try:
                got["body"] = body.decode()
                if headers.get("Content-Type") == "application/json":
                    got["body"] = json.loads(body)
            except ValueError:
                got["hex"] = body.hex()
                got.pop("body", None)
            self.keep(step, got.get("body"))
        step["got"] = got

    def keep(self, step, value):
        for name, path in step.get("keep", {}).items():
            self.kept[name] = pointer(value, path)

    def next(self, name, seconds=SECONDS, wanted=None):
        passed = self.streams[name]["passed"]
        for event in passed:
            if wanted and fits(event, wanted):
                passed.remove(event)
                return event
        try:
            return self.streams[name]["events"].get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError("nothing more on " + name) from None

    def note(self, step, event):
        if event["type"] == "SUBSCRIBED" and "subscribed" in event and "framework_id" in event["subscribed"]:
            self.kept[step_stream(step)]["fid"] = event["subscribed"]["framework_id"]

    def read(self, step):
        name, got, seen = step["read"], [], 0
        while seen < step.get("count", 1):
            try:
                event = self.next(name, wanted=step["until"])
            except TimeoutError as error:
                raise TimeoutError("%s, after %s" % (error, got)) from None
            self.note(step, event)
            done = fits(event, step["until"])
            seen += done
            if event["type"] == "CLOSED":
                raise EOFError("%s ended before %s; %s" % (name, step["until"], got))
            if done or event["type"] not in ("HEARTBEAT", "OFFERS"):
                got.append(event)
            elif event["type"] == "OFFERS":
                self.streams[name]["passed"].append(event)
            status = event.get("update", {}).get("status", {})
            if step.get("ack") and "uuid" in status:
                acknowledge = {k: status[k] for k in ("agent_id", "task_id", "uuid")}
                self.call(name, {"type": "ACKNOWLEDGE", "acknowledge": acknowledge})
        self.keep(step, got[-1])
        step["got"] = got

    def call(self, name, body, principal=None):
        own = self.kept[name]
        headers = {**JSON, "Mesos-Stream-Id": own["stream"], **own.get("headers", {})}
        step = {"send": {"method": "POST", "path": API, "headers": headers, "body": {**body, "framework_id": own["fid"]}}}
        self.send(step)
        return step["got"]

    def fence(self, step):
        name, got = step["fence"], []
        answer = self.call(name, {"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "the fence"}}]}})
        assert answer["status"] == 202, answer
        while True:
            event = self.next(name)
            if event["type"] == "CLOSED":
                raise EOFError(name)
            if event.get("update", {}).get("status", {}).get("task_id", {}).get("value") == "the fence":
                break
            if event["type"] == "OFFERS":
                self.streams[name]["passed"].append(event)
            elif event["type"] != "HEARTBEAT":
                got.append(event)
        step["got"] = got

    def own(self, step):
        self.kept[step["own"]]["headers"] = step["headers"]

    def end(self, step):
        got = []
        while (event := self.next(step["end"]))["type"] != "CLOSED":
            if event["type"] not in ("HEARTBEAT", "OFFERS"):
                got.append(event)
        self.streams.pop(step["end"])
        step["got"] = got

    def close(self, step):
        self.streams.pop(step["close"])["socket"].shutdown(2)

    def wait(self, step):
        end = time.time() + SECONDS
        while True:
            probe = {"send": {"method": "GET", "path": step["wait"], "headers": step.get("headers", {})}}
            self.send(probe)
            value = pointer(probe["got"].get("body"), self.fill(step["at"]))
            if value == self.fill(step["is"]):
                return
            if time.time() > end:
                raise TimeoutError("%s: %s stays %.60s" % (step["wait"], step["at"], value))
            time.sleep(0.02)

    def play(self, steps, alone=False):
        for step in steps:
            for kind in ("own", "send", "read", "fence", "end", "close", "wait"):
                if kind in step:
                    getattr(self, kind)(step)
        if not alone:
            self.clean_up()

    def queued(self):
        probe = {"send": {"method": "GET", "path": "/slave(1)/state", "headers": self.kept.get("operator", {})}}
        self.send(probe)
        frameworks = (probe["got"].get("body") or {}).get("frameworks", [])
        return any(executor["queued_tasks"] for framework in frameworks for executor in framework["executors"])

    def clean_up(self):
        # A real agent may never get rid of an executor that is told to end while it starts.
        end = time.time() + SECONDS
        while time.time() < end and self.queued():
            time.sleep(0.02)
        for name in list(self.streams):
            if self.kept[name].get("fid"):
                self.call(name, {"type": "TEARDOWN"})
            else:
                self.close({"close": name})
        self.streams.clear()
        # Frameworks whose client hung up wait for it.
        probe = {"send": {"method": "GET", "path": "/frameworks", "headers": self.kept.get("operator", {})}}
        self.send(probe)
        for framework in probe["got"]["body"]["frameworks"]:
            body = {"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework["id"]}}}
            self.send({"send": {"method": "POST", "path": "/api/v1", "headers": {**JSON, **self.kept.get("operator", {})}, "body": body}})
        for path, at in (("/state", "/frameworks"), ("/slave(1)/state", "/frameworks")):
            try:
                self.wait({"wait": path, "at": at, "is": [], "headers": self.kept.get("operator", {})})
            except (ConnectionError, KeyError):
                pass


def step_stream(step):
    return step.get("read") or step.get("fence") or step.get("end")


def follow(response, events, binary):
    try:
        while line := response.readline():
            record = b""
            while len(record) < int(line):
                more = response.read(int(line) - len(record))
                if not more:
                    break
                record += more
            events.put({"type": "BYTES", "hex": record.hex()} if binary else json.loads(record))
    except Exception:
        pass
    events.put({"type": "CLOSED"})
