"""What Celery's users do on SQS: tasks, countdowns, retries, workers that die; on queues that the worker makes, and on
such as are there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import boto3
import celery
import kombu

import cases

FOLDER = os.environ["TASKS_FOLDER"] = tempfile.mkdtemp(prefix="ringlease-celery.")
import tasks  # noqa: E402 (it asks for the folder)

LIMIT_S = 60  # a watchdog
NUMBERS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
sqs = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL_SQS"])


def check(expected, value, what):
    if value != expected:
        raise cases.Unexpected(f"{what}: {value!r}, not {expected!r}")


def numbers(url):
    said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return [int(said[name]) for name in NUMBERS]


def notes():
    with open(f"{FOLDER}/notes") as written:
        return written.read().split("\n")[:-1]


class Worker:
    """One process that takes tasks, and one beside it that does them. Its log is shown if it does not end well."""

    def __init__(self, names, queues):
        self.names, self.queues = names, queues

    def __enter__(self):
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", "1", "-Q", ",".join(self.names)]
        command += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        environment = dict(os.environ, TASKS_QUEUES=json.dumps(self.queues))
        self.log = open(f"{FOLDER}/log", "w+")
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log, start_new_session=True)
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.kill()
        if kind:
            self.log.seek(0)
            print("the worker's last lines:", *self.log.readlines()[-20:], sep="\n    ")
        self.log.close()

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.process.terminate()
        check(0, self.process.wait(LIMIT_S), "the worker's exit status")


class OwnQueues:
    """The worker makes its queues, with a visibility timeout of 5 seconds."""

    names = ("jobs", "more.jobs")

    def __init__(self):
        self.app = tasks.application({})

    def send(self, task, *arguments, queue="jobs", **options):
        return self.app.send_task(f"tasks.{task}", arguments, queue=queue, **options)

    def purge(self):
        with self.app.connection_for_write() as connection:
            queue = kombu.Queue("old", channel=connection.default_channel)
            queue.declare()
            self.send("add", 1, 2, queue="old")
            queue.purge()
        self.rest()

    def results(self):
        sent = [self.send("add", number, 1, queue=self.names[number % 2]) for number in range(30)]
        check([number + 1 for number in range(30)], [each.get(timeout=LIMIT_S) for each in sent], "results")

    def waits(self):
        sent = [self.send("add", 1, 2, countdown=2), self.send("add", 3, 4, DelaySeconds=2), self.send("retry_twice")]
        check([3, 7, 2], [each.get(timeout=LIMIT_S) for each in sent], "results")

    def death(self, worker):
        pipe = f"{FOLDER}/pipe"
        os.mkfifo(pipe)
        sent = self.send("hang_once", pipe)
        with open(pipe) as started:
            started.read()
        worker.kill()
        with Worker(self.names, {}) as other:
            check(2, sent.get(timeout=LIMIT_S), "times that it was received")
            other.end()

    def rest(self):
        for url in sqs.list_queues(QueueNamePrefix="celery-")["QueueUrls"]:
            check([0, 0, 0], numbers(url), f"messages left in {url}")

    def run(self, tally):
        tally.case("make a queue, and purge it", self.purge)
        with Worker(self.names, {}) as worker:
            tally.case("give each task to a worker, and take its result", self.results)
            tally.case("do tasks after a countdown, a delay and retries", self.waits)
            tally.case("give a task whose worker was killed to the next one", lambda: self.death(worker))
        tally.case("leave nothing in queues that workers have made", self.rest)


class QueuesThatAreThere:
    """The worker is told the URLs of its queues: one with a dead-letter queue, and one that is FIFO."""

    def __init__(self):
        self.dead = sqs.create_queue(QueueName="tasks-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
        standard = {"VisibilityTimeout": "600", "RedrivePolicy": redrive}
        self.queues = {
            "tasks": sqs.create_queue(QueueName="tasks", Attributes=standard)["QueueUrl"],
            "tasks.fifo": sqs.create_queue(QueueName="tasks.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"],
        }
        self.app = tasks.application(self.queues)

    def order(self):
        sent = []
        for number in range(12):
            options = {"MessageGroupId": "group", "MessageDeduplicationId": f"{number // 2}"}
            sent.append(self.app.send_task("tasks.write", (number,), queue="tasks.fifo", **options))
        sent[-2].get(timeout=LIMIT_S)
        check(["0", "2", "4", "6", "8", "10"], notes(), "done, and in this order")

    def reject(self):
        """The task is rejected; its tries end by the backoff of one second, not by the timeout of 600."""
        self.app.send_task("tasks.reject", queue="tasks")
        found = []
        while not found:
            found = sqs.receive_message(QueueUrl=self.dead, WaitTimeSeconds=20).get("Messages", [])
        check(["try 1", "try 2"], notes()[-2:], "tries")
        sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=found[0]["ReceiptHandle"])

    def end(self, worker):
        worker.end()
        for url in [self.dead, *self.queues.values()]:
            check([0, 0, 0], numbers(url), f"messages left in {url}")

    def run(self, tally):
        with Worker(self.queues, self.queues) as worker:
            tally.case("do tasks of a FIFO queue in order, and duplicates once", self.order)
            tally.case("try a rejected task again after its backoff, then lose it to the dead-letter queue", self.reject)
            tally.case("end when it is asked to, and leave nothing behind", lambda: self.end(worker))


def main():
    protocol = sqs.meta.service_model.metadata["protocol"]
    print(f"Celery {celery.__version__}, kombu {kombu.__version__}, {protocol} protocol")
    tally = cases.Tally()
    try:
        OwnQueues().run(tally)
        QueuesThatAreThere().run(tally)
    finally:
        shutil.rmtree(FOLDER)
    sys.exit(tally.close())


if __name__ == "__main__":
    main()
