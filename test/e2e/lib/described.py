#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Are the answers of the API as it is described?

    described.py OPENAPI.JSON CALLS

CALLS has a line for each call: method, path, status, content type, body in base64, apart by tabs.
Calls of paths that are not described are left out. What is wrong goes to stdout.
"""
import base64
import importlib.machinery
import importlib.util
import json
import os
import sys

import jsonschema

HERE = os.path.dirname(os.path.abspath(__file__))
MATCH = os.path.join(HERE, "..", "..", "endpoints")


def endpoints():
    loader = importlib.machinery.SourceFileLoader("endpoints", MATCH)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("endpoints", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def complaint(doc, op, status, kind, body):
    answer = op["responses"].get(status)
    if answer is None:
        return "status %s is not described" % status
    content = answer.get("content", {})
    if not content:
        return "a body where none is described" if body else None
    kind = kind.split(";")[0].strip()
    if kind not in content:
        return "content type %s is not described for status %s" % (kind or "none", status)
    if kind != "application/json":
        return None
    schema = dict(content[kind]["schema"], components=doc["components"])
    errors = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(body))
    for error in errors:
        deepest = jsonschema.exceptions.best_match([error])
        return "%s at %s" % (deepest.message[:300], "/".join(map(str, deepest.absolute_path)) or "/")
    return None


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        doc = json.load(text)
    match = endpoints().matcher(doc)
    told = set()
    with open(sys.argv[2], encoding="utf-8", errors="replace") as lines:
        for line in lines:
            method, path, status, kind, body = (line.rstrip("\n").split("\t") + [""] * 5)[:5]
            described = match(method, path)
            if described is None:
                continue
            op = doc["paths"][described][method.lower()]
            what = complaint(doc, op, status, kind, base64.b64decode(body))
            if what is not None and (method, described, what) not in told:
                told.add((method, described, what))
                print("%s %s (%s): %s" % (method, described, status, what))
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
