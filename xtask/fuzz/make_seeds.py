"""Writes the seeds of the target: small archives, made by Python's own libraries."""

import gzip
import io
import pathlib
import tarfile
import zipfile

SEEDS = pathlib.Path(__file__).parent / "seeds"


def tar(format):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as archive:
        folder = tarfile.TarInfo("set/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in ("set/a.bin", "set/inner/b.bin", "set/unread.bin"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"bytes"))
        link = tarfile.TarInfo("set/link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../outside"
        archive.addfile(link)
    # Python ends an archive with 20 blocks of zeros; two are enough.
    return file.getvalue().rstrip(b"\0") + bytes(1024)


def named(name):
    """An archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"bytes")
    return file.getvalue()


def zipped(compression):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("set/", b"")
        archive.writestr("set/a.bin", b"bytes " * 20)
        archive.writestr("set/inner/b.bin", b"")
        archive.writestr("set/unread.bin", b"left out")
    return file.getvalue()


def seed(name, kind, content):
    path = SEEDS / "archive" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes([kind]) + content)


seed("ustar", 0, tar(tarfile.USTAR_FORMAT))
seed("pax", 0, tar(tarfile.PAX_FORMAT))
seed("packed", 1, gzip.compress(tar(tarfile.USTAR_FORMAT), mtime=0))
seed("stored-zip", 2, zipped(zipfile.ZIP_STORED))
seed("deflated-zip", 2, zipped(zipfile.ZIP_DEFLATED))
seed("no-name", 2, named("."))
seed("long-name", 2, named("set/" + "a" * 300))
seed("outside", 2, named("set/../../a.bin"))
