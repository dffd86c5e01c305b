#!/usr/bin/env python3
"""Draws the plots of docs/performance.md from the data in docs/bench: SVG, without any library.

usage: bench/plot.py      reads docs/bench/*.json, writes docs/bench/*.svg"""
import json
import math
import os
import sys
from xml.sax.saxutils import escape

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'docs', 'bench')
WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 80, 52
COLOURS = ('#1f6fb2', '#d1602b', '#3b8a4b', '#7a4fa3')
DASHES = ('', '6 4', '2 3', '8 3 2 3')


def shorten(value):
    for limit, unit in ((1e6, 'M'), (1e3, 'k')):
        if value >= limit:
            return f'{value / limit:g}{unit}'
    return f'{value:g}'


def linear_ticks(top):
    step = 10 ** math.floor(math.log10(top / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if top / (step * m) <= 6)
    return [i * step for i in range(int(math.ceil(top / step - 1e-9)) + 1)]


def log_ticks(low, high):
    return [10.0 ** e for e in range(math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9) + 1)]


def plot(name, title, note, x_label, y_label, lines, x_ticks, log_y=False):
    """lines: {label: [(x, y), ...]}; x is logarithmic. A line's points are marked; a missing value breaks nothing, it is left out."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    x0, x1 = math.log(min(xs)), math.log(max(xs))
    y_ticks = log_ticks(min(ys), max(ys)) if log_y else linear_ticks(max(ys))
    scale = math.log10 if log_y else float
    y0, y1 = scale(y_ticks[0]), scale(y_ticks[-1])
    at_x = lambda x: LEFT + (WIDTH - LEFT - RIGHT) * ((math.log(x) - x0) / (x1 - x0) if x1 > x0 else 0.5)
    at_y = lambda y: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ((scale(y) - y0) / (y1 - y0) if y1 > y0 else 0.5)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
           f' font-family="system-ui, sans-serif" font-size="12">',
           f'<title>{escape(title)}</title>', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="20" font-size="15" font-weight="600" fill="#222">{escape(title)}</text>']
    for y in y_ticks:
        out.append(f'<line x1="{LEFT}" y1="{at_y(y):.1f}" x2="{WIDTH - RIGHT}" y2="{at_y(y):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at_y(y) + 4:.1f}" text-anchor="end" fill="#444">{shorten(y)}</text>')
    for x in x_ticks:
        out.append(f'<line x1="{at_x(x):.1f}" y1="{HEIGHT - BOTTOM}" x2="{at_x(x):.1f}" y2="{HEIGHT - BOTTOM + 4}" stroke="#444"/>')
        out.append(f'<text x="{at_x(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#444">{shorten(x)}</text>')
    out.append(f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{HEIGHT - BOTTOM}" stroke="#444"/>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 18}" text-anchor="middle" fill="#222">{escape(x_label)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text x="18" y="{middle}" text-anchor="middle" fill="#222" transform="rotate(-90 18 {middle})">{escape(y_label)}</text>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 3}" text-anchor="end" font-size="10" fill="#777">{escape(note)}</text>')
    for i, (label, points) in enumerate(lines.items()):
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        dashed = f' stroke-dasharray="{dash}"' if dash else ''
        path = ' '.join(f'{at_x(x):.1f},{at_y(y):.1f}' for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')
        out += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        # The legend has two columns.
        x, y = LEFT + i % 2 * (WIDTH - LEFT - RIGHT) // 2, 38 + i // 2 * 18
        out.append(f'<line x1="{x}" y1="{y}" x2="{x + 24}" y2="{y}" stroke="{colour}" stroke-width="2"{dashed}/>')
        out.append(f'<text x="{x + 30}" y="{y + 4}" fill="#222">{escape(label)}</text>')
    out.append('</svg>')
    with open(os.path.join(DATA, name), 'w') as file:
        file.write('\n'.join(out) + '\n')
    print(name)


def read(name):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        print(f'{name} is not there: nothing drawn from it', file=sys.stderr)
        return None, ''
    with open(path) as file:
        data = json.load(file)
    load = max(data['load_average'], data.get('load_average_after', 0))
    # The load generator alone makes a load average of about two.
    busy = ', busy machine' if data['load_average'] > 1 else ''
    return data, f'{data["cpu"]}, {data["cores"]} cores, {data["date"]}, load average up to {load:g}{busy}'


def series(data, key, which, figure, factor=1):
    return [(point[key], max(point[which][figure] * factor, 1e-3)) for point in data['points']]


def main():
    data, note = read('connections.json')
    if data:
        ticks = [point['connections'] for point in data['points']]
        both = ('pipelined', 'one at a time')
        names = {'pipelined': '40 calls in flight each', 'one at a time': 'one call at a time each'}
        plot('throughput-connections.svg', 'Reducer calls a second against connections', note, 'connections (v3, bump)', 'calls a second',
             {names[w]: series(data, 'connections', w, 'per_s') for w in both}, ticks)
        plot('latency-connections.svg', 'Latency against connections', note, 'connections (v3, bump)', 'ms',
             {f'{names[w].replace(" calls", "").replace(" call", "")}, {q}': series(data, 'connections', w, q + '_ms')
              for w in both for q in ('p50', 'p99')}, ticks, log_y=True)
    data, note = read('rows.json')
    if data:
        ticks = [point['rows'] for point in data['points']]
        both = ('update by key', 'sql by key')
        plot('cost-rows.svg', 'Processor time of the server against rows', note, 'rows in the table', 'us of processor time each',
             {'reducer that updates by key': series(data, 'rows', 'update by key', 'server_cpu_us'),
              'SQL by key over HTTP': series(data, 'rows', 'sql by key', 'server_cpu_us')}, ticks, log_y=True)
        plot('throughput-rows.svg', 'Throughput against rows', note, 'rows in the table', 'a second',
             {'reducer that updates by key (v3)': series(data, 'rows', 'update by key', 'per_s'),
              'SQL by key, one at a time': series(data, 'rows', 'sql by key', 'per_s')}, ticks, log_y=True)
        plot('latency-rows.svg', 'Latency against rows', note, 'rows in the table', 'ms',
             {f'{w}, {q}': series(data, 'rows', w, q + '_ms') for w in both for q in ('p50', 'p99')}, ticks, log_y=True)


main()
