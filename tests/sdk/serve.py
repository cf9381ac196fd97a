#!/usr/bin/python3
"""serve.py [--timeout S] [--with OPTION]... COMMAND...: runs a command against a ringlease-sqs of its own (with these
options), on a free port and in directories of its own, with the environment that tells AWS clients where it is.
Exit: the command's.

  SQS_ENDPOINT   an endpoint that is already there, to be used instead
  RINGLEASE_SQS  the program (default: ringlease-sqs in $BUILD, or in build/)
"""

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

READY_S = 30
END_S = 20
SAID_LINES = 40


class Fault(Exception):
    """The endpoint does not do what it should: start, and end when asked."""


def program():
    build = os.environ.get("BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
    return os.environ.get("RINGLEASE_SQS", os.path.join(build, "ringlease-sqs"))


def client_environment(url):
    """What a client needs, and nothing that a user of this machine has configured."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment.update(
        AWS_ENDPOINT_URL_SQS=url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_PAGER="",
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
    )
    return environment


class Endpoint:
    """A running ringlease-sqs: `with Endpoint() as endpoint: ... endpoint.url`. With a ringleased beside it, or the
    engine in itself; or on the queues of another endpoint."""

    def __init__(self, *arguments, ringleased=False, beside=None):
        self.arguments = arguments
        self.has_ringleased = ringleased
        self.beside = beside
        self.engine = None
        self.process = None
        self.folders = []
        self.said = collections.deque(maxlen=SAID_LINES)
        self.url = os.environ.get("SQS_ENDPOINT")

    def __enter__(self):
        if not self.url:
            self.start()
        return self

    def __exit__(self, kind, *_):
        try:
            if self.process is not None:
                self.end()
        except Fault:
            if kind is None:
                raise
        finally:
            if self.engine:
                self.engine.kill()
                self.engine.wait()
            self.remove_folders()

    def remove_folders(self):
        for folder in self.folders if not self.beside else []:
            shutil.rmtree(folder, ignore_errors=True)

    def start(self):
        if self.beside:
            self.folders = self.beside.folders
        else:
            memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
            self.folders = [tempfile.mkdtemp(prefix="ringlease-sdk.", dir=where) for where in (memory, None)]
        if self.has_ringleased:
            self.start_engine(*self.folders)
        self.start_program()

    def kill(self):
        """At once. start_program() goes on with the same queues."""
        self.process.kill()
        self.process.wait()
        self.listener.join(END_S)
        self.url = None

    def start_program(self):
        queues, data = self.folders
        command = [program(), "--dir", queues, "--data", data, "--listen", "127.0.0.1:0", *self.arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ready = threading.Event()
        self.listener = threading.Thread(target=self.listen, args=(ready,), daemon=True)
        self.listener.start()
        ready.wait(READY_S)
        if not self.url:
            self.process.kill()
            self.process.wait()
            self.listener.join()
            self.remove_folders()
            raise Fault(f"did not say where it listens:\n{self.last_lines()}")

    def start_engine(self, queues, data):
        ringleased = os.path.join(os.path.dirname(program()), "ringleased")
        self.engine = subprocess.Popen(
            [ringleased, "--dir", queues, "--data", data], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for line in self.engine.stderr:
            if "journal" in line:
                return
        raise Fault("ringleased does not start")

    def listen(self, ready):
        for line in self.process.stderr:
            found = re.search(r"listening on (https?://\S+)", line)
            if found:
                self.url = found.group(1)
                ready.set()
            elif not re.search(r": (served|journaled|removed|removed from the journal)$", line.rstrip()):
                self.said.append(line)  # what the engine says of each queue is of no interest
        ready.set()

    def end(self):
        was_running = self.process.poll() is None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = f"still there {END_S} s after SIGTERM"
        self.listener.join(END_S)
        if not was_running:
            raise Fault(f"ended by itself: {status}\n{self.last_lines()}")
        if status != 0:
            raise Fault(f"did not end cleanly: {status}\n{self.last_lines()}")

    def last_lines(self):
        return "".join(f"    {line}" for line in self.said)


def run(command, timeout_s, options):
    with Endpoint(*options) as endpoint:
        process = subprocess.Popen(command, env=client_environment(endpoint.url), start_new_session=True)
        try:
            status = process.wait(timeout_s)
            if status not in (0, 77):
                print(f"the last lines of the endpoint:\n{endpoint.last_lines()}", end="", flush=True)
            return status
        except subprocess.TimeoutExpired:
            print(f"not ok: {command[0]} was still running after {timeout_s} s", flush=True)
            return 124
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def main():
    command, timeout_s, options = sys.argv[1:], 300, []
    while command[:1] in (["--timeout"], ["--with"]):
        if command[0] == "--timeout":
            timeout_s = int(command[1])
        else:
            options.append(command[1])
        command = command[2:]
    if not command:
        sys.exit(__doc__.rstrip())
    if not os.environ.get("SQS_ENDPOINT") and not os.access(program(), os.X_OK):
        print(f"skipped: no {program()}")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(run(command, timeout_s, options))
    except Fault as fault:
        print(f"not ok: the endpoint {fault}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
