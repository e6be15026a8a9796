"""mnist() and cifar10(): real files of their formats, small ones, written here; a real server, on this machine."""

import gzip
import hashlib
import io
import shutil
import struct
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylucid.data import Preprocess, cifar10, mnist, published
from tinylucid.data.fetch import fetch
from tinylucid.data.published import CIFAR_CLASSES, CIFAR_FILES, CIFAR_FOLDER, MNIST_FILES, read_idx

RNG = np.random.default_rng(0)
COUNTS = {"train": 9, "t10k": 4}
ARCHIVE = "cifar-10-binary.tar.gz"


def idx(array):
    """An array of bytes in the idx format."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def digits_of(part, n):
    """Pictures and labels of a part of a small MNIST."""
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n).astype(np.uint8)


def write_mnist(root, packed=True):
    """A small MNIST in a folder; returns what its files hold, by name without .gz."""
    held = {}
    for part, n in COUNTS.items():
        images, labels = digits_of(part, n)
        held |= {f"{part}-images-idx3-ubyte": images, f"{part}-labels-idx1-ubyte": labels}
    for name, array in held.items():
        path = root / (name + ".gz" * packed)
        path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    return held


def write_cifar(folder, n=3):
    """The six files of a small CIFAR-10; returns their records."""
    folder.mkdir(exist_ok=True)
    held = {}
    for k, name in enumerate(CIFAR_FILES):
        records = np.random.default_rng(k).integers(0, 256, (n + k, 3073), np.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.tobytes())
        held[name] = records
    return held


def pack(root, names=CIFAR_FILES):
    """A small CIFAR-10's archive in a folder; returns the records."""
    held = write_cifar(root / "here")
    with tarfile.open(root / ARCHIVE, "w:gz") as archive:
        for name in (*names[1:], "readme.html", *names[:1]):  # in no order
            raw = held[name].tobytes() if name in held else b"hello"
            member = tarfile.TarInfo(f"{CIFAR_FOLDER}/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    shutil.rmtree(root / "here")
    return held


# --- MNIST -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_as_published(tmp_path, packed):
    held = write_mnist(tmp_path, packed)
    for part, (name, n) in zip(mnist(tmp_path), COUNTS.items()):
        images, labels = held[f"{name}-images-idx3-ubyte"], held[f"{name}-labels-idx1-ubyte"]
        assert (part.x.shape, part.x.dtype, part.y.dtype) == ((n, 1, 28, 28), np.float32, np.int64)
        assert np.allclose(part.x[:, 0], (images / 255 - 0.1307) / 0.3081, atol=1e-5)
        assert np.array_equal(part.y, labels)
        assert part.classes == tuple("0123456789")
        assert part.preprocess == Preprocess(28, False, (0.1307,), (0.3081,))
        assert np.allclose(part.preprocess.shown(part.x)[:, 0], images / 255, atol=1e-5)


def test_more_pictures_than_are_prepared_at_a_time(tmp_path):
    write_mnist(tmp_path, packed=False)
    images = RNG.integers(0, 256, (5000, 28, 28), np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(5000, np.uint8)))
    assert np.allclose(mnist(str(tmp_path)).train.x[:, 0], (images / 255 - 0.1307) / 0.3081, atol=1e-5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_idx_of_any_shape(tmp_path_factory, shape):
    path = tmp_path_factory.mktemp("idx") / "file"
    array = RNG.integers(0, 256, shape, np.uint8)
    path.write_bytes(idx(array))
    assert np.array_equal(read_idx(path, len(shape)), array)


def test_missing_files_are_named_with_what_to_do(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        mnist(tmp_path)
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "no t10k-labels-idx1-ubyte.gz in" in message
    assert "train-images" not in message
    assert "download=True" in message


GOOD = idx(np.zeros((4, 28, 28), np.uint8))
DAMAGED = {
    "is cut off: 3135 bytes follow a header that promises 4×28×28": GOOD[:-1],
    "is too long: 3137 bytes": GOOD + b"\0",
    "is cut off: holds 9 bytes, and its header alone has 16": GOOD[:9],
    "is cut off: holds 0 bytes": b"",
    "expected to begin with 00 00 08 03, got 00 00 08 01": idx(np.zeros(4, np.uint8)),
    "got 3c 68 74 6d": b"<html><body>404",
    "pictures of 28×28 pixels, got 28×27": idx(np.zeros((4, 28, 27), np.uint8)),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("message", DAMAGED)
def test_damaged_idx_files_are_told_apart(tmp_path, message, packed):
    write_mnist(tmp_path, packed)
    name = "t10k-images-idx3-ubyte" + ".gz" * packed
    (tmp_path / name).write_bytes(gzip.compress(DAMAGED[message]) if packed else DAMAGED[message])
    with pytest.raises(ValueError) as caught:
        mnist(tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[:-12], "is cut off: the packed data do not come to an end"),
        (lambda raw: b"\0" + raw[1:], "is no whole gzip file"),
        (lambda raw: raw[:-8] + bytes(8), "is no whole gzip file"),  # a wrong checksum
        (lambda raw: raw[:12] + bytes(len(raw) - 12), "is no whole gzip file"),
    ],
)
def test_damaged_gzip_files_are_told_apart(tmp_path, change, message):
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError) as caught:
        mnist(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_labels_must_fit_the_pictures(tmp_path):
    write_mnist(tmp_path, packed=False)
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(idx(np.zeros(8, np.uint8)))
    with pytest.raises(ValueError, match="labels-idx1-ubyte: holds 8 labels for the 9 pictures of train-images"):
        mnist(tmp_path)
    path.write_bytes(idx(np.full(9, 10, np.uint8)))
    with pytest.raises(ValueError, match="labels-idx1-ubyte: is damaged: it holds class 10, and there are only 10"):
        mnist(tmp_path)


# --- CIFAR-10 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["folder", "inner folder", "archive"])
def test_cifar_as_published(tmp_path, where):
    inner = tmp_path / CIFAR_FOLDER if where == "inner folder" else tmp_path
    held = pack(tmp_path) if where == "archive" else write_cifar(inner)
    data = cifar10(tmp_path)
    for part, names in zip(data, (CIFAR_FILES[:5], CIFAR_FILES[5:])):
        records = np.concatenate([held[name] for name in names])
        pixels = records[:, 1:].reshape(-1, 3, 32, 32) / 255
        mean, std = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2470, 0.2435, 0.2616])
        assert (part.x.dtype, part.y.dtype) == (np.float32, np.int64)
        assert np.allclose(part.x, (pixels - mean[:, None, None]) / std[:, None, None], atol=1e-5)
        assert np.array_equal(part.y, records[:, 0])
        assert part.classes == CIFAR_CLASSES
        assert part.preprocess == Preprocess(32, True, tuple(mean), tuple(std))
        assert np.allclose(part.preprocess.shown(part.x), pixels, atol=1e-5)
    assert (len(data.train), len(data.test)) == (25, 8)


