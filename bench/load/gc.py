#!/usr/bin/env python3
"""Garbage collectors compared: calls a second, processor time of the server for each call, pauses.

usage: gc.py [--secs S] [--rounds N] [--heap MIB] [--save]
The keynote load (bank.transfer on v3, 64 connections x 40) against the packaged server with one collector after the other, and
round after round, because machines have good and bad minutes. --save: docs/bench/gc.json."""
import os
import re
import statistics
import sys

import kit

COLLECTORS = {
    'G1': ['-XX:+UseG1GC'],
    'Parallel': ['-XX:+UseParallelGC'],
    'Serial': ['-XX:+UseSerialGC'],
    'ZGC': ['-XX:+UseZGC'],
}
ACCOUNTS, BALANCE = 100_000, 1_000_000_000


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


if any(a.startswith('-') and a not in ('--secs', '--rounds', '--heap', '--save') for a in sys.argv[1:]):
    sys.exit(__doc__)
secs, rounds, heap = float(option('--secs', '10')), int(option('--rounds', '2')), option('--heap', '1024')
report = {**kit.surroundings(), 'secs': secs, 'heap_mib': int(heap), 'runs': []}
for turn in range(rounds):
    for name, options in COLLECTORS.items():
        server = kit.Server(*options, f'-Xmx{heap}m', '-Xlog:gc,safepoint:file=gc.log:uptimenanos')
        server.publish('bank', 'bank/bank.wasm')
        server.call('bank', 'seed', ACCOUNTS, BALANCE)
        common = ('--proto', 'v3', '--clients', 64, '--inflight', 40, '--rows', ACCOUNTS)
        server.load('keynote', 'bank', *common, '--secs', secs, '--warmup', 1)
        path = next(os.path.join(d, 'gc.log') for d, _, files in os.walk(server.work) if 'gc.log' in files)
        begin, cpu = os.path.getsize(path), server.cpu_seconds()
        line = server.load('keynote', 'bank', *common, '--secs', secs, '--warmup', 0)[-1]
        cpu = server.cpu_seconds() - cpu
        with open(path) as file:
            file.seek(begin)
            log = file.read()
        # Every stop of all threads, whatever it was for.
        stops = sorted(int(n) / 1e6 for n in re.findall(r'Total:\s+(\d+) ns', log))
        run = {'collector': name, 'round': turn, 'per_s': line['per_s'], 'p50_ms': line['p50_ms'], 'p99_ms': line['p99_ms'],
               'cpu_us': round(cpu / line['n'] * 1e6, 2), 'stops': len(stops), 'stopped_ms': round(sum(stops), 1),
               'stop_p50_ms': round(statistics.median(stops), 2) if stops else 0, 'stop_max_ms': round(stops[-1], 2) if stops else 0,
               'resident_mib': server.resident_bytes() >> 20}
        server.close()
        report['runs'].append(run)
        print('  '.join(f'{k} {v}' for k, v in run.items()), flush=True)
if '--save' in sys.argv:
    kit.save('gc.json', report)
