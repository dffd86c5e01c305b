#!/usr/bin/env python3
"""Runs every load scenario once against a server, then checks that what the server holds is what the load must have left behind.

usage: suite.py [URL]      env: SECS, WARMUP, PROTOS, ONLY, REPORT, JVM_OPTIONS, see run.sh
Prints a table; the exit code is 0 if every check succeeded."""
import json
import os
import shutil
import subprocess
import sys
import time

import kit

HERE = kit.HERE
STLOAD = kit.load_generator()
SERVER = kit.server_or_url(sys.argv[1:], *os.environ.get('JVM_OPTIONS', '').split())
URL, TOKEN, sql, publish = SERVER.url, SERVER.token, SERVER.sql, SERVER.publish
SECS = os.environ.get('SECS', '10')
WARMUP = os.environ.get('WARMUP', '2')
PROTOS = os.environ.get('PROTOS', 'v2 v3').split()
ONLY = os.environ.get('ONLY', '')
ACCOUNTS, BALANCE = 100_000, 1_000_000_000
BULK = int(os.environ.get('BULK', '1000000'))

results = []


def count(database, where):
    return sql(database, f'SELECT COUNT(*) AS n FROM {where}')[0][0]


def stload(name, scenario, database, *options, checks=lambda lines: []):
    """Runs one scenario; `checks` gets its lines and yields (what, holds) pairs."""
    if ONLY not in name:
        return
    command = [STLOAD, scenario, URL, database, '--secs', SECS, '--warmup', WARMUP, *map(str, options)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    problems = []
    if run.returncode or not lines:
        problems.append(f'exit code {run.returncode}: {run.stderr.strip()[-300:]}')
    else:
        errors = sum(line['errs'] for line in lines)
        if errors:
            problems.append(f'{errors} calls failed: {run.stderr.strip()[-200:]}')
        if lines[0]['n'] == 0:
            problems.append('nothing was done')
        problems += [f'not so: {what}' for what, holds in checks(lines) if not holds]
    main = lines[-1] if lines else {}
    row(name, main.get('rows_per_s', main.get('per_s')), main.get('p50_ms'), main.get('p99_ms'), problems, lines)


def row(name, rate, p50, p99, problems, lines=()):
    results.append({'scenario': name, 'per_s': rate, 'p50_ms': p50, 'p99_ms': p99, 'problems': problems, 'lines': list(lines)})
    figures = [f'{rate:>12,.0f}' if rate is not None else ' ' * 12] + [f'{x:>10.2f}' if x is not None else ' ' * 10 for x in (p50, p99)]
    print(f'{name:<34}' + ''.join(figures) + ('   ok' if not problems else '   FAILED'), flush=True)
    for problem in problems:
        print(f'    {problem}', flush=True)


def check(name, body):
    if ONLY not in name:
        return
    problems = [f'not so: {what}' for what, holds in body() if not holds]
    row(name, None, None, None, problems)


def exact(scenario, calls):
    """A fixed number of calls, so that what they leave behind is known exactly."""
    stload(f'{scenario}, {calls} calls', scenario, LOAD, '--calls', calls, '--clients', 8, '--inflight', 32,
           checks=lambda lines: [(f'{calls} calls answered', lines[0]['n'] == calls)])


def wrk(name, script, *arguments):
    if ONLY not in name or not shutil.which('wrk'):
        return
    run = subprocess.run(['wrk', '-t1', '-c16', f'-d{SECS}s', '--latency', '-s', os.path.join(HERE, script), URL, '--', *arguments, TOKEN],
                         capture_output=True, text=True)
    text = run.stdout
    rate = next((float(line.split()[1]) for line in text.splitlines() if line.startswith('Requests/sec')), None)
    percentiles = {line.split()[0]: line.split()[1] for line in text.splitlines() if line.strip().startswith(('50%', '99%'))}
    scale = lambda value: float(value[:-2]) / 1000 if value.endswith('us') else float(value[:-2]) if value.endswith('ms') else float(value[:-1]) * 1000
    bad = [line.strip() for line in text.splitlines() if 'Non-2xx' in line or 'status ' in line or 'Socket errors' in line]
    if rate is None:
        bad.append(run.stderr.strip()[-300:] or 'no figures')
    row(name, rate, *(scale(percentiles[p]) if p in percentiles else None for p in ('50%', '99%')), bad)


mark = f'{int(time.time())}-{os.getpid()}'
LOAD, BANK = f'load-{mark}', f'bank-{mark}'
publish(LOAD, 'module/loadmod.wasm')
publish(BANK, 'bank/bank.wasm')
print(f'{"scenario":<34}{"per second":>12}{"p50 ms":>10}{"p99 ms":>10}')

# what a known number of calls leaves behind
exact('insert', 20_000)
exact('bump', 20_000)
exact('transfer', 20_000)


def left_behind():
    yield 'the inserted rows are there', ONLY or count(LOAD, 'item') == 20_000
    counters = [value for _, value in sql(LOAD, 'SELECT * FROM counter')]
    yield 'all 10,000 counters are there', len(counters) == 10_000
    # a transfer takes from one and gives to another, modulo 2^64: what remains is the number of bumps
    yield 'the counters add up', ONLY or sum(counters) % 2 ** 64 == 20_000


check('what they left behind', left_behind)

# the figures
for proto in PROTOS:
    for scenario in ('noop', 'insert', 'bump', 'transfer'):
        stload(f'{scenario} {proto}', scenario, LOAD, '--proto', proto, '--clients', 8, '--inflight', 32)
for confirmed in ('false', 'true'):
    stload(f'one call at a time, confirmed {confirmed}', 'bump', LOAD, '--proto', 'v2', '--clients', 1, '--inflight', 1, '--confirmed', confirmed)


def bank(lines=()):
    accounts = sql(BANK, 'SELECT * FROM account')
    yield f'{ACCOUNTS} accounts', len(accounts) == ACCOUNTS
    yield 'the balances add up', sum(balance for _, balance in accounts) == ACCOUNTS * BALANCE
    yield 'nobody owes', all(balance >= 0 for _, balance in accounts)


SERVER.call(BANK, 'seed', ACCOUNTS, BALANCE)
for alpha in (0, 1.5):
    stload(f'keynote v3, alpha {alpha}', 'keynote', BANK, '--proto', 'v3', '--clients', 64, '--inflight', 40, '--rows', ACCOUNTS, '--alpha', alpha,
           checks=bank)


def delivered(lines):
    got, wanted = lines[1]['n'], lines[1]['expected']
    yield f'every row delivered to everybody: {got} of {wanted}', got == wanted and wanted > 0


for proto in PROTOS:
    for distinct in (False, True):
        stload(f'fan-out {proto}, 100 {"distinct" if distinct else "identical"} queries', 'fanout', LOAD, '--proto', proto, '--subs', 100,
               '--inflight', 16, '--confirmed', 'false', *(['--distinct'] if distinct else []), checks=delivered)
stload('fan-out v2, 100 writes a second', 'fanout', LOAD, '--proto', 'v2', '--subs', 100, '--inflight', 16, '--rate', 100, '--confirmed', 'false',
       checks=delivered)


def loaded(lines):
    yield f'{BULK} rows more', count(LOAD, 'item') == before_bulk + BULK


before_bulk = count(LOAD, 'item')
stload(f'bulk, {BULK} rows', 'bulk', LOAD, '--rows', BULK, '--batch', 1000, '--clients', 1, '--inflight', 2, checks=loaded)

wrk('http call noop', 'call.lua', LOAD, 'noop', '[]')
wrk('http call insert', 'call.lua', LOAD, 'insert_item', '[5,"abc"]')
wrk('http sql by key', 'sql.lua', LOAD, 'SELECT * FROM counter WHERE id = 77')

if os.environ.get('REPORT'):
    with open(os.environ['REPORT'], 'w') as file:
        json.dump(results, file, indent=2)
failed = [result['scenario'] for result in results if result['problems']]
print('all checks succeeded' if not failed else f'failed: {", ".join(failed)}')
sys.exit(1 if failed else 0)
