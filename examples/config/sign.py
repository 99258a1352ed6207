#!/usr/bin/env python3
"""Reads a file at start, and again when it is called: a program that knows nothing of configs.

usage: sign.py ADDRESS:PORT FILE
"""
import http.server
import json
import sys

address, port = sys.argv[1].split(":")


def read():
    try:
        with open(sys.argv[2]) as file:
            print(json.load(file)["greeting"], flush=True)
    except FileNotFoundError:
        print("nothing to say yet", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        read()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


read()
http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()
