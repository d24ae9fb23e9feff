// The page: reads the master's /state and the agents' files through the server that it came from, and draws.
// Everything from the cluster is set as text, never as markup.
"use strict";

const main = document.getElementById("main");
const filter = document.getElementById("filter");
let state = null;
let tail = null;

// ---- small pieces ----

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}
const link = (text, ...parts) => el("a", { href: "#/" + parts.map(encodeURIComponent).join("/") }, text);
const dim = (text) => el("span", { class: "dim" }, text);
// A master's id is a UUID; what follows tells its children apart.
const short = (id) => { const at = id.lastIndexOf("-"); return at >= 36 ? id.slice(at + 1) : id; };
const shortFramework = (id) => { const at = id.lastIndexOf("-"); return at >= 36 ? id.slice(0, 4) + id.slice(at) : id; };
const number = (value) => String(Math.round((value || 0) * 1000) / 1000);
const mebibytes = (value) => {
  const amount = value || 0;
  return amount >= 1024 ? number(Math.round(amount / 102.4) / 10) + " GiB" : number(amount) + " MiB";
};
const bytes = (value) => value >= 1048576 ? number(Math.round(value / 104857.6) / 10) + " MiB"
  : value >= 1024 ? number(Math.round(value / 102.4) / 10) + " KiB" : value + " B";
function ago(seconds) {
  if (!seconds) return "";
  const past = Math.max(0, Date.now() / 1000 - seconds);
  if (past < 60) return Math.floor(past) + "s";
  if (past < 3600) return Math.floor(past / 60) + "m";
  if (past < 172800) return Math.floor(past / 3600) + "h";
  return Math.floor(past / 86400) + "d";
}
const time = (seconds) => seconds ? el("time", { datetime: new Date(seconds * 1000).toISOString(), title: new Date(seconds * 1000).toISOString() }, ago(seconds) + " ago") : "";
const tones = { STAGING: "waiting", STARTING: "waiting", KILLING: "waiting", RUNNING: "running", FINISHED: "good", FAILED: "bad", ERROR: "bad", DROPPED: "bad", GONE: "bad", GONE_BY_OPERATOR: "bad", LOST: "unsure", UNREACHABLE: "unsure", UNKNOWN: "unsure" };
function stateOf(name) {
  const plain = String(name || "").replace(/^TASK_/, "");
  return el("span", { class: "state " + (tones[plain] || "") }, plain);
}
function share(used, total, unit) {
  const part = total > 0 ? Math.min(100, 100 * (used || 0) / total) : 0;
  const bar = el("span", { class: "bar" }, el("i"));
  bar.firstChild.style.width = part + "%";
  return [unit(used) + " / " + unit(total), bar];
}
const pairs = (object) => Object.entries(object || {}).map(([key, value]) => key + "=" + value).join("  ");
function facts(rows) {
  return el("dl", null, rows.filter(([, value]) => value !== "" && value !== undefined && value !== null)
    .map(([key, value]) => [el("dt", null, key), el("dd", null, value)]));
}
// columns: [title, cell(row), isNumber]
function table(title, rows, columns, none) {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const body = el("tbody");
  let shown = 0;
  for (const row of rows) {
    const line = el("tr", null, columns.map(([, cell, isNumber]) => el("td", { class: isNumber && "number" }, cell(row))));
    const text = line.textContent.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    shown += 1;
    if (shown <= 500) body.append(line);
  }
  // A column that nobody fills says nothing.
  const filled = columns.map((_, at) => !shown || [...body.rows].some((line) => line.cells[at].textContent));
  for (const line of body.rows) [...line.cells].forEach((cell, at) => { if (!filled[at]) cell.remove(); });
  columns = columns.filter((_, at) => filled[at]);
  const count = shown === rows.length ? String(rows.length) : shown + " of " + rows.length;
  const head = el("thead", null, el("tr", null, columns.map(([name, , isNumber]) => el("th", { scope: "col", class: isNumber && "number" }, name))));
  return [
    el("h2", null, title + " ", dim(count)),
    shown ? el("div", { class: "wrap" }, el("table", null, head, body)) : el("p", { class: "dim" }, rows.length ? "Nothing fits the filter." : none),
    shown > 500 ? el("p", { class: "dim" }, "The first 500 are shown; filter for others.") : null,
  ];
}

// ---- what there is ----

