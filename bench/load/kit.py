"""What the scripts here share: the load generator, the packaged server as a child process, requests to a server."""
import atexit
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
DATA = os.path.join(TOP, 'docs', 'bench')
TICK = os.sysconf('SC_CLK_TCK')


def load_generator():
    """Path of stload; built first if it is not there or older than its sources."""
    target = os.path.join(os.environ.get('GEODESIC_RUST_TARGET', os.path.join(TOP, 'target', 'rust')), 'stload')
    binary = os.path.join(target, 'release', 'stload')
    sources = glob.glob(os.path.join(HERE, 'stload', 'src', '*.rs'))
    if not os.path.exists(binary) or os.path.getmtime(binary) < max(map(os.path.getmtime, sources)):
        cargo = '/usr/bin/cargo' if os.access('/usr/bin/cargo', os.X_OK) else shutil.which('cargo')
        if not cargo:
            sys.exit('Rust is missing (Debian: apt-get install rustc-web cargo-web)')
        print('building the load generator', file=sys.stderr)
        subprocess.run([cargo, 'build', '--release', '--locked', '--quiet'], cwd=os.path.join(HERE, 'stload'), check=True,
                       env={**os.environ, 'RUSTC': os.path.join(os.path.dirname(cargo), 'rustc'), 'CARGO_TARGET_DIR': target})
        os.utime(binary)
    return binary


class Client:
    """A server at a URL, and somebody who may publish there."""

    def __init__(self, url):
        self.url = url.rstrip('/')
        self.token = None
        self.token = json.loads(self.request('POST', '/v1/identity'))['token']

    def request(self, method, path, body=None, content_type='application/json'):
        headers = {'Content-Type': content_type}
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers, method=method), timeout=600) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f'{method} {path}: {error.code} {error.read().decode(errors="replace")}')
        except urllib.error.URLError as error:
            sys.exit(f'{method} {self.url}{path}: {error.reason}')

    def publish(self, database, wasm):
        """A file of this directory, or its bytes."""
        if isinstance(wasm, str):
            with open(os.path.join(HERE, wasm), 'rb') as file:
                wasm = file.read()
        self.request('PUT', f'/v1/database/{database}', wasm, 'application/wasm')

    def call(self, database, reducer, *arguments):
        self.request('POST', f'/v1/database/{database}/call/{reducer}', json.dumps(arguments).encode())

    def sql(self, database, query):
        return json.loads(self.request('POST', f'/v1/database/{database}/sql', query.encode(), 'text/plain'))[0]['rows']

    def load(self, scenario, database, *options):
        """Runs stload; its lines. Calls that failed end the program."""
        command = [load_generator(), scenario, self.url, database, *map(str, options)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=1800)
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        if run.returncode or not lines or any(line.get('errs') for line in lines):
            sys.exit(f'{" ".join(command)}: exit code {run.returncode}\n{run.stdout}{run.stderr}')
        return lines


class Server(Client):
    """The packaged server (mvn package -Pdist) on a free port with a data directory of its own, until close or the end."""

    def __init__(self, *jvm_options):
        package = os.path.join(TOP, 'liberty-config', 'target', 'geodesic-server.zip')
        if not os.path.exists(package):
            sys.exit(f'no packaged server at {package}: mvn package -Pdist -DskipTests, or give the URL of a running server')
        self.work = tempfile.mkdtemp(prefix='geodesic-load-')
        self.process = None
        atexit.register(self.close)
        with zipfile.ZipFile(package) as archive:
            archive.extractall(self.work)
        with open(os.path.join(self.work, 'wlp', 'usr', 'servers', 'geodesic', 'jvm.options'), 'a') as file:
            file.write('\n' + '\n'.join(jvm_options) + '\n')
        with socket.socket() as probe:
            probe.bind(('', 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, 'HTTP_PORT': str(port), 'GEODESIC_DATA_DIRECTORY': os.path.join(self.work, 'data')}
        if 'JAVA_HOME' not in environment:
            homes = sorted(home for home in glob.glob('/usr/lib/jvm/*25*') if os.access(home + '/bin/java', os.X_OK))
            if homes:
                environment['JAVA_HOME'] = homes[-1]
        self.java_home = environment.get('JAVA_HOME')
        self.log = os.path.join(self.work, 'server.log')
        start = time.monotonic()
        with open(self.log, 'w') as log:
            # A group of its own: the script may start the JVM as its child.
            self.process = subprocess.Popen(['sh', os.path.join(self.work, 'wlp', 'bin', 'server'), 'run', 'geodesic'], cwd=self.work,
                                            env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        url = f'http://localhost:{port}'
        while True:
            try:
                urllib.request.urlopen(url + '/v1/ping', timeout=10).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > start + 300:
                    with open(self.log) as log:
                        sys.exit('the server does not start:\n' + log.read()[-4000:])
                time.sleep(0.05)
        self.start_seconds = time.monotonic() - start
        self.pid = self.process.pid
        children = subprocess.run(['pgrep', '-P', str(self.pid), 'java'], capture_output=True, text=True).stdout.split()
        if children:
            self.pid = int(children[0])
        super().__init__(url)

    def cpu_seconds(self):
        with open(f'/proc/{self.pid}/stat') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident_bytes(self):
        with open(f'/proc/{self.pid}/status') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS')) * 1024

    def jcmd(self, *command):
        tool = os.path.join(self.java_home, 'bin', 'jcmd') if self.java_home else 'jcmd'
        return subprocess.run([tool, str(self.pid), *command], capture_output=True, text=True, check=True).stdout

    def heap_used_bytes(self):
        """After a collection of everything."""
        self.jcmd('GC.run')
        return sum(int(used) for used in re.findall(r'(?<!space)\s+used (\d+)K', self.jcmd('GC.heap_info').split('Metaspace')[0])) * 1024

    def close(self):
        if self.process:
            for kill in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, kill)
                    self.process.wait(60)
                    break
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
            self.process = None
        shutil.rmtree(self.work, ignore_errors=True)


def server_or_url(arguments, *jvm_options):
    """The server at the URL in the first argument, or the packaged one."""
    return Client(arguments[0]) if arguments else Server(*jvm_options)


def surroundings():
    """What figures must be read with: machine and how busy it is."""
    with open('/proc/cpuinfo') as file:
        model = next((line.split(':')[1].strip() for line in file if line.startswith('model name')), 'unknown')
    return {'cpu': model, 'cores': os.cpu_count(), 'load_average': round(os.getloadavg()[0], 1), 'date': time.strftime('%Y-%m-%d')}


def save(name, report):
    """Into docs/bench, where documents and plots take it from."""
    os.makedirs(DATA, exist_ok=True)
    path = os.path.join(DATA, name)
    with open(path, 'w') as file:
        json.dump(report, file, indent=1)
        file.write('\n')
    print(f'written to {os.path.relpath(path, TOP)}', file=sys.stderr)
