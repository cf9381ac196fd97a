"""What cannot be said as a list of calls and answers: several clients at once, other ways to sign and to call."""

import re
import threading
import urllib.error
import urllib.parse
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

LIMIT_S = 15  # shorter than the longest poll, so that one which does not wake is a fault
ONCE = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10}


class Unexpected(Exception):
    """Not as it should be."""


def check(expected, value, what):
    if value != expected:
        raise Unexpected(f"{what}: {value!r}, not {expected!r}")


class More:
    """What is named test_ is a test; its sentence is its docstring."""

    def __init__(self, url):
        self.url = url
        self.sqs = self.client()

    def client(self, **settings):
        region = settings.pop("region", "us-east-1")
        config = Config(**{**ONCE, "read_timeout": LIMIT_S, **settings})
        return boto3.client("sqs", endpoint_url=self.url, region_name=region, config=config)

    def queue(self, name, **attributes):
        return self.sqs.create_queue(QueueName=f"more-{name}", Attributes=attributes)["QueueUrl"]

    def poll(self, queue):
        """Starts a long poll; the result waits for its end, and has its messages."""
        about_to_ask = threading.Event()
        client = self.client()
        client.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: about_to_ask.set())
        ended = []

        def receive():
            try:
                ended.append(client.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []))
            except Exception as fault:
                ended.append(fault)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        about_to_ask.wait(LIMIT_S)

        def result():
            thread.join(2 * LIMIT_S)
            if not ended or isinstance(ended[0], Exception):
                raise Unexpected(f"the long poll did not wake: {ended}")
            return [message["Body"] for message in ended[0]]

        return result

    def test_long_poll_send(self):
        """wake a long poll by a message that is sent"""
        queue = self.queue("wake")
        result = self.poll(queue)
        self.sqs.send_message(QueueUrl=queue, MessageBody="a")
        check(["a"], result(), "received")

    def test_long_poll_delay(self):
        """wake a long poll when a delay ends"""
        queue = self.queue("wake-delayed")
        self.sqs.send_message(QueueUrl=queue, MessageBody="a", DelaySeconds=1)
        check(["a"], self.poll(queue)(), "received")

    def test_long_poll_release(self):
        """wake a long poll when another consumer gives a message back"""
        queue = self.queue("wake-released")
        self.sqs.send_message(QueueUrl=queue, MessageBody="a")
        message = self.sqs.receive_message(QueueUrl=queue)["Messages"][0]
        result = self.poll(queue)
        self.sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
        check(["a"], result(), "received")

    def test_long_poll_group(self):
        """wake a long poll when the message before it in its group is deleted"""
        queue = self.queue("wake-group.fifo", FifoQueue="true", ContentBasedDeduplication="true")
        for body in "1", "2":
            self.sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="g")
        message = self.sqs.receive_message(QueueUrl=queue)["Messages"][0]
        result = self.poll(queue)
        self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        check(["2"], result(), "received")

    def test_long_polls_share(self):
        """give each of several long polls a message of its own"""
        queue = self.queue("share")
        results = [self.poll(queue) for _ in range(4)]
        for n in range(4):
            self.sqs.send_message(QueueUrl=queue, MessageBody=str(n))
        check(["0", "1", "2", "3"], sorted(sum((result() for result in results), [])), "received by all")

    def test_long_poll_gone(self):
        """lose no message to a client that has gone away in its long poll"""
        queue = self.queue("gone")
        try:
            self.client(read_timeout=0.2).receive_message(QueueUrl=queue, WaitTimeSeconds=20)
            raise Unexpected("the long poll ended before its client went away")
        except ReadTimeoutError:
            pass
        self.sqs.send_message(QueueUrl=queue, MessageBody="a")
        result = self.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)
        check(["a"], [message["Body"] for message in result.get("Messages", [])], "received by the next client")

    def test_consumers(self):
        """give every message to one of many consumers"""
        queue = self.queue("many")
        for first in range(0, 100, 10):
            entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(first, first + 10)]
            check(10, len(self.sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]), "sent")
        got, lock = [], threading.Lock()

        def consume():
            client = self.client()
            while True:
                messages = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=7, WaitTimeSeconds=1).get("Messages")
                if not messages:
                    return
                with lock:
                    got.extend(int(message["Body"]) for message in messages)
                entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
                client.delete_message_batch(QueueUrl=queue, Entries=entries)

        threads = [threading.Thread(target=consume, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * LIMIT_S)
        check(list(range(100)), sorted(got), "received")

    def test_paginators(self):
        """list queues by a paginator"""
        urls = {self.queue(f"page-{n}") for n in range(5)}
        pages = self.sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix="more-page-", PaginationConfig={"PageSize": 2}
        )
        found = [url for page in pages for url in page["QueueUrls"]]
        check(5, len(found), "listed")
        check(urls, set(found), "the queues listed")

    def test_region(self):
        """put the region that a request is signed for into ARNs"""
        sqs = self.client(region="eu-central-1")
        queue = sqs.create_queue(QueueName="more-region")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        check("eu-central-1", attributes["QueueArn"].split(":")[3], "the region")

    def test_unsigned(self):
        """take requests that are not signed"""
        sqs = self.client(signature_version=UNSIGNED)
        queue = sqs.create_queue(QueueName="more-unsigned")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="a")
        check(1, len(sqs.receive_message(QueueUrl=queue)["Messages"]), "received")

    def test_keep_alive(self):
        """answer many requests on one connection"""
        queue = self.queue("alive")
        sqs = self.client(max_pool_connections=1)
        for n in range(50):
            sqs.send_message(QueueUrl=queue, MessageBody=str(n))
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        check("50", attributes["Attributes"]["ApproximateNumberOfMessages"], "messages")


class MoreOfQuery(More):
    """What only clients of the Query protocol can."""

    def get(self, url):
        try:
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def query(self, **parameters):
        return self.get(f"{self.url}/?{urllib.parse.urlencode(parameters)}")

    def test_presigned(self):
        """answer presigned GET requests"""
        queue = self.queue("presigned")
        sent = self.sqs.generate_presigned_url(
            "send_message", Params={"QueueUrl": queue, "MessageBody": "a + b"}, HttpMethod="GET"
        )
        status, answer = self.get(sent)
        check(200, status, "status of the GET")
        check(True, "<SendMessageResponse" in answer, "an answer to SendMessage")
        check("a + b", self.sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"], "the body")

    def test_queue_url_without_action(self):
        """say of a GET without an action that it knows no such operation"""
        status, answer = self.get(self.queue("no-action"))
        check(404, status, "status")
        check(True, "<UnknownOperationException" in answer, "UnknownOperationException in the answer")

    def test_unknown_action(self):
        """say of an unknown action that it is not valid"""
        status, answer = self.query(Action="FooBar")
        check(400, status, "status")
        check("InvalidAction", re.search("<Code>(.*?)</Code>", answer)[1], "code")
        check("The action FooBar is not valid for this endpoint.", re.search("<Message>(.*?)</Message>", answer)[1], "message")


def run_all(url, is_query, tally, only=""):
    more = MoreOfQuery(url) if is_query else More(url)
    for name in dir(more):
        if name.startswith("test_"):
            sentence = f"{getattr(more, name).__doc__} (boto3)"
            if only in sentence:
                tally.case(sentence, getattr(more, name))
