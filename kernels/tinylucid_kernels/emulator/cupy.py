"""A stand-in for CuPy in tests without a GPU: arrays live in NumPy, raw kernels run through the CPU shim.

It is stricter than CuPy where CuPy would silently go wrong: kernel arguments of the wrong dtype, non-contiguous
arrays, Python numbers handed to kernels. Only names that exist in CuPy 14.2 (cupy_names.json) can be used.
"""
import json, operator, os, sys, types
from pathlib import Path
import numpy as np
from . import emu

NAMES = {k: set(v) for k, v in json.loads(Path(__file__).with_name("cupy_names.json").read_text()).items()}
HOST_OK = {"array", "asarray", "asanyarray", "asnumpy", "full", "full_like"}          # accept NumPy arrays
CUBLAS = {"matmul", "dot", "tensordot", "einsum", "inner", "outer", "vdot"}           # cannot be captured into a graph
from . import settings
launches = []                                                                         # (kernel, grid, block), for tests
_capture = None                                                                       # the list a stream is recording to


def _host_sync(what):
    if _capture is not None:
        raise RuntimeError(f"the current stream is capturing, so {what} is not allowed")


def _in(x, host_ok=False):
    if isinstance(x, ndarray):
        return x._a
    if isinstance(x, np.ndarray) and not host_ok:
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(x, (tuple, list)):
        return type(x)(_in(v, host_ok) for v in x)
    return {k: _in(v, host_ok) for k, v in x.items()} if isinstance(x, dict) else x


def _out(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return ndarray(np.asarray(x))
    return type(x)(_out(v) for v in x) if type(x) in (tuple, list) else x


def _run(f, args, kwargs, name="", host_ok=False):
    a, k = _in(args, host_ok), _in(kwargs, host_ok)
    if _capture is None:
        with np.errstate(all="ignore"):
            return kwargs["out"] if kwargs.get("out") is not None and (f(*a, **k), True) else _out(f(*a, **k))
    if name in CUBLAS:
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    if host_ok and any(isinstance(v, np.ndarray) for v in args):
        _host_sync("a host-to-device copy")
    before = [v.copy() if isinstance(v, np.ndarray) else v for v in a]                # a dry run finds shape and dtype
    r = f(*before, **{n: v for n, v in k.items() if n != "out"})
    out = k["out"] if k.get("out") is not None else np.asarray(r)
    k.pop("out", None)
    def again():
        with np.errstate(all="ignore"):
            out[...] = f(*a, **k)
    _capture.append(again)
    if out.dtype.kind == "f":
        out[...] = np.nan                                                            # nothing has run yet
    return ndarray(out)


class ndarray:
    """A "device" array: no implicit way to or from NumPy."""

    __slots__ = ("_a", "__weakref__")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, a, dtype=None):
        self._a = a if isinstance(a, np.ndarray) else np.empty(a, dtype or np.float32)

    def __array__(self, *a, **k):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly.")

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if kwargs.get("out"):
            kwargs["out"], = kwargs["out"]
        f = getattr(sys.modules[__name__], ufunc.__name__)
        return (f if method == "__call__" else getattr(f, method))(*args, **kwargs)

    def __array_function__(self, func, types_, args, kwargs):
        return getattr(sys.modules[__name__], func.__name__)(*args, **kwargs)

    def get(self, stream=None, out=None, **k):
        _host_sync("a device-to-host copy")
        if out is not None:
            out[...] = self._a
            return out
        return self._a.copy()

    def set(self, a, stream=None):
        _host_sync("a host-to-device copy")
        if not isinstance(a, np.ndarray) or a.shape != self.shape or a.dtype != self.dtype:
            raise ValueError("set() wants a NumPy array of the same shape and dtype")
        self._a[...] = a

    @property
    def device(self): return Device()
    def item(self, *a): return self.get().item(*a)
    def tolist(self): return self.get().tolist()
    def __float__(self): return float(self.get())
    def __int__(self): return int(self.get())
    def __bool__(self): return bool(self.get())
    def __repr__(self): return repr(self.get())
    def __len__(self): return len(self._a)
    def __iter__(self): return (self[i] for i in range(len(self)))
    def __format__(self, spec): return format(self.get().item(), spec) if self.size == 1 else format(self.get(), spec)

    def __getitem__(self, i):
        i = _in(i)
        simple = all(isinstance(v, (int, slice, type(None), type(...))) for v in (i if isinstance(i, tuple) else (i,)))
        return ndarray(np.asarray(self._a[i] if not simple else self._a[(*i, ...) if isinstance(i, tuple) and ... not in i else i if isinstance(i, tuple) else (i, ...) if i is not ... else i]))

    def __setitem__(self, i, v):
        i, v, a = _in(i), _in(v), self._a
        _capture.append(lambda: a.__setitem__(i, v)) if _capture is not None else a.__setitem__(i, v)

    def __getattr__(self, name):
        if name not in NAMES["cupy.ndarray"]:
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        v = getattr(self._a, name)
        if not callable(v):
            return ndarray(v) if name in ("T", "real", "imag", "mT") else v
        if name in ("reshape", "transpose", "view", "ravel", "squeeze", "swapaxes", "diagonal"):     # views, when they can be
            return lambda *a, **k: ndarray(v(*_in(a), **_in(k)))
        if name == "fill":
            return lambda x: self.__setitem__(..., x)
        return lambda *a, **k: _run(lambda s, *aa, **kk: getattr(s, name)(*aa, **kk), (self, *a), k, name)


