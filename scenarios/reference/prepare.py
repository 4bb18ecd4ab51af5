"""
Build the corpus out of what every Python installation carries.

    python prepare.py corpus.jsonl

- topics: the language reference as help() shows it, one document a topic
- docstrings: of the standard library's modules, one document a module
- mirror: some of the docstrings again under another address, as a crawler finds them
- bytecode: compiled modules, the kind of binary that slips into a crawl (most jobs filter it out)

Documents are written shard by shard, each shard from one source, as a crawler would leave them.
"""

import ast
import base64
import json
import marshal
import sys
import sysconfig
import zlib
from pathlib import Path
from pydoc_data import topics as pydoc_topics

SKIP = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "turtledemo",
    "ensurepip",
    "__pycache__",
}
SHARD_BYTES = 24_000
BINARY_MODULES = 24
MIRROR_EVERY = 3


def topic_documents():
    return [(f"topic/{name}", text.encode()) for name, text in sorted(pydoc_topics.topics.items())]


def module_files():
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = sorted(path for path in root.rglob("*.py") if not SKIP.intersection(path.relative_to(root).parts))
    return [(path.relative_to(root).as_posix(), path) for path in paths]


def docstring_documents(files):
    documents = []
    for name, path in files:
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
        text = "\n\n".join(text for text in texts if text)
        if len(text) > 500:
            documents.append((f"docstrings/{name}", text.encode()))
    return documents


def mirrored(documents):
    return [(f"mirror/{name}", data) for name, data in documents[::MIRROR_EVERY]]


def bytecode_documents(files):
    documents = []
    for name, path in files[:: max(1, len(files) // BINARY_MODULES)][:BINARY_MODULES]:
        code = compile(path.read_bytes(), name, "exec", dont_inherit=True)
        documents.append((f"bytecode/{name}c", zlib.compress(marshal.dumps(code))))
    return documents


def shards(documents):
    """Consecutive documents in groups of about SHARD_BYTES."""
    group, size = [], 0
    for document in documents:
        group.append(document)
        size += len(document[1])
        if size >= SHARD_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def interleave(*sources):
    """One shard of each source in turn until all are used up."""
    queues = [list(shards(source)) for source in sources]
    while any(queues):
        for queue in queues:
            if queue:
                yield from queue.pop(0)


def main(out):
    files = module_files()
    topics, docstrings, binaries = topic_documents(), docstring_documents(files), bytecode_documents(files)
    with open(out, "w") as f:
        for name, data in interleave(topics, docstrings, mirrored(docstrings), binaries):
            f.write(json.dumps({"name": name, "data": base64.b64encode(data).decode()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
