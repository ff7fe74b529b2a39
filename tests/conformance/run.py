"""Runs the vendor's and others' clients, unmodified, against our server, and says which are served well.

    python -m conformance.run [--only TEXT] [--list] [--jobs N]

Installs each client in an environment of its own under ``.conformance``, starts ``vivavoce serve`` once in
the clear and once over TLS, runs the programs in ``clients`` on a real recording and asserts over what they
tell. Exit code 1 if any case fails.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cases import CASES, Case, Environment
from conformance.checks import Expected, faults_of, webhook_faults, word_error_rate
from conformance.environments import CannotInstallError, NotHereError, prepare
from conformance.recording import CONTROL_AT_S, ENCODINGS, Recording, write_recording
from conformance.servers import API_KEY, Server
from conformance.webhooks import HEADER, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT = Path(__file__).parents[2]
_CLIENTS = Path(__file__).parent / "clients"
_CASE_TIMEOUT_S = 90
_CHUNK_MS = 100
_SPEED = 2.0  # of speech: quick, and far below what the server slows down or refuses


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went.

    Attributes:
        case: Which.
        seconds: How long it took.
        wer: Word error rate, 0 to 1; None: there were to be no words.
        faults: What was wrong.
        skipped: Why it was not run; empty if it was.
    """

    case: Case
    seconds: float = 0.0
    wer: float | None = None
    faults: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def word(self) -> str:
        """For the table."""
        return "SKIPPED" if self.skipped else "FAILED" if self.faults else "ok"


def _expected(case: Case, recording: Recording) -> Expected:
    return Expected(
        protocol=case.protocol,
        words=recording.words,
        audio_s=recording.audio_s,
        max_wer=case.max_wer,
        is_forced=case.controls,
        channels=case.channels,
        tells=case.tells,
        hides_empty=case.hides_empty,
        hears=case.hears,
        tells_partials=case.tells_partials,
        refusal=case.refusal,
    )


