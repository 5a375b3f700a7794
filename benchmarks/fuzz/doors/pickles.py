"""Pickles: damaged ones of the authors' layout, and programs that scanners of pickles were known to miss.

The names are those of published reports on PickleScan and fickling (functions of the standard library, numpy and torch
that run code, open files or connections). All are refused, since none is on the list of harmless names: a file that
would be left behind by running one is looked for after each reading.
"""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from cardiolib.cohorts import open_cohort, read_bootout, read_model_cstats

FILE, LEFT_BEHIND = "inputdata_DL.pkl", "executed"
_NEVER_LOADED = ("antigravity", "this", "idlelib.run")

NAMES = """
os.system posix.system nt.system os.popen os.execv os.remove os.getcwd subprocess.run subprocess.Popen
subprocess.check_output subprocess.getoutput builtins.eval builtins.exec builtins.compile builtins.open
builtins.__import__ builtins.getattr builtins.setattr builtins.vars builtins.globals builtins.apply __builtin__.eval
__builtin__.execfile __builtin__.apply importlib.import_module importlib.__import__
importlib._bootstrap._call_with_frames_removed runpy.run_path runpy.run_module runpy._run_code runpy._run_module_code
code.interact code.InteractiveInterpreter.runcode codeop.compile_command pty.spawn pdb.run pdb.Pdb bdb.Bdb bdb.Bdb.run
bdb.Bdb.runeval profile.run profile.Profile.run profile.Profile.runctx cProfile.run cProfile.runctx cProfile.Profile
timeit.timeit timeit.main trace.Trace.run trace.Trace.runctx doctest.debug doctest.debug_script ensurepip._run_pip
pip.main pip._internal.main pip._internal.cli.main.main venv.create venv.EnvBuilder pydoc.locate pydoc.pipepager
pydoc.pager pydoc.tempfilepager pydoc.safeimport cgitb.lookup asyncio.unix_events._UnixSubprocessTransport._start
asyncio.create_subprocess_shell multiprocessing.util.spawnv_passfds multiprocessing.Process uuid._get_command_stdout
_aix_support._read_cmd_output _osx_support._read_output _osx_support.compiler_fixup distutils.spawn.spawn
distutils.file_util.write_file distutils.command.config.config._link imaplib.IMAP4_stream smtplib.SMTP ftplib.FTP
socket.create_connection socket.socket socketserver.TCPServer http.client.HTTPSConnection urllib.request.urlopen
urllib.request.urlretrieve urllib.request.Request xmlrpc.client.ServerProxy ssl.get_server_certificate webbrowser.open
antigravity.fly this.s idlelib.run.Executive.runcode idlelib.calltip.get_entity
idlelib.autocomplete.AutoComplete.get_entity idlelib.debugobj.ObjectTreeItem.SetText
idlelib.pyshell.ModifiedInterpreter.runcode lib2to3.pgen2.pgen.ParserGenerator.make_label
lib2to3.pgen2.grammar.Grammar.loads operator.attrgetter operator.methodcaller operator.itemgetter functools.partial
functools.reduce functools.partialmethod itertools.starmap types.CodeType types.FunctionType types.MethodType
marshal.loads marshal.load ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.pythonapi _ctypes.dlopen zipimport.zipimporter
zipfile.ZipFile tarfile.open shutil.rmtree shutil.move shutil.copyfile pathlib.Path.unlink pathlib.Path.write_text
io.open io.FileIO _io.FileIO _io.open codecs.open fileinput.input linecache.getlines tempfile.mkstemp sqlite3.connect
dbm.open shelve.open pickle.loads _pickle.loads pickle.Unpickler _pickle.Unpickler copyreg._reconstructor
copyreg.add_extension copy_reg._reconstructor copyreg.__newobj__ dill.loads cloudpickle.loads joblib.load
pandas.read_pickle pandas.io.pickle.read_pickle pandas.eval numpy.load numpy.save numpy.fromfile
numpy.testing._private.utils.runstring numpy.f2py.crackfortran.getlincoef numpy.f2py.crackfortran.myeval
numpy.f2py.crackfortran._eval_length numpy.f2py.crackfortran.param_eval numpy.f2py.diagnose.run_command
numpy.distutils.exec_command.exec_command numpy.core.multiarray.fromfile numpy.lib.npyio.load numpy.memmap
numpy.DataSource torch.load torch.serialization.load torch.storage._load_from_bytes torch.hub.load
torch.hub.download_url_to_file torch.jit.load torch.jit.unsupported_tensor_ops.execWrapper
torch.utils._config_module.load_config torch.utils._config_module.ConfigModule.load_config
torch.utils.bottleneck.__main__.run_cprofile torch.utils.bottleneck.__main__.run_autograd_prof
torch._dynamo.guards.GuardBuilder.get torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression
torch.utils.collect_env.run torch.utils.data.datapipes.utils.decoder.basichandlers
torch._inductor.codecache.compile_file torch.cuda.tunable.write_file torch._dynamo.utils.run_node
logging.config.dictConfig logging.FileHandler logging.config.listen sys.exit sys.settrace sys.modules
sys.setrecursionlint signal.signal signal.alarm threading.Thread _thread.start_new_thread gc.get_objects
inspect.getattr_static weakref.finalize atexit.register site.execsitecustomize site.addsitedir
test.support.script_helper.assert_python_ok tkinter.Tcl turtle.bye readline.read_init_file rlcompleter.Completer
platform.popen commands.getoutput popen2.popen3 aiohttp.client.ClientSession requests.api.get httplib.HTTPSConnection
nose.tools keras.models.load_model
""".split()


