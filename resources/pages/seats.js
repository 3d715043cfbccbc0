// The seat page, alive: map and list show the same choice, and both follow what the cloud says. It books nothing.
"use strict";

const EVERY_MS = 5000;
const main = document.getElementById("seats");
const word = document.getElementById("word");
const count = document.getElementById("count");
const words = main.dataset;
const spots = new Map([...document.querySelectorAll(".spot")].map((spot) => [spot.dataset.spot, spot]));
const choices = new Map([...document.querySelectorAll("input[name=spot]")].map((input) => [input.value, input]));
const numbers = new Intl.NumberFormat(document.documentElement.lang);

function nameOf(input) {
  return input.closest("label").querySelector(".name").textContent;
}

function marked(name, id) {
  for (const spot of spots.values()) spot.classList.toggle(name, spot.dataset.spot === id);
}

function chosen() {
  const input = document.querySelector("input[name=spot]:checked");
  marked("chosen", input ? input.value : "");
  return input;
}

function show(now) {
  if (String(now.version) !== words.version) {
    location.reload();
    return;
  }
  let lost = "";
  for (const [id, input] of choices) {
    const state = now.states[id] || "blocked";
    const label = input.closest("label");
    if (input.checked && (state !== "free" || !now.open)) {
      lost = nameOf(input);
      input.checked = false;
    }
    input.disabled = state !== "free" || !now.open;
    if (label.dataset.now !== state) {
      label.dataset.now = state;
      label.querySelector(".now").textContent = words[state];
      spots.get(id).dataset.now = state;
    }
  }
  main.toggleAttribute("data-closed-now", !now.open);
  const text = now.open
    ? words.count.replace("##", numbers.format(choices.size)).replace("#", numbers.format(now.free))
    : words.closed;
  if (count.textContent !== text) count.textContent = text;
  if (lost) word.textContent = words.gone.replace("#", lost);
  chosen();
  main.dataset.seen = String(Number(words.seen || "0") + 1);
}

let looking = false;
let again = false;

async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  try {
    do {
      again = false;
      const answer = await fetch(words.state, { cache: "no-store" });
      if (answer.status === 410 || answer.status === 404) {
        stream.close();
        location.reload();
        return;
      }
      if (answer.ok) {
        show(await answer.json());
        if (word.textContent === words.lost) word.textContent = "";
      }
    } while (again);
  } catch {
    word.textContent = words.lost;
  } finally {
    looking = false;
  }
}

// Scrolls the map alone: the list must not move under the reader's finger.
function bring(spot) {
  const map = spot.closest(".map");
  const [inner, outer] = [spot.getBoundingClientRect(), map.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right) map.scrollLeft += inner.left - outer.left - outer.width / 2;
  if (inner.top < outer.top || inner.bottom > outer.bottom) map.scrollTop += inner.top - outer.top - outer.height / 2;
}

for (const [id, input] of choices) {
  input.addEventListener("change", () => {
    if (chosen()) word.textContent = words.chosen.replace("#", nameOf(input));
  });
  input.addEventListener("focus", () => {
    marked("pointed", id);
    if (input.matches(":focus-visible")) bring(spots.get(id));
  });
  input.addEventListener("blur", () => marked("pointed", ""));
}

for (const [id, spot] of spots) {
  spot.addEventListener("click", () => {
    const input = choices.get(id);
    if (input.disabled) {
      word.textContent = `${nameOf(input)}: ${words[spot.dataset.now]}`;
      return;
    }
    input.checked = true;
    input.dispatchEvent(new Event("change"));
  });
}

const stream = new EventSource(words.live);
stream.addEventListener("look", look);
stream.addEventListener("open", () => {
  if (word.textContent === words.lost) word.textContent = "";
});
// A stream that was refused is not tried again by the browser: then look every few seconds.
stream.addEventListener("error", () => {
  if (stream.readyState === EventSource.CLOSED) setInterval(look, EVERY_MS);
  else word.textContent = words.lost;
});
