// Package @clockworklabs/spacetimedb-sdk 1.3 with the bindings that the command line tool of that time writes for the chat module.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'undici';
import ts from 'typescript';
import { until, within } from './report.mjs';

/** Compiles the generated files where they are, and loads them. */
export async function bindings(directory) {
  const sdk = pathToFileURL(createRequire(import.meta.url).resolve('spacetimedb-1.3')).href;
  for (const file of readdirSync(directory)) {
    const { outputText } = ts.transpileModule(readFileSync(path.join(directory, file), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const text = outputText.replaceAll('"@clockworklabs/spacetimedb-sdk"', JSON.stringify(sdk)).replace(/(from ".\/[a-z_]+)\.ts"/g, '$1.mjs"');
    writeFileSync(path.join(directory, file.replace(/ts$/, 'mjs')), text);
  }
  return import(pathToFileURL(path.join(directory, 'index.mjs')).href);
}

/** Two clients talk; resolves to what the second one saw, and how it went on. */
export async function talk({ DbConnection }, url, database) {
  globalThis.WebSocket = WebSocket;
  const log = console.log;
  console.log = console.warn = console.error; // the package reports there; standard output is for the report
  const open = (token) => within(new Promise((resolve, reject) => {
    DbConnection.builder().withUri(url).withModuleName(database).withToken(token)
      .onConnect((connection, identity, given) => resolve({ connection, identity, token: given }))
      .onConnectError((_, error) => reject(error))
      .build();
  }), 'the connection');
  const outcome = (client, register, call) => within(new Promise((resolve) => {
    client.connection.reducers[register](({ event }) => {
      if (event.callerIdentity.isEqual(client.identity)) resolve(event.status.tag === 'Failed' ? event.status.value : event.status.tag);
    });
    call(client.connection.reducers);
  }), 'the result');
  const [ann, bob] = [await open(), await open()];
  assert.equal(await outcome(ann, 'onSetName', (reducers) => reducers.setName('SDK')), 'Committed');
  const said = [];
  bob.connection.db.message.onInsert((context, row) => {
    if (row.sender.isEqual(ann.identity)) said.push(`${bob.connection.db.user.identity.find(row.sender).name}: ${row.text}`);
  });
  await within(new Promise((resolve, reject) => {
    bob.connection.subscriptionBuilder().onApplied(resolve).onError(({ event }) => reject(event)).subscribe(['SELECT * FROM user', 'SELECT * FROM message']);
  }), 'the subscription');
  for (const text of ['one', 'two']) ann.connection.reducers.sendMessage(text);
  await until(() => said.length === 2, 'two messages');
  said.push(await outcome(bob, 'onSetName', (reducers) => reducers.setName('')));
  const again = await open(ann.token);
  said.push(again.identity.isEqual(ann.identity) ? 'same identity' : 'another identity');
  for (const { connection } of [ann, bob, again]) connection.disconnect();
  console.log = log;
  return said;
}
