"""Sends a message with attributes, waits for it, asks for more time, deletes it."""

import os

import boto3

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SQS"))

try:
    queue_url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
except sqs.exceptions.QueueDoesNotExist:
    print("no queue yet: creating it")
    queue_url = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]

sqs.send_message(
    QueueUrl=queue_url,
    MessageBody="one large pizza",
    MessageAttributes={
        "customer": {"DataType": "String", "StringValue": "Zoë"},
        "total": {"DataType": "Number", "StringValue": "12.50"},
    },
)
print("sent")

response = sqs.receive_message(
    QueueUrl=queue_url,
    MaxNumberOfMessages=10,
    WaitTimeSeconds=20,
    MessageAttributeNames=["All"],
    AttributeNames=["ApproximateReceiveCount"],
)
for message in response["Messages"]:
    customer = message["MessageAttributes"]["customer"]["StringValue"]
    total = message["MessageAttributes"]["total"]["StringValue"]
    print(f"received: {message['Body']} for {customer}, {total}, try {message['Attributes']['ApproximateReceiveCount']}")

    # It takes longer than the queue's visibility timeout.
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=handle, VisibilityTimeout=120)
    print("extended")

    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=handle)
    print("deleted")

sqs.delete_queue(QueueUrl=queue_url)
