"""The stream read as a notebook would, with requests and json into dicts, RecordIO read properly.   usage: peer_python.py URL"""
import json, sys, time, requests
t = time.time()
r = requests.post(sys.argv[1] + "/api/v1/scheduler", stream=True, data=json.dumps({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "py"}}}),
                  headers={"Content-Type": "application/json", "Accept": "application/json"})
n = offers = updates = size = 0
buf = b""
for part in r.iter_content(65536):
    buf += part
    at = 0
    while True:
        nl = buf.find(b"\n", at)
        if nl < 0:
            break
        ln = int(buf[at:nl])
        if len(buf) < nl + 1 + ln:
            break
        e = json.loads(buf[nl + 1:nl + 1 + ln])
        at = nl + 1 + ln
        n += 1
        size += ln
        if e["type"] == "OFFERS":
            offers += len(e["offers"]["offers"])
        elif e["type"] == "UPDATE":
            updates += 1
    buf = buf[at:]
d = time.time() - t
print("python: %d events, %d offers, %d updates, %.1f MB in %.3f s = %.1f MB/s" % (n, offers, updates, size / 1e6, d, size / 1e6 / d))
