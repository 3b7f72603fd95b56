"""Writes the seeds of the targets: small files, made by the programs that usually write such files: numpy and Pillow."""

import io
import pathlib
import pickle

import numpy as np
from PIL import Image

SEEDS = pathlib.Path(__file__).parent / "seeds"


def seed(target, name, content):
    path = SEEDS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


record = bytes(range(256)) * 12
seed("cifar", "cifar10", b"\0" + b"\3" + record)
seed("cifar", "cifar100", b"\1" + b"\3\x2a" + record)

seed("stl10", "two-images", bytes([9, 2]) + b"\1\x0a\xff" + b"0 1 \n1 \n")

tetrahedron = b"OFF\n4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n"
seed("mesh", "tetrahedron", b"\0" + tetrahedron)
seed("mesh", "solid", b"\x18" + tetrahedron.replace(b"OFF\n", b"OFF"))
seed("mesh", "turned", b"\x80" + b"OFF5 1 0 # a fan\n0 0 0\n2 0 0\n3 1e0 0\n1 3 0\n-.5 1 -1e-3\n5 4 0 1 2 3 255 0 0\n")

volumes = np.zeros((2, 4, 4, 4), np.uint8)
volumes[:, 1:3, 1:3, 1:3] = 1
seed("voxels", "bytes", b"\0" + npz(data=volumes, labels=np.array([0, 9])))
seed("voxels", "wide", b"\x81" + npz(data=volumes.astype(">i4"), labels=np.array([0, 9], np.int16)))

images = np.tile(np.arange(3072, dtype=np.uint16).astype(np.uint8), (2, 1))
seed("npz", "two-images", npz(data=images, labels=np.array([1, 1000])))
seed("npz", "uint16-labels", npz(data=images[:1], labels=np.array([7], np.uint16), mean=np.zeros(2)))

own = {"x_train": images[:2, :192].reshape(2, 8, 8, 3), "y_train": np.array([[0], [1]])}
own |= {"x_test": np.asfortranarray(own["x_train"][:1] / np.float32(255)), "y_test": np.array([1], np.uint8)}
seed("npz", "own", npz(**own))

for mode, form, options in (("RGB", "png", {}), ("P", "png", {}), ("L", "jpeg", {}), ("RGB", "jpeg", {"progressive": True})):
    file = io.BytesIO()
    Image.fromarray(own["x_train"][0]).convert(mode).save(file, form, **options)
    seed("picture", f"{mode}-{form}", file.getvalue())

for protocol in (2, 3, 4):
    batch = {"data": images[:1], "labels": [1], "mean": np.float64(0.5) * images[0, :4]}
    seed("pickle", f"image-{protocol}", pickle.dumps(batch, protocol))
    short = {"data": images[:1, :8], "labels": np.arange(3, dtype=">i2"), "names": ("a", None, True, 2**40, 0.5)}
    seed("pickle", f"short-{protocol}", pickle.dumps(short, protocol))
