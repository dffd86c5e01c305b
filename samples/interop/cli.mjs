// The published command line tool 1.3.0 against a running server, with a home directory of its own.
// usage: node cli.mjs PROGRAM URL
// Prints one JSON document, exit code 0 if all is well.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Report, until } from './report.mjs';
import { bindings, talk } from './sdk-1.3.mjs';

const [given, url] = process.argv.slice(2);
if (!url) {
  console.error('usage: node cli.mjs PROGRAM URL');
  process.exit(2);
}
const modules = path.join(import.meta.dirname, '..');
const chat = path.join(modules, 'chat/module/chat.wasm');
const other = path.join(modules, 'modules/features-1.1/features_1_1.wasm');
const home = mkdtempSync(path.join(tmpdir(), 'geodesic-cli-'));
const program = path.join(home, 'bin/spacetimedb-cli');
mkdirSync(path.dirname(program));
copyFileSync(given, program);
// The tool asks the program of this name beside it for the definition of a module.
const extractor = path.join(home, 'bin/spacetimedb-standalone');
writeFileSync(extractor, `#!/bin/sh\nexec '${process.execPath}' '${path.join(import.meta.dirname, 'extract-schema.mjs')}' '${url}' "$@"\n`);
chmodSync(extractor, 0o755);
const env = {
  PATH: '/usr/bin:/bin', HOME: home, XDG_CONFIG_HOME: `${home}/config`, XDG_DATA_HOME: `${home}/data`, XDG_CACHE_HOME: `${home}/cache`, NO_COLOR: '1',
};

/** Runs a command; resolves to its exit code and what it printed, on both streams, without backtraces and the usual warning. */
const run = (...args) => runWith('', ...args);

function runWith(input, ...args) {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, timeout: 60_000, maxBuffer: 1 << 26, cwd: home }, (error, output, errors) => {
      const clean = (text) => text.replace(/\nStack backtrace:[\s\S]*/, '\n').replace(/^WARNING: This command is UNSTABLE.*\n+/m, '');
      resolve({ code: error ? error.code ?? error.signal : 0, output: clean(output), errors: clean(errors), all: clean(errors) + clean(output) });
    });
    child.stdin.end(input);
  });
}

/** The output of a command that succeeds. */
async function ok(...args) {
  const { code, output, all } = await run(...args);
  assert.equal(code, 0, `${args.join(' ')}: ${all}`);
  return output;
}

/** A command fails, with that text. */
async function fails(words, ...args) {
  const { code, all } = await run(...args);
  assert.equal(code, 1, `${args.join(' ')} succeeded: ${all}`);
  assert.match(all, words);
}

/** Cells of the table that a command printed, row by row. */
const cells = (text) => text.split('\n').filter((line) => line.startsWith(' ')).map((line) => line.split('|').map((cell) => cell.trim()));

const report = new Report('spacetimedb-cli 1.3.0');
const check = report.check.bind(report);
const mark = Date.now().toString(36);
const name = `cli-${mark}`;
const get = (route, token) => fetch(`${url}/v1/${route}`, token ? { headers: { Authorization: `Bearer ${token}` } } : {});
let identity, token, database;

