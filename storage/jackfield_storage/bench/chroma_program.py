"""Adds passages to ChromaDB and asks it questions, timed. Run by another Python: it imports nothing of Jackfield's.

Takes a folder with `passages.json` ([[path, text], …]), `passages.npy` and `questions.npy`, and writes `answers.json`.
"""

import json
import sys
import time
from pathlib import Path

import chromadb  # type: ignore[import-not-found]
import numpy as np
from chromadb.config import Settings  # type: ignore[import-not-found]

FOUND = 30
"""Passages that are asked for, so that there are five files among them."""
WARM_UP = 3


def main(folder: Path) -> None:
    """Do all of it."""
    passages = json.loads((folder / "passages.json").read_text(encoding="utf-8"))
    vectors, questions = np.load(folder / "passages.npy"), np.load(folder / "questions.npy")
    client = chromadb.PersistentClient(str(folder / "store"), settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection("bench", metadata={"hnsw:space": "cosine"}, embedding_function=None)
    began = time.perf_counter()
    step = min(5000, client.get_max_batch_size())
    for start in range(0, len(passages), step):
        some = passages[start : start + step]
        collection.add(
            ids=[str(start + number) for number in range(len(some))],
            embeddings=vectors[start : start + step],
            documents=[text for _, text in some],
            metadatas=[{"path": path} for path, _ in some],
        )
    added = time.perf_counter() - began
    for question in questions[:WARM_UP]:
        asked(collection, question)
    found, seconds = [], []
    for question in questions:
        began = time.perf_counter()
        paths = asked(collection, question)
        seconds.append(time.perf_counter() - began)
        found.append(paths)
    answers = {
        "version": chromadb.__version__,
        "added": added,
        "found": found,
        "seconds": seconds,
        "memory": peak_memory(),
    }
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


def peak_memory() -> int:
    """Bytes of physical memory that this process had at most; what it was started from counts in `getrusage`."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii", errors="replace").splitlines() if status.exists() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


def asked(collection: chromadb.Collection, question: np.ndarray) -> list[str]:
    """The files of the nearest passages, best first."""
    found = collection.query(query_embeddings=[question], n_results=FOUND, include=["metadatas", "documents"])
    return list(dict.fromkeys(each["path"] for each in found["metadatas"][0]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