def _operator(name):
    f = getattr(operator, name)
    setattr(ndarray, f"__{name.strip('_')}__", lambda self, *o: _run(f, (self, *o), {}, name))
    if name in "add sub mul truediv floordiv mod pow matmul and_ or_ xor".split():
        n = name.strip("_")
        setattr(ndarray, f"__r{n}__", lambda self, o: _run(lambda a, b: f(b, a), (self, o), {}, name))
        def inplace(self, o):
            a, b = self._a, _in(o)
            def go():
                with np.errstate(all="ignore"):
                    a[...] = f(a, b)                                                 # as CuPy: result cast to a's dtype
            _capture.append(go) if _capture is not None else go()
            return self
        setattr(ndarray, f"__i{n}__", inplace)


for _n in "add sub mul truediv floordiv mod pow matmul and_ or_ xor neg abs lt le gt ge eq ne invert".split():
    _operator(_n)


class RawKernel:
    def __init__(self, code, name, options=(), backend="nvrtc", **kw):
        if not isinstance(options, tuple):
            raise TypeError("options must be a tuple")
        self.code, self.name, self.options = code, name, options

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        if type(grid) is not tuple or type(block) is not tuple:
            raise TypeError(f"{self.name}: grid and block must be tuples")
        include = tuple(o[2:] for o in self.options if o.startswith("-I"))
        lib = emu.build(self.code, self.options, settings.check, include)
        if self.name not in lib.names:
            raise AttributeError(f"no kernel {self.name}")
        sig = getattr(lib, "sig_" + self.name)().decode().strip(",").split(",")
        if len(sig) != len(args):                                                    # CuPy would read beyond the arguments
            raise TypeError(f"{self.name} takes {len(sig)} arguments, {len(args)} given")
        raw = [self._argument(i, s, a) for i, (s, a) in enumerate(zip(sig, args))]
        grid, block = tuple(max(1, int(g)) for g in grid), tuple(max(1, int(b)) for b in block)
        launches.append((self.name, grid, block))
        go = lambda: emu.launch(lib, self.name, grid, block, raw, shared_mem, settings.order)
        _capture.append(go) if _capture is not None else go()

    def _argument(self, i, s, a):
        who = f"{self.name}, argument {i + 1}"
        if s[0] in "PC":
            if isinstance(a, np.uint64) and a == 0:                                      # how the launcher says None
                return a
            if not isinstance(a, ndarray):
                raise TypeError(f"{who} is a pointer; it needs a cupy.ndarray, not {type(a)}")
            if a.dtype != emu.CODES[s[1:]] and not (a.dtype == bool and s[1:] in ("u1", "i1")):
                raise TypeError(f"{who} points to {emu.CODES[s[1:]]}, the array holds {a.dtype} (CuPy would reinterpret the bits)")
            if not a._a.flags.c_contiguous:
                raise TypeError(f"{who} is not C-contiguous (CuPy would ignore the strides)")
            return a._a
        if not isinstance(a, np.generic):
            raise TypeError(f"{who} is {emu.CODES[s]}; pass numpy.{emu.CODES[s]}(...), not {type(a)} (CuPy would pass 64 bits)")
        if a.dtype != emu.CODES[s]:
            raise TypeError(f"{who} is {emu.CODES[s]}, not {a.dtype}")
        return a


