"""Tasks for Celery's workers on SQS. $TASKS_FOLDER: where results and notes go; $TASKS_QUEUES: URLs of queues that are
there already, by name, or {} if the worker is to make its own."""

import json
import os
import signal

from celery import Celery
from celery.exceptions import Reject

FOLDER = os.environ["TASKS_FOLDER"]


def application(queues):
    options = {"is_secure": False, "wait_time_seconds": 20, "polling_interval": 0}
    if queues:
        each = {"access_key_id": "test", "secret_access_key": "test"}
        each.update(backoff_policy={1: 1, 2: 1}, backoff_tasks=["tasks.reject"])
        options["predefined_queues"] = {name: {"url": url, **each} for name, url in queues.items()}
    else:
        options.update(visibility_timeout=5, queue_name_prefix="celery-")
    broker = os.environ["AWS_ENDPOINT_URL_SQS"].replace("http://", "sqs://test:test@")
    celery = Celery("tasks", broker=broker, backend=f"file://{FOLDER}")
    celery.conf.update(
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
    )
    return celery


app = application(json.loads(os.environ.get("TASKS_QUEUES", "{}")))


def receive_count(task):
    return int(task.request.properties["delivery_info"]["sqs_message"]["Attributes"]["ApproximateReceiveCount"])


def note(what):
    with open(f"{FOLDER}/notes", "a") as notes:
        notes.write(f"{what}\n")


@app.task
def add(left, right):
    return left + right


@app.task
def write(what):
    note(what)


@app.task(bind=True)
def retry_twice(task):
    if task.request.retries < 2:
        raise task.retry(countdown=1)
    return task.request.retries


@app.task(bind=True)
def hang_once(task, pipe):
    if receive_count(task) == 1:
        with open(pipe, "w") as started:
            started.write("started")
        signal.pause()
    return receive_count(task)


@app.task(bind=True)
def reject(task):
    note(f"try {receive_count(task)}")
    raise Reject("cannot handle this", requeue=False)
