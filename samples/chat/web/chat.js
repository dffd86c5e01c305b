// The page of the chat sample: the v1.json.spacetimedb protocol by hand, without any library.
// ?db=NAME chooses another database than `chat`.

const database = new URLSearchParams(location.search).get('db') ?? 'chat';
const api = `/v1/database/${encodeURIComponent(database)}`;
const byId = (id) => document.getElementById(id);

// ---- state ----

/** A token per tab, so that two tabs are two users. */
let token = sessionStorage.getItem('chat.token');
let identity = null;
let connection = null;
let socket = null;
let attempts = 0;
let retryTimer = 0;
let nextRequest = 1;
/** Calls that were not answered yet: request id to what to do with the answer. */
const calls = new Map();
const users = new Map();
const messages = new Map();

// ---- HTTP ----

async function freshToken() {
  const answer = await fetch('/v1/identity', { method: 'POST' });
  if (!answer.ok) throw new Error(`no identity: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).token;
}

const bearer = (value) => ({ Authorization: `Bearer ${value}` });

/** Makes sure of a token that the server takes, and of the database; null if the database does not exist. */
async function socketToken() {
  token ??= await freshToken();
  let answer = await fetch('/v1/identity/websocket-token', { method: 'POST', headers: bearer(token) });
  if (answer.status === 401) {
    token = await freshToken();
    answer = await fetch('/v1/identity/websocket-token', { method: 'POST', headers: bearer(token) });
  }
  if (!answer.ok) throw new Error(`the server refused the token: ${answer.status}`);
  sessionStorage.setItem('chat.token', token);
  const known = await fetch(api, { headers: bearer(token) });
  if (known.status === 404) return null;
  if (!known.ok) throw new Error(`${known.status} ${await known.text()}`);
  return (await answer.json()).token;
}

async function publish() {
  // The database belongs to whoever publishes it: that token outlives the tab.
  const owner = localStorage.getItem('chat.owner') ?? await freshToken();
  localStorage.setItem('chat.owner', owner);
  const wasm = await fetch('chat.wasm');
  if (!wasm.ok) throw new Error(`chat.wasm: ${wasm.status}`);
  const answer = await fetch(api, {
    method: 'PUT',
    headers: { ...bearer(owner), 'Content-Type': 'application/wasm' },
    body: await wasm.arrayBuffer(),
  });
  if (answer.status === 401) localStorage.removeItem('chat.owner');
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

// ---- connection ----

async function connect() {
  clearTimeout(retryTimer);
  if (socket) return;
  setStatus('waiting', attempts ? 'Reconnecting' : 'Connecting');
  let short;
  try {
    short = await socketToken();
  } catch (problem) {
    return retry(problem.message);
  }
  if (socket) return;
  if (short === null) return offerPublishing();
  const url = new URL(`${api}/subscribe`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.searchParams.set('token', short);
  const opened = new WebSocket(url, 'v1.json.spacetimedb');
  socket = opened;
  opened.onmessage = (event) => {
    if (socket === opened) receive(JSON.parse(event.data));
  };
  opened.onclose = (event) => {
    if (socket !== opened) return;
    socket = null;
    for (const failed of calls.values()) failed('the connection was lost');
    calls.clear();
    retry(event.reason);
  };
}

function retry(reason) {
  const wait = Math.min(10_000, 500 * 2 ** attempts++) * (0.75 + Math.random() / 2);
  setStatus('closed', reason ? `Offline: ${reason}` : 'Offline');
  retryTimer = setTimeout(connect, wait);
}

function retryNow() {
  if (socket || byId('notice').hidden === false) return;
  attempts = 0;
  connect();
}

function send(kind, fields) {
  socket.send(JSON.stringify({ [kind]: fields }));
}

/** Calls a reducer; resolves when it is committed, throws its error. */
function call(reducer, ...args) {
  return new Promise((resolve, reject) => {
    if (socket?.readyState !== WebSocket.OPEN) return reject(new Error('not connected'));
    const request = nextRequest++;
    calls.set(request, (problem) => (problem === undefined ? resolve() : reject(new Error(problem))));
    send('CallReducer', { reducer, args: JSON.stringify(args), request_id: request, flags: 0 });
  });
}

function receive(message) {
  const [kind, body] = Object.entries(message)[0];
  switch (kind) {
    case 'IdentityToken':
      identity = body.identity.__identity__;
      connection = body.connection_id.__connection_id__;
      send('SubscribeMulti', {
        query_strings: ['SELECT * FROM user', 'SELECT * FROM message'],
        request_id: nextRequest++,
        query_id: { id: 1 },
      });
      break;
    case 'SubscribeMultiApplied':
      users.clear();
      messages.clear();
      apply(body.update);
      attempts = 0;
      setStatus('open', 'Online');
      break;
    case 'TransactionUpdate': {
      const committed = body.status.Committed;
      if (committed) apply(committed);
      if (body.caller_identity.__identity__ === identity && body.caller_connection_id.__connection_id__ === connection) {
        // A call that could not even start is answered with request id 0.
        const request = body.reducer_call.request_id || calls.keys().next().value;
        const problem = committed ? undefined : body.status.Failed ?? 'the module ran out of energy';
        calls.get(request)?.(problem);
        calls.delete(request);
      }
      break;
    }
    case 'TransactionUpdateLight':
      apply(body.update);
      break;
    case 'SubscriptionError':
      showNotice('This is not the chat', `The database ${database} cannot be followed: ${body.error}`);
      break;
  }
}

// ---- rows ----

// A row comes as an object by column name or as an array by position; so do the values inside it.
const field = (value, name) => (Array.isArray(value) ? value[0] : value[name]);
const optional = (value) => (Array.isArray(value) ? (value[0] === 0 ? value[1] : null) : value?.some ?? null);
const columns = (text, ...names) => {
  const row = JSON.parse(text);
  return Array.isArray(row) ? row : names.map((name) => row[name]);
};

const tables = {
  user: {
    rows: users,
    read(text) {
      const [who, name, online] = columns(text, 'identity', 'name', 'online');
      return { key: field(who, '__identity__'), name: optional(name), online };
    },
  },
  message: {
    rows: messages,
    read(text) {
      const [id, sender, sent, said] = columns(text, 'id', 'sender', 'sent', 'text');
      const micros = field(sent, '__timestamp_micros_since_unix_epoch__');
      return { key: id, sender: field(sender, '__identity__'), sent: new Date(micros / 1000), text: said };
    },
  },
};

function apply(update) {
  for (const { table_name: name, updates } of update.tables) {
    const table = tables[name];
    if (!table) continue;
    for (const { deletes } of updates) for (const row of deletes) table.rows.delete(table.read(row).key);
    for (const { inserts } of updates) {
      for (const row of inserts) {
        const value = table.read(row);
        table.rows.set(value.key, value);
      }
    }
  }
  show();
}

// ---- page ----

const nameOf = (who) => users.get(who)?.name ?? `guest ${who.slice(-6)}`;

function setStatus(state, text) {
  const status = byId('status');
  status.dataset.state = state;
  status.textContent = text;
  for (const part of document.querySelectorAll('form input, form button')) part.disabled = state !== 'open';
  if (state === 'open') hideNotice();
}

function element(tag, text, className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show() {
  const sorted = [...users.values()].sort((a, b) => nameOf(a.key).localeCompare(nameOf(b.key)));
  for (const [list, online] of [['online', true], ['offline', false]]) {
    const items = sorted.filter((user) => user.online === online);
    byId(`${list}-count`).textContent = items.length;
    byId(list).replaceChildren(...items.map((user) => element('li', nameOf(user.key) + (user.key === identity ? ' (you)' : ''))));
  }

  const name = byId('name');
  if (document.activeElement !== name) name.value = users.get(identity)?.name ?? '';

  const list = byId('messages');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const talk = [...messages.values()].sort((a, b) => a.sent - b.sent || a.key - b.key);
  list.replaceChildren(...talk.map((message, i) => {
    const before = talk[i - 1];
    const first = !before || before.sender !== message.sender || message.sent - before.sent > 300_000;
    const item = element('li', '', (first ? 'first ' : '') + (message.sender === identity ? 'mine' : ''));
    const who = element('p', '', 'who');
    who.append(element('b', nameOf(message.sender)), ` ${message.sent.toLocaleTimeString([], { timeStyle: 'short' })}`);
    const said = element('span', message.text, 'said');
    said.title = message.sent.toLocaleString();
    item.append(who, said);
    return item;
  }));
  if (!talk.length) list.append(element('li', 'Nobody has said anything yet.', 'empty'));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function showNotice(title, text, button = false) {
  byId('notice').hidden = false;
  byId('notice-title').textContent = title;
  byId('notice-text').textContent = text;
  byId('notice-error').textContent = '';
  byId('publish').hidden = !button;
}

function hideNotice() {
  byId('notice').hidden = true;
}

function offerPublishing() {
  setStatus('closed', 'No database');
  showNotice('The chat is not there yet',
    `This server has no database called ${database}. Publish the module of the chat to make one; the browser keeps the owner's token.`,
    true);
}

byId('publish').onclick = async ({ target }) => {
  target.disabled = true;
  byId('notice-error').textContent = '';
  try {
    await publish();
    attempts = 0;
    await connect();
  } catch (problem) {
    byId('notice-error').textContent = `Publishing failed: ${problem.message}`;
  } finally {
    target.disabled = false;
  }
};

byId('name-form').onsubmit = async (event) => {
  event.preventDefault();
  try {
    await call('set_name', byId('name').value);
    byId('error').textContent = '';
    byId('text').focus();
  } catch (problem) {
    byId('error').textContent = problem.message;
  }
};

byId('send-form').onsubmit = async (event) => {
  event.preventDefault();
  const input = byId('text');
  const text = input.value;
  if (!text.trim()) return;
  try {
    input.value = '';
    byId('messages').scrollTop = byId('messages').scrollHeight;
    await call('send_message', text);
    byId('error').textContent = '';
  } catch (problem) {
    if (!input.value) input.value = text;
    byId('error').textContent = problem.message;
  }
};

addEventListener('online', retryNow);
addEventListener('visibilitychange', () => {
  if (!document.hidden) retryNow();
});
connect();