const list = (value) => Array.isArray(value) ? value : [];
const agents = () => list(state.slaves);
const frameworks = () => list(state.frameworks);
const completed = () => list(state.completed_frameworks);
const everyFramework = () => [...frameworks(), ...completed()];
const tasks = (of) => of.flatMap((framework) => list(framework.tasks).map((task) => ({ task, framework })));
const doneTasks = (of) => of.flatMap((framework) => [...list(framework.completed_tasks), ...list(framework.unreachable_tasks)].map((task) => ({ task, framework })));
const newestFirst = (rows) => rows.sort((a, b) => since(b.task) - since(a.task));
const since = (task) => { const last = list(task.statuses).at(-1); return last ? last.timestamp : 0; };
const agentName = (id) => { const found = agents().find((agent) => agent.id === id); return short(id || "") + (found ? " " + found.hostname : ""); };
const message = (task) => { const last = list(task.statuses).at(-1); return last && last.message ? last.message : ""; };

// ---- tables ----

const taskColumns = [
  ["Task", ({ task, framework }) => link(task.id, "tasks", framework.id, task.id)],
  ["State", ({ task }) => stateOf(task.state)],
  ["Name", ({ task }) => task.name === task.id ? "" : task.name],
  ["Framework", ({ framework }) => link(framework.name || shortFramework(framework.id), "frameworks", framework.id)],
  ["Agent", ({ task }) => link(agentName(task.slave_id), "agents", task.slave_id)],
  ["CPUs", ({ task }) => number(task.resources && task.resources.cpus), true],
  ["Mem", ({ task }) => mebibytes(task.resources && task.resources.mem), true],
  ["Since", ({ task }) => time(since(task)), true],
  ["", ({ task, framework }) => link("sandbox", "sandbox", task.slave_id, framework.id, task.executor_id || task.id)],
];
function agentTable() {
  const used = (agent, name) => agent.used_resources && agent.used_resources[name];
  return table("Agents", agents(), [
    ["Agent", (agent) => link(short(agent.id), "agents", agent.id)],
    ["Host", (agent) => agent.hostname],
    ["State", (agent) => el("span", { class: "state " + (agent.active ? "running" : "unsure") }, agent.active ? "ACTIVE" : "INACTIVE")],
    ["CPUs", (agent) => share(used(agent, "cpus"), agent.resources.cpus, number), true],
    ["Mem", (agent) => share(used(agent, "mem"), agent.resources.mem, mebibytes), true],
    ["Disk", (agent) => share(used(agent, "disk"), agent.resources.disk, mebibytes), true],
    ["Attributes", (agent) => dim(pairs(agent.attributes))],
    ["Version", (agent) => agent.version],
  ], "No agents.");
}
function frameworkTable(title, rows, none) {
  return table(title, rows, [
    ["Framework", (framework) => link(shortFramework(framework.id), "frameworks", framework.id)],
    ["Name", (framework) => framework.name],
    ["State", (framework) => frameworkState(framework)],
    ["User", (framework) => framework.user],
    ["Roles", (framework) => list(framework.roles).join(", ") || framework.role],
    ["Tasks", (framework) => String(list(framework.tasks).length), true],
    ["Offers", (framework) => String(list(framework.offers).length), true],
    ["CPUs", (framework) => number(framework.used_resources && framework.used_resources.cpus), true],
    ["Mem", (framework) => mebibytes(framework.used_resources && framework.used_resources.mem), true],
    ["Registered", (framework) => time(framework.registered_time), true],
  ], none);
}
function frameworkState(framework) {
  if (completed().includes(framework)) return el("span", { class: "state" }, "COMPLETED");
  if (!framework.connected) return el("span", { class: "state unsure" }, "DISCONNECTED");
  return framework.active ? el("span", { class: "state running" }, "ACTIVE") : el("span", { class: "state waiting" }, "INACTIVE");
}
function offerTable() {
  const rows = frameworks().flatMap((framework) => list(framework.offers).map((offer) => ({ offer, framework })));
  return table("Offers", rows, [
    ["Offer", ({ offer }) => short(offer.id)],
    ["Framework", ({ framework }) => link(framework.name || shortFramework(framework.id), "frameworks", framework.id)],
    ["Agent", ({ offer }) => link(agentName(offer.slave_id), "agents", offer.slave_id)],
    ["CPUs", ({ offer }) => number(offer.resources && offer.resources.cpus), true],
    ["Mem", ({ offer }) => mebibytes(offer.resources && offer.resources.mem), true],
    ["Ports", ({ offer }) => dim((offer.resources && offer.resources.ports) || "")],
  ], "No offers are out.");
}

// ---- views ----