class Suite:
    """What the cases share: folders, servers, sound."""

    def __init__(self, folder: Path, servers: dict[bool, Server], receiver: Receiver) -> None:
        self._receiver = receiver
        self._folder = folder
        self._servers = servers
        self._short = write_recording(folder, short=True)
        self._long = {each: write_recording(folder, encoding=each) for each in ENCODINGS}

    def run(self, case: Case, environment: Path) -> Result:
        """Run one client program and look at what it told."""
        began = time.monotonic()
        recording = self._long[case.encoding] if case.refusal is None else self._short
        try:
            done = subprocess.run(
                self._command(case, environment, recording),
                env=self._environment(case),
                cwd=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_CASE_TIMEOUT_S,
                check=False,
            )
            out, errors, code = done.stdout, done.stderr, done.returncode
        except subprocess.TimeoutExpired as late:
            out, errors = ((it or b"").decode(errors="replace") for it in (late.stdout, late.stderr))
            code = None
        seconds = time.monotonic() - began
        (self._folder / "traces" / f"{case.name}.jsonl").write_text(out)
        (self._folder / "traces" / f"{case.name}.err").write_text(errors)
        # Libraries may write to standard output as well.
        trace = [json.loads(line) for line in out.splitlines() if line.startswith('{"event":')]
        expected = _expected(case, recording)
        faults = [] if code is not None else [f"did not end within {_CASE_TIMEOUT_S} s"]
        faults += [f"exit code {code}"] if code else []
        faults += faults_of(trace, expected)
        if case.webhook:
            faults += webhook_faults(trace, self._receiver.wait(f"/{case.name}"))
        if faults and errors.strip():
            faults.append(f"it said: {errors.strip()[-1500:]}")
        wer = word_error_rate(trace, expected) if case.refusal is None else None
        return Result(case, seconds, wer, tuple(faults))

    def _command(self, case: Case, environment: Path, recording: Recording) -> list[str]:
        server = self._servers[case.tls]
        config: dict[str, Any] = {
            "sdk": case.sdk,
            "key": case.key or API_KEY,
            "sample_rate": recording.sample_rate,
            "encoding": recording.encoding,
            "sound": str(recording.path),
            "chunk_ms": _CHUNK_MS,
            "chunk_bytes": recording.bytes_at(_CHUNK_MS / 1000),
            "speed": _SPEED,
            "control_at_bytes": recording.bytes_at(CONTROL_AT_S),
            # The vendor's Python SDK turns https:// into wss:// for v2, and adds wss:// for v3.
            "base_url": server.http_url if case.tls and case.protocol == "v2" else server.ws_url,
            "api_host": server.authority if case.tls else server.ws_url,
            "https_url": server.http_url,
            "wss_url": server.ws_url,
            "with_token": case.token,
            "with_controls": case.controls,
            "channels": case.channels,
            "speech_model": case.model,
            "options": case.options | (self._webhook(case) if case.webhook else {}),
        }
        program = _CLIENTS / case.program
        if program.suffix == ".mjs":  # Node looks for packages beside the program
            for file in _CLIENTS.glob("*.mjs"):
                shutil.copy(file, environment)
            return ["node", str(environment / program.name), json.dumps(config)]
        return [str(environment / "bin" / "python"), str(program), json.dumps(config)]

    def _webhook(self, case: Case) -> dict[str, str]:
        name, value = HEADER
        url = self._receiver.url(f"/{case.name}")
        return {
            "webhook_url": url,
            "webhook_auth_header_name": name,
            "webhook_auth_header_value": value,
        }

    def _environment(self, case: Case) -> dict[str, str]:
        ca_file = self._servers[case.tls].ca_file
        trust = {name: str(ca_file) for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")} if ca_file else {}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | trust | {"NO_PROXY": "127.0.0.1"}


def _all_results(cases: Sequence[Case], suite: Suite, environments: Path, jobs: int) -> Iterator[Result]:
    """Run cases as soon as their client is installed."""
    waiting: dict[Environment, list[Case]] = {}
    for case in cases:
        waiting.setdefault(case.environment, []).append(case)
    with (
        concurrent.futures.ThreadPoolExecutor(2) as installers,
        concurrent.futures.ThreadPoolExecutor(jobs) as runners,
    ):
        installing = {installers.submit(prepare, it, environments): it for it in waiting}
        running = []
        for installed in concurrent.futures.as_completed(installing):
            of_it = waiting[installing[installed]]
            try:
                environment = installed.result()
            except NotHereError as missing:
                yield from (_not_here(case, str(missing)) for case in of_it)
            except CannotInstallError as error:
                yield from (Result(case, faults=(f"can't be installed: {error}",)) for case in of_it)
            else:
                running += [runners.submit(suite.run, case, environment) for case in of_it]
        for ran in concurrent.futures.as_completed(running):
            yield ran.result()


def _not_here(case: Case, reason: str) -> Result:
    """In continuous integration nothing may be missing; elsewhere it is said what was not run."""
    if os.environ.get("CI"):
        return Result(case, faults=(reason,))
    return Result(case, skipped=reason)


def _show(results: Sequence[Result]) -> None:
    rows = [("client", "version", "protocol", "way", "result", "WER", "seconds")]
    for result in sorted(results, key=lambda it: CASES.index(it.case)):
        case = result.case
        wer = "" if result.wer is None else f"{result.wer:.1%}"
        seconds = f"{result.seconds:.1f}"
        rows.append((case.client, case.version, case.protocol, case.way, result.word, wer, seconds))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for result in results:
        for fault in result.faults:
            print(f"\n{result.case.name}: {fault}")
    for reason in sorted({result.skipped for result in results if result.skipped}):
        print(f"\nSKIPPED: {reason}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(
        prog="scripts/conformance",
        description="Run the vendor's and others' clients, unmodified, against our server.",
    )
    parser.add_argument("--only", metavar="REGEX", help="cases whose name has it; names: --list")
    parser.add_argument("--list", action="store_true", help="say which cases there are")
    parser.add_argument("--jobs", type=int, default=3, help="cases at a time (default: 3)")
    asked = parser.parse_args(arguments)
    cases = [case for case in CASES if re.search(asked.only or "", case.name)]
    if asked.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not cases:
        parser.error(f"no case has {asked.only!r} in its name")
    began = time.monotonic()
    folder = _ROOT / ".conformance"
    shutil.rmtree(folder / "traces", ignore_errors=True)
    (folder / "traces").mkdir(parents=True)
    results = []
    with contextlib.ExitStack() as stack:
        servers = {tls: stack.enter_context(Server(folder, tls=tls)) for tls in (False, True)}
        suite = Suite(folder, servers, stack.enter_context(Receiver()))
        for result in _all_results(cases, suite, folder / "environments", asked.jobs):
            print(f"{result.word:8}{result.seconds:5.1f} s  {result.case.name}", file=sys.stderr, flush=True)
            results.append(result)
    _show(results)
    faults = [fault for server in servers.values() for fault in server.faults()]
    for fault in faults:
        print(f"\n{fault}")
    failed = sum(bool(result.faults) for result in results) + bool(faults)
    skipped = sum(bool(result.skipped) for result in results)
    passed = len(results) - skipped - sum(bool(result.faults) for result in results)
    print(f"\nIn {time.monotonic() - began:.0f} s:")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
