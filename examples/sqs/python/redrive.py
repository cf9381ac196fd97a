"""Moves messages of a dead-letter queue back to where they came from, once their cause is mended."""

import json
import os
import time

import boto3

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SQS"))

dead_url = sqs.create_queue(QueueName="mails-dead")["QueueUrl"]
dead_arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
queue_url = sqs.create_queue(
    QueueName="mails",
    Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})},
)["QueueUrl"]

# Two mails that cannot be sent: received, given back, and too often received then.
for body in "to nobody", "to everybody":
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)
while "Messages" in (response := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)):
    for message in response["Messages"]:
        print(f"cannot be sent: {message['Body']}")

task = sqs.start_message_move_task(SourceArn=dead_arn)
while True:
    status = sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]
    if status["Status"] != "RUNNING":
        break
    time.sleep(0.2)
print(f"{status['Status']}: moved {status['ApproximateNumberOfMessagesMoved']}")

received = 0
while received < 2:
    response = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
    for message in response["Messages"]:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        received += 1
print(f"sent after all: {received}")

sqs.delete_queue(QueueUrl=queue_url)
sqs.delete_queue(QueueUrl=dead_url)
