"""A queue with a dead-letter queue: what is received three times and never deleted ends there."""

import json
import os

import boto3

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SQS"))

dead_url = sqs.create_queue(QueueName="payments-dead")["QueueUrl"]
attributes = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]
redrive_policy = {"deadLetterTargetArn": attributes["QueueArn"], "maxReceiveCount": 3}
queue_url = sqs.create_queue(
    QueueName="payments", Attributes={"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive_policy)}
)["QueueUrl"]

sqs.send_message(QueueUrl=queue_url, MessageBody="a payment that nobody can book")

while True:
    response = sqs.receive_message(
        QueueUrl=queue_url, WaitTimeSeconds=3, AttributeNames=["ApproximateReceiveCount"]
    )
    if "Messages" not in response:
        break
    for message in response["Messages"]:
        print(f"try {message['Attributes']['ApproximateReceiveCount']} fails")  # and does not delete it

for message in sqs.receive_message(QueueUrl=dead_url, WaitTimeSeconds=20)["Messages"]:
    print(f"in the dead-letter queue: {message['Body']}")

sources = sqs.list_dead_letter_source_queues(QueueUrl=dead_url)["queueUrls"]
print(f"which is that of: {', '.join(url.rsplit('/', 1)[-1] for url in sources)}")

sqs.delete_queue(QueueUrl=queue_url)
sqs.delete_queue(QueueUrl=dead_url)
