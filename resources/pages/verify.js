// Checks ClassTap passes (docs/passes.md) with nothing but WebCrypto: in a page, in a service worker, in Node. Shares no
// code with the kiosk's verifier; both agree on tests/data/passes. Numbers of 64 bits are strings of 16 hex digits.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]));
const PREFIX = "CT:";
const STATIC = 156;
const ROLLING = 176;
const EVENT = 177;
const HEAD = 38;
const SIGNATURE = 64;
const STEP_S = 15;
const ALGORITHMS = [null, "ed25519", "es256"];
const TIERS = ["static", "rolling", "device"];
const KINDS = ["family", "event", "pickup", "staff"];
const DAY_S = 86400;

export const TOLERANCE = Object.freeze({
  static_s: 120, rolling_s: 30, rolling_steps: 1, keys_warn_s: 7 * DAY_S, keys_fail_s: 14 * DAY_S,
  keys_end_s: 30 * DAY_S, refusals: 5, refusal_window_s: 30, refusal_hold_s: 60,
});

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export class BundleError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// --- bytes

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text) {
  if (text.length % 2 || /[^0-9a-f]/.test(text)) throw new RangeError("not hexadecimal");
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

const ascii = (text) => new TextEncoder().encode(text);

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function base45(text) {
  if (text.length % 3 === 1) throw new Refusal("alphabet");
  const values = Array.from(text, (letter) => {
    const value = VALUES.get(letter);
    if (value === undefined) throw new Refusal("alphabet");
    return value;
  });
  const bytes = [];
  for (let at = 0; at < values.length; at += 3) {
    const [low, middle, high] = values.slice(at, at + 3);
    if (high === undefined) {
      const value = low + 45 * middle;
      if (value > 0xff) throw new Refusal("alphabet");
      bytes.push(value);
    } else {
      const value = low + 45 * middle + 2025 * high;
      if (value > 0xffff) throw new Refusal("alphabet");
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

// --- the text

export function decode(text) {
  if (!text.startsWith(PREFIX)) throw new Refusal("not_a_pass");
  // The length counts letters as Python does: code points.
  const length = [...text].length;
  if (length !== STATIC && length !== ROLLING && length !== EVENT) throw new Refusal("length");
  const end = length === EVENT ? EVENT : STATIC;
  const bytes = base45([...text].slice(PREFIX.length, end).join(""));
  const view = new DataView(bytes.buffer);
  const [version, algorithm, keyId, flags] = bytes;
  if (version !== 1) throw new Refusal("version");
  if (algorithm !== 1 && algorithm !== 2) throw new Refusal("algorithm");
  if (flags & 0x80) throw new Refusal("flags");
  const kind = (flags & 0x70) >> 4;
  const tier = (flags & 0x06) >> 1;
  if (kind > 3) throw new Refusal("kind");
  if (tier > 1 || (kind === 1 && tier !== 0)) throw new Refusal("tier");
  if ((kind === 1) !== (end === EVENT)) throw new Refusal("length");
  const body = bytes.subarray(0, bytes.length - SIGNATURE);
  const claims = {
    algorithm: ALGORITHMS[algorithm], key_id: keyId, test: Boolean(flags & 1), tier: TIERS[tier],
    fallback: Boolean(flags & 8), kind: KINDS[kind], studio: hex(bytes.subarray(4, 12)),
    handle: hex(bytes.subarray(12, 20)), epoch: view.getUint32(20), not_before: view.getUint32(24),
    expires: view.getUint32(28), nonce: hex(bytes.subarray(32, 38)),
    event: kind === 1 ? hex(bytes.subarray(HEAD, HEAD + 8)) : null,
    token: kind === 1 ? hex(bytes.subarray(HEAD + 8, HEAD + 14)) : null,
  };
  return {
    claims, signed: joined(ascii("CTP1"), body), signature: bytes.subarray(bytes.length - SIGNATURE),
    rolling: suffix([...text].slice(end).join(""), tier),
  };
}

function suffix(rest, tier) {
  if (tier === 0) {
    if (rest) throw new Refusal("length");
    return null;
  }
  if (!rest) throw new Refusal("suffix");
  const found = /^\*([0-9]{10})\*([0-9]{8})$/.exec(rest);
  if (!found) throw new Refusal("suffix");
  return { time_s: Number(found[1]), code: found[2] };
}

// --- signatures and codes

const keys = new Map();

function publicKey(algorithm, publicHex) {
  const name = `${algorithm} ${publicHex}`;
  if (!keys.has(name)) {
    const shape = algorithm === "ed25519" ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256" };
    keys.set(name, crypto.subtle.importKey("raw", unhex(publicHex), shape, false, ["verify"]));
  }
  return keys.get(name);
}

async function isSigned(message, signature, algorithm, publicHex) {
  const how = algorithm === "ed25519" ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
  return crypto.subtle.verify(how, await publicKey(algorithm, publicHex), signature, message);
}

export const stepAt = (time) => Math.floor(time / STEP_S);

// The key of codes: 20 bytes as they came, or a CryptoKey that a page keeps where its bytes cannot be read again.
export async function codeKey(bytes) {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
}

export async function codeOfStep(key, step) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const digest = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const offset = digest[19] & 0x0f;
  const number = new DataView(digest.buffer).getUint32(offset) & 0x7fffffff;
  return String(number % 100000000).padStart(8, "0");
}

// What a screen shows at a time (Unix seconds): the signed text of a rolling pass and its suffix.
export async function withCode(text, key, atS) {
  const seconds = Math.floor(atS);
  return `${text}*${String(seconds).padStart(10, "0")}*${await codeOfStep(key, stepAt(seconds))}`;
}

// --- key bundles

export async function verifyBundle(data, rootPublic) {
  const cut = data.indexOf("\n");
  const line = cut < 0 ? "" : data.slice(0, cut);
  const signed = cut < 0 ? "" : data.slice(cut + 1);
  if (!/^[0-9a-f]{128}$/.test(signed)) throw new BundleError("bundle_malformed");
  const message = joined(ascii("CTK1"), ascii(line));
  if (!(await isSigned(message, unhex(signed), "ed25519", rootPublic))) throw new BundleError("bundle_signature");
  let bundle;
  try {
    bundle = JSON.parse(line);
  } catch {
    throw new BundleError("bundle_invalid");
  }
  if (bundle.interface_version > 1) throw new BundleError("bundle_interface");
  if (bundle.interface_version !== 1 || !Array.isArray(bundle.keys)) throw new BundleError("bundle_invalid");
  return bundle;
}

// --- the verdict

// known: keys (a verified bundle or null), studio (16 hex digits), now_s, uncertainty_s, environment ("live" or "test"),
// tolerance, state (of the text's pass, or null), rollingKeys ({epoch: hex}), entries_s and refusals_s (Unix seconds).
export async function verify(text, known) {
  const tolerance = { ...TOLERANCE, ...known.tolerance };
  let decoded;
  try {
    decoded = decode(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { outcome: "unreadable", reasons: [error.code], warnings: [], claims: null };
  }
  const claims = decoded.claims;
  const leeway = claims.tier === "static" ? tolerance.static_s : tolerance.rolling_s;
  const doubt = Math.min(Math.max(known.uncertainty_s ?? 0, 0), leeway);
  const at = {
    known, tolerance, decoded, claims, leeway, now: known.now_s, earliest: known.now_s - doubt,
    latest: known.now_s + doubt, key: known.keys?.keys.find((key) => key.key_id === claims.key_id) ?? null,
    state: known.state ?? null,
  };
  for (const [checks, told] of [[BEFORE_TRUST, null], [AFTER_TRUST, claims]]) {
    for (const check of checks) {
      const refused = await check(at);
      if (refused) return { outcome: refused[0], reasons: [refused[1]], warnings: [], claims: told };
    }
  }
  return { outcome: "ok", reasons: [], warnings: warnings(at), claims };
}

const BEFORE_TRUST = [
  ({ claims, known }) =>
    claims.test === (known.environment === "test")
      ? null
      : ["environment_mismatch", claims.test ? "test_pass" : "live_pass"],
  ({ claims, known }) => (claims.studio === known.studio ? null : ["other_studio", "other_studio"]),
  ({ known, key, leeway, earliest, latest }) => {
    if (!known.keys) return ["unknown_key", "no_keys"];
    if (known.keys.studio !== known.studio) return ["unknown_key", "keys_of_other_studio"];
    if (!key) return ["unknown_key", "key_not_held"];
    if (key.revoked_at !== null) return ["unknown_key", "key_revoked"];
    if (latest < key.not_before - leeway) return ["unknown_key", "key_too_new"];
    return earliest > key.not_after + leeway ? ["unknown_key", "key_retired"] : null;
  },
  async ({ decoded, claims, key }) => {
    const algorithm = ALGORITHMS[key.algorithm];
    if (claims.algorithm !== algorithm) return ["tampered", "algorithm"];
    const good = await isSigned(decoded.signed, decoded.signature, algorithm, key.public);
    return good ? null : ["tampered", "signature"];
  },
];

const AFTER_TRUST = [
  ({ claims, latest, leeway }) => (latest >= claims.not_before - leeway ? null : ["not_yet_valid", "starts_later"]),
  ({ claims, earliest, leeway }) => (earliest <= claims.expires + leeway ? null : ["expired", "ended"]),
  ({ claims, state }) =>
    state && (state.revoked_through ?? null) !== null && claims.epoch <= state.revoked_through
      ? ["revoked", "revoked"]
      : null,
  ({ claims, state, earliest }) => {
    if (!state || claims.epoch >= state.active_epoch) return null;
    const graced = (state.rolling_grace ?? true) || claims.tier === "static";
    const until = state.grace_until_s ?? null;
    const previous = claims.epoch === state.active_epoch - 1;
    return previous && graced && until !== null && earliest <= until ? null : ["superseded", "replaced"];
  },
  async ({ decoded, claims, known, tolerance, earliest, latest }) => {
    if (!decoded.rolling) return null;
    const step = stepAt(decoded.rolling.time_s);
    const fresh = stepAt(earliest) - tolerance.rolling_steps <= step && step <= stepAt(latest) + tolerance.rolling_steps;
    if (!fresh) return ["expired", "code_stale"];
    const key = known.rollingKeys?.[claims.epoch];
    if (!key) return ["unknown_key", "rolling_key_not_held"];
    const right = await codeOfStep(await codeKey(unhex(key)), step);
    return right === decoded.rolling.code ? null : ["expired", "code_wrong"];
  },
  ({ claims, state, known, now }) => {
    if (claims.kind !== "event") return null;
    const limit = state ? state.entry_limit ?? null : 1;
    if (limit === null) return null;
    const since = state?.entry_window_s ? now - state.entry_window_s : -Infinity;
    return (known.entries_s ?? []).filter((time) => time >= since).length < limit ? null : ["used", "entries_used"];
  },
  ({ known, tolerance, now }) => {
    const since = now - tolerance.refusal_window_s - tolerance.refusal_hold_s;
    const times = (known.refusals_s ?? []).filter((time) => time >= since).sort((one, other) => one - other);
    for (let last = tolerance.refusals; last < times.length; last += 1) {
      const close = times[last] - times[last - tolerance.refusals] <= tolerance.refusal_window_s;
      if (close && times[last] + tolerance.refusal_hold_s > now) return ["rate_limited", "too_many_refusals"];
    }
    return null;
  },
  ({ known, earliest, tolerance }) =>
    earliest - known.keys.issued_at < tolerance.keys_fail_s ? null : ["keys_stale", "keys_too_old"],
];

function warnings({ claims, state, known, tolerance, now, earliest, latest, leeway }) {
  const found = [];
  if (!state) found.push("pass_not_held");
  else if (claims.epoch > state.active_epoch) found.push("newer_epoch");
  else if (claims.epoch < state.active_epoch && (state.grace_until_s ?? null) !== null) found.push("replaced_soon");
  if (now < claims.not_before || now > claims.expires) found.push("clock_tolerance_used");
  if (earliest - known.keys.issued_at > tolerance.keys_warn_s) found.push("keys_old");
  const ends = known.keys.keys.filter((key) => key.revoked_at === null).map((key) => key.not_after);
  if (ends.length && latest > Math.max(...ends) - tolerance.keys_end_s) found.push("keys_end_soon");
  if (latest < known.keys.issued_at - leeway) found.push("clock_behind_keys");
  return found;
}