@lru_cache(maxsize=1)
def seeds() -> dict[str, bytes]:
    """The authors' four kinds of file: motion, volumes, bootstraps and optimism of three patients."""
    rng = np.random.default_rng(8)
    outcomes, ids = np.array([[1, 5.5], [0, 7.0], [1, 9.25]]), ["a", "b", "c"]
    motion = rng.normal(size=(3, 19 * 2 * 3))
    volumes = np.array([[180.0, 90.0, 50.0], [150.0, 60.0, 60.0], [210.0, 140.0, 33.3]])
    predictions = [rng.normal(size=(3, 1)) for _ in range(2)]
    content = {
        FILE: [motion, outcomes, ids],
        "inputdata_conv.pkl": [volumes, outcomes, ids],
        "bootout_DL.pkl": [outcomes, predictions, [np.array([0, 1, 1]), np.array([2, 0, 2])]],
        "modelCstats_DL.pkl": [0.75, [0.03, 0.05]],
    }
    return {name: pickle.dumps(values, protocol=3) for name, values in content.items()}


def read(folder: Path) -> Reading:
    """What is in the files; whatever they would have run is looked for afterwards."""
    try:
        cohort = open_cohort(folder)
        ids, matrix = cohort.motion_matrix()
        boot, stats = read_bootout(folder / "bootout_DL.pkl"), read_model_cstats(folder / "modelCstats_DL.pkl")
        values = {name: cohort.table[name].to_numpy() for name in cohort.table}
        values |= {"X": matrix, "ids": list(ids), "volumes": cohort.volumes().to_numpy(), "in_bag": boot.in_bag}
        values |= {"log_risk": boot.log_risk, "apparent": stats.c_apparent, "optimism": stats.optimism}
        return Reading(values, cohort.notes)
    finally:
        left = [name for name in _NEVER_LOADED if name in sys.modules]
        if (folder / LEFT_BEHIND).exists() or Path(LEFT_BEHIND).exists() or left:
            raise SystemError(f"a pickle was executed: {left}")


def mutate(files: Files, rng: random.Random) -> Mutant:
    """A program in one of the ways to write it, or one of the authors' files with damaged bytes."""
    if rng.random() < 0.5:
        name = rng.choice(sorted(files))
        after, told = damaged(files[name], rng)
        cut = len(after) < len(files[name]) and files[name].startswith(after)
        return Mutant({name: after}, f"{name}: {told}", Expect.NOTICED if cut else Expect.FREE)
    if rng.random() < 0.2:
        told = rng.choice(sorted(STRUCTURES))
        return Mutant({FILE: STRUCTURES[told]}, told, Expect.REFUSED)
    module, _, name = rng.choice(NAMES).rpartition(".")
    how = rng.choice(sorted(WAYS))
    program = WAYS[how](module, name)
    if rng.random() < 0.3:
        program = files[FILE][:-1] + b"0" + program.removeprefix(b"\x80\x04")  # behind an honest file
        how += ", after the data"
    return Mutant({FILE: program}, f"{module}.{name}, {how}", Expect.REFUSED)


_ARGUMENT = f"open({LEFT_BEHIND!r}, 'w')"


def _short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def _stack_global(module: str, name: str) -> bytes:
    return b"\x80\x04" + _short(module) + _short(name) + b"\x93" + _short(_ARGUMENT) + b"\x85R."


