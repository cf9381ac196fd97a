#!/usr/bin/python3
"""boto3_cases.py [PART OF A SENTENCE]: the cases of cases/*.json, and more, through the boto3 of this Python.
Run by serve.py, against $AWS_ENDPOINT_URL_SQS."""

import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import boto3_more
import cases


class Boto3Client:
    """boto3 as cases.py wants a client."""

    def __init__(self):
        # One try: an answer that is retried would hide a fault. The limit is a watchdog.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60, connect_timeout=10)
        self.sqs = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL_SQS"], config=config)
        self.model = self.sqs.meta.service_model
        self.is_query = self.model.metadata["protocol"] == "query"

    def knows(self, action, sent):
        if action not in self.model.operation_names:
            return False
        return set(sent) <= set(self.model.operation_model(action).input_shape.members)

    def call(self, action, sent):
        method = next(name for name, of in self.sqs.meta.method_to_api_mapping.items() if of == action)
        try:
            result = getattr(self.sqs, method)(**sent)
        except ClientError as error:
            raise self.refusal(error) from None
        result.pop("ResponseMetadata")
        return result

    def refusal(self, error):
        def is_right_class(name):
            try:
                return isinstance(error, getattr(self.sqs.exceptions, name))
            except AttributeError:
                return type(error) is ClientError  # the client's model has no class for it

        said = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return cases.Refused(said["Code"], status, said["Message"], is_right_class)


def main():
    tally = cases.Tally()
    client = Boto3Client()
    print(f"boto3 {boto3.__version__}, {client.model.metadata['protocol']} protocol")
    only = " ".join(sys.argv[1:])
    cases.run_all(client, tally, only)
    boto3_more.run_all(os.environ["AWS_ENDPOINT_URL_SQS"], client.is_query, tally, only)
    sys.exit(tally.close())


if __name__ == "__main__":
    main()
