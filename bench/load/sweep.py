#!/usr/bin/env python3
"""Throughput and latency against connections and against rows: the data of the plots.

usage: sweep.py [--secs S] [--connections 1,2,4,...] [--rows 10000,...] [--save]
Starts the packaged server (mvn package -Pdist) for each of the two. --save: docs/bench/connections.json and rows.json, from which
bench/plot.py draws. Connections: bumps on v3, 40 in flight on each, and one at a time on each. Rows: a table of so many, filled in
bulk; updates by key, and SQL by key over one HTTP connection."""
import http.client
import json
import random
import sys
import time

import kit


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


if any(a.startswith('-') and a not in ('--secs', '--connections', '--rows', '--save') for a in sys.argv[1:]):
    sys.exit(__doc__)
secs = float(option('--secs', '4'))
connections = [int(x) for x in option('--connections', '1,2,4,8,16,32,64,128,256').split(',') if x]
rows = [int(x) for x in option('--rows', '10000,100000,1000000,10000000').split(',') if x]


def figures(line, server, cpu):
    return {'per_s': line['per_s'], 'p50_ms': line['p50_ms'], 'p99_ms': line['p99_ms'],
            'server_cpu_us': round((server.cpu_seconds() - cpu) / max(1, line['n']) * 1e6, 2)}


def load(server, scenario, *options):
    cpu = server.cpu_seconds()
    # Processor time counts the warming up too: as long again would be half of it.
    line = server.load(scenario, 'load', '--secs', secs, '--warmup', secs / 8, *options)[-1]
    return figures(line, server, cpu)


def sql_by_key(server, count):
    """One request after the other on one connection."""
    connection = http.client.HTTPConnection(server.url.split('//')[1], timeout=60)
    times, end, cpu = [], time.monotonic() + secs, server.cpu_seconds()
    while (start := time.monotonic()) < end:
        connection.request('POST', '/v1/database/load/sql', f'SELECT * FROM item WHERE id = {random.randint(1, count)}',
                           {'Authorization': f'Bearer {server.token}', 'Content-Type': 'text/plain'})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or len(json.loads(body)[0]['rows']) != 1:
            sys.exit(f'SQL by key: {answer.status} {body[:300]}')
        times.append(time.monotonic() - start)
    connection.close()
    times.sort()
    return figures({'per_s': round(len(times) / secs), 'n': len(times), 'p50_ms': round(times[len(times) // 2] * 1e3, 3),
                    'p99_ms': round(times[len(times) * 99 // 100] * 1e3, 3)}, server, cpu)


def show(what, at, found):
    print(f'{what:<28}{at:>12,}{found["per_s"]:>12,.0f}/s   p50 {found["p50_ms"]:>9.3f} ms   p99 {found["p99_ms"]:>9.3f} ms'
          f'   server {found["server_cpu_us"]:>7.2f} us of processor time each', flush=True)


if connections:
    report = {**kit.surroundings(), 'secs': secs, 'points': []}
    server = kit.Server()
    server.publish('load', 'module/loadmod.wasm')
    server.load('bump', 'load', '--proto', 'v3', '--clients', 8, '--inflight', 32, '--secs', secs)
    for count in connections:
        point = {'connections': count}
        for name, inflight in (('pipelined', 40), ('one at a time', 1)):
            point[name] = load(server, 'bump', '--proto', 'v3', '--clients', count, '--inflight', inflight)
            show(name, count, point[name])
        report['points'].append(point)
    report['load_average_after'] = kit.surroundings()['load_average']
    server.close()
    if '--save' in sys.argv:
        kit.save('connections.json', report)
if rows:
    report = {**kit.surroundings(), 'secs': secs, 'points': []}
    server = kit.Server()
    server.publish('load', 'module/loadmod.wasm')
    # Both warm up, or the first point would be about the compiler.
    server.load('bulk', 'load', '--rows', 1000, '--batch', 1000, '--clients', 1, '--inflight', 2)
    server.load('update', 'load', '--proto', 'v3', '--clients', 8, '--inflight', 32, '--rows', 1000, '--secs', 2 * secs)
    for _ in range(3):
        sql_by_key(server, 1000)
    present = 1000
    for count in rows:
        server.load('bulk', 'load', '--rows', count - present, '--batch', 1000, '--clients', 1, '--inflight', 2)
        present = count
        if server.sql('load', 'SELECT COUNT(*) AS n FROM item')[0][0] != count:
            sys.exit(f'the table should have {count} rows')
        point = {'rows': count, 'memory_bytes': server.resident_bytes()}
        point['update by key'] = load(server, 'update', '--proto', 'v3', '--clients', 8, '--inflight', 32, '--rows', count)
        point['sql by key'] = sql_by_key(server, count)
        for name in ('update by key', 'sql by key'):
            show(name, count, point[name])
        report['points'].append(point)
    report['load_average_after'] = kit.surroundings()['load_average']
    server.close()
    if '--save' in sys.argv:
        kit.save('rows.json', report)
