// What the drivers share: named checks, one JSON document at the end, waiting for something to become true.
import assert from 'node:assert/strict';

/** A list of checks; `finish` prints it as one JSON document and sets the exit code. */
export class Report {
  #checks = [];
  #print;

  constructor(driver, print = console.log) {
    this.driver = driver;
    this.#print = print;
  }

  /** Runs one check; the following ones run even if it fails. Returns whether it succeeded. */
  async check(name, body) {
    const start = performance.now();
    let error;
    try {
      await body();
    } catch (problem) {
      error = String(problem?.stack ?? problem);
    }
    this.#checks.push({ name, ok: error === undefined, error, ms: Math.round(performance.now() - start) });
    return error === undefined;
  }

  /** Something that went wrong outside a check. */
  note(error) {
    this.#checks.push({ name: 'nothing goes wrong behind the back of the checks', ok: false, error });
  }

  /** Prints the report and sets the exit code; the packages may hold the process open, so drivers end it themselves. */
  finish() {
    const failed = this.#checks.filter((check) => !check.ok).length;
    this.#print(JSON.stringify({ driver: this.driver, ok: failed === 0, failed, checks: this.#checks }, null, 2));
    process.exitCode = failed === 0 ? 0 : 1;
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
