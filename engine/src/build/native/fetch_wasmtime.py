"""Puts the Wasmtime library into a directory, under the name that the JVM gives to a library called "wasmtime".

Usage: fetch_wasmtime.py <directory> [<library>]

With a library (a file, or else the environment variable GEODESIC_WASMTIME_LIBRARY) that file is copied. Otherwise the
wheel named by requirements.txt is fetched by pip, by hash, and its library kept under ~/.cache/geodesic.
"""
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile

REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")
IN_WHEEL = {"Linux": "_libwasmtime.so", "Darwin": "_libwasmtime.dylib", "Windows": "_wasmtime.dll"}
FOR_JVM = {"Linux": "libwasmtime.so", "Darwin": "libwasmtime.dylib", "Windows": "wasmtime.dll"}
REMEDY = "; or set GEODESIC_WASMTIME_LIBRARY (or -Dgeodesic.wasmtime.library) to a libwasmtime of your own"


def fail(message):
    sys.exit("cannot provide libwasmtime: " + message)


def place(source, target):
    """Copies so that a reader sees the whole file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name("%s.%d.part" % (target.name, os.getpid()))
    shutil.copyfile(source, part)
    os.replace(part, target)


def fetch(cached, system):
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip"]
        try:
            subprocess.run(pip + ["--version"], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            fail("%s has no pip (Debian: apt-get install python3-pip)%s" % (sys.executable, REMEDY))
        result = subprocess.run(
            pip + ["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:",
                   "--disable-pip-version-check", "--dest", folder, "-r", str(REQUIREMENTS)],
            capture_output=True, text=True)
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no output"]
            reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
            fail("pip download failed: %s%s" % (reason, REMEDY))
        for wheel in pathlib.Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.rsplit("/", 1)[-1] == IN_WHEEL[system]:
                        place(archive.extract(name, folder), cached)
                        return
        fail("the wheel holds no %s%s" % (IN_WHEEL[system], REMEDY))


def main():
    target = pathlib.Path(sys.argv[1])
    own = (sys.argv[2] if len(sys.argv) > 2 else "") or os.environ.get("GEODESIC_WASMTIME_LIBRARY", "")
    system = platform.system()
    if system not in FOR_JVM:
        fail("no library is known for the system %s%s" % (system, REMEDY))
    library = target / FOR_JVM[system]
    stamp = target / "source.txt"
    if own:
        source = pathlib.Path(own)
        if source.is_dir():
            source = source / FOR_JVM[system]
        if not source.is_file():
            fail("%s is no file" % source)
    else:
        version = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
        source = (pathlib.Path.home() / ".cache" / "geodesic" / ("wasmtime-" + version)
                  / ("%s-%s" % (system, platform.machine())) / FOR_JVM[system])
        if not source.is_file():
            fetch(source, system)
    status = source.stat()
    origin = "%s %d %d\n" % (source.resolve(), status.st_size, status.st_mtime_ns)
    if library.is_file() and stamp.is_file() and stamp.read_text() == origin:
        return
    place(source, library)
    stamp.write_text(origin)


main()
