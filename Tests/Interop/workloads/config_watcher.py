"""Watches a Config over connections that it makes again when they end, and writes a line for each value it sees.

usage: config_watcher.py LISTENER CONFIG COUNT PAUSE [--forgetful]
COUNT watch at once; each takes PAUSE seconds over an event. --forgetful: a watch that is made again does not say what it knows.
"""
from __future__ import annotations

import copy
import http.client
import json
import sys
import threading
import time

#: Lines are said one after the other.
told = threading.Lock()

def changed(document, patch):
    """RFC 6902, of maps: add, remove, replace."""
    document = copy.deepcopy(document)
    for step in patch:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in step["path"].split("/")[1:]]
        if not keys:
            document = step["value"]
            continue
        at = document
        for key in keys[:-1]:
            at = at[key]
        if step["op"] == "remove":
            del at[keys[-1]]
        elif step["op"] == "replace" and keys[-1] not in at:
            raise KeyError(keys[-1])
        else:
            at[keys[-1]] = step["value"]
    return document


def say(index, value) -> None:
    with told:
        print(json.dumps([index, value], sort_keys=True), flush=True)


def events(known):
    connection = http.client.HTTPConnection(sys.argv[1], timeout=60)
    headers = {"Host": "config.mesh"}
    if known is not None and "--forgetful" not in sys.argv:
        headers["Last-Event-ID"] = known
    connection.request("GET", f"/v1/configs/~/{sys.argv[2]}/watch", headers=headers)
    response = connection.getresponse()
    if response.status != 200:
        raise OSError(f"{response.status}: {response.read().decode()}")
    event = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        else:
            if "data" in event:
                yield event["id"], event["event"], json.loads(event["data"])
            event = {}


def watch(index: int) -> None:
    value, known = None, None
    while True:
        try:
            for known, name, data in events(known):
                value = data if name == "value" else changed(value, data)
                say(index, value)
                time.sleep(float(sys.argv[4]))
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:  # what it was told does not fit what it knew
            say(index, f"wrong: {error!r}")
            return
        time.sleep(0.1)


for index in range(int(sys.argv[3])):
    threading.Thread(target=watch, args=[index]).start()
