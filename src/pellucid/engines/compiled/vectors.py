"""Vectors of a few numbers as values: the language of the innermost loops.

LLVM turns simple loops into vector code by itself, but not those that must keep two
dozen vectors in registers. They are written here with operators on `Vector`, and become
instructions when Numba compiles the kernel that uses them.
"""

import operator
from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import (
    intrinsic,
    lower_builtin,
    models,
    register_model,
    type_callable,
)

from pellucid.engines.compiled.machine import cpu_features

# No flag lets a NaN or an infinity slip through: nnan and ninf are not among them.
FLAGS = ("nsz", "arcp", "contract", "afn", "reassoc")
WORD, INDEX = ir.IntType(32), ir.IntType(64)
REAL = {32: ir.FloatType(), 64: ir.DoubleType()}


def register_bytes():
    """Return the bytes of a vector register: of AVX-512, of AVX, or 16."""
    found = cpu_features()
    if "AVX512F" in found:
        return 64
    return 32 if "AVX2" in found else 16


def whole(number):
    """A whole number as a constant."""
    return ir.Constant(INDEX, number)


class Vector:
    """A value of several numbers, with arithmetic."""

    __slots__ = ("code", "value")

    def __init__(self, code, value):
        self.code, self.value = code, value

    def _with(self, other, name, *, swapped=False):
        y = other if isinstance(other, Vector) else self.code.number(other)
        x, y = (y, self) if swapped else (self, y)
        operation = getattr(self.code.builder, name)
        return Vector(self.code, operation(x.value, y.value, flags=FLAGS))

    def __add__(self, other):
        return self._with(other, "fadd")

    def __radd__(self, other):
        return self._with(other, "fadd", swapped=True)

    def __sub__(self, other):
        return self._with(other, "fsub")

    def __rsub__(self, other):
        return self._with(other, "fsub", swapped=True)

    def __mul__(self, other):
        return self._with(other, "fmul")

    def __rmul__(self, other):
        return self._with(other, "fmul", swapped=True)

    def __neg__(self):
        return self * -1.0


