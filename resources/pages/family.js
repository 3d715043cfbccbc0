// The family's page, alive: the day follows the cloud, and the pass goes on changing with the phone offline.

import { forget, keep, kept } from "/f/static/keeping.js";
import { MODULES, paint } from "/f/static/qr.js";
import { STEP_S, sealedKey, withCode } from "/f/static/rolling.js";

const LEAST_PX = 320;
const EVERY_MS = 4000;
const GATHER_MS = 1000; // changes of a moment are read once, and pages that were told together do not all ask together
const said = JSON.parse(document.body.dataset.said);
const at = (id) => document.getElementById(id);
const can = Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);
const look = { pass: null, family: "", day: null, fixed: !can, clear: false, shift: 0, step: -1, over: false, lost: false };
let stream = null;

function element(name, text = "", from = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  return Object.assign(made, from);
}

async function asked(path, init) {
  const url = new URL(path, location.href);
  const language = new URLSearchParams(location.search).get("lang");
  if (language) url.searchParams.set("lang", language);
  const answer = await fetch(url, { cache: "no-store", ...init });
  if (answer.status === 401) {
    await over();
    throw new Error("over");
  }
  return answer;
}

// Signed out, here or elsewhere: nothing of the page stays.
async function over() {
  if (look.over) return;
  look.over = true;
  stream?.close();
  await forget();
  document.querySelector("main").remove();
  at("word").textContent = said["page.session.over"];
}

// --- the day

function child(one) {
  const block = element("div", "", { className: "child" });
  block.append(element("h3", one.name));
  if (one.hidden) block.append(element("p", one.hidden, { className: "quiet" }));
  else if (!one.visits.length) block.append(element("p", said["family.nothing"], { className: "quiet" }));
  for (const visit of one.visits) {
    const line = element("div", "", { className: "visit" });
    const state = element("span", visit.said, { className: "state" });
    state.dataset.state = visit.state;
    line.append(element("strong", visit.when), element("span", visit.name), element("span", visit.where, { className: "quiet" }), state);
    if (visit.note) line.append(element("span", visit.note));
    block.append(line);
  }
  if (one.pickup) {
    const line = element("p", `${one.pickup_said} `, { className: "pickup" });
    line.append(element("bdi", `${one.pickup.slice(0, 3)}\u00a0${one.pickup.slice(3)}`));
    block.append(line);
  }
  const more = element("details");
  more.append(element("summary", said["family.rights"]));
  const list = element("ul");
  for (const right of one.rights) {
    const line = element("li");
    const answer = said[right.allowed ? "family.may" : "family.may_not"];
    line.append(element("span", right.name), element("span", `${answer} · ${right.why}`, { className: "quiet" }));
    line.dataset.right = right.right;
    line.dataset.allowed = String(right.allowed);
    list.append(line);
  }
  more.append(list);
  block.append(more);
  return block;
}

function way(one) {
  const line = element("li");
  line.append(element("span", one.name), element("bdi", one.shown));
  if (one.verified) line.append(element("strong", said["family.verified"]));
  else {
    const button = element("button", said["family.send_code"].replace("{where}", one.shown), { type: "button" });
    button.addEventListener("click", () => sendCode(one.way));
    line.append(button);
  }
  return line;
}

function wish(one, n) {
  const line = element("li");
  const choice = element("select", "", { id: `wish-${n}` });
  choice.append(...one.choices.map(([value, name]) => element("option", name, { value })));
  choice.value = one.ways;
  choice.addEventListener("change", () => tell("/f/home/wish", { child: one.child, ways: choice.value }));
  line.append(element("label", one.name, { htmlFor: choice.id }), choice);
  return line;
}

/** Passes to one class each, beneath the family's own; they stand still, and need no network. */
function showEntries(entries) {
  const open = entries.filter((one) => one.expires * 1000 > nowMs());
  const before = document.getElementById("entries");
  if (!open.length) return before?.remove();
  const card = element("section", "", { id: "entries", className: "card pass" });
  card.setAttribute("aria-labelledby", "entries-title");
  card.append(
    element("h2", said["family.entries"], { id: "entries-title" }),
    element("p", said["family.entries_hint"], { className: "quiet" }),
  );
  open.forEach((one, n) => {
    const code = element("canvas", "", { id: `entry-${n}` });
    code.setAttribute("role", "img");
    code.setAttribute("aria-label", one.name);
    const ratio = devicePixelRatio || 1;
    paint(code, one.text, { scale: Math.ceil((LEAST_PX * ratio) / MODULES) });
    code.style.width = code.style.height = `${Math.max(LEAST_PX, code.width / ratio)}px`;
    card.append(element("h3", one.name), code);
  });
  if (before) before.replaceWith(card);
  else at("pass").after(card);
}