function overview() {
  const everything = [...frameworks()];
  return [agentTable(), frameworkTable("Frameworks", everything, "No frameworks."),
    table("Active tasks", newestFirst(tasks(everyFramework())), taskColumns, "No tasks run."),
    table("Completed tasks", newestFirst(doneTasks(everyFramework())).slice(0, 50), taskColumns, "None yet.")];
}
function agentView(id) {
  const agent = agents().find((one) => one.id === id);
  if (!agent) return gone("agent", id);
  const here = ({ task }) => task.slave_id === id;
  return [el("h2", null, "Agent " + short(id)),
    simulated(agent),
    facts([["id", el("code", null, id)], ["host", agent.hostname], ["address", agent.pid], ["version", agent.version],
      ["registered", time(agent.registered_time)], ["attributes", pairs(agent.attributes)],
      ["cpus", share(agent.used_resources.cpus, agent.resources.cpus, number)[0]],
      ["mem", share(agent.used_resources.mem, agent.resources.mem, mebibytes)[0]],
      ["disk", share(agent.used_resources.disk, agent.resources.disk, mebibytes)[0]],
      ["ports", agent.resources.ports]]),
    table("Active tasks", newestFirst(tasks(everyFramework()).filter(here)), taskColumns, "No tasks run here."),
    table("Completed tasks", newestFirst(doneTasks(everyFramework()).filter(here)), taskColumns, "None yet.")];
}
// The embedded Mesos says by an attribute how its containers are made.
function simulated(agent) {
  const how = agent.attributes && agent.attributes.containers;
  return how === "simulated" ? el("p", { class: "note" }, "Containers are simulated on this agent: no Docker Engine answers.") : null;
}
function frameworkView(id) {
  const framework = everyFramework().find((one) => one.id === id);
  if (!framework) return gone("framework", id);
  return [el("h2", null, framework.name + " ", frameworkState(framework)),
    facts([["id", el("code", null, id)], ["user", framework.user], ["roles", list(framework.roles).join(", ") || framework.role],
      ["principal", framework.principal], ["host", framework.hostname], ["registered", time(framework.registered_time)],
      ["failover timeout", framework.failover_timeout ? framework.failover_timeout + " s" : ""],
      ["capabilities", list(framework.capabilities).join(", ")]]),
    table("Active tasks", newestFirst(tasks([framework])), taskColumns, "No tasks run."),
    table("Completed tasks", newestFirst(doneTasks([framework])), taskColumns, "None yet.")];
}
function taskView(frameworkId, id) {
  const framework = everyFramework().find((one) => one.id === frameworkId);
  const found = framework && [...list(framework.tasks), ...list(framework.completed_tasks), ...list(framework.unreachable_tasks)].filter((one) => one.id === id).at(-1);
  if (!found) return gone("task", id);
  const docker = found.container && found.container.docker;
  return [el("h2", null, id + " ", stateOf(found.state)),
    facts([["name", found.name], ["framework", link(framework.name, "frameworks", framework.id)],
      ["agent", link(agentName(found.slave_id), "agents", found.slave_id)],
      ["image", docker && docker.image], ["command", found.command && found.command.value && el("code", null, found.command.value)],
      ["cpus", number(found.resources && found.resources.cpus)], ["mem", mebibytes(found.resources && found.resources.mem)],
      ["ports", found.resources && found.resources.ports],
      ["message", message(found)],
      ["sandbox", link("stdout, stderr and files", "sandbox", found.slave_id, framework.id, found.executor_id || found.id)]]),
    table("Updates", list(found.statuses), [
      ["State", (status) => stateOf(status.state)],
      ["When", (status) => time(status.timestamp)],
      ["Healthy", (status) => status.healthy === undefined ? "" : String(status.healthy)],
      ["Message", (status) => status.message || ""],
      ["Container", (status) => { const container = status.container_status && status.container_status.container_id; return container ? el("code", null, container.value.slice(0, 8)) : ""; }],
    ], "None yet."),
    el("details", null, el("summary", null, "JSON"), el("pre", { tabindex: 0 }, JSON.stringify(found, null, 2)))];
}
const gone = (what, id) => [el("h2", null, "No such " + what), el("p", { class: "dim" }, id + " isn't known to the master, or not any more.")];

// ---- sandboxes ----

