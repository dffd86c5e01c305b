// Everything at once against a running server: publishes the test modules, drives them with all packages over every subprotocol,
// tries the command line tool, what must be refused, pages of another origin, the chat client and the chat page.
// usage: node run.mjs URL [--out DIRECTORY for reports and screenshots] [--only WORD]
// Prints a line per run and the failed checks; exit code 0 if everything succeeded.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import assert from 'node:assert/strict';
import { Report } from './report.mjs';

const { values: { out, only }, positionals: [url] } = parseArgs({
  allowPositionals: true, options: { out: { type: 'string', default: 'reports' }, only: { type: 'string' } },
});
if (!url) {
  console.error('usage: node run.mjs URL [--out DIRECTORY] [--only WORD]');
  process.exit(2);
}
const here = import.meta.dirname;
const samples = path.dirname(here);
const wasmOf = (module) => path.join(samples, `modules/${module}/kitchen_${module}.wasm`);
/** What build.sh made. */
const built = process.env.GEODESIC_CLIENTS ?? path.join(samples, '../target/clients');
const mark = Date.now().toString(36);
mkdirSync(out, { recursive: true });

async function newOwner() {
  const answer = await fetch(`${url}/v1/identity`, { method: 'POST' }).catch((error) => {
    console.error(`no server at ${url}: ${error.cause?.message ?? error.message}`);
    process.exit(2);
  });
  assert.equal(answer.status, 200, `POST /v1/identity: ${answer.status}`);
  return (await answer.json()).token;
}

async function publish(name, body, token) {
  const answer = await fetch(`${url}/v1/database/${name}`, { method: 'PUT', body, headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, text: await answer.text() };
}

/** Runs a script of this directory; resolves to its report, or to a report of why there is none. */
const script = (args, env = {}) => program(process.execPath, args, env);

function program(file, args, env = {}) {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: here, env: { ...process.env, ...env }, timeout: 300_000, maxBuffer: 1 << 26 }, (error, output, errors) => {
      try {
        resolve(JSON.parse(output));
      } catch {
        const text = `${error ?? ''} ${output.slice(-2000)} ${errors.slice(-4000)}`;
        resolve({ driver: file, ok: false, failed: 1, checks: [{ name: 'prints a report', ok: false, error: text }] });
      }
    });
  });
}

let failures = 0;
let sections = 0;
async function section(name, body) {
  if (only && !name.includes(only)) return;
  sections++;
  const report = await body();
  writeFileSync(path.join(out, `${name.replace(/[^a-z0-9.]+/gi, '-')}.json`), JSON.stringify(report, null, 2));
  failures += report.failed;
  console.log(`${report.ok ? 'ok  ' : 'FAIL'} ${name}: ${report.checks.length - report.failed} of ${report.checks.length} checks`);
  for (const check of report.checks) if (!check.ok) console.log(`     ${check.name}\n        ${check.error?.split('\n').slice(0, 12).join('\n        ')}`);
}

for (const module of ['v1', 'v2']) {
  for (const [client, protocol] of [['1.12', 'v1'], ['2.0', 'v2'], ['2.1', 'v2'], ['2.10', 'v3'], ['2.10', 'v2']]) {
    await section(`client ${client} ${protocol} module ${module}`, async () => {
      const owner = await newOwner();
      const database = `interop-${mark}-${module}-${client.replace('.', '-')}-${protocol}`;
      const { status, text } = await publish(database, readFileSync(wasmOf(module)), owner);
      if (status !== 200) return { ok: false, failed: 1, checks: [{ name: 'publish', ok: false, error: `${status} ${text}` }] };
      return script(['drive.mjs', '--client', client, ...(`${client} ${protocol}` === '2.10 v2' ? ['--protocol', protocol] : []), '--module', module,
        '--owner', owner, '--wasm', wasmOf(module), url, database]);
    });
  }
}

for (const [name, wasm, driver] of [
  ['large client', wasmOf('v2'), 'large.mjs'],
  ['client extras', path.join(samples, 'modules/extras/extras.wasm'), 'extras.mjs'],
  ['page of another origin', wasmOf('v2'), 'browser.mjs'],
]) {
  await section(name, async () => {
    const database = `${driver.split('.')[0]}-${mark}`;
    const { status, text } = await publish(database, readFileSync(wasm), await newOwner());
    if (status !== 200) return { ok: false, failed: 1, checks: [{ name: 'publish', ok: false, error: `${status} ${text}` }] };
    return script([driver, url, database]);
  });
}

