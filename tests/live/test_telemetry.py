"""No data leaves the machine: our processes connect to loopback addresses and write into our folders only.

Each program runs under strace, with an empty home folder, for at least 15 s. That is long enough: unless
prevented, ONNX Runtime looks up its vendor's address 9 s after it is loaded, and writes a device id at once.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
NETWORK = ("connect", "bind", "sendto", "sendmsg", "sendmmsg")
STRACE = ("strace", "-f", "--seccomp-bpf")
TRACED = ("-e", f"trace={','.join(NETWORK)},%file")
WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
# Calls with a path that change nothing.
HARMLESS = ("access", "chdir", "execve", "getcwd", "readlink", "stat", "getxattr", "inotify_add_watch")
MIN_RUN_S = 15

TRANSCRIBE = f"""
import sys, time, vivavoce
started = time.monotonic()
print(vivavoce.transcribe(sys.argv[1]))
time.sleep(max(0, {MIN_RUN_S} - (time.monotonic() - started)))
"""
# A traced program is slow: it waits for the end of its session without a limit.
COMMAND_LINE = """
import vivavoce.cli, vivavoce.client.realtime
vivavoce.client.realtime.CLOSE_LIMIT_S = 3600.0
vivavoce.cli.main()
"""


class Trace(NamedTuple):
    """What a program did.

    Attributes:
        output: Its standard output.
        addresses: Internet addresses that it used, with their ports.
        written: Paths that it created, changed, renamed or deleted, or tried to.
    """

    output: str
    addresses: set[tuple[str, int]]
    written: set[Path]


@functools.cache
def reason_to_skip():
    """Return why programs can't be traced on this machine; None if they can."""
    if shutil.which("strace") is None:
        return "needs strace: sudo apt install strace"
    done = subprocess.run([*STRACE, "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return f"strace does not work here: {done.stderr.strip()}" if done.returncode else None


def addresses(line):
    ports = re.findall(r"sin6?_port=htons\((\d+)\)", line)
    hosts = re.findall(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"', line)
    return set(zip(hosts, map(int, ports), strict=True))


def written(line, folder):
    call, _, arguments = line.partition("(")
    if any(name in call for name in HARMLESS) or call in NETWORK:
        return set()
    if call in {"open", "openat", "openat2"} and not any(flag in arguments for flag in WRITING):
        return set()
    # Most calls name the folder that a path is relative to: AT_FDCWD</folder>, "path". For the others it is
    # the working folder, which none of our programs changes.
    paths = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', arguments)
    return {Path(base or folder, path) for base, path in paths}


def trace(arguments, home, timeout_s=300):
    log = home.parent / "strace.log"
    home.mkdir()
    scratch = home / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [*STRACE, "-y", "-s", "1000", "-o", log, *TRACED, sys.executable, *arguments],
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT / "src"),
            "TMPDIR": str(scratch),
        },
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1)[1] for line in log.read_text(errors="replace").splitlines()]
    assert len(lines) > 100
    return Trace(
        done.stdout,
        set().union(*(addresses(line) for line in lines if line.startswith(NETWORK))),
        set().union(*(written(line, scratch) for line in lines)),
    )


@pytest.fixture(scope="module")
def short_recording(two_cities, tmp_path_factory):
    """Folder with six seconds of the recording as a WAV file, and a manifest for the benchmark."""
    samples, rate = two_cities
    folder = tmp_path_factory.mktemp("recordings")
    with wave.open(str(folder / "short.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples[: 6 * rate] * 32767).astype("<i2").tobytes())
    clip = {"id": "short", "audio": "short.wav", "kind": "read", "text": "it was", "duration_s": 6.0}
    (folder / "manifest.jsonl").write_text(json.dumps({**clip, "sample_rate": rate}))
    return folder


PROGRAMS = {
    "SDK": ("-c", TRANSCRIBE, "{folder}/short.wav"),
    "command line": ("-c", COMMAND_LINE, "stream", "{folder}/short.wav"),
    "bench and server": ("-c", COMMAND_LINE, "bench", "{folder}", "--quiet"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_connects_to_loopback_and_writes_into_our_folders_only(name, short_recording, tmp_path):
    if reason_to_skip():
        pytest.skip(reason_to_skip())
    home = tmp_path / "home"
    traced = trace([argument.format(folder=short_recording) for argument in PROGRAMS[name]], home)
    if name != "bench and server":
        assert "It was the best of times" in traced.output
    assert traced.addresses, "no server was reached"
    assert {host for host, _ in traced.addresses} <= {"127.0.0.1", "::1"}
    assert 53 not in {port for _, port in traced.addresses}, "a host name was looked up"

    ours = home / ".cache" / "vivavoce"
    assert any(path.is_relative_to(ours) for path in traced.written)
    allowed = [ours, Path("/dev")]
    if name == "bench and server":
        allowed.append(home / "scratch")  # the server's log
    others = {path for path in traced.written if not any(path.is_relative_to(each) for each in allowed)}
    assert others <= set(ours.parents)


def test_the_trace_shows_what_a_program_does(tmp_path):
    if reason_to_skip():
        pytest.skip(reason_to_skip())
    program = """
import os, socket
from pathlib import Path
Path("made").mkdir()
os.close(os.open("secret", os.O_CREAT | os.O_WRONLY, dir_fd=os.open("made", os.O_RDONLY)))
os.rename("made", "moved")
for family, address in ((socket.AF_INET, "127.0.0.53"), (socket.AF_INET6, "::1")):
    socket.socket(family, socket.SOCK_DGRAM).connect((address, 53))
"""
    home = tmp_path / "home"
    traced = trace(["-c", program], home)
    assert traced.addresses == {("127.0.0.53", 53), ("::1", 53)}
    made = {path for path in traced.written if path.is_relative_to(home)}
    assert made == {home / "scratch" / name for name in ("made", "made/secret", "moved")}
