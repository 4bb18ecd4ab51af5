"""
Build conversations out of what every Python installation carries.

    python prepare_chat.py conversations.jsonl

- questions are asked about the top-level names of the standard library, as its syntax trees show them
- objects: is the name a class, an exception, a function or a constant
- signatures: how many parameters a function has
- visibility: is the name public
- every answer is a sentence and a last line `Answer: X`, X being the label

A record a line: question, answer, label, topic. A question is asked once.
"""

import ast
import json
import sys
import zlib

from prepare import module_files

LONGEST_QUESTION = 52
MOST_PARAMETERS = 4
NUMBERS = ("no parameters", "one parameter", "two parameters", "three parameters", "four parameters")
OPENERS = ("It is {}.", "That is {}.", "{}, clearly.")


def pick(text, n):
    """A number below n that depends on the text alone."""
    return zlib.crc32(text.encode()) % n


def kind_of(node):
    """(name, what it is) of a top-level statement; None for one that names nothing of interest."""
    if isinstance(node, ast.ClassDef):
        return node.name, "exception" if node.name.endswith(("Error", "Exception", "Warning")) else "class"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name, "function"
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
        return node.targets[0].id, "constant"
    return None


def parameters(node):
    a = node.args
    return [p.arg for p in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if p is not None]


def record(question, said, label, topic):
    opener = OPENERS[pick(question, len(OPENERS))]
    answer = f"{opener.format(said)}\nAnswer: {label}"
    return {"question": question, "answer": answer[0].upper() + answer[1:], "label": label, "topic": topic}


def records(files):
    for path, file in files:
        try:
            body = ast.parse(file.read_bytes()).body
        except (SyntaxError, ValueError):
            continue
        module = path.removesuffix(".py").removesuffix("/__init__").split("/")[-1]
        for node in body:
            if not (found := kind_of(node)):
                continue
            name, kind = found
            full = f"{module}.{name}"
            article = "an" if kind == "exception" else "a"
            yield record(f"What kind of object is {full}?", f"{article} {kind}", kind, "objects")
            if kind == "function" and len(names := parameters(node)) <= MOST_PARAMETERS:
                call = f"{name}({', '.join(names)})"
                yield record(f"What does {call} take?", NUMBERS[len(names)], str(len(names)), "signatures")
            if name.startswith("_") or pick(full, 4) == 0:
                label = "no" if name.startswith("_") else "yes"
                yield record(f"Is {full} public?", "internal" if label == "no" else "public", label, "visibility")


def main(out):
    asked = set()
    kept = []
    for r in records(module_files()):
        if len(r["question"]) <= LONGEST_QUESTION and r["question"] not in asked:
            asked.add(r["question"])
            kept.append(r)
    kept.sort(key=lambda r: zlib.crc32(r["question"].encode()))  # no order that a module or a topic would give
    with open(out, "w") as f:
        for r in kept:
            f.write(json.dumps(r) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
