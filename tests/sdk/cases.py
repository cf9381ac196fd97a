"""Carries out the cases of cases/*.json (its README has the form) through a client that is given: a `client` has
call(action, input), which returns the result or raises Refused, and knows(action, input)."""

import base64
import glob
import hashlib
import json
import os
import random
import re
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UNTIL_S = 40
with open(os.path.join(HERE, "errors.json"), encoding="utf-8") as file:
    ERRORS = json.load(file)


class Refused(Exception):
    """The endpoint's answer was an error."""

    def __init__(self, code, status, message, is_right_class):
        super().__init__(f"{code} ({status}): {message}")
        self.code, self.status, self.message, self.is_right_class = code, status, message, is_right_class


class Unexpected(Exception):
    """An answer is not as a case says."""


def all_cases():
    for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.json"))):
        with open(path, encoding="utf-8") as file:
            for case in json.load(file):
                yield os.path.basename(path)[: -len(".json")], case


def filled(value, known):
    """With its variables, long texts and binaries in place."""
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]+)\}", lambda found: known[found.group(1)], value)
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        return value["$repeat"][0] * value["$repeat"][1]
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return {filled(name, known): filled(each, known) for name, each in value.items()}


def shown(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."


def match(expected, value, where="result"):
    """Raises Unexpected where a result is not as expected."""
    if expected is None:
        is_match = value is None
    elif isinstance(expected, str) and expected.startswith("~"):
        is_match = isinstance(value, str) and re.search(expected[1:], value, re.DOTALL)
    elif isinstance(expected, list):
        is_match = isinstance(value, list) and len(value) == len(expected)
        if is_match:
            for index, each in enumerate(expected):
                match(each, value[index], f"{where}.{index}")
    elif isinstance(expected, dict):
        return match_object(expected, value, where)
    else:
        is_match = type(value) is type(expected) and value == expected
    if not is_match:
        raise Unexpected(f"{where} is {shown(value)}, not {shown(expected)}")


def match_object(expected, value, where):
    if "$json" in expected:
        return match({"$exactly": expected["$json"]}, json.loads(value), where)
    if "$length" in expected:
        return match(expected["$length"], len(value or []), where + " (length)")
    if "$unordered" in expected:
        by_text = lambda each: json.dumps(each, sort_keys=True)
        return match(sorted(expected["$unordered"], key=by_text), sorted(value or [], key=by_text), where)
    if not isinstance(value, dict):
        raise Unexpected(f"{where} is {shown(value)}, not {shown(expected)}")
    members = expected.get("$exactly", expected)
    if "$exactly" in expected and set(value) != set(members):
        raise Unexpected(f"{where} has {sorted(value)}, not {sorted(members)}")
    for name, each in members.items():
        match(each, value.get(name), f"{where}.{name}")


def md5(data):
    return hashlib.md5(data).hexdigest()


def attributes_md5(attributes):
    text = b""
    for name, each in sorted(attributes.items(), key=lambda pair: pair[0].encode()):
        is_binary = each["DataType"].startswith("Binary")
        value = each["BinaryValue"] if is_binary else each["StringValue"].encode()
        for part in (name.encode(), each["DataType"].encode()):
            text += len(part).to_bytes(4, "big") + part
        text += (b"\2" if is_binary else b"\1") + len(value).to_bytes(4, "big") + value
    return md5(text) if attributes else None


def check_sent(sent, answer):
    match(md5(sent["MessageBody"].encode()), answer.get("MD5OfMessageBody"), "MD5OfMessageBody")
    match(attributes_md5(sent.get("MessageAttributes", {})), answer.get("MD5OfMessageAttributes"), "MD5OfMessageAttributes")
    match(
        attributes_md5(sent.get("MessageSystemAttributes", {})),
        answer.get("MD5OfMessageSystemAttributes"),
        "MD5OfMessageSystemAttributes",
    )


def check_digests(action, sent, result):
    if action == "SendMessage":
        check_sent(sent, result)
    if action == "SendMessageBatch":
        entries = {entry["Id"]: entry for entry in sent["Entries"]}
        for answer in result.get("Successful", []):
            check_sent(entries[answer["Id"]], answer)
    for message in result.get("Messages", []) if action == "ReceiveMessage" else []:
        match(md5(message["Body"].encode()), message["MD5OfBody"], "MD5OfBody")
        match(
            attributes_md5(message.get("MessageAttributes", {})),
            message.get("MD5OfMessageAttributes"),
            "MD5OfMessageAttributes of a received message",
        )


def check_refusal(client, refused, expected):
    """Was it refused as expected, in class, code, HTTP status and words?"""
    if "error" not in expected:
        raise Unexpected(f"refused: {refused}")
    code = expected["error"] if expected["error"] != "any" else refused.code
    known = ERRORS[code]
    message = expected.get("message", known.get("message"))
    if client.is_query and message is not None and message == known.get("message"):
        message = known.get("query_message", message)
    match(code, refused.code, "the error's code")
    match(known["status"], refused.status, f"the HTTP status of {code}")
    if message is not None:
        match(message, refused.message, f"the message of {code}")
    if not refused.is_right_class(known["type"]):
        raise Unexpected(f"{code} is not of the client's class for {known['type']}")


def picked(result, path):
    for name in path.split("."):
        result = result[int(name)] if isinstance(result, list) else result[name]
    return result


class Run:
    """One case, with queues of its own."""

    def __init__(self, client, case):
        self.client, self.case, self.known = client, case, {}

    def create(self, name, attributes):
        ending = ".fifo" if "FifoQueue" in attributes else ""
        queue = f"case-{random.getrandbits(40):010x}-{name}{ending}"
        asked = {"QueueName": queue}
        if attributes:
            asked["Attributes"] = filled(attributes, self.known)
        url = self.client.call("CreateQueue", asked)["QueueUrl"]
        arn = self.client.call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})
        self.known.update({name: url, name + ".name": queue, name + ".arn": arn["Attributes"]["QueueArn"]})

    def once(self, action, sent, expected, save):
        try:
            result = self.client.call(action, sent)
        except Refused as refused:
            return check_refusal(self.client, refused, expected)
        if "error" in expected:
            raise Unexpected(f"not refused, but answered with {shown(result)}")
        check_digests(action, sent, result)
        match(expected, result)
        for name, path in save.items():
            self.known[name] = picked(result, path)

    def step(self, action, sent, expected=None, options=None):
        options = options or {}
        sent, expected = filled(sent, self.known), filled(expected or {}, self.known)
        until = time.monotonic() + (UNTIL_S if options.get("until") else 0)
        while True:
            try:
                return self.once(action, sent, expected, options.get("save", {}))
            except Unexpected as fault:
                if time.monotonic() >= until:
                    raise Unexpected(f"{fault}; of {action} {shown(sent)}") from None

    def remove_queues(self):
        for name in self.case.get("queues", {}):
            try:
                self.client.call("DeleteQueue", {"QueueUrl": self.known[name]})
            except (Refused, KeyError):
                pass  # by the case itself, or never made

    def run(self):
        try:
            for name, attributes in self.case.get("queues", {}).items():
                self.create(name, attributes)
            for step in self.case["steps"]:
                self.step(*step)
        finally:
            self.remove_queues()


class Tally:
    """Prints a line for each case, and the closing one."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def case(self, sentence, run):
        try:
            run()
        except Exception as fault:  # whatever goes wrong is this case's
            self.failed += 1
            print(f"not ok: should {sentence}: {type(fault).__name__}: {fault}", flush=True)
        else:
            self.passed += 1
            print(f"ok: should {sentence}", flush=True)

    def skip(self, sentence, why):
        self.skipped += 1
        print(f"skipped: should {sentence}: {why}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        return 0 if self.passed and not self.failed else 1


def run_all(client, tally, only=""):
    for group, case in all_cases():
        sentence = f"{case['it']} ({group})"
        if only not in sentence:
            continue
        unknown = next((step[0] for step in case["steps"] if not client.knows(step[0], step[1])), None)
        if unknown:
            tally.skip(sentence, f"this client does not have all of {unknown}")
        else:
            tally.case(sentence, Run(client, case).run)