function showDay(day) {
  document.body.dataset.read = String(day.read_ms);
  const told = JSON.stringify({ ...day, read_ms: 0, read_at: "" });
  const same = told === look.told;
  look.day = day;
  look.told = told;
  if (same) return; // what somebody is about to press stays where it is
  const open = [...document.querySelectorAll("#children details")].map((one) => one.open);
  at("studio").textContent = day.studio;
  at("guardian").textContent = day.guardian;
  at("date").textContent = day.date;
  const nobody = element("p", said["family.no_children"], { className: "quiet" });
  at("children").replaceChildren(...(day.children.length ? day.children.map(child) : [nobody]));
  document.querySelectorAll("#children details").forEach((one, n) => (one.open = Boolean(open[n])));
  at("ways").replaceChildren(...day.ways.map(way));
  at("wishes").replaceChildren(...day.wishes.map(wish));
  showEntries(day.entries ?? []);
  const which = at("which");
  which.replaceChildren(...day.passes.map(([id, name]) => element("option", name, { value: id })));
  which.hidden = day.passes.length < 2;
  if (!day.passes.some(([id]) => id === look.family)) look.family = day.passes[0]?.[0] ?? "";
  which.value = look.family;
  if (!look.family) noPass(said["family.pass.unknown"]);
}

let reading = false;
let again = false;

async function readDay() {
  again = true;
  if (reading) return;
  reading = true;
  try {
    while (again) {
      again = false;
      const answer = await asked("/f/home/day");
      if (look.over) return;
      if (!answer.ok) throw new Error("not now");
      const day = await answer.json();
      showDay(day);
      if (can) await keep("day", day);
      if (look.lost && !look.over) at("word").textContent = ""; // what else was said stays
      look.lost = false;
    }
  } catch {
    look.lost = true;
    if (look.day && !look.over) at("word").textContent = said["family.offline"].replace("{time}", look.day.read_at);
  } finally {
    reading = false;
  }
}

// --- the pass

function noPass(why) {
  at("no-pass").textContent = why;
  at("no-pass").hidden = false;
  at("shown").hidden = true;
  look.pass = null;
}

async function takePass() {
  if (!look.family || look.over) return;
  let answer;
  let found;
  try {
    answer = await asked(`/f/home/pass?family=${look.family}`);
    found = await answer.json();
  } catch {
    return; // the last one stays good to its end
  }
  if (!answer.ok) {
    if (["pass.revoked", "pass.unknown", "pass.no_right", "pass.ended"].includes(found.code)) {
      if (can) await keep("pass", null);
      noPass(found.said);
    }
    return;
  }
  const shift = found.now_ms - Date.now();
  const { key, now_ms: _now, ...rest } = found;
  const sealed = can ? await sealedKey(key) : null;
  if (look.over) return;
  look.shift = shift;
  look.pass = { ...rest, shift, key: sealed, language: document.documentElement.lang };
  if (can) await keep("pass", look.pass);
  look.step = -1;
  await draw();
  await offerWallets();
}

async function offerWallets() {
  try {
    const offered = await (await asked("/f/home/wallets")).json();
    for (const [name, file] of [["apple", "apple.pkpass"], ["google", "google"]]) {
      at(name).hidden = !offered.includes(name);
      at(name).href = `/f/home/${file}?family=${look.family}`;
    }
  } catch {
    // without the internet there is nothing to take
  }
}

const nowMs = () => Date.now() + look.shift;

// Whole device pixels to a module, and 320 CSS pixels a side at least; only a screen narrower than that scales it.
function scale() {
  const ratio = devicePixelRatio || 1;
  const big = look.clear || document.fullscreenElement ? Math.min(innerWidth, innerHeight) * 0.9 : LEAST_PX;
  const found = Math.ceil((Math.max(LEAST_PX, Math.min(big, 640)) * ratio) / MODULES - 1e-6);
  const side = Math.min((found * MODULES) / ratio, Math.max(LEAST_PX, document.documentElement.clientWidth));
  at("code").style.width = at("code").style.height = `${side}px`;
  return found;
}