const agentUrl = (agent, path, query) => "ui/agents/" + encodeURIComponent(agent) + "/" + path + (query ? "?" + new URLSearchParams(query) : "");
async function json(url) {
  const answer = await fetch(url, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status + ": " + (await answer.text()).slice(0, 300));
  return answer.json();
}
async function directory(agent, framework, executor) {
  const known = await json(agentUrl(agent, "state"));
  const own = [...list(known.frameworks), ...list(known.completed_frameworks)].find((one) => one.id === framework);
  const found = own && [...list(own.executors), ...list(own.completed_executors)].filter((one) => one.id === executor).at(-1);
  if (!found) throw new Error("The agent has no sandbox of " + executor + " (any more).");
  return found.directory;
}
async function sandboxView(agent, framework, executor, ...below) {
  const home = await directory(agent, framework, executor);
  const parts = ["sandbox", agent, framework, executor];
  const trail = el("h2", null, "Sandbox ", link(executor, ...parts), below.map((part, index) => [" / ", link(part, ...parts, ...below.slice(0, index + 1))]));
  if (below.at(-1) && !below.at(-1).endsWith("/")) return [trail, await fileView(agent, [home, ...below.map(plain)].join("/"))];
  const files = await json(agentUrl(agent, "files/browse", { path: [home, ...below.map(plain)].join("/") }));
  const name = (file) => file.path.slice(file.path.lastIndexOf("/") + 1);
  return [trail, table("Files", files, [
    ["Name", (file) => { const own = name(file) + (file.mode.startsWith("d") ? "/" : ""); return link(own, ...parts, ...below, own); }],
    ["Size", (file) => file.mode.startsWith("d") ? "" : bytes(file.size), true],
    ["Mode", (file) => el("code", null, file.mode)],
    ["Owner", (file) => file.uid],
    ["Changed", (file) => time(file.mtime), true],
  ], "Empty.")];
}
const plain = (part) => part.replace(/\/$/, "");
async function fileView(agent, path) {
  const size = (await json(agentUrl(agent, "files/read", { path, offset: -1 }))).offset;
  const text = el("pre", { tabindex: 0, "aria-label": path, "aria-live": "off" });
  const from = Math.max(0, size - 262144);
  const note = el("p", { class: "dim" }, from ? "The last 256 KiB of " + bytes(size) + "; new text is added as it comes." : "New text is added as it comes.");
  const mine = { at: from };
  tail = mine;
  const more = async () => {
    for (;;) {
      const piece = await json(agentUrl(agent, "files/read", { path, offset: mine.at, length: 65536 }));
      if (tail !== mine || !piece.data) break;
      const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
      text.append(piece.data);
      mine.at += new TextEncoder().encode(piece.data).length;
      if (atEnd) text.scrollTop = text.scrollHeight;
    }
    if (tail === mine) setTimeout(() => more().catch(trouble), 1000);
  };
  more().catch(trouble);
  return [note, text];
}

// ---- drawing ----

const views = {
  "": () => overview(), agents: (id) => id ? agentView(id) : agentTable(),
  frameworks: (id) => id ? frameworkView(id) : [frameworkTable("Frameworks", frameworks(), "No frameworks."), frameworkTable("Completed frameworks", completed(), "None yet.")],
  tasks: (framework, id) => id ? taskView(framework, id) : [table("Active tasks", newestFirst(tasks(everyFramework())), taskColumns, "No tasks run."), table("Completed tasks", newestFirst(doneTasks(everyFramework())), taskColumns, "None yet.")],
  offers: () => offerTable(), sandbox: sandboxView,
};
const place = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
let drawn = "";
async function draw(anew) {
  const [view, ...rest] = place();
  // A file adds its own text; drawing it again would lose the reader's place.
  if (!anew && view === "sandbox" && drawn === location.hash) return;
  if (anew) tail = null;
  drawn = location.hash;
  for (const one of document.querySelectorAll("nav a")) {
    one.toggleAttribute("aria-current", one.getAttribute("href") === "#/" + (view || ""));
  }
  const hash = location.hash;
  const nodes = await (views[view || ""] || (() => gone("page", view)))(...rest);
  if (hash !== location.hash) return;
  const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  main.replaceChildren(...[nodes].flat(9).filter(Boolean));
  if (focused) { const again = [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused); if (again) again.focus(); }
  if (anew) { window.scrollTo(0, 0); }
}
function trouble(error) {
  const said = document.getElementById("trouble");
  said.hidden = !error;
  said.textContent = error ? String(error.message || error) : "";
}
async function refresh() {
  const start = performance.now();
  try {
    state = await json("ui/state");
    const cluster = state.cluster ? state.cluster + ", " : "";
    document.getElementById("master").textContent = cluster + "Mesos " + state.version + ", " + (state.pid || "");
    document.title = "Mesos " + (state.cluster || state.hostname || "");
    await draw(false);
    trouble(null);
  } catch (error) { trouble(error); }
  // A large cluster's state takes its time: most of the time is left to others.
  setTimeout(refresh, Math.max(2000, 10 * (performance.now() - start)));
}
addEventListener("hashchange", () => { if (state) draw(true).then(() => trouble(null), trouble); });
filter.addEventListener("input", () => { if (state && place()[0] !== "sandbox") draw(false).catch(trouble); });
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== filter) { event.preventDefault(); filter.focus(); }
  if (event.key === "Escape" && document.activeElement === filter) { filter.value = ""; filter.blur(); if (state) draw(false).catch(trouble); }
});
refresh();
