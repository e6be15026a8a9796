"""Files: what goes in comes out; every bad file is told apart; a failed save leaves what was there; nothing is executed."""

import json
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinylucid as tl
from tinylucid import nn
from tinylucid.io import FileError

ENDINGS = [".safetensors", ".npz"]
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
both = pytest.mark.parametrize("ending", ENDINGS)


def same(a, b):
    """Equal names, dtypes, shapes and bits."""
    assert set(a) == set(b)
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape), name
        assert a[name].tobytes() == b[name].tobytes(), name


def refusal(path, contents=None):
    """The message of the FileError that a file of these bytes gives: one line that begins with its path."""
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(FileError) as error:
        tl.load(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def tensors(header, data=b"", length=None):
    """The bytes of a .safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(1,), start=0, stop=4):
    """One array's line of a header."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


def npz(path, members, **options):
    """Write a zip file of any members."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, contents in members:
            archive.writestr(name, contents)
    return path


def npy(header, data=b""):
    """The bytes of a .npy file with any header."""
    text = header.encode().ljust(118)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


# --- what goes in comes out --------------------------------------------------------------------------------------------

arrays = st.sampled_from(DTYPES).flatmap(
    lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)
names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda s: s != "__metadata__"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@both
@given(state=st.dictionaries(names, arrays, max_size=4), metadata=st.dictionaries(st.text(), json_values, max_size=3))
def test_round_trip(tmp_path_factory, ending, state, metadata):
    path = tmp_path_factory.getbasetemp() / f"round{ending}"
    tl.save(state, path, metadata)
    loaded = tl.load(path)
    same(loaded, state)
    assert loaded.metadata == metadata
    for a in loaded.values():
        assert a.flags.owndata
        assert a.flags.writeable
        assert a.flags.c_contiguous
        assert a.dtype.isnative


@both
def test_any_layout_and_byte_order_is_saved_as_plain_memory(tmp_path, ending, rng):
    a = rng.normal(size=(4, 6))
    given = {
        "turned": a.T,
        "strided": a[::2, ::-3],
        "swapped": a.astype(">f4"),
        "column": np.asfortranarray(a),
        "number": 3.5,
    }
    tl.save(given, tmp_path / f"x{ending}")
    same(
        tl.load(tmp_path / f"x{ending}"),
        {n: np.array(v, np.asarray(v).dtype.newbyteorder("="), order="C") for n, v in given.items()},
    )


@both
def test_a_module_is_saved_as_its_state_dict(tmp_path, ending):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    net(tl.randn(2, 1, 5, 5))
    path = str(tmp_path / f"Net{ending.upper()}")
    tl.save(net, path)
    same(tl.load(path), {name: t.data for name, t in net.state_dict().items()})
    tl.manual_seed(5)
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    assert other.load_state_dict(tl.load(path)) == ([], [])
    same(tl.load(path), {name: t.data for name, t in other.state_dict().items()})


@both
def test_metadata_comes_back_as_json_keeps_it(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    tl.save({}, path, {"sizes": (1, (2, 3)), "名": "日本", "best": float("inf"), "by class": {1: 0.5}})
    assert tl.load(path) == {}
    assert tl.load(path).metadata == {"sizes": [1, [2, 3]], "名": "日本", "best": float("inf"), "by class": {"1": 0.5}}
    tl.save({}, path)
    assert tl.load(path).metadata == {}


@both
def test_the_same_contents_give_the_same_bytes(tmp_path, ending):
    one, two = (tmp_path / f"{k}{ending}" for k in (1, 2))
    for path in (one, two):
        tl.save({"a": np.arange(5), "b": np.ones(2)}, path, {"k": 1})
    assert one.read_bytes() == two.read_bytes()


def test_files_of_other_programs_are_read_with_their_metadata(tmp_path, rng):
    state = {
        "a": rng.normal(size=(2, 3)).astype("f4"),
        "b": np.array(3),
        "c": np.asfortranarray(rng.normal(size=(2, 3, 4))),
    }
    safetensors.numpy.save_file(
        {name: a.copy("C") for name, a in state.items()}, tmp_path / "x.safetensors", {"format": "pt"}
    )
    same(tl.load(tmp_path / "x.safetensors"), state)
    assert tl.load(tmp_path / "x.safetensors").metadata == {"format": "pt"}
    np.savez_compressed(tmp_path / "x.npz", **state)
    same(tl.load(tmp_path / "x.npz"), state)
    assert tl.load(tmp_path / "x.npz").metadata == {}


def test_other_programs_read_our_files(tmp_path, rng):
    state = {"a": rng.normal(size=(2, 3)).astype("f4"), "b": np.array(3), "file": np.ones(2, bool)}
    for ending in ENDINGS:
        tl.save(state, tmp_path / f"x{ending}", {"k": [1]})
    same(safetensors.numpy.load_file(tmp_path / "x.safetensors"), state)
    with safetensors.safe_open(tmp_path / "x.safetensors", "np") as file:
        assert json.loads(file.metadata()["metadata"]) == {"k": [1]}
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        same({name: file[name] for name in file.files if name != "__metadata__"}, state)


def test_arrays_lie_aligned_in_a_safetensors_file(tmp_path):
    """So that a program that maps the file into memory need not copy."""
    path = tmp_path / "x.safetensors"
    for length in range(1, 9):
        tl.save(
            {"a" * length: np.ones(3, "u1"), "b": np.ones(3, "f8"), "c": np.ones(3, "f4"), "d": np.ones(1, "i2")}, path
        )
        raw = path.read_bytes()
        start = 8 + int.from_bytes(raw[:8], "little")
        entries = json.loads(raw[8:start])
        del entries["__metadata__"]
        assert start % 8 == 0
        for name, fields in entries.items():
            assert fields["data_offsets"][0] % tl.load(path)[name].itemsize == 0


@both
@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX systems")
def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, ending):
    calls = []

    def profile(frame, event, arg):
        if event == "c_call" and arg.__name__ in ("fsync", "replace", "remove"):
            calls.append(arg.__name__)

    sys.setprofile(profile)
    try:
        tl.save({"a": np.ones(3)}, tmp_path / f"x{ending}")
    finally:
        sys.setprofile(None)
    assert [name for name in calls if name != "replace" or "fsync" in calls] == ["fsync", "replace", "fsync"]


# --- what cannot be saved ----------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("state", "metadata", "words"),
    [
        ({"a": np.ones(2, np.float16)}, None, "entry 'a' is float16, which tinylucid does not have; convert it to float32"),
        ({"a": np.ones(2, complex)}, None, "entry 'a' is complex128"),
        ({"a": np.array([{}])}, None, "entry 'a' is object, which tinylucid does not have; only real numbers and booleans"),
        ({"a": None}, None, "entry 'a' is object"),
        ({"a": "text"}, None, "entry 'a' is <U4"),
        ({"__metadata__": 1}, None, "names are printable strings other than '__metadata__', got '__metadata__'"),
        ({"": 1}, None, "got ''"),
        ({"a\0b": 1}, None, r"got 'a\x00b'"),
        ({"\ud800": 1}, None, r"got '\ud800'"),
        ({3: 1}, None, "got 3"),
        ({}, {"when": np.float32(1)}, "metadata['when'] is not JSON (Object of type float32 is not JSON serializable)"),
        ({}, {"when": {1}}, "metadata['when'] is not JSON"),
        ({}, {(1, 2): 3}, "metadata[(1, 2)] is not JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path, ending, state, metadata, words):
    path = tmp_path / f"x{ending}"
    with pytest.raises(FileError) as error:
        tl.save(state, path, metadata)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert os.listdir(tmp_path) == []


def test_save_refuses_other_things(tmp_path):
    with pytest.raises(TypeError, match="save: expected a Module or arrays by name, got list"):
        tl.save([1], tmp_path / "x.npz")
    with pytest.raises(FileError, match=r"x\.pt: ends with '\.pt', expected \.safetensors or \.npz"):
        tl.save({}, tmp_path / "x.pt")
    (tmp_path / "x.npz").mkdir()
    with pytest.raises(FileError, match=r"x\.npz: is a folder; give the name of a file in it"):
        tl.save({}, tmp_path / "x.npz")


# --- the disk's own troubles -------------------------------------------------------------------------------------------


@both
def test_a_folder_that_is_not_there_or_is_a_file(tmp_path, ending):
    with pytest.raises(FileNotFoundError, match="nothing was saved"):
        tl.save({}, tmp_path / "none" / f"x{ending}")
    (tmp_path / "text").write_text("kept")
    with pytest.raises(NotADirectoryError, match="nothing was saved"):
        tl.save({}, tmp_path / "text" / f"x{ending}")
    assert (tmp_path / "text").read_text() == "kept"
    assert os.listdir(tmp_path) == ["text"]


def run(code, path):
    """Run code in a process of its own that has ``path``; what it prints."""
    code = "import os, sys, numpy as np, tinylucid as tl\npath = sys.argv[1]\n" + code
    command = [sys.executable, "-W", "error", "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@both
@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's")
def test_a_full_disk_leaves_the_old_file(tmp_path, ending):
    """A real limit on the size of files: the system refuses to write on in the middle of the file."""
    path = tmp_path / f"x{ending}"
    tl.save({"a": np.arange(3)}, path, {"old": True})
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for kilobytes in (80, 100, 1000):
    try:
        tl.save({"a": np.arange(5), "b": np.ones(kilobytes * 125), "c": np.ones(9)}, path)
        print("saved")
    except OSError as error:
        print(error.errno, error)
"""
    printed = run(code, path).splitlines()
    assert printed[0] == "saved"
    wanted = f"27 [Errno 27] File too large (nothing was saved, the file there is as it was): '{path}'"
    assert printed[1:] == [wanted, wanted]
    assert os.listdir(tmp_path) == [path.name]
    assert len(tl.load(path)["b"]) == 10_000


@both
@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_read_only_folder_leaves_the_old_file(ending):
    folder = Path(tempfile.mkdtemp())  # not tmp_path: another user cannot come that far
    path = folder / f"x{ending}"
    tl.save({"a": np.arange(3)}, path)
    before = path.read_bytes()
    folder.chmod(0o555)
    code = """
tl.load(path)  # all that this imports is loaded while we may still read it
if os.getuid() == 0:
    os.setuid(65534)  # the superuser may write everywhere; nobody may not
try:
    tl.save({"a": np.zeros(9)}, path)
except PermissionError as error:
    print(error)
print(len(tl.load(path)["a"]))
"""
    try:
        printed = run(code, path).splitlines()
        assert (path.read_bytes(), os.listdir(folder)) == (before, [path.name])
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
    assert printed == [f"[Errno 13] Permission denied (nothing was saved, the file there is as it was): '{path}'", "3"]


@both
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that could not even be closed
def test_ctrl_c_at_any_moment_leaves_one_whole_file(tmp_path, ending):
    """The interrupt comes at one of all the calls that saving makes: the old file or the new one is there, and no other."""
    path, old, new = tmp_path / f"x{ending}", {"a": np.arange(3)}, {"a": np.ones(50), "b": np.array(2)}
    found = []

    def save(moment):
        """Save, interrupted at that call; how many calls there were, 0 if interrupted."""
        calls = 0

        def profile(frame, event, arg):
            nonlocal calls
            calls += event == "c_call"  # where the system is asked for something
            if calls == moment:
                sys.setprofile(None)
                raise KeyboardInterrupt

        sys.setprofile(profile)
        try:
            tl.save(new, path)
        except (KeyboardInterrupt, ValueError) as error:  # zipfile's own complaint may come on top of the interrupt
            while not isinstance(error, KeyboardInterrupt):
                error = error.__context__
            return 0
        finally:
            sys.setprofile(None)
        return calls

    calls = save(None)
    for moment in [*range(1, calls - 9, 4), *range(calls - 9, calls)]:
        tl.save(old, path)
        assert save(moment) == 0
        state = tl.load(path)
        found.append("new" if "b" in state else "old")
        same(state, new if "b" in state else old)
        assert os.listdir(tmp_path) == [path.name]
    assert found == sorted(found, reverse=True)
    assert set(found) == {"old", "new"}


@pytest.mark.skipif(os.name != "posix", reason="links and modes are POSIX's")
def test_a_link_stays_a_link_and_the_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "x.npz"
    link.symlink_to(tmp_path / "real" / "y.npz")
    tl.save({"a": np.ones(2)}, link)
    assert link.is_symlink()
    assert tl.load(tmp_path / "real" / "y.npz")["a"].tolist() == [1, 1]
    (tmp_path / "plain").touch()
    assert (tmp_path / "real" / "y.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


# --- files that are not what they should be ------------------------------------------------------------------------------


@both
def test_no_file_a_folder_a_device_an_unknown_ending_nothing(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    with pytest.raises(FileNotFoundError, match=re.escape(path.name)):
        tl.load(path)
    assert refusal(path, b"").startswith("is empty, expected arrays")
    path.unlink()
    path.mkdir()
    assert refusal(path) == "is a folder, expected a file; give the name of one in it"
    assert (
        refusal(tmp_path / "x.txt", b"text") == "ends with '.txt', expected .safetensors or .npz; choose one of these"
    )
    assert refusal(tmp_path / "x", b"text") == "ends with '', expected .safetensors or .npz; choose one of these"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / f"pipe{ending}")  # opening it would wait for a writer for ever
        assert refusal(tmp_path / f"pipe{ending}") == "is a device or a pipe, expected a file"


@both
@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "but a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "but a JPEG picture"),
        (b"# just some notes\n" * 9, "but a text"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'", "but a single NumPy array (.npy)"),
        (b"\x80\x02}q\x00." + b"x" * 20, "but PyTorch's own format, a pickle: reading one can run code, so it is never opened"),
        (b"\xde\xad\xbe\xef" * 9, "but something else"),
    ],
)  # fmt: skip
def test_another_kind_of_file(tmp_path, ending, contents, words):
    assert refusal(tmp_path / f"x{ending}", contents).startswith(f"is no {ending} file, {words}")


def test_the_two_formats_under_each_others_names(tmp_path):
    for ending, other in zip(ENDINGS, ENDINGS[::-1]):
        tl.save({"a": np.ones(9)}, tmp_path / f"x{ending}")
        text = refusal(tmp_path / f"y{other}", (tmp_path / f"x{ending}").read_bytes())
        kind = (
            "a .safetensors file" if ending == ".safetensors" else "a zip archive, as .npz and PyTorch's .pt files are"
        )
        assert text.startswith(f"is no {other} file, but {kind}")


def test_pytorchs_own_format_is_never_opened(tmp_path):
    npz(tmp_path / "x.npz", [("archive/data.pkl", b"\x80\x02}."), ("archive/data/0", bytes(4))])
    assert refusal(tmp_path / "x.npz").startswith("is PyTorch's own format, a pickle: reading one can run code")


@both
def test_truncated_anywhere(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    tl.save({"a": np.arange(30), "b": np.ones((2, 3))}, path, {"k": 1})
    whole = path.read_bytes()
    for length in [2, 7, 8, 9, 10, 20, *range(30, len(whole), 37), len(whole) - 1]:
        assert "is truncated" in refusal(path, whole[:length]), length
    assert refusal(path, whole[:1])
    if ending == ".safetensors":
        assert refusal(path, whole + b"more") == "is damaged: 4 bytes follow the last array"


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (tensors({}, length=2**42), "is no .safetensors file"),
        (tensors({}, length=2**64 - 1), "is no .safetensors file"),
        (tensors({}, length=99_000_000), "is truncated: its header should have 99000000 bytes, but only 2 are there"),
        (tensors(b"{" + b" " * 9), "its header is not JSON"),
        (tensors(b"{" + b'"a":[' * 50_000), "its header is not JSON"),
        (tensors(b'{"a":1,"a":1}'), "its header is not JSON (a name stands twice)"),
        (tensors(b'{"a":\xff}'), "its header is not JSON"),
        (tensors(b'{"a":' + b"9" * 9000 + b"}"), "its header is not JSON"),
        (tensors({"a": 1}), "entry 'a' needs a dtype, a shape and data_offsets, got 1"),
        (tensors({"a": {}}), "entry 'a' needs a dtype"),
        (tensors({"a": entry(shape=[1.0])}), "entry 'a' needs a dtype"),
        (tensors({"a": entry(shape=[True])}), "entry 'a' needs a dtype"),
        (tensors({"a": entry(shape=[-1, -1])}), "entry 'a' needs a dtype"),
        (tensors({"a": entry(start=4, stop=0)}, bytes(4)), "entry 'a' needs a dtype"),
        (tensors({"a": entry(dtype=["F32"])}), "entry 'a' needs a dtype"),
        (tensors({"a": {**entry(), "data_offsets": [0, 4, 8]}}), "entry 'a' needs a dtype"),
        (tensors({"a\n": entry()}, bytes(4)), "names are printable strings"),
        (tensors({"a": entry("F16", (2,))}, bytes(4)), "entry 'a' is float16, which tinylucid does not have; convert it to"),
        (tensors({"a": entry("BF16", (2,))}, bytes(4)), "entry 'a' is bfloat16, which tinylucid does not have; convert it"),
        (tensors({"a": entry("C64", stop=8)}, bytes(8)), "entry 'a' is C64, which tinylucid does not have"),
        (tensors({"a": entry("object")}, bytes(4)), "entry 'a' is object, which tinylucid does not have"),
        (tensors({"a": entry(shape=[2**40, 2**40])}, bytes(4)), "has shape (1099511627776, 1099511627776), which does not fill its 4"),
        (tensors({"a": entry(shape=[0, 2**70], stop=0)}), "entry 'a' has shape (0, 1180591620717411303424), "),
        (tensors({"a": entry(shape=[1] * 100)}, bytes(4)), "entry 'a' has shape (1, 1, 1"),
        (tensors({"a": entry(stop=2**60)}, bytes(4)), f"is truncated: its arrays should have {2**60} bytes, but only 4 are there"),
        (tensors({"a": entry(start=2**60, stop=2**60 + 4)}, bytes(4)), "entry 'a' starts at byte 1152921504606846976"),
        (tensors({"a": entry(), "b": entry()}, bytes(8)), "entry 'b' starts at byte 0 of the data, expected 4"),
        (tensors({"a": entry(), "b": entry(start=8, stop=12)}, bytes(12)), "entry 'b' starts at byte 8 of the data, expected 4"),
        (tensors({"a": entry()}, bytes(8)), "4 bytes follow the last array"),
        (tensors({"__metadata__": 3}), "its metadata must be texts by name"),
        (tensors({"__metadata__": {"a": 3}}), "its metadata must be texts by name"),
        (tensors({"__metadata__": {"format": "tinylucid"}}), "it has no valid format version, but ''"),
        (tensors({"__metadata__": {"format": "tinylucid", "version": "2"}}), "version 2, newer than the 1 known here"),
        (tensors({"__metadata__": {"format": "tinylucid", "version": "1"}}), "its metadata is not JSON"),
        (tensors({"__metadata__": {"format": "tinylucid", "version": "1", "metadata": "[]"}}), "is no JSON object, but a list"),
        (tensors({"__metadata__": {"format": "tinylucid", "version": "1", "metadata": '{"a": "\\ud800"}'}}), "do not fit their checksum"),
    ],
)  # fmt: skip
def test_hostile_safetensors(tmp_path, contents, words):
    assert words in refusal(tmp_path / "x.safetensors", contents)


