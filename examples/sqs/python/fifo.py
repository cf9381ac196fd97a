"""A FIFO queue: order within each group, and no duplicates."""

import os

import boto3

sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SQS"))
queue_url = sqs.create_queue(
    QueueName="accounts.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
)["QueueUrl"]

for account, booking in [("alice", "+100"), ("bob", "+50"), ("alice", "-30"), ("alice", "-30")]:
    sqs.send_message(QueueUrl=queue_url, MessageBody=f"{account} {booking}", MessageGroupId=account)
    print(f"sent: {account} {booking}")  # the second -30 has the same body, and is the same booking

while True:
    response = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=1, AttributeNames=["MessageGroupId"]
    )
    if "Messages" not in response:
        break
    for message in response["Messages"]:
        print(f"received: {message['Body']}, of the group {message['Attributes']['MessageGroupId']}")
        # Until it is deleted, nothing else of its group is received.
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

sqs.delete_queue(QueueUrl=queue_url)
