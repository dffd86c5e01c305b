// A chat client for the terminal, on the published npm package.
//   npm start -- --name Ann                     chat: every line of standard input is a message
//   npm start -- --name Ann "Hello" "Anybody?"  say that and leave
//   options: --url http://localhost:3000 --db chat --token-file FILE (keeps the identity from run to run)
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Identity } from 'spacetimedb';
import { DbConnection, tables, type Message, type User } from './bindings.js';

const { values: options, positionals: texts } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'http://localhost:3000' },
    db: { type: 'string', default: 'chat' },
    name: { type: 'string' },
    'token-file': { type: 'string' },
  },
});

function storedToken(): string | undefined {
  try {
    return options['token-file'] ? readFileSync(options['token-file'], 'utf8') : undefined;
  } catch {
    return undefined; // the first run makes the file
  }
}

const say = (line: string) => console.log(line);
const fail = (line: string): never => {
  console.error(line);
  process.exit(1);
};

const nameOf = (user: User | null | undefined, identity: Identity) => user?.name ?? `guest ${identity.toHexString().slice(-6)}`;

function print(connection: DbConnection, message: Message): void {
  const time = message.sent.toDate().toLocaleTimeString();
  say(`${time}  ${nameOf(connection.db.user.identity.find(message.sender), message.sender)}: ${message.text}`);
}

/** Prints what is there, then what changes. */
function follow(connection: DbConnection): void {
  const here = [...connection.db.user.iter()].filter((user) => user.online);
  say(`online: ${here.map((user) => nameOf(user, user.identity)).join(', ')}`);
  const talk = [...connection.db.message.iter()];
  talk.sort((a, b) => Number(a.sent.microsSinceUnixEpoch - b.sent.microsSinceUnixEpoch));
  for (const message of talk.slice(-20)) print(connection, message);

  // The rows of the subscription itself come as inserts too, after onApplied: what is known is not news.
  const known = new Set<string>();
  const isNews = (key: string) => !known.has(key) && known.add(key) !== undefined;
  for (const user of connection.db.user.iter()) known.add(user.identity.toHexString());
  for (const message of talk) known.add(`${message.id}`);
  connection.db.message.onInsert((_, message) => {
    if (isNews(`${message.id}`)) print(connection, message);
  });
  connection.db.user.onInsert((_, user) => {
    if (isNews(user.identity.toHexString())) say(`* ${nameOf(user, user.identity)} is new here`);
  });
  connection.db.user.onUpdate((_, old, user) => {
    const [before, now] = [nameOf(old, user.identity), nameOf(user, user.identity)];
    if (before !== now) say(`* ${before} is now called ${now}`);
    if (old.online !== user.online) say(`* ${now} ${user.online ? 'came' : 'left'}`);
  });
}

/** Says what the arguments or the lines of standard input say; a refused call is reported and the chat goes on. */
async function talk(connection: DbConnection): Promise<void> {
  let refused = 0;
  const attempt = async (call: Promise<void>) => {
    try {
      await call;
    } catch (error) {
      refused++;
      console.error(`! ${(error as Error).message}`);
    }
  };
  if (options.name !== undefined) await attempt(connection.reducers.setName({ name: options.name }));
  if (texts.length > 0) {
    for (const text of texts) await attempt(connection.reducers.sendMessage({ text }));
  } else {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.trim()) await attempt(connection.reducers.sendMessage({ text: line }));
    }
  }
  leaving = true;
  connection.disconnect();
  process.exitCode = refused && texts.length > 0 ? 1 : 0;
}

let leaving = false;

DbConnection.builder()
  .withUri(options.url)
  .withDatabaseName(options.db)
  .withToken(storedToken())
  .onConnect((connection, identity, token) => {
    say(`connected as ${identity.toHexString()}`);
    if (options['token-file']) writeFileSync(options['token-file'], token, { mode: 0o600 });
    connection
      .subscriptionBuilder()
      .onApplied(() => {
        follow(connection);
        talk(connection).catch((error) => fail(String(error)));
      })
      .onError(({ event: error }) => fail(`cannot follow ${options.db}: ${error?.message}`))
      .subscribe([tables.user, tables.message]);
  })
  .onConnectError((_, error) => fail(`cannot connect to ${options.url}, database ${options.db}: ${error.message || 'is it published?'}`))
  .onDisconnect((_, error) => {
    if (!leaving) fail(`the connection was lost${error ? `: ${error.message}` : ''}`);
  })
  .build();