def text_npy(text):
    """A metadata member."""
    return npy(f"{{'descr': '<U{len(text)}', 'fortran_order': False, 'shape': ()}}", text.encode("utf-32-le"))


FINE = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", bytes(4))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("a.txt", b"text")], "is no .npz file: it holds 'a.txt', which is no array"),
        ([], "is no .npz file: it holds no array"),
        ([("a.npy", b"text")], "is truncated or damaged"),
        ([("a.npy", b"")], "is truncated or damaged"),
        ([("a.npy", FINE[:-1])], "entry 'a' has shape (1,), which does not fill its 3 bytes"),
        ([("a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}"))], "which does not fill its 0 bytes"),
        ([("a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", bytes(8)))], "entry 'a' has shape (-1,)"),
        ([("a.npy", npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1,)}", bytes(2)))], "entry 'a' is float16"),
        ([("a.npy", npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", bytes(4)))], "entry 'a' is <U1"),
        ([("a.npy", npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", bytes(4)))], "entry 'a' is [('x', '<f4')]"),
        ([("a.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", bytes(4)))], "entry 'a' holds Python objects"),
        ([("a.npy", npy("__import__('os').getcwd()"))], "entry 'a' has no valid header"),
        ([("a.npy", npy("(" * 118))], "entry 'a' has no valid header"),
        ([("a.npy", b"\x93NUMPY\x03\x00" + FINE[8:])], "entry 'a' is of .npy version (3, 0), expected 1.0 or 2.0"),
        ([("a\n.npy", FINE)], "names are printable strings"),
        ([("__metadata__.npy", FINE)], "its metadata is no text"),
        ([("__metadata__.npy", text_npy("nonsense"))], "its metadata is not JSON"),
        ([("__metadata__.npy", text_npy("[1]"))], "its metadata must be texts by name"),
        ([("__metadata__.npy", text_npy('{"a": 1}'))], "its metadata must be texts by name"),
        ([("__metadata__.npy", text_npy('{"format": "tinylucid", "version": "12"}'))], "is of format version 12, newer than the 1"),
    ],
)  # fmt: skip
def test_hostile_npz(tmp_path, members, words):
    assert words in refusal(npz(tmp_path / "x.npz", members))


def test_an_npz_with_the_same_name_twice_encrypted_or_oddly_compressed(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        npz(tmp_path / "x.npz", [("a.npy", FINE), ("a.npy", FINE)])
    assert "entry 'a' stands twice" in refusal(tmp_path / "x.npz")
    raw = bytearray(npz(tmp_path / "y.npz", [("a.npy", FINE)]).read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refusal(tmp_path / "y.npz", bytes(raw))
    npz(tmp_path / "z.npz", [("a.npy", FINE)], compression=zipfile.ZIP_LZMA)
    assert "is compressed by another method than NumPy's" in refusal(tmp_path / "z.npz")


def peak(path):
    """The most memory that loading a bad file takes, in bytes, and its message."""
    tracemalloc.start()
    try:
        return refusal(path), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_bombs_take_no_memory(tmp_path):
    zeros = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (25000000,)}", bytes(100_000_000))
    npz(tmp_path / "x.npz", [("a.npy", zeros)], compression=zipfile.ZIP_DEFLATED)
    del zeros
    text, memory = peak(tmp_path / "x.npz")
    assert re.match(
        r"would unpack to 100000128 bytes from \d{5,6}: a zip bomb, or all zeros; use numpy.savez without", text
    )
    assert memory < 1e6
    many = {f"a{k}": entry(shape=(2**50,), start=k * 2**52, stop=(k + 1) * 2**52) for k in range(10)}
    (tmp_path / "y.safetensors").write_bytes(tensors(many))
    text, memory = peak(tmp_path / "y.safetensors")
    assert "is truncated" in text
    assert memory < 1e6


class Payload:
    """When unpickled, writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@both
def test_nothing_in_a_file_is_executed(tmp_path, ending):
    trap = tmp_path / "executed"
    poison = pickle.dumps(Payload(trap))
    pickle.loads(poison)
    assert trap.exists(), "the trap must work"
    trap.unlink()
    refusal(tmp_path / f"x{ending}", poison)
    np.savez(tmp_path / "x.npz", a=np.array([Payload(trap)], object))
    assert "holds Python objects: reading them can run code" in refusal(tmp_path / "x.npz")
    npz(tmp_path / "x.npz", [("__metadata__.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", poison))])
    assert "holds Python objects" in refusal(tmp_path / "x.npz")
    assert not trap.exists()


@both
def test_names_like_paths_are_just_names(tmp_path, ending):
    names = ["../../outside", "/etc/passwd", "//optimizer.0", "a.npy", "file", "~/x", "$HOME"]
    (tmp_path / "in").mkdir()
    tl.save({name: np.array(k) for k, name in enumerate(names)}, tmp_path / "in" / f"x{ending}")
    assert {name: int(a) for name, a in tl.load(tmp_path / "in" / f"x{ending}").items()} == {
        n: k for k, n in enumerate(names)
    }
    assert [p.name for p in tmp_path.rglob("*")] == ["in", f"x{ending}"]


def test_booleans_are_true_or_false(tmp_path):
    safe = tmp_path / "x.safetensors"
    safe.write_bytes(tensors({"a": entry("BOOL", (3,), 0, 3)}, b"\x00\x01\x02"))
    assert tl.load(safe)["a"].tobytes() == b"\x00\x01\x01"


# --- damage ------------------------------------------------------------------------------------------------------------

SMALL = {
    "a": np.arange(6, dtype="f4").reshape(2, 3),
    "b.c": np.array(True),
    "d": np.zeros((0, 2)),
    "e": np.arange(9, dtype="u1"),
}
flips = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4)


@both
@given(flips=flips, cut=st.none() | st.integers(0, 10**6), tail=st.binary(max_size=20))
def test_damaged_files_are_refused_or_right(tmp_path_factory, ending, flips, cut, tail):
    """Both formats hold checksums: what is not refused has every array as it was saved."""
    path = tmp_path_factory.getbasetemp() / f"damaged{ending}"
    tl.save(SMALL, path, {"classes": ["cat", "dog"]})
    raw = bytearray(path.read_bytes())
    for at, bits in flips:
        raw[at % len(raw)] ^= bits
    path.write_bytes((raw if cut is None else raw[: cut % len(raw)]) + (tail if cut is not None else b""))
    tracemalloc.start()
    try:
        same(tl.load(path), SMALL)
    except FileError:
        pass
    finally:
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert memory < 4e6


@both
def test_a_flipped_byte_anywhere_is_noticed_or_harmless(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    tl.save(SMALL, path, {"classes": ["cat", "dog"]})
    whole, refused = path.read_bytes(), 0
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            same(tl.load(path), SMALL)
        except FileError:
            refused += 1
    assert refused > 0.2 * len(whole)


@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(b'0123456789"{}[]:, aF')), min_size=1, max_size=3)
)
def test_what_the_safetensors_package_refuses_is_refused(tmp_path_factory, flips):
    """The package is the judge of headers: what we read, it reads, and finds the same."""
    path = tmp_path_factory.getbasetemp() / "judged.safetensors"
    safetensors.numpy.save_file(SMALL, path, {"classes": "cat"})
    raw = bytearray(path.read_bytes())
    length = int.from_bytes(raw[:8], "little")
    for at, byte in flips:
        raw[8 + at % length] = byte
    path.write_bytes(raw)
    try:
        ours = tl.load(path)
    except FileError:
        return
    theirs = safetensors.numpy.load_file(path)
    same(ours, {name: np.array(a) if a.dtype != bool else a.view("u1") != 0 for name, a in theirs.items()})
