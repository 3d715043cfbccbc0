// What a phone keeps of the page: the pass with a key nobody can read out, the last day, and how wrong its clock is.

const NAME = "classtap";

function opened() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

async function within(mode, work) {
  const base = await opened();
  try {
    return await new Promise((done, fail) => {
      const all = base.transaction("kept", mode);
      const asked = work(all.objectStore("kept"));
      all.oncomplete = () => done(asked.result);
      all.onerror = all.onabort = () => fail(all.error);
    });
  } finally {
    base.close();
  }
}

export const kept = (name) => within("readonly", (store) => store.get(name));
export const keep = (name, value) => within("readwrite", (store) => store.put(value, name));

// Nothing stays: a phone that is handed on, or a session that is over.
export async function forget() {
  await within("readwrite", (store) => store.clear());
  for (const name of await caches.keys()) await caches.delete(name);
  for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
}
