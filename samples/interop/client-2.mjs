// The packages 2.x behind the interface that `scenario.mjs` drives.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bindings2 } from './bindings.mjs';
import { within } from './report.mjs';

// Packages 2.0 and 2.1 use what Node has from version 22 on.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new this((accept, refuse) => { [resolve, reject] = [accept, refuse]; });
  return { promise, resolve, reject };
};

/** The package that package.json calls `spacetimedb-<version>`. */
export async function client(version) {
  const name = `spacetimedb-${version}`;
  const sdk = await import(name);
  const { version: exact } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'node_modules', name, 'package.json')));
  return {
    package: `spacetimedb ${exact}`,
    sdk,
    foreignEvent: () => 'Transaction',
    sqlEvent: 'Transaction',

    connect({ url, database, module, token, configure = (builder) => builder, onDisconnect = () => {} }) {
      return within(new Promise((resolve, reject) => {
        const builder = bindings2(sdk, module).builder().withUri(url).withDatabaseName(database).withToken(token)
          .onConnect((connection, identity, given) => resolve({ connection, identity, token: given }))
          .onConnectError((_, error) => reject(error))
          .onDisconnect((_, error) => onDisconnect(error));
        configure(builder).build();
      }), 'the connection');
    },

    call(connection, reducer, params = {}) {
      return within(connection.reducers[reducer](params), `the result of ${reducer}`);
    },

    callRaw(connection, reducer, bytes) {
      return within(connection.callReducer(reducer, bytes), `the result of ${reducer}`);
    },
  };
}
