// Keeps the page itself on the phone, so that it opens without the internet. What is in it, the page keeps apart.
"use strict";

const CACHE = "classtap-VERSION";
const FILES = ["family.css", "family.js", "qr.js", "rolling.js", "keeping.js"].map((name) => `/f/static/${name}`);
const HOME = "/f/home";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(CACHE).then(async (cache) => {
      await cache.addAll([...FILES, HOME].map((url) => new Request(url, { cache: "reload" })));
      await self.skipWaiting();
    }),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then(async (names) => {
      await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
      await self.clients.claim();
    }),
  );
});

async function fresh(request, key) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(key, answer.clone());
    return answer;
  } catch (lost) {
    const found = await cache.match(key);
    if (found) return found;
    throw lost;
  }
}

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.method !== "GET") return;
  if (pathname === HOME) event.respondWith(fresh(event.request, HOME));
  else if (FILES.includes(pathname)) event.respondWith(fresh(event.request, pathname));
});