def test_missing_cifar_is_named_with_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        cifar10(tmp_path)
    message = str(caught.value)
    assert all(text in message for text in (str(tmp_path), ARCHIVE, "data_batch_1.bin", "download=True"))
    assert "pickle" not in message
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(FileNotFoundError, match="made of pickles, which are never opened"):
        cifar10(tmp_path)


def test_one_missing_batch_is_named(tmp_path):
    write_cifar(tmp_path)
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"cifar10: no data_batch_3\.bin in "):
        cifar10(tmp_path)
    (tmp_path / "b").mkdir()
    pack(tmp_path / "b", CIFAR_FILES[:-1])
    with pytest.raises(FileNotFoundError, match=r"no test_batch\.bin in .*tar\.gz"):
        cifar10(tmp_path / "b")


@pytest.mark.parametrize("raw", [b"", bytes(3072), bytes(3 * 3073 + 1)], ids=len)
def test_cut_off_batches_are_named(tmp_path, raw):
    write_cifar(tmp_path)
    (tmp_path / "data_batch_2.bin").write_bytes(raw)
    with pytest.raises(ValueError, match=rf"data_batch_2\.bin: is cut off or .*: {len(raw)} bytes are not"):
        cifar10(tmp_path)


def test_classes_beyond_ten_are_refused(tmp_path):
    write_cifar(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(ValueError, match="is damaged: it holds class 10"):
        cifar10(tmp_path)


@pytest.mark.parametrize("change", [lambda raw: raw[: len(raw) // 2], lambda raw: b"<html>404", lambda raw: b""])
def test_damaged_archives_are_named(tmp_path, change):
    pack(tmp_path)
    path = tmp_path / ARCHIVE
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=r"tar\.gz: is cut off or no \.tar\.gz archive"):
        cifar10(tmp_path)


def test_links_in_an_archive_are_not_followed(tmp_path):
    with tarfile.open(tmp_path / ARCHIVE, "w:gz") as archive:
        member = tarfile.TarInfo(f"{CIFAR_FOLDER}/data_batch_1.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(member)
    with pytest.raises(FileNotFoundError, match=r"no data_batch_1\.bin"):
        cifar10(tmp_path)


# --- downloading -----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch):
    """A server on this machine: ``server.files`` by path; "/short" promises more than it sends."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            body = server.files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"") + (10 if self.path == "/short" else 0)))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.url = {}, [], f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def md5(raw):
    return hashlib.md5(raw).hexdigest()


def test_a_file_is_fetched_whole(server, tmp_path):
    raw = RNG.bytes(200_000)
    server.files["/a"] = raw
    fetch(server.url + "a", tmp_path / "new" / "a", md5(raw))
    assert (tmp_path / "new" / "a").read_bytes() == raw
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("other", ValueError, f"MD5 digest {md5(b'else')}, published is {md5(b'right')}; it was thrown away"),
        ("absent", OSError, "absent: could not be fetched: HTTP Error 404"),
        ("short", OSError, "short: the connection ended after 5 of 15 bytes"),
    ],
)
def test_what_goes_wrong_leaves_nothing(server, tmp_path, path, error, message):
    server.files |= {"/other": b"else", "/short": b"right"}
    with pytest.raises(error, match=message):
        fetch(server.url + path, tmp_path / "a", md5(b"right"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_when_fetching_fails(server, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    server.files["/a"] = b"else"
    with pytest.raises(ValueError, match="MD5"):
        fetch(server.url + "a", tmp_path / "a", md5(b"right"))
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_server_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}/a"
    with pytest.raises(OSError, match=f"{url}: could not be fetched: .*refused"):
        fetch(url, tmp_path / "a", md5(b""))


def test_mnist_fetches_only_what_is_missing(server, tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    write_mnist(tmp_path / "source")
    raw = {path.name: path.read_bytes() for path in (tmp_path / "source").iterdir()}
    server.files = {f"/{name}": body for name, body in raw.items()}
    monkeypatch.setattr(published, "MNIST_URL", server.url)
    monkeypatch.setattr(published, "MNIST_FILES", {name: md5(raw[name]) for name in MNIST_FILES})
    root = tmp_path / "target"
    assert np.array_equal(mnist(root, download=True).train.x, mnist(tmp_path / "source").train.x)
    assert len(server.asked) == 4
    (root / "train-labels-idx1-ubyte.gz").unlink()
    mnist(root, download=True)
    assert server.asked[4:] == ["/train-labels-idx1-ubyte.gz"]
    mnist(root, download=True)
    assert len(server.asked) == 5


def test_cifar_is_fetched_once(server, tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    pack(tmp_path / "source")
    raw = (tmp_path / "source" / ARCHIVE).read_bytes()
    server.files[f"/{ARCHIVE}"] = raw
    monkeypatch.setattr(published, "CIFAR_URL", server.url + ARCHIVE)
    monkeypatch.setattr(published, "CIFAR_MD5", md5(raw))
    data = [cifar10(tmp_path / "target", download=True) for _ in range(2)]
    assert np.array_equal(data[0].test.x, cifar10(tmp_path / "source").test.x)
    assert server.asked == [f"/{ARCHIVE}"]


def test_addresses_are_encrypted_and_digests_are_whole():
    assert all(url.startswith("https://") for url in (published.MNIST_URL, published.CIFAR_URL))
    assert all(len(bytes.fromhex(digest)) == 16 for digest in (*MNIST_FILES.values(), published.CIFAR_MD5))
