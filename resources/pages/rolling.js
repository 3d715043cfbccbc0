// The rolling code of docs/passes.md: TOTP (RFC 6238), HMAC-SHA-1, eight digits, steps of 15 seconds. Only WebCrypto.

export const STEP_S = 15;

// A key that can make codes and can be read out by nobody, this page included.
export function sealedKey(hex) {
  const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
}

export async function codeOfStep(key, step) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const digest = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const number = digest.getUint32(digest.getUint8(19) & 15) & 0x7fffffff;
  return String(number % 100000000).padStart(8, "0");
}

export async function withCode(text, key, atS) {
  return `${text}*${String(atS).padStart(10, "0")}*${await codeOfStep(key, Math.floor(atS / STEP_S))}`;
}