async function draw() {
  const pass = look.pass;
  if (!pass || look.over) return;
  const second = Math.floor(nowMs() / 1000);
  const fixed = look.fixed || !pass.key;
  const ends = fixed ? pass.fixed_expires : pass.expires;
  if (second >= ends) {
    noPass(said["family.pass.ended"]);
    return;
  }
  at("no-pass").hidden = true;
  at("shown").hidden = false;
  const left = STEP_S - (second % STEP_S);
  at("countdown").textContent = fixed ? said["family.fixed"] : said.countdown[left];
  at("until").textContent = fixed || pass.language !== document.documentElement.lang ? "" : pass.until;
  const step = fixed ? -2 : Math.floor(second / STEP_S);
  if (step === look.step) return;
  look.step = step;
  const text = fixed ? pass.fixed : await withCode(pass.text, pass.key, second);
  const time = new Date(second * 1000);
  const minute = `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
  paint(at("code"), text, { scale: scale(), mark: fixed ? "" : `${pass.initials} ${minute}` });
  at("code").dataset.step = String(step);
}

async function tick() {
  await draw();
  if (!look.over) setTimeout(tick, 1000 - (nowMs() % 1000));
}

async function awake() {
  if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
  try {
    await navigator.wakeLock.request("screen");
    document.body.dataset.awake = "true";
  } catch {
    document.body.dataset.awake = "false"; // not allowed here; the phone dims as it always does
  }
}

// --- buttons

at("full").addEventListener("click", async () => {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await at("pass").requestFullscreen?.();
});
document.addEventListener("fullscreenchange", () => {
  look.step = -1;
  draw();
});
at("contrast").addEventListener("click", () => {
  look.clear = !look.clear;
  at("contrast").setAttribute("aria-pressed", String(look.clear));
  at("pass").classList.toggle("clear", look.clear);
  look.step = -1;
  draw();
});
at("fixed").addEventListener("click", () => {
  look.fixed = !look.fixed;
  at("fixed").setAttribute("aria-pressed", String(look.fixed));
  at("fixed").textContent = said[look.fixed ? "family.show_moving" : "family.show_fixed"];
  look.step = -1;
  draw();
});
at("fixed").hidden = !can;
at("which").addEventListener("change", () => {
  look.family = at("which").value;
  takePass();
});
at("leave").addEventListener("click", async () => {
  await fetch("/f/home/out", { method: "POST" });
  await over();
});
addEventListener("resize", () => {
  look.step = -1;
  draw();
});

async function tell(url, body) {
  try {
    const answer = await asked(url, { method: "POST", body: JSON.stringify(body) });
    at("word").textContent = (await answer.json()).said;
    return answer.ok;
  } catch {
    at("word").textContent = said["page.unavailable"];
    return false;
  }
}

async function sendCode(which) {
  if (await tell("/f/home/code", { way: which })) {
    at("confirm").hidden = false;
    at("digits").focus();
  }
}

at("confirm").addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = at("digits").value;
  at("digits").value = "";
  const right = await tell("/f/home/confirm", { code });
  if (right) {
    at("confirm").hidden = true;
    await readDay();
  }
});

// --- from here on

async function start() {
  if (can) {
    const [pass, day] = [await kept("pass"), await kept("day")];
    if (day) showDay(day);
    if (pass) {
      look.pass = pass;
      look.shift = pass.shift;
      look.family = pass.family;
    }
    navigator.serviceWorker?.register("/f/sw.js", { scope: "/f/" }).catch(() => {});
  }
  tick();
  await readDay();
  await takePass();
  const every = (look.pass?.refresh_s ?? 600) * 1000;
  setInterval(takePass, every);
  addEventListener("online", () => {
    readDay();
    takePass();
  });
  document.addEventListener("visibilitychange", () => {
    awake();
    if (document.visibilityState === "visible") {
      readDay();
      draw();
    }
  });
  await awake();
  if (look.over) return;
  stream = new EventSource("/f/home/live");
  let gathering = false;
  stream.addEventListener("look", () => {
    if (gathering) return;
    gathering = true;
    setTimeout(() => {
      gathering = false;
      readDay();
      takePass();
    }, GATHER_MS * Math.random());
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setInterval(readDay, EVERY_MS);
  });
  document.body.dataset.started = "true";
}

start();