class RawModule:
    def __init__(self, *, code, options=(), backend="nvrtc", **kw):
        self.code, self.options = code, options

    def get_function(self, name):
        return RawKernel(self.code, name, self.options)


class Graph:
    def __init__(self, steps): self.steps = steps
    def launch(self, stream=None):
        for s in self.steps:
            s()


class Stream:
    null = None
    def __init__(self, null=False, non_blocking=False, **k): self.non_blocking, self.ptr = non_blocking, 0 if null else id(self)
    def __enter__(self): return self
    def __exit__(self, *e): pass
    def synchronize(self): _host_sync("synchronize()")
    def begin_capture(self, mode=None):
        global _capture
        if not self.ptr:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        _capture = []
    def end_capture(self):
        global _capture
        g, _capture = Graph(_capture), None
        return g
    def is_capturing(self): return _capture is not None


class Event:
    def __init__(self, **k): pass
    def record(self, stream=None): pass
    def synchronize(self): _host_sync("synchronize()")


class MemoryPool:
    def __init__(self, *a): pass
    malloc = used_bytes = total_bytes = free_bytes = n_free_blocks = lambda self, *a: 0
    def free_all_blocks(self, *a): pass
    def set_limit(self, **k): pass


class Device:
    def __init__(self, id=0): self.id, self.compute_capability = id, "90"
    def __eq__(self, o): return isinstance(o, Device) and o.id == self.id
    def __enter__(self): return self
    def __exit__(self, *e): pass
    def use(self): pass
    def synchronize(self): _host_sync("synchronize()")


def asnumpy(a, *k, **kw): return a.get() if isinstance(a, ndarray) else np.asarray(a)
def get_array_module(*args): return sys.modules[__name__] if any(isinstance(a, ndarray) for a in args) else np
def fuse(*a, **k): return a[0] if a and callable(a[0]) else (lambda f: f)
def get_default_memory_pool(_pool=MemoryPool()): return _pool
def get_default_pinned_memory_pool(_pool=MemoryPool()): return _pool


class _Allocator:
    def __init__(self, *a): pass
    __enter__ = __exit__ = lambda self, *a: None


Stream.null = Stream(null=True)
cuda = types.ModuleType("cupy.cuda")
cuda.__dict__.update(Stream=Stream, Event=Event, Device=Device, Graph=Graph, MemoryPool=MemoryPool, using_allocator=_Allocator,
                     is_available=lambda: True, get_current_stream=lambda: Stream.null, set_allocator=lambda *a: None,
                     get_elapsed_time=lambda a, b: 0.0,
                     runtime=types.SimpleNamespace(getDeviceCount=lambda: 1, CUDARuntimeError=RuntimeError))
__version__ = "14.2.0"
float16, float32, float64, int8, int32, int64, uint8, uint32, bool_ = (np.float16, np.float32, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint32, np.bool_)


class _Function:
    """A NumPy function under its CuPy name."""
    def __init__(self, f, name): self.f, self.__name__ = f, name
    def __call__(self, *a, **k): return _run(self.f, a, k, self.__name__, self.__name__ in HOST_OK)
    def __getattr__(self, n):                                                        # add.reduce, maximum.at ...
        return _Function(getattr(self.f, n), f"{self.__name__}.{n}")


def __getattr__(name):
    if name.startswith("__") or name not in NAMES["cupy"]:
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    v = getattr(np, name)
    return _Function(v, name) if callable(v) and not isinstance(v, type) else v


def install():
    """Make `import cupy` find this module."""
    sys.modules.update({"cupy": sys.modules[__name__], "cupy.cuda": cuda})
