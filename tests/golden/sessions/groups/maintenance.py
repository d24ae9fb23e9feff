"""Maintenance: schedules, machines down and up, inverse offers."""
from words import *

M = {"hostname": "localhost", "ip": "127.0.0.1"}
OTHER = {"hostname": "other"}
FUTURE = 4102444800000000000


def window(*machines, start=FUTURE, **more):
    return {"machine_ids": list(machines), "unavailability": {"start": {"nanoseconds": start}, **more}}


def schedule(*windows): return operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": list(windows)})
def status(): return [operate("GET_MAINTENANCE_SCHEDULE"), operate("GET_MAINTENANCE_STATUS"), get("/maintenance/schedule"), get("/maintenance/status"), get("/machine/status")]
def no(id, *windows): return session("no/" + id, schedule(*windows))
CLEAR = schedule()


SESSIONS = [
    session("empty", *status()),
    session("one", schedule(window(OTHER)), *status(), CLEAR, *status()),
    session("two-windows", schedule(window(OTHER, duration={"nanoseconds": 5}), window({"ip": "10.0.0.1"})), *status(), CLEAR),
    no("no-machines", window()), no("machine-empty", window({})), no("same-twice", window(OTHER, OTHER)), no("two-windows-same", window(OTHER), window(OTHER)), no("bad-ip", window({"ip": "x"})),
    no("negative-duration", window(OTHER, duration={"nanoseconds": -1})), no("empty-hostname", window({"hostname": ""})), no("no-start", {"machine_ids": [OTHER], "unavailability": {}}), no("upper-case-twice", window({"hostname": "A"}, {"hostname": "a"})),
    session("start-unscheduled", operate("START_MAINTENANCE", machines=[OTHER])),
    session("stop-unscheduled", operate("STOP_MAINTENANCE", machines=[OTHER])),
    session("start-none", operate("START_MAINTENANCE", machines=[])), session("stop-none", operate("STOP_MAINTENANCE", machines=[])),
    session("start-twice-in-one", operate("START_MAINTENANCE", machines=[OTHER, OTHER])),
    session("start-bad-ip", operate("START_MAINTENANCE", machines=[{"ip": "1.2.3"}])),
    session("cycle", schedule(window(OTHER)), operate("STOP_MAINTENANCE", machines=[OTHER]), operate("START_MAINTENANCE", machines=[OTHER]), *status(), operate("START_MAINTENANCE", machines=[OTHER]),
            schedule(), operate("STOP_MAINTENANCE", machines=[OTHER]), *status()),
    session("upper-case", schedule(window({"hostname": "OTHER"})), *status(), CLEAR),
    session("old", send({"windows": [window(OTHER)]}, "/maintenance/schedule", "POST", {}), *status(), send([OTHER], "/machine/down", "POST", {}), send([OTHER], "/machine/down", "POST", {}), send([OTHER], "/machine/up", "POST", {}), send([OTHER], "/machine/up", "POST", {}), send({"windows": []}, "/maintenance/schedule", "POST", {}),
            send({}, "/maintenance/schedule", "POST", {}), send({"windows": [{}]}, "/maintenance/schedule", "POST", {}), send({"hostname": "x"}, "/machine/up", "POST", {}), send([{}], "/machine/down", "POST", {}), send(path="/machine/down", method="POST", headers={}, text="x"), send(path="/machine/down", method="GET", headers={})),
    session("offers", subscribe(), offer(), schedule(window(M)), {"read": "a", "until": {"type": "RESCIND"}}, offer("a", "o2"), CLEAR),
    session("inverse", subscribe(), offer(), run(task()), schedule(window(M)), {"read": "a", "until": {"type": "INVERSE_OFFERS"}, "keep": {"i": "/inverse_offers/inverse_offers/0"}},
            call({"type": "ACCEPT_INVERSE_OFFERS", "accept_inverse_offers": {"inverse_offer_ids": ["$i/id"], "filters": {"refuse_seconds": 3600}}}), fence(), *status(), CLEAR, fence()),
    session("inverse-declined", subscribe(), offer(), run(task()), schedule(window(M)), {"read": "a", "until": {"type": "INVERSE_OFFERS"}, "keep": {"i": "/inverse_offers/inverse_offers/0"}},
            call({"type": "DECLINE_INVERSE_OFFERS", "decline_inverse_offers": {"inverse_offer_ids": ["$i/id"], "filters": {"refuse_seconds": 3600}}}), fence(), *status(), CLEAR),
]