def _memoised(module: str, name: str) -> bytes:
    """Names that come out of the memo, so that no text stands before the opcode."""
    texts = _short(module) + b"\x94" + b"0" + _short(name) + b"\x94" + b"0"
    return b"\x80\x04" + texts + b"h\x00h\x01\x93" + _short(_ARGUMENT) + b"\x85R."


def _broken_behind(module: str, name: str) -> bytes:
    return _stack_global(module, name)[:-1] + b"\xff\xff"


def _by_global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n(S{_ARGUMENT!r}\ntR.".encode()


def _by_inst(module: str, name: str) -> bytes:
    return f"(S{_ARGUMENT!r}\ni{module}\n{name}\n.".encode()


def _by_obj(module: str, name: str) -> bytes:
    return f"(c{module}\n{name}\nS{_ARGUMENT!r}\no.".encode()


def _by_newobj(module: str, name: str) -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"(X" + _four(_ARGUMENT) + b"t\x81."


def _by_build(module: str, name: str) -> bytes:
    """The state of an allowed object that holds the forbidden one."""
    return b"\x80\x02cnumpy\nndarray\n)\x81c" + f"{module}\n{name}\n".encode() + b"b."


def _dotted(module: str, name: str) -> bytes:
    """An allowed module and a long way from it: numpy.<...>."""
    return b"\x80\x04" + _short("numpy") + _short(f"{module}.{name}"[:200]) + b"\x93" + _short(_ARGUMENT) + b"\x85R."


def _in_text(module: str, name: str) -> bytes:
    """Names as protocol 0 escapes them."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in name)
    return b"\x80\x04" + f"V{module}\nV{escaped}\n".encode() + b"\x93" + _short(_ARGUMENT) + b"\x85R."


def _unused(module: str, name: str) -> bytes:
    """Called, thrown away, and a harmless value left."""
    return _stack_global(module, name)[:-1] + b"0K\x01."


def _four(text: str) -> bytes:
    return len(text).to_bytes(4, "little") + text.encode()


WAYS: dict[str, Callable[[str, str], bytes]] = {
    "STACK_GLOBAL": _stack_global,
    "names from the memo": _memoised,
    "broken behind the call": _broken_behind,
    "GLOBAL": _by_global,
    "INST": _by_inst,
    "OBJ": _by_obj,
    "NEWOBJ": _by_newobj,
    "BUILD": _by_build,
    "a dotted name": _dotted,
    "escaped letters": _in_text,
    "result thrown away": _unused,
}

STRUCTURES = {
    "a persistent id": b"P0\n.",
    "a persistent id from the stack": b"\x80\x04K\x00Q.",
    "an extension code": b"\x80\x02\x82\x01.",
    "an extension code of four bytes": b"\x80\x02\x84\x01\x00\x00\x00.",
    "a list that holds itself": b"\x80\x04]\x94h\x00a.",
    "a thousand lists in each other": b"\x80\x04" + b"]" * 1000 + b"a" * 999 + b".",
    "a hundred thousand lists in each other": b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "lists that double": b"\x80\x04]" + b"".join(b"\x94h%c" % n + b"h%c\x86" % n for n in range(40)) + b".",
    "a memo index of 2^31": b"\x80\x02K\x01r\xff\xff\xff\x7f.",
    "a text of 2^31": b"\x80\x02X\xff\xff\xff\x7fabc.",
    "bytes of 2^62": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"abc.",
    "a bytearray of 2^40": b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"abc.",
    "a frame of 2^60": b"\x80\x04\x95" + (2**60).to_bytes(8, "little") + b"K\x01.",
    "a number of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "a long of 2^31 bytes": b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "no value": b"\x80\x04.",
    "protocol 255": b"\x80\xffK\x01.",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
    "an array of 2^60": b"\x80\x02cnumpy.core.numeric\n_frombuffer\n(C\x01acnumpy\ndtype\nU\x02f8\x85R"
    b"\x8a\x08\0\0\0\0\0\0\0\x10\x85U\x01CtR.",
    "an array of strings of 10^5 letters": b"\x80\x02cnumpy.core.numeric\n_frombuffer\n(C\x00cnumpy\ndtype\n"
    b"U\x06U99999\x85RK\x00\x85U\x01CtR.",
    "the class of the reader changed": b"cnumpy\nndarray\n}S'build'\nI1\nsb.",
    "state of a stand-in": b"\x80\x02cnumpy\nndarray\n)\x81}(U\x09__class__K\x01ub.",
    "a set": b"\x80\x04\x8f.",
    "a frozen set": b"\x80\x04(\x91.",
    "a dictionary with a list as key": b"\x80\x04}]K\x01s.",
}

DOOR = Door("pickle", seeds, read, mutate)
