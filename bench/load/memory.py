#!/usr/bin/env python3
"""What everything that is no row costs in memory: a database, its module, a connection, a subscription; and 10,000 connections that
each watch their own key, with 1,000 writes a second.

usage: memory.py [--connections N] [--databases N] [--secs S] [--save]
Starts the packaged server (mvn package -Pdist) with a heap that is resident from the beginning: what the process gains beyond
it is native memory. The heap is what is left after a collection of everything; the classes that grew most are named for connections.
JVM_OPTIONS: further ones for the server. --save: docs/bench/memory.json."""
import json
import os
import re
import subprocess
import sys
import time

import kit

HEAP_MIB = 1024


def option(name, default):
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


if any(a.startswith('-') and a not in ('--connections', '--databases', '--secs', '--save') for a in sys.argv[1:]):
    sys.exit(__doc__)
connections, databases, secs = option('--connections', 10_000), option('--databases', 20), option('--secs', 20)
report = {**kit.surroundings(), 'heap_mib': HEAP_MIB, 'costs': [], 'watch': None}
server = kit.Server(f'-Xms{HEAP_MIB}m', f'-Xmx{HEAP_MIB}m', '-XX:+AlwaysPreTouch', *os.environ.get('JVM_OPTIONS', '').split())


def measure():
    heap = server.heap_used_bytes()
    return heap, server.resident_bytes() - (HEAP_MIB << 20)


def cost(what, count, before, after):
    heap, native = ((b - a) / count / 1024 for a, b in zip(before, after))
    report['costs'].append({'what': what, 'count': count, 'heap_kib': round(heap, 1), 'native_kib': round(native, 1)})
    print(f'{what:<44}{count:>7}{heap:>12,.1f} KiB heap{native:>12,.1f} KiB native', flush=True)


def classes():
    """Bytes of each class."""
    lines = re.findall(r'^ *\d+: +\d+ +(\d+) +(\S+)', server.jcmd('GC.class_histogram'), re.M)
    return {name: int(held) for held, name in lines}


def own_section(number):
    """A custom section that makes a module another one."""
    payload = b'\x04note' + number.to_bytes(4, 'little')
    return b'\x00' + bytes([len(payload)]) + payload


with open(f'{kit.HERE}/bank/bank.wasm', 'rb') as file:
    bank = file.read()
server.publish('warm', bank)
time.sleep(2)
present = measure()
cost('server with one database', 1, (0, 0), present)
for what, program in (('database of a program that others have', lambda i: bank),
                      ('database of a program of its own', lambda i: bank + own_section(i))):
    before = present
    for i in range(databases):
        server.publish(f'{"same" if program(i) is bank else "other"}-{i}', program(i))
    time.sleep(2)
    present = measure()
    cost(what, databases, before, present)

server.publish('load', 'module/loadmod.wasm')
time.sleep(2)
before, classes_before = measure(), classes()
command = [kit.load_generator(), 'watch', server.url, 'load', '--proto', 'v2', '--subs', str(connections), '--rate', '1000',
           '--secs', str(secs), '--pause', '25', '--confirmed', 'false']
load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
lines = []
for text in load.stdout:
    line = json.loads(text)
    lines.append(line)
    if 'phase' in line:
        time.sleep(3)
        after = measure()
        cost({'connected': 'connection (v2), with a row of its module', 'subscribed': 'subscription to a key'}[line['phase']],
             connections, before, after)
        before = after
        if line['phase'] == 'connected':
            now = classes()
            grown = sorted(((now[c] - classes_before.get(c, 0), c) for c in now), reverse=True)[:15]
            report['connection_classes'] = {c: round(grew / connections) for grew, c in grown}
            for c, grew in report['connection_classes'].items():
                print(f'    {grew:>7,} bytes  {c}')
if load.wait():
    sys.exit(f'{" ".join(command)}: exit code {load.returncode}')
delivered = lines[-1]
problems = [] if delivered['n'] == delivered['expected'] and not delivered['errs'] else [f'not everything arrived: {delivered}']
report['watch'] = {'connections': connections, 'writes_per_s': lines[-2]['per_s'], 'p50_ms': delivered['p50_ms'],
                   'p99_ms': delivered['p99_ms'], 'max_ms': delivered['max_ms'], 'problems': problems}
print(f'{connections} connections that watch a key each, {lines[-2]["per_s"]:.0f} writes/s: p50 {delivered["p50_ms"]} ms, '
      f'p99 {delivered["p99_ms"]} ms, longest {delivered["max_ms"]} ms {"; ".join(problems) or "ok"}')
if '--save' in sys.argv:
    kit.save('memory.json', report)
sys.exit(1 if problems else 0)
