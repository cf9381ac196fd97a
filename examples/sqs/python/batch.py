"""Sends, extends and deletes messages in batches, with boto3's resources."""

import os

import boto3

sqs = boto3.resource("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SQS"))
queue = sqs.create_queue(QueueName="readings")

entries = [{"Id": f"reading-{n}", "MessageBody": f"{n} degrees"} for n in range(9)]
entries.append({"Id": "broken", "MessageBody": "\x00"})  # a character that SQS does not carry
response = queue.send_messages(Entries=entries)
print(f"sent: {len(response['Successful'])}")
for failure in response.get("Failed", []):
    print(f"refused: {failure['Id']}, {failure['Code']}, sender's fault: {str(failure['SenderFault']).lower()}")

received = []
while len(received) < len(response["Successful"]):
    received += queue.receive_messages(MaxNumberOfMessages=10, WaitTimeSeconds=20)
print(f"received: {', '.join(sorted(message.body for message in received))}")

response = queue.change_message_visibility_batch(
    Entries=[
        {"Id": str(n), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": 60}
        for n, message in enumerate(received)
    ]
)
print(f"extended: {len(response['Successful'])}")

response = queue.delete_messages(
    Entries=[{"Id": str(n), "ReceiptHandle": message.receipt_handle} for n, message in enumerate(received)]
)
print(f"deleted: {len(response['Successful'])}")

queue.delete()
