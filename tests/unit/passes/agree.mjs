// Judges every vector with the family page's verifier; says which differ from what is written in the files.
import { readFileSync } from "node:fs";
import { codeKey, codeOfStep, stepAt, unhex, verify, verifyBundle, withCode } from "../../../resources/pages/verify.js";

const here = (name) => new URL(`../../data/passes/${name}`, import.meta.url);
const file = JSON.parse(readFileSync(here("vectors.json"), "utf8"));
const parity = JSON.parse(readFileSync(here("parity.json"), "utf8"));
const UNBELIEVED = new Set(["unreadable", "environment_mismatch", "other_studio", "unknown_key", "tampered"]);
const wrong = [];
let judged = 0;
const bundles = {};
for (const [name, data] of Object.entries(file.bundles)) bundles[name] = await verifyBundle(data, file.root_public);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

for (const vector of file.vectors) {
  judged += 1;
  const verdict = await verify(vector.text, {
    keys: vector.keys ? bundles[vector.keys] : null, studio: file.studio, now_s: vector.now_s,
    uncertainty_s: vector.uncertainty_s, environment: vector.environment, state: vector.pass_state,
    rollingKeys: Object.fromEntries(vector.rolling_key_epochs.map((epoch) => [epoch, file.rolling_keys[epoch]])),
    entries_s: vector.entries_s, refusals_s: vector.refusals_s,
  });
  const { outcome, reasons, warnings, claims } = vector.expect;
  const told = [verdict.outcome, verdict.reasons, verdict.warnings];
  if (!same(told, [outcome, reasons, warnings])) wrong.push([vector.id, told]);
  if (claims && !same(verdict.claims, claims)) wrong.push([vector.id, verdict.claims]);
}
const outcomes = [];
for (const row of parity.rows) {
  for (const [at, offset] of row.offsets_s.entries()) {
    judged += 1;
    const { outcome } = await verify(row.text, {
      keys: bundles[row.keys], studio: parity.studio, now_s: row.now_s + offset, environment: "live",
    });
    outcomes.push(outcome);
    const expected = row.expect[at];
    if (expected === "refused" ? !UNBELIEVED.has(outcome) : outcome !== expected) wrong.push([row.text, offset, outcome]);
  }
}
const refused = {};
for (const [code, data] of Object.entries(file.refused_bundles)) {
  refused[code] = await verifyBundle(data, file.root_public).then(() => "", (error) => error.code);
}
const key = await codeKey(new TextEncoder().encode("12345678901234567890"));
const rfc6238 = [];
for (const time of [59, 1111111109, 1111111111, 1234567890, 2000000000]) {
  rfc6238.push(await codeOfStep(key, Math.floor(time / 30)));
}
const shown = await withCode("CT:X", await codeKey(unhex("00".repeat(20))), 1790000005.9);
console.log(JSON.stringify({ judged, wrong, outcomes, refused, rfc6238, shown, step: stepAt(1790000005) }));
