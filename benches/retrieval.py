#!/usr/bin/env python3
"""Answers the questions of a retrieval evaluation with tagout and, where it is installed, with semble, and prints how good
both are and how long a question takes.

usage: benches/retrieval.py EVALUATION CORPORA [--program TRAIN] [--semble PYTHON]

EVALUATION has queries.jsonl and score.py; CORPORA has one folder for each project of it. TRAIN is the example `train`, built
when it is not given. PYTHON is one that has semble from PyPI (`python3 -m venv V && V/bin/pip install semble`). Its model is
not in its package, so it runs by words and its own ranking alone, which its authors report as .834 beside .854 with the model.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap

SEMBLE = textwrap.dedent(
    """
    import collections, json, pathlib, sys, tempfile, time
    import numpy
    from model2vec import StaticModel
    from semble import SembleIndex
    from tokenizers import Tokenizer, models, pre_tokenizers

    evaluation, corpora, out = map(pathlib.Path, sys.argv[1:])
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = tempfile.mkdtemp()
    StaticModel(numpy.ones((2, 8), dtype=numpy.float32), tokenizer).save_pretrained(model)
    asked = collections.defaultdict(list)
    for line in (evaluation / "queries.jsonl").read_text().splitlines():
        question = json.loads(line)
        asked[question["project"]].append(question)
    times = []
    with out.open("w") as run:
        for project, questions in asked.items():
            folder = corpora / project
            if not folder.is_dir():
                continue
            index = SembleIndex.from_path(folder, model_path=model)
            for question in questions:
                start = time.perf_counter()
                found = index.search(question["query"], top_k=50, alpha=0.0)
                times.append(time.perf_counter() - start)
                places = [
                    {"path": hit.chunk.file_path, "start_line": hit.chunk.start_line, "end_line": hit.chunk.end_line}
                    for hit in found
                ]
                run.write(json.dumps({"id": question["id"], "results": places}) + "\\n")
    times.sort()
    print(f"{times[len(times) // 2] * 1000:.1f} {times[len(times) * 95 // 100] * 1000:.1f}")
    """
)


def scores(evaluation, run):
    """What the evaluation's own scorer says of a run, by task."""
    command = [sys.executable, evaluation / "score.py", evaluation / "queries.jsonl", run, "--json"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {row["task"]: f"{row['ndcg']:.3f} / {row['recall']:.3f}" for row in said}


def program():
    """The example that answers a file of questions, built as everything else is."""
    command = ["cargo", "build", "--example", "train", "--message-format", "json"]
    folder = pathlib.Path(__file__).parent.parent
    lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout.splitlines()
    built = [json.loads(line).get("executable") for line in lines]
    return next(path for path in reversed(built) if path and "examples" in path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=pathlib.Path)
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("--program")
    parser.add_argument("--semble", metavar="PYTHON")
    given = parser.parse_args()
    queries = given.evaluation / "queries.jsonl"
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        command = [given.program or program(), "runs", given.corpora, queries, out]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")
        rows = {
            "tagout, intent told by the words": scores(given.evaluation, f"{out}.auto.jsonl"),
            "tagout, intent given": scores(given.evaluation, f"{out}.given.jsonl"),
        }
        if given.semble:
            command = [given.semble, "-c", SEMBLE, given.evaluation, given.corpora, out]
            half, most = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            print(f"semble: p50 {half} ms, p95 {most} ms")
            rows["semble, words and its ranking"] = scores(given.evaluation, out)
    tasks = sorted({task for row in rows.values() for task in row})
    print(f"{'NDCG@10 / Recall@10':36}" + "".join(f"{task:>18}" for task in tasks))
    for name, row in rows.items():
        print(f"{name:36}" + "".join(f"{row.get(task, '-'):>18}" for task in tasks))


main()