class Code:
    """Instructions in the making, for vectors of one kind and width."""

    def __init__(self, builder, bits, width):
        self.builder, self.bits, self.width = builder, bits, width
        self.kind = ir.VectorType(REAL[bits], width)
        self.bytes = bits // 8
        self._suffix = f"v{width}f{bits}"

    def pointer(self, address):
        """An address, as a pointer to numbers."""
        return self.builder.inttoptr(address, REAL[self.bits].as_pointer())

    def number(self, value):
        """The same number in every place."""
        return Vector(self, ir.Constant(self.kind, [float(value)] * self.width))

    def splat(self, scalar):
        """A number that is known at run time in every place."""
        nothing = ir.Constant(self.kind, ir.Undefined)
        first = self.builder.insert_element(nothing, scalar, ir.Constant(WORD, 0))
        everywhere = ir.Constant(ir.VectorType(WORD, self.width), [0] * self.width)
        return Vector(self, self.builder.shuffle_vector(first, nothing, everywhere))

    def at(self, pointer, *offsets):
        """A pointer some numbers further."""
        for offset in offsets:
            step = whole(offset) if isinstance(offset, int) else offset
            pointer = self.builder.gep(pointer, [step])
        return pointer

    def _many(self, pointer):
        return self.builder.bitcast(pointer, self.kind.as_pointer())

    def load(self, pointer, mask=None):
        """The numbers at a pointer; zeros where a mask has none."""
        if mask is None:
            value = self.builder.load(self._many(pointer), align=self.bytes)
            return Vector(self, value)
        where = self._many(pointer)
        kinds = [where.type, WORD, mask.type, self.kind]
        name = f"llvm.masked.load.{self._suffix}.p0"
        function = self._function(name, self.kind, kinds)
        align = ir.Constant(WORD, self.bytes)
        return Vector(
            self,
            self.builder.call(function, [where, align, mask, self.number(0).value]),
        )

    def store(self, vector, pointer, mask=None):
        """Write the numbers; only those of a mask."""
        where = self._many(pointer)
        if mask is None:
            self.builder.store(vector.value, where, align=self.bytes)
            return
        kinds = [self.kind, where.type, WORD, mask.type]
        name = f"llvm.masked.store.{self._suffix}.p0"
        function = self._function(name, ir.VoidType(), kinds)
        align = ir.Constant(WORD, self.bytes)
        self.builder.call(function, [vector.value, where, align, mask])

    def fetch(self, pointer):
        """Ask for the cache line at a pointer to be brought into the second cache."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, WORD, WORD, WORD])
        function = cgutils.get_or_insert_function(
            self.builder.module, kind, "llvm.prefetch.p0"
        )
        read, second, data = (ir.Constant(WORD, number) for number in (0, 2, 1))
        where = self.builder.bitcast(pointer, byte)
        self.builder.call(function, [where, read, second, data])

    def first(self, count):
        """A mask of the first few places."""
        places = ir.VectorType(INDEX, self.width)
        numbers = ir.Constant(places, list(range(self.width)))
        nothing = ir.Constant(places, ir.Undefined)
        one = self.builder.insert_element(nothing, count, ir.Constant(WORD, 0))
        everywhere = ir.Constant(ir.VectorType(WORD, self.width), [0] * self.width)
        limit = self.builder.shuffle_vector(one, nothing, everywhere)
        return self.builder.icmp_signed("<", numbers, limit)

    def fused(self, x, y, z):
        """X y + z."""
        function = self._function(
            f"llvm.fma.{self._suffix}", self.kind, [self.kind] * 3
        )
        return Vector(self, self.builder.call(function, [x.value, y.value, z.value]))

    def _function(self, name, result, kinds):
        kind = ir.FunctionType(result, kinds)
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    @contextmanager
    def rounds(self, count):
        """A loop that LLVM does not unroll: two rounds at once take more registers."""
        with cgutils.for_range(self.builder, count):
            yield
            back = self.builder.block
        module = self.builder.module
        how = module.add_metadata(
            [ir.MetaDataString(module, "llvm.loop.unroll.disable")]
        )
        one = module.add_metadata([how, f"{back.name}"])
        one.operands = (one, how)  # metadata of a loop begin with themselves
        back.terminator.set_metadata("llvm.loop", one)

    def variables(self, count):
        """Places for vectors that change; they end up in registers."""
        return [cgutils.alloca_once(self.builder, self.kind) for _ in range(count)]

    def get(self, variable):
        """What a place holds."""
        return Vector(self, self.builder.load(variable))

    def put(self, vector, variable):
        """Let a place hold a vector."""
        self.builder.store(vector.value, variable)

    def transposed(self, vectors):
        """As many vectors as each has places, with rows and columns exchanged."""
        size = self.width // 2
        while size:
            for i in range(self.width):
                if not i & size:
                    x, y = vectors[i], vectors[i | size]
                    vectors[i] = self._mixed(x, y, size, upper=False)
                    vectors[i | size] = self._mixed(x, y, size, upper=True)
            size //= 2
        return vectors

    def _mixed(self, x, y, size, *, upper):
        """The lower or upper halves of blocks of places, of x and of y in turn."""
        places = []
        for place in range(self.width):
            from_y = bool(place & size)
            places.append((place & ~size) + size * upper + self.width * from_y)
        order = ir.Constant(ir.VectorType(WORD, self.width), places)
        return Vector(self, self.builder.shuffle_vector(x.value, y.value, order))


# -- vectors in the text of kernels ----------------------------------------------------


class VectorType(types.Type):
    """The type of a local variable that is a vector."""

    def __init__(self, bits, width):
        self.bits, self.width = bits, width
        super().__init__(f"vector({bits}, {width})")


@register_model(VectorType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(REAL[kind.bits], kind.width))


def _memory(bits):
    """Return how kernels load and store vectors, and make one of a number."""
    scalar = {32: types.float32, 64: types.float64}[bits]

    @intrinsic(prefer_literal=True)
    def load(context, address, width):
        kind = VectorType(bits, width.literal_value)

        def generate(context, builder, signature, arguments):
            code = Code(builder, bits, kind.width)
            return code.load(code.pointer(arguments[0])).value

        return kind(types.int64, width), generate

    @intrinsic
    def store(context, address, vector):
        def generate(context, builder, signature, arguments):
            code = Code(builder, bits, vector.width)
            value = Vector(code, arguments[1])
            code.store(value, code.pointer(arguments[0]))
            return context.get_dummy_value()

        return types.void(types.int64, vector), generate

    @intrinsic(prefer_literal=True)
    def spread(context, number, width):
        kind = VectorType(bits, width.literal_value)

        def generate(context, builder, signature, arguments):
            return Code(builder, bits, kind.width).splat(arguments[0]).value

        return kind(scalar, width), generate

    return load, store, spread


load32, store32, spread32 = _memory(32)
load64, store64, spread64 = _memory(64)


@intrinsic
def larger(context, x, y):
    """The larger of two vectors in each place; NaN if y is."""

    def generate(context, builder, signature, arguments):
        a, b = arguments
        is_larger = builder.fcmp_ordered(">", b, a)
        is_nan = builder.fcmp_unordered("uno", b, b)
        return builder.select(builder.or_(is_larger, is_nan), b, a)

    return x(x, y), generate


@intrinsic
def where_same(context, x, y, there, elsewhere):
    """One of two vectors in each place: there where x and y have the same bits."""

    def generate(context, builder, signature, arguments):
        bits = ir.VectorType(ir.IntType(x.bits), x.width)
        a, b = (builder.bitcast(value, bits) for value in arguments[:2])
        return builder.select(builder.icmp_signed("==", a, b), *arguments[2:])

    return there(x, y, there, elsewhere), generate


def _arithmetic(function, name):
    """Let kernels write an operator between two vectors."""

    @type_callable(function)
    def decide(context):
        def kinds(x, y):
            return x if isinstance(x, VectorType) and x == y else None

        return kinds

    @lower_builtin(function, VectorType, VectorType)
    def generate(context, builder, signature, arguments):
        return getattr(builder, name)(*arguments, flags=FLAGS)


for _operator, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul")):
    _arithmetic(getattr(operator, _operator), _instruction)
