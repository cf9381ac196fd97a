#!/usr/bin/python3
"""consumer.py QUEUE [COUNT]: prints each message and deletes it, for ever or until there were COUNT.

    apt install python3-boto3
    ringlease-sqs --durability memory &
    ./consumer.py jobs

Nothing in it knows of ringlease but the address, http://127.0.0.1:9324 or $AWS_ENDPOINT_URL_SQS. Without --credentials
the endpoint takes any keys, but boto3 wants some.
"""

import os
import sys

import boto3


def open_endpoint():
    return boto3.client(
        "sqs",
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9324"),
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "any"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "any"),
    )


def consume(sqs, name, count):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]  # the one that is there, if it is
    done = 0
    while count is None or done < count:
        most = 10 if count is None else min(10, count - done)
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, WaitTimeSeconds=20)
        for message in answer.get("Messages", []):
            print(message["Body"], flush=True)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            done += 1


def main(arguments):
    if len(arguments) not in (1, 2) or not all(count.isdigit() for count in arguments[1:]):
        print("usage: consumer.py QUEUE [COUNT]", file=sys.stderr)
        return 2
    consume(open_endpoint(), arguments[0], int(arguments[1]) if arguments[1:] else None)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