await check('server add, list, ping, fingerprint, edit', async () => {
  const key = (await (await get('identity/public-key')).text()).trim();
  assert((await ok('server', 'add', 'first', '--url', url, '-d')).includes(key), 'the fingerprint is the public key');
  assert.match(await ok('server', 'list'), new RegExp(`\\*\\*\\* +${new URL(url).host} +http +first`));
  assert.match(await ok('server', 'ping', 'first'), /Server is online/);
  assert.match(await ok('server', 'fingerprint', 'first', '-y'), /Fingerprint is unchanged/);
  await ok('server', 'edit', 'first', '--new-name', 'here', '--no-fingerprint', '-y');
  await ok('server', 'set-default', 'here');
  await fails(/Connection refused/, 'server', 'ping', 'http://127.0.0.1:9');
});
await check('login with an identity that the server issues', async () => {
  await ok('login', '--server-issued-login', 'here');
  identity = (await ok('login', 'show')).match(/c200[0-9a-f]{60}/)[0];
  token = (await ok('login', 'show', '--token')).match(/is (\S+\.\S+\.\S+)/)[1];
  assert.equal((await get(`identity/${identity}/verify`, token)).status, 204);
});
await check('publish, again, and with the data deleted', async () => {
  const made = await ok('publish', name, '-b', chat, '-y');
  database = made.match(new RegExp(`Created new database with name: ${name}, identity: (c200[0-9a-f]{60})`))[1];
  await ok('call', name, 'send_message', '"gone soon"');
  assert((await ok('publish', name, '-b', chat, '-y')).includes(`Updated database with name: ${name}, identity: ${database}`));
  assert.equal(cells(await ok('sql', name, 'SELECT * FROM message')).length, 2);
  assert((await ok('publish', name, '-b', chat, '-y', '-c')).includes(`Updated database with name: ${name}, identity: ${database}`));
  assert.equal(cells(await ok('sql', name, 'SELECT * FROM message')).length, 1);
  assert.match(await ok('publish', '-b', chat, '-y'), /Created new database with identity: c200/);
  assert.match(await ok('publish', '--anonymous', '-b', chat, '-y'), /Created new database with identity: c200/);
});
await check('publish what cannot be published', async () => {
  const rubbish = path.join(home, 'rubbish.wasm');
  writeFileSync(rubbish, 'this is no module');
  await fails(/WebAssembly/i, 'publish', `${name}-rubbish`, '-b', rubbish, '-y');
  await fails(/invalid characters in database name/, 'publish', 'Not A Name', '-b', chat, '-y');
  await fails(/not authorized to perform action/, 'publish', name, '--anonymous', '-b', chat, '-y');
  // Tables would have to go.
  await ok('call', name, 'send_message', '"stays"');
  await fails(/Migration plan contains a client-breaking change/, 'publish', name, '-b', other, '-y');
  assert.equal(cells(await ok('sql', name, 'SELECT * FROM message')).length, 2);
});
await check('call', async () => {
  assert.equal(await ok('call', name, 'set_name', '"Ann"'), '');
  assert.equal(await ok('call', database, 'send_message', '"Grüße \\"from\\" 世界"'), '');
  assert.equal(await ok('call', name, '--anonymous', 'send_message', '"who am I"'), '');
  await fails(/Response text: the name is empty/, 'call', name, 'set_name', '""');
  await fails(/No such reducer `nope`.*\n+Here are some existing reducers:\n- set_name\n- send_message/, 'call', name, 'nope');
  await fails(/A reducer with a similar name exists: `set_name`/, 'call', name, 'set_nam');
  await fails(/Invalid arguments provided for reducer `set_name`[\s\S]*set_name\(name: String\)/, 'call', name, 'set_name');
  await fails(/the dns resolution of `no-such-database` failed/, 'call', 'no-such-database', 'set_name', '"Ann"');
});
await check('sql', async () => {
  const [head, row] = cells(await ok('sql', name, `SELECT * FROM user WHERE identity = 0x${identity}`));
  assert.deepEqual([head, row], [['identity', 'name', 'online'], [`0x${identity}`, '(some = "Ann")', 'true']]);
  const texts = cells(await ok('sql', database, 'SELECT * FROM message')).slice(1).map((message) => message[3]);
  assert.deepEqual(texts.sort(), ['"Grüße "from" 世界"', '"stays"', '"who am I"']);
  assert.equal(cells(await ok('sql', name, 'SELECT COUNT(*) AS n FROM message'))[1][0], '3');
  await ok('sql', name, "DELETE FROM message WHERE text = 'stays'");
  assert.equal(cells(await ok('sql', name, 'SELECT * FROM message')).length, 3);
  assert(cells(await ok('sql', name, 'SELECT * FROM st_table')).some((table) => table[1] === '"message"'));
  await fails(/no such table: `nope`/, 'sql', name, 'SELECT * FROM nope');
  await fails(/not authorized to run SQL DML/, 'sql', name, '--anonymous', 'DELETE FROM message');
});
await check('sql, interactively', async () => {
  const queries = ["SELECT text FROM message WHERE text = 'who am I'", 'SELECT * FROM nope', 'SELECT COUNT(*) AS n FROM message'];
  const { output, errors } = await runWith(`${queries.join('\n')}\n`, 'sql', name, '--interactive');
  assert.match(errors, /no such table: `nope`/);
  assert.match(output, /"who am I" +\n\(1 row\) \[server: [0-9.]+.s\]\nRoundtrip time: [0-9.]+.s\n\n n +\n-+\n 2 +\n\(1 row\)/);
});
await check('logs', async () => {
  const text = await ok('logs', name);
  assert.match(text, /^\S+Z +INFO: src\/lib\.rs:\d+: the chat is open$/m);
  assert.match(text, new RegExp(`INFO: src/lib.rs:\\d+: ${identity} is now called Ann$`, 'm'));
  assert.match(text, /ERROR: .*the name is empty/);
  const lines = (await ok('logs', name, '-n', '2', '--format', 'json')).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual([lines.length, lines[1].level], [2, 'Error']);
  const follower = spawn(program, ['logs', name, '-n', '0', '-f', '-y'], { env, cwd: home });
  let followed = '';
  follower.stdout.on('data', (data) => { followed += data; });
  try {
    let i = 0;
    await until(() => {
      if (i++ % 100 === 0) run('call', name, 'set_name', `"follow ${i}"`);
      return /is now called follow/.test(followed);
    }, 'a line that comes later');
  } finally {
    follower.kill();
  }
});
await check('describe', async () => {
  const all = JSON.parse(await ok('describe', '--json', name));
  assert.deepEqual(all.tables.map((table) => table.name).sort(), ['message', 'user']);
  assert.deepEqual(all.reducers.map((reducer) => reducer.name).sort(), ['client_connected', 'client_disconnected', 'init', 'send_message', 'set_name']);
  const one = JSON.parse(await ok('describe', '--json', name, 'reducer', 'set_name'));
  assert.deepEqual(one.params.elements, [{ name: { some: 'name' }, algebraic_type: { String: [] } }]);
  assert.equal(JSON.parse(await ok('describe', '--json', name, 'table', 'user')).primary_key.length, 1);
  await fails(/no such table/, 'describe', '--json', name, 'table', 'nope');
  assert.deepEqual(JSON.parse(await ok('describe', '--json', name, '--anonymous')), all);
});
await check('subscribe: rows that are there, and rows that come', async () => {
  const initial = JSON.parse(await ok('subscribe', name, 'SELECT * FROM message', 'SELECT * FROM user', '--print-initial-update', '-n', '0', '-t', '20'));
  assert.deepEqual(initial.message.inserts.map((row) => row.text).sort(), ['Grüße "from" 世界', 'who am I']);
  assert(initial.user.inserts.some((row) => row.identity.__identity__ === `0x${identity}`));
  const subscriber = spawn(program, ['subscribe', name, 'SELECT * FROM message', '--print-initial-update', '-n', '1', '-t', '30', '-y'], { env, cwd: home });
  let seen = '';
  subscriber.stdout.on('data', (data) => { seen += data; });
  const ended = new Promise((resolve) => subscriber.on('exit', resolve));
  await until(() => seen.includes('\n'), 'the initial rows');
  await ok('call', name, 'send_message', '"live"');
  assert.equal(await ended, 0);
  const { message } = JSON.parse(seen.trim().split('\n')[1]);
  assert.deepEqual([message.deletes.length, message.inserts.map((row) => row.text)], [0, ['live']]);
});
await check('list and rename', async () => {
  assert((await ok('list')).includes(database));
  await ok('rename', database, '--to', `${name}-new`);
  assert.equal(cells(await ok('sql', `${name}-new`, 'SELECT * FROM message')).length, 4);
  await ok('rename', `${name}-new`, '--to', name);
  await fails(/must not contain whitespace/, 'rename', database, '--to', 'Not A Name');
});
await check('energy', async () => {
  assert.equal(typeof JSON.parse(await ok('energy', 'balance')).balance, 'string');
});
await check('generate, for every language', async () => {
  for (const [language, files] of [
    ['typescript', ['index.ts', 'message_table.ts', 'send_message_reducer.ts', 'user_type.ts']], ['rust', ['mod.rs', 'message_table.rs', 'user_type.rs']],
    ['csharp', ['SpacetimeDBClient.g.cs', 'Tables', 'Types']],
  ]) {
    const out = path.join(home, language);
    const { all } = await run('generate', '-l', language, '-o', out, '-b', chat, '-y');
    for (const file of files) assert(existsSync(path.join(out, file)), `${language}: ${readdirSync(home)} ${all}`);
  }
  // What a 1.x module says of itself is the same through the definition of either version.
  const out = path.join(home, 'other');
  await ok('generate', '-l', 'typescript', '-o', out, '-b', other, '-y');
  assert(existsSync(path.join(out, 'diary_table.ts')), String(readdirSync(out)));
});
await check('the package of that time, @clockworklabs/spacetimedb-sdk 1.3, with what was generated', async () => {
  const said = await talk(await bindings(path.join(home, 'typescript')), url, name);
  assert.deepEqual(said, ['SDK: one', 'SDK: two', 'the name is empty', 'same identity']);
});
await check('delete', async () => {
  await fails(/No such saved server/, 'delete', name, '-y', '-s', 'nowhere');
  await ok('delete', name, '-y');
  await fails(/No such database/, 'sql', name, 'SELECT * FROM user');
  assert(!(await ok('list')).includes(database));
  // The name is still its owner's.
  assert.match(await ok('publish', name, '-b', chat, '-y'), /Created new database with name/);
  await ok('delete', name, '-y');
});
await check('logout, and login with a token', async () => {
  await ok('logout');
  assert.match(await ok('login', 'show'), /not logged in/);
  await ok('login', '--token', token);
  assert((await ok('login', 'show')).includes(identity));
  await ok('logout');
  await ok('server', 'remove', 'here', '-y');
});
rmSync(home, { recursive: true, force: true });
report.finish();
process.exit();