for (const [name, crate, modules] of [
  ['crate 1.12 v1', 'client-1', [wasmOf('v1')]],
  ['crate 2.11 v2', 'client-2', [wasmOf('v2'), path.join(samples, 'modules/extras/extras.wasm')]],
]) {
  await section(name, async () => {
    const databases = [];
    for (const wasm of modules) {
      databases.push(`${crate}-${mark}-${databases.length}`);
      const { status, text } = await publish(databases.at(-1), readFileSync(wasm), await newOwner());
      if (status !== 200) return { ok: false, failed: 1, checks: [{ name: 'publish', ok: false, error: `${status} ${text}` }] };
    }
    return program(path.join(built, 'debug', crate), [url, ...databases]);
  });
}

await section('command line tool', () => script(['cli.mjs', path.join(built, 'bin/spacetimedb-cli'), url]));

await section('what must be refused', async () => {
  let result;
  const report = new Report('refused', (text) => { result = JSON.parse(text); });
  const owner = await newOwner();
  const refusedAs = async (name, body, words) => {
    const database = `refused-${mark}-${name.replaceAll('_', '-')}`;
    const { status, text } = await publish(database, body, owner);
    assert(status >= 400, `published: ${status} ${text}`);
    assert.match(text, words);
    assert.equal((await fetch(`${url}/v1/database/${database}`)).status, 404);
    assert.equal((await fetch(`${url}/v1/ping`)).status, 200);
  };
  const good = readFileSync(wasmOf('v2'));
  await report.check('text instead of wasm', () => refusedAs('rubbish', 'this is not wasm', /wasm|WebAssembly/i));
  await report.check('an empty module file', () => refusedAs('nothing', Buffer.alloc(0), /./));
  await report.check('half a module', () => refusedAs('half', good.subarray(0, good.length / 2), /./));
  await report.check('a wasm module that exports nothing', () => refusedAs('bare', Buffer.from('0061736d01000000', 'hex'), /./));
  await report.check('a module whose middle is noise', () => {
    const noise = Buffer.from(good);
    for (let i = noise.length >> 1; i < (noise.length >> 1) + 4000; i++) noise[i] = (i * 2654435761) >>> 24;
    return refusedAs('noise', noise, /./);
  });
  await report.check('a bad database name', async () => {
    const { status } = await publish('Not%20a%20name', good, owner);
    assert.equal(status, 400);
  });
  await report.check('a stranger may not publish over a database', async () => {
    const database = `refused-${mark}-owned`;
    assert.equal((await publish(database, good, owner)).status, 200);
    const { status, text } = await publish(database, good, await newOwner());
    assert.equal(status, 403, text);
    assert.equal((await fetch(`${url}/v1/database/${database}`)).status, 200);
  });
  report.finish();
  return result;
});

await section('chat client', async () => {
  let result;
  const report = new Report('chat client', (text) => { result = JSON.parse(text); });
  const main = path.join(samples, 'chat/client/dist/main.js');
  const database = `chat-${mark}`;
  const chat = (...args) => new Promise((resolve) => {
    execFile(process.execPath, [main, '--url', url, '--db', database, ...args], { timeout: 30_000 }, (error, output, errors) =>
      resolve({ code: error?.code ?? 0, output, errors }));
  });
  await report.check('the chat module is published', async () => {
    const { status, text } = await publish(database, readFileSync(path.join(samples, 'chat/module/chat.wasm')), await newOwner());
    assert.equal(status, 200, text);
  });
  await report.check('it says what it is told and leaves', async () => {
    assert(existsSync(main), 'not built: npm install && npm run build in samples/chat/client');
    const { code, output, errors } = await chat('--name', 'Ann', 'Hello', 'Anybody?');
    assert.equal(code, 0, errors);
    assert.match(output, /is now called Ann/);
    assert.match(output, /Ann: Hello\n.*Ann: Anybody\?/);
  });
  await report.check('the next one sees it, and a refused name is reported', async () => {
    const { code, output, errors } = await chat('--name', 'Ann', 'Hi');
    assert.equal(code, 1);
    assert.match(errors, /the name Ann is taken/);
    assert.match(output, /Ann: Hello\n.*Ann: Anybody\?\n.*guest [0-9a-f]{6}: Hi\n$/);
    assert.equal(output.match(/Ann: Hello/g).length, 1, output);
  });
  await report.check('a database that is not there is a clear error', async () => {
    const { code, errors } = await chat('--db', 'not-there', 'Hi');
    assert.equal(code, 1);
    assert.match(errors, /cannot connect/);
  });
  report.finish();
  return result;
});

await section('chat page', () => script(['chat-page.mjs', url, path.resolve(out)], { CHAT_DB: `page-${mark}` }));

if (sections === 0) {
  console.error(`nothing is called ${only}`);
  process.exit(2);
}
console.log(failures ? `${failures} checks failed` : 'all checks succeeded');
process.exit(failures ? 1 : 0);
