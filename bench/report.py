#!/usr/bin/env python3
"""One report of all benchmarks: machine, versions, figures beside the cost model's budget, and what moved since the last report.

usage: bench/run.sh --report [options]
  --quick          fewer and shorter measurements: some minutes
  --full           tables of 10^4 to 10^7 rows, more iterations, longer loads: about an hour
  --only PATTERN   JMH benchmarks whose name has the pattern, and no load kit
  --no-load        no load kit (it needs the packaged server: mvn package -Pdist -DskipTests)
  --url URL        load kit against this running server instead of the packaged one
  --save           the report becomes docs/bench/last.json and docs/bench/report.md, what later ones are compared with
Writes bench/target/report.json and bench/target/report.md and prints the latter."""
import datetime
import json
import os
import platform
import re
import resource
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAST = os.path.join(TOP, 'docs', 'bench', 'last.json')
OUT = os.path.join(TOP, 'bench', 'target')
BUSY = 0.05  # of the machine, used by others
KIT_NOISE = 0.10  # the load kit's figures differ by that much from run to run on a quiet machine

# One row per line of the report: line of the cost model, budget in ns (None: none of its own), benchmark, parameters, what it is.
# Parameters that are missing take part with each of their values.
ROWS = [
    ('decode', 500, 'DecodeBench.call', 'a reducer call, {version}'),
    ('queue to answer', 5000, 'ReducerCallBench.call', '{reducer}, 256 in flight: queue, guest, commit, record, answer'),
    ('guest and host calls', 1000, 'GuestBench.guestCall', 'noop: into the guest and back'),
    ('guest and host calls', None, 'GuestBench.hostCall', 'one host call: {hostCall}'),
    ('row store', 1000, 'StoreBench.readRandomRow', 'read a row, {store}, {rows} rows'),
    ('row store', 1000, 'StoreBench.replaceRandomRow', 'replace a row, {store}, {rows} rows'),
    ('row store', None, 'StoreBench.scan', 'step of a scan, {store}, {rows} rows'),
    ('index', 1000, 'IndexBench.seek', 'rows of a key, {algorithm}, {rows} rows'),
    ('index', 1000, 'IndexBench.findByRow', 'is this key there, {algorithm}, {rows} rows'),
    ('index', 2000, 'IndexBench.removeAndInsert', 'a row out and in again, {algorithm}, {rows} rows'),
    ('index', None, 'IndexBench.scanHundred', 'a hundred rows, {algorithm}, {rows} rows'),
    ('commit and log record', 1000, 'TransactionBench.empty', 'begin and commit of nothing, {store}'),
    ('commit and log record', 1000, 'TransactionBench.recordOfUpdate', 'record of an updated row, {store}'),
    ('row store, commit, record', 3000, 'TransactionBench.insert', 'a row inserted, {store}'),
    ('row store, commit, record', 3000, 'TransactionBench.updateByKey', 'a row updated, {store}'),
    ('row store, commit, record', None, 'TransactionBench.findByKey', 'a row found and rolled back, {store}'),
    ('log', 1000, 'LogBench.appendMany', 'a record of many, until durable, on {storage}'),
    ('log', None, 'LogBench.appendOne', 'a record alone, until durable, on {storage}'),
    ('evaluation', 500, 'SubscriberBench.evaluate', '{subscribers} subscribers, {watch}'),
    ('encode', 500, 'EncodeBench.answers', 'answer to a call, {version}'),
    ('encode', 500, 'EncodeBench.updates', 'update of one client, {version}'),
    ('encode', 500, 'EncodeBench.sharedUpdates', 'update of many clients, {version}'),
]
MODES = {
    'quick': (['-wi', '2', '-w', '300ms', '-i', '3', '-r', '300ms'],
              {'rows': '1000000', 'store': 'chronicle', 'subscribers': '1,100', 'watch': 'keys,same,joins', 'version': 'V2,V3'}, '2'),
    'usual': (['-wi', '2', '-w', '600ms', '-i', '4', '-r', '500ms'],
              {'rows': '10000,1000000', 'store': 'chronicle', 'subscribers': '0,100', 'watch': 'keys,same,joins'}, '4'),
    'full': (['-wi', '5', '-w', '2', '-i', '5', '-r', '2'], {'rows': '10000,100000,1000000,10000000'}, '10'),
}
# Load kit: the reference server on a machine of the same kind, and what this one is to reach: (reference, goal, unit in 1/s).
REFERENCE = {
    'noop v2': (123e3, 123e3), 'insert v2': (86e3, 86e3), 'bump v2': (84e3, 84e3), 'transfer v2': (81e3, 81e3),
    'noop v3': (171e3, 171e3), 'insert v3': (114e3, 114e3), 'bump v3': (122e3, 122e3), 'transfer v3': (109e3, 109e3),
    'keynote v3, alpha 0': (181e3, 181e3), 'keynote v3, alpha 1.5': (181e3, 181e3),
    'fan-out v2, 100 identical queries': (505e3, 600e3), 'fan-out v2, 100 distinct queries': (350e3, 400e3),
    'fan-out v3, 100 identical queries': (663e3, 700e3), 'fan-out v3, 100 distinct queries': (408e3, 450e3),
    'bulk, 1000000 rows': (0.93e6, 1e6), 'http call noop': (11.9e3, 20e3), 'http call insert': (11.9e3, 20e3),
    'http sql by key': (8.5e3, 15e3),
}


