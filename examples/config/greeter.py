#!/usr/bin/env python3
"""Follows its config, and says what it would greet with: the standard library alone, and no restart.

usage: greeter.py OUTBOUND-LISTENER
"""
import http.client
import json
import sys
import time


def changed(document, patch):
    """RFC 6902, of maps and lists: add, remove, replace."""
    for step in patch:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in step["path"].split("/")[1:]]
        if not keys:
            document = step.get("value")
            continue
        at = document
        for key in keys[:-1]:
            at = at[int(key)] if isinstance(at, list) else at[key]
        last = keys[-1]
        if isinstance(at, list):
            index = len(at) if last == "-" else int(last)
            if step["op"] == "add":
                at.insert(index, step["value"])
            elif step["op"] == "remove":
                del at[index]
            else:
                at[index] = step["value"]
        elif step["op"] == "remove":
            del at[last]
        else:
            at[last] = step["value"]
    return document


def events(listener, known):
    """Each event of the stream: its id, its name and what it says."""
    connection = http.client.HTTPConnection(listener, timeout=60)
    headers = {"Host": "config.mesh"}
    if known:
        headers["Last-Event-ID"] = known
    connection.request("GET", "/v1/configs/~/web/watch", headers=headers)
    response = connection.getresponse()
    if response.status != 200:
        raise OSError(f"{response.status}: {response.read().decode()}")
    event = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            yield event["id"], event["event"], json.loads(event["data"])
            event = {}
        else:
            event = {}


config, known = None, None
while True:
    try:
        for known, name, data in events(sys.argv[1], known):
            config = data if name == "value" else changed(config, data)
            print(f"{config['greeting']}, at most {config['limits']['requests']} at once", flush=True)
    except OSError as error:
        print(f"waiting: {error}", file=sys.stderr, flush=True)
    time.sleep(0.2)
