// What the drivers share: named checks, one JSON document at the end, waiting for something to become true.
import assert from 'node:assert/strict';

/** A list of checks; `finish` prints it as one JSON document and sets the exit code. */
export class Report {
  #checks = [];

  constructor(driver, facts = {}) {
    this.driver = driver;
    this.facts = facts;
  }

  /** Runs one check; the following ones run even if it fails. */
  async check(name, body) {
    const start = performance.now();
    const result = { name, ok: true };
    try {
      await body();
    } catch (error) {
      result.ok = false;
      result.error = String(error?.stack ?? error);
    }
    result.ms = Math.round(performance.now() - start);
    this.#checks.push(result);
    return result.ok;
  }

  finish() {
    const failed = this.#checks.filter((check) => !check.ok).length;
    console.log(JSON.stringify({ driver: this.driver, ok: failed === 0, failed, ...this.facts, checks: this.#checks }, null, 2));
    process.exit(failed === 0 ? 0 : 1);
  }
}

/** Waits until `condition` is true, at most `ms`. */
export async function until(condition, what, ms = 10_000) {
  const end = Date.now() + ms;
  while (!condition()) {
    assert(Date.now() < end, `waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The promise, or an error after `ms`. */
export function within(promise, what, ms = 10_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Long enough for an answer that should not come to have come. */
export const settle = (ms = 150) => new Promise((resolve) => setTimeout(resolve, ms));
