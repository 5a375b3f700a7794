"""Nothing in a pickle is executed: malicious files raise an error and leave no trace."""

from __future__ import annotations

import builtins
import os
import pickle
import subprocess

import numpy as np
import pytest

from benchmarks.fuzz.doors import pickles
from benchmarks.fuzz.harness import memory_limited
from cardiolib.cohorts import CohortError, read_inputdata, read_pickle


class Calls:
    """An object whose unpickling calls a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def _write(path, content, protocol=3):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 2, 3, 5])
@pytest.mark.parametrize("nested", [False, True])
def test_os_system_is_not_called(tmp_path, protocol, nested):
    mark = tmp_path / "executed"
    bomb = Calls(os.system, f"touch {mark}")
    content = [np.zeros(3), {"deep": [(bomb,)]}] if nested else bomb
    with pytest.raises(CohortError, match=r"asks for (posix|nt)\.system, which is not on the list"):
        read_pickle(_write(tmp_path / "a.pkl", content, protocol))
    assert not mark.exists()


@pytest.mark.parametrize(
    "call",
    [
        Calls(builtins.eval, "open('executed', 'w')"),
        Calls(builtins.exec, "open('executed', 'w')"),
        Calls(builtins.getattr, "x", "upper"),
        Calls(subprocess.check_output, ["true"]),
        Calls(np.load, "x.npy"),
        Calls(os.getcwd),
    ],
    ids=["eval", "exec", "getattr", "subprocess", "numpy.load", "getcwd"],
)
def test_other_functions_are_refused_by_name(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    path = _write(tmp_path / "a.pkl", [call])
    with pytest.raises(CohortError, match="not on the list of harmless names; it was not called"):
        read_pickle(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pkl"]


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'true'\ntR.",  # protocol 0 by hand
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",  # STACK_GLOBAL
        b"\x80\x04\x8c\x05numpy\x8c\x0fload.__globals__\x93.",  # a dotted name
        b"cnumpy\ndtype.__class__\n(S'f8'\ntR.",
        b"c__builtin__\neval\n(S'1+1'\ntR.",
        b"P0\n.",  # a persistent id
        b"\x80\x02\x82\x01.",  # an extension code
        b"(S'true'\nios\nsystem\n.",  # INST
    ],
)
def test_hand_written_programs_are_refused(tmp_path, program):
    (tmp_path / "a.pkl").write_bytes(program)
    with pytest.raises(CohortError, match=r"a\.pkl"):
        read_pickle(tmp_path / "a.pkl")


def test_an_allowed_name_cannot_be_used_to_change_the_reader(tmp_path):
    # BUILD on the class itself, which would set attributes on a naive stand-in
    (tmp_path / "a.pkl").write_bytes(b"cnumpy\nndarray\n}S'build'\nI1\nsb.")
    with pytest.raises(CohortError):
        read_pickle(tmp_path / "a.pkl")
    value = np.arange(3)
    assert read_pickle(_write(tmp_path / "b.pkl", value)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(5, dtype=">i4"),
        np.array(["PHAB0267A", "x"]),
        np.array(["a", "b"], dtype=object),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.float64(0.25),
        np.array(1.5),
    ],
    ids=["c", "fortran", "big-endian", "text", "objects", "bool", "empty", "scalar", "0-d"],
)
def test_numpy_values_are_read_back(tmp_path, protocol, value):
    read = read_pickle(_write(tmp_path / "a.pkl", [value, "id", None, (1, 2.5)], protocol))
    np.testing.assert_array_equal(read[0], value)
    assert np.asarray(read[0]).shape == np.asarray(value).shape and read[1:] == ["id", None, (1, 2.5)]


def test_old_and_new_numpy_module_names_mean_the_same(tmp_path):
    new = pickle.dumps(np.arange(3.0), protocol=3)
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != new
    for name, content in (("new", new), ("old", old)):
        (tmp_path / name).write_bytes(content)
        assert read_pickle(tmp_path / name).tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("keep", [0, 1, 10, 60, 120])
def test_a_truncated_file_is_reported_as_damaged(tmp_path, keep):
    content = pickle.dumps([np.arange(100.0), np.arange(3)], protocol=3)
    (tmp_path / "a.pkl").write_bytes(content[:keep])
    with pytest.raises(CohortError, match=r"a\.pkl: (is not a readable pickle|the pickle asks for n)"):
        read_pickle(tmp_path / "a.pkl")


def test_every_single_flipped_byte_gives_a_value_or_a_clear_error(tmp_path):
    content = bytearray(pickle.dumps([np.arange(4.0), np.int64(3)], protocol=3))
    path = tmp_path / "a.pkl"
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x5A
        path.write_bytes(damaged)
        try:
            read_pickle(path)
        except CohortError as error:
            assert "a.pkl" in str(error)


def test_sizes_that_do_not_match_the_bytes_are_refused(tmp_path):
    content = pickle.dumps(np.arange(4, dtype="<i4"), protocol=3)
    shape = content.index(b"K\x04\x85")
    (tmp_path / "a.pkl").write_bytes(content[:shape] + b"K\x64\x85" + content[shape + 3 :])
    with pytest.raises(CohortError, match="holds 16 bytes"):
        read_pickle(tmp_path / "a.pkl")


def test_self_containing_content_objects_and_sets_are_refused(tmp_path):
    loop: list = []
    loop.append(loop)
    with pytest.raises(CohortError, match="contains itself"):
        read_pickle(_write(tmp_path / "a.pkl", loop))
    with pytest.raises(CohortError):
        read_pickle(_write(tmp_path / "b.pkl", {1, 2}, protocol=4))
    with pytest.raises(CohortError, match="not on the list"):
        read_pickle(_write(tmp_path / "c.pkl", {1, 2}, protocol=3))


def test_a_small_file_cannot_ask_for_endless_memory_or_time(tmp_path):
    laughs: list = ["ha"]
    for _ in range(15):
        laughs = [laughs] * 10  # 10^15 items when written out
    assert len(read_pickle(_write(tmp_path / "a.pkl", laughs))) == 10
    for program in (
        b"\x80\x03]r\xff\xff\xff\x7f.",  # a memo index of 2^31
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00abc.",  # 2^40 bytes announced, three given
        b"\x80\x03c__builtin__\nbytes\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",  # bytes(2^40)
    ):
        (tmp_path / "b.pkl").write_bytes(program)
        try:
            assert read_pickle(tmp_path / "b.pkl") == []
        except CohortError as error:
            assert "b.pkl" in str(error)


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_pickle(tmp_path / "nothing.pkl")


@pytest.mark.parametrize("way", sorted(pickles.WAYS))
def test_every_name_that_scanners_missed_is_refused_in_every_way_to_write_it(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pkl"
    for full in pickles.NAMES:
        module, _, name = full.rpartition(".")
        path.write_bytes(pickles.WAYS[way](module, name))
        with pytest.raises(CohortError, match=r"a\.pkl: "):
            read_pickle(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.pkl"]


@pytest.mark.parametrize("told", sorted(pickles.STRUCTURES))
def test_structures_that_would_take_memory_time_or_another_reader_are_refused(tmp_path, told):
    path = tmp_path / "inputdata_DL.pkl"
    path.write_bytes(pickles.STRUCTURES[told])
    with memory_limited(1.0), pytest.raises(CohortError, match=r"inputdata_DL\.pkl") as refused:
        read_inputdata(path)
    assert not isinstance(refused.value.__cause__, MemoryError)


def test_bytes_that_are_announced_but_not_there_reserve_no_memory(tmp_path):
    for opcode in (b"\x80\x05\x96", b"\x80\x04\x8e", b"\x80\x04\x8d"):
        (tmp_path / "a.pkl").write_bytes(opcode + (2**33).to_bytes(8, "little") + b"abc.")
        with memory_limited(0.5), pytest.raises(CohortError, match=r"a\.pkl: is not a readable pickle \(EOFError"):
            read_pickle(tmp_path / "a.pkl")


def test_a_bytearray_is_read(tmp_path):
    assert read_pickle(_write(tmp_path / "a.pkl", [bytearray(b"abc")], protocol=5)) == [bytearray(b"abc")]
