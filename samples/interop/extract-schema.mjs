// Prints the definition of a module, as the command line tool's `generate` asks for it: publishes the module, and asks the server.
// usage: node extract-schema.mjs URL extract-schema FILE
import { readFileSync } from 'node:fs';

const [url, , file] = process.argv.slice(2);

async function json(route, init) {
  const answer = await fetch(`${url}/v1/${route}`, init);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

const { token } = await json('identity', { method: 'POST' });
const headers = { Authorization: `Bearer ${token}` };
const { Success: { database_identity: database } } = await json('database', { method: 'POST', headers, body: readFileSync(file) });
const definition = await json(`database/${database}/schema?version=9`, { headers });
await fetch(`${url}/v1/database/${database}`, { method: 'DELETE', headers });
console.log(JSON.stringify({ V9: definition }));
