"""Writes the seeds of the targets that do not start from other files of the repository."""

import pathlib

import numpy as np
import polars as pl
from safetensors.numpy import save

HERE = pathlib.Path(__file__).parent
BASELINES = HERE / "../../results/baselines"


def seed(target, name, content):
    path = HERE / "seeds" / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


for artefact, table in [("fig4", "architectures"), ("fig1", "drawings"), ("table1", "trials"), ("table2", "candidates")]:
    json = pl.read_parquet(BASELINES / artefact / f"{table}.parquet")["json"][0]
    seed("architecture", artefact, json.encode())

tensors = {"hypernet.convs.0": np.arange(6, dtype=np.float32).reshape(2, 3), "empty": np.zeros((0, 2), np.float32)}
seed("checkpoint", "two-tensors", save(tensors, {"smash": "text"}))
seed("checkpoint", "scalar", save({"scalar": np.array(np.nan, np.float32)}))
seed("checkpoint", "other-type", save({"a": np.zeros(2, np.float16)}))

for i, setting in enumerate(
    [
        b"study.data.train=70",
        b"study.data = { test = 9 }",
        b"study.smash.sampling='size-balanced'",
        b"study.space.budget=[0.1, 1e0]",
        b'title = """\nTitle"""\nstudy.smash.epochs = 0x2\n[study.space]\nwidth = 3\n',
        b"study.networks=[{name='a'}]",
    ]
):
    seed("setting", str(i), setting)

table = pl.DataFrame({"x": [-0.25, None, 3.0], "y": [1, 2, 3], "group": ["p", "q, r", 'with "quotes"']})
seed("columns", "comma", table.write_csv().encode())
seed("columns", "null", table.write_csv(null_value="NA", line_terminator="\r\n").encode())
for compression in ("uncompressed", "zstd", "snappy", "gzip", "lz4"):
    path = HERE / "seeds/columns" / compression
    table.write_parquet(path, compression=compression, statistics=False)