def text(command, default='unknown'):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=TOP, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return default


def load_average():
    return [round(x, 2) for x in os.getloadavg()]


def busy_ticks():
    """Seconds of all processors in use since the machine started; what the host took away counts too."""
    with open('/proc/stat') as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf('SC_CLK_TCK')


def own_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def machine(java):
    with open('/proc/cpuinfo') as file:
        model = next((line.split(':')[1].strip() for line in file if line.startswith('model name')), platform.machine())
    with open('/proc/meminfo') as file:
        memory = int(file.readline().split()[1]) // 1024
    version = subprocess.run([java, '-version'], capture_output=True, text=True).stderr.splitlines()
    return {
        'cpu': model, 'cores': os.cpu_count(), 'memory_mib': memory, 'kernel': f'{platform.system()} {platform.release()}',
        'jdk': version[1] if len(version) > 1 else 'unknown', 'revision': text(['git', 'rev-parse', '--short', 'HEAD'])
        + (' and changes' if text(['git', 'status', '--porcelain']) not in ('', 'unknown') else ''),
    }


def run_jmh(command, mode, only):
    options, parameters, _ = MODES[mode]
    file = os.path.join(OUT, 'jmh.json')
    patterns = sorted({rf'\.{re.escape(row[2])}$' for row in ROWS if not only or only in row[2]})
    if not patterns:
        sys.exit(f'no benchmark has {only} in its name')
    arguments = [*command, *options, '-rf', 'json', '-rff', file, '-foe', 'true']
    for name, values in parameters.items():
        arguments += ['-p', f'{name}={values}']
    print('JMH: ' + ' '.join(arguments[arguments.index('org.openjdk.jmh.Main'):] + patterns), file=sys.stderr, flush=True)
    with open(os.path.join(OUT, 'jmh.log'), 'w') as log:
        process = subprocess.Popen([*arguments, *patterns], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in process.stdout:
            log.write(line)
            if line.startswith(('# Benchmark:', '# Parameters:', '# Run progress')):
                print('  ' + line[2:].rstrip(), file=sys.stderr, flush=True)
    if process.wait():
        sys.exit(f'JMH failed: see {log.name}')
    figures = {}
    with open(file) as results:
        for result in json.load(results):
            name = '.'.join(result['benchmark'].split('.')[-2:])
            key = ' '.join([name, *(f'{k}={v}' for k, v in sorted(result.get('params', {}).items()))])
            primary = result['primaryMetric']
            raw = [x for fork in primary['rawData'] for x in fork]
            cpu = next((m for n, m in result['secondaryMetrics'].items() if n.endswith('cpu')), None)
            figures[key] = {
                'benchmark': name, 'params': result.get('params', {}), 'ns': primary['score'], 'low': min(raw), 'high': max(raw),
                'cpu_ns': cpu['score'] if cpu else None,
                'cpu_low': min(x for fork in cpu['rawData'] for x in fork) if cpu else None,
                'cpu_high': max(x for fork in cpu['rawData'] for x in fork) if cpu else None,
            }
    return figures


def run_kit(mode, url):
    file = os.path.join(OUT, 'load.json')
    if os.path.exists(file):
        os.remove(file)
    environment = {**os.environ, 'REPORT': file, 'SECS': MODES[mode][2]}
    if mode == 'quick':
        environment.update(WARMUP='1', BULK='200000')
    print('load kit', file=sys.stderr, flush=True)
    kit = subprocess.run([os.path.join(TOP, 'bench', 'load', 'run.sh'), *([url] if url else [])], env=environment, stdout=sys.stderr)
    if not os.path.exists(file):
        sys.exit(f'the load kit failed: exit code {kit.returncode}')
    with open(file) as results:
        return json.load(results)


def moved(new, old, low, high):
    """Ratio to the last report, and a mark if the ranges of all iterations do not touch and it is more than 5 %."""
    if not old or not old.get(low):
        return ''
    middle = low.replace('low', 'ns') if low != 'low' else 'ns'
    ratio = new[middle] / old[middle]
    apart = new[low] > old[high] or new[high] < old[low]
    return f'{ratio:.2f}' + (' **slower**' if ratio > 1.05 and apart else ' **faster**' if ratio < 0.95 and apart else '')


def number(x, digits=0):
    return '' if x is None else f'{x:,.{digits if x < 100 else 0}f}'


def markdown(report, last):
    m, lines = report['machine'], []
    lines.append(f'# Benchmarks of {report["date"]}, revision {m["revision"]}\n')
    lines.append('Made by `bench/run.sh --report' + (f' --{report["mode"]}' if report['mode'] != 'usual' else '') + '`.\n')
    lines.append(f'{m["cpu"]}, {m["cores"]} cores, {m["memory_mib"]:,} MiB, {m["kernel"]}, {m["jdk"]}. '
                 f'Load average {report["load_before"]} before and {report["load_after"]} after; '
                 f'others used {report["others"]:.0%} of the machine meanwhile.\n')
    if report['busy']:
        lines.append('**The machine was busy with other work**: times on the clock say little, processor time somewhat more, since '
                     'caches and processors are shared.\n')
    if last:
        lines.append(f'Compared with the report of {last["date"]}, revision {last["machine"]["revision"]}'
                     + (', **of a busy machine**' if last['busy'] else '')
                     + (', **on another machine**' if any(last['machine'].get(k) != m[k] for k in ('cpu', 'cores')) else '')
                     + '. Marked is what moved by more than 5 % and by more than its iterations differ, by processor time.\n')
    if report['jmh']:
        lines.append('## The cost model\n')
        lines.append('Nanoseconds an operation: on the clock, the range of the iterations, and of processor time of the whole process '
                     '(compiler and collector included).\n')
        lines.append('| Line | What | Budget | ns | Range | CPU ns | of budget | Since last |')
        lines.append('|---|---|--:|--:|--:|--:|--:|---|')
        for line, budget, benchmark, what in ROWS:
            for key, f in report['jmh'].items():
                if f['benchmark'] == benchmark:
                    old = last['jmh'].get(key) if last else None
                    share = f'{f["ns"] / budget:.1f}' if budget else ''
                    digits = 1
                    lines.append(
                        f'| {line} | {what.format(**f["params"])} | {number(budget)} | {number(f["ns"], digits)} '
                        f'| {number(f["low"], digits)} to {number(f["high"], digits)} | {number(f["cpu_ns"], digits)} | {share} '
                        f'| {moved(f, old, "cpu_low", "cpu_high")} |')
        lines.append('')
    if report['load']:
        lines.append('## Load kit\n')
        lines.append('Generator, server and disk on this machine (`bench/load/README.md`). Marked is what moved by more than '
                     f'{KIT_NOISE:.0%}.\n')
        lines.append('| Scenario | 1/s | p50 ms | p99 ms | Reference 1/s | Goal 1/s | of goal | Since last | Checks |')
        lines.append('|---|--:|--:|--:|--:|--:|--:|---|---|')
        before = {row['scenario']: row for row in last['load']} if last else {}
        for row in report['load']:
            reference, goal = REFERENCE.get(row['scenario'], (None, None))
            old, rate = before.get(row['scenario'], {}).get('per_s'), row['per_s']
            ratio = ''
            if old and rate:
                ratio = f'{rate / old:.2f}' + (' **faster**' if rate > old * (1 + KIT_NOISE)
                                               else ' **slower**' if rate < old * (1 - KIT_NOISE) else '')
            lines.append(f'| {row["scenario"]} | {number(rate)} | {number(row["p50_ms"], 2)} | {number(row["p99_ms"], 2)} '
                         f'| {number(reference)} | {number(goal)} | {f"{rate / goal:.0%}" if rate and goal else ""} | {ratio} '
                         f'| {"; ".join(row["problems"]) or "ok"} |')
        lines.append('')
    return '\n'.join(lines)


def main():
    if '--' not in sys.argv or '--help' in sys.argv:
        sys.exit(__doc__)
    split = sys.argv.index('--')
    options, command = sys.argv[1:split], sys.argv[split + 1:]
    mode, only, url, kit, save = 'usual', '', '', True, False
    while options:
        option = options.pop(0)
        if option in ('--quick', '--full'):
            mode = option[2:]
        elif option in ('--only', '--url') and options:
            value = options.pop(0)
            only, url = (value, url) if option == '--only' else (only, value)
        elif option == '--no-load':
            kit = False
        elif option == '--save':
            save = True
        else:
            sys.exit(f'{option}?\n{__doc__}')
    if only and save:
        sys.exit('a part of the report cannot be what later ones are compared with')
    os.makedirs(OUT, exist_ok=True)
    start = datetime.datetime.now(datetime.timezone.utc)
    report = {'date': start.strftime('%Y-%m-%d'), 'mode': mode, 'machine': machine(command[0]), 'load_before': load_average()}
    busy, own = busy_ticks(), own_seconds()
    report['jmh'] = run_jmh(command, mode, only)
    report['load'] = run_kit(mode, url) if kit and not only else []
    seconds = (datetime.datetime.now(datetime.timezone.utc) - start).total_seconds()
    report['seconds'] = round(seconds)
    report['others'] = max(0, busy_ticks() - busy - (own_seconds() - own)) / seconds / os.cpu_count()
    report['load_after'] = load_average()
    report['busy'] = report['others'] > BUSY or report['load_before'][0] > 1
    last = None
    if os.path.exists(LAST):
        with open(LAST) as file:
            last = json.load(file)
    page = markdown(report, last)
    for name, body in (('report.json', json.dumps(report, indent=1) + '\n'), ('report.md', page)):
        with open(os.path.join(OUT, name), 'w') as file:
            file.write(body)
        if save:
            os.makedirs(os.path.dirname(LAST), exist_ok=True)
            with open(LAST if name.endswith('json') else os.path.join(os.path.dirname(LAST), name), 'w') as file:
                file.write(body)
    print(page)
    if any(row['problems'] for row in report['load']):
        sys.exit(1)


main()
