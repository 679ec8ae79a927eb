"""The product of a gathered matrix and a matrix: what convolution is made of.

``z[to[i], :] (+)= sum over k of x[rows[i] + columns[k]] y[k, :]``, or ``y[:, k]``

Row i of the left matrix is not stored anywhere: its entries are found in `x` by two
tables of offsets, one for where the row begins and one for where its entries are from
there. With the right tables this is a matrix product, its transpose, a convolution, and
each of the gradients of a convolution, without a copy of the patches.

A block of a few rows by a few vectors of columns stays in registers while k runs; that
reaches the peak of the machine for products of any size whose right side stays in the
cache.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pellucid.engines.compiled.library import ADDS, TURNED
from pellucid.engines.compiled.turning import write_turned
from pellucid.engines.compiled.vectors import INDEX, Code, register_bytes, whole

# Rows and vectors of a block: as many as leave registers for the two sides. A block of
# one vector takes what is left of the columns.
ROWS = (6, 2, 1)
VECTORS = (2, 1) if register_bytes() == 32 else (4, 2, 1)

# For fewer rows than a block has, wider blocks of one row: they read longer pieces of
# the right side at once.
WIDE = 8

# Sums are made of so many products and then added up: long ones in one go would lose
# more by rounding. How long a part is does not depend on the other sizes, so that a row
# of the result has the same bits in any company.
PART = 256

# A right side of more numbers than this comes from memory: what is needed of it next is
# asked for while this part is used, a cache line for each k.
LARGE, LINE = 2**16, 64

# Where registers are narrow, many rows of the left side pay for a copy of a large right
# side: its rows, far apart, share few places of the cache.
NARROW, MANY = register_bytes() < LINE, 48


class _Sides:
    """What a product reads and writes, see `product`."""

    def __init__(self, code, arguments):
        builder = self.builder = code.builder
        self.code = code
        self.m, self.n, self.k, x, rows, columns, y, self.long_y, z, to, how = arguments
        self.x, self.y, self.z = map(code.pointer, (x, y, z))
        table = ir.IntType(64).as_pointer()
        self.rows, self.columns, self.to = (
            builder.inttoptr(address, table) for address in (rows, columns, to)
        )
        self.adds, self.turned = (
            builder.icmp_signed("!=", builder.and_(how, whole(bit)), whole(0))
            for bit in (ADDS, TURNED)
        )
        size = builder.mul(self.k, self.long_y)
        self.large = builder.icmp_signed(">", size, whole(LARGE))
        least = whole(MANY if NARROW else 2**62)
        many = builder.icmp_signed(">=", self.m, least)
        self.copies = builder.or_(self.turned, builder.and_(many, self.large))
        numbers = PART * WIDE
        self.copy = cgutils.alloca_once(builder, code.kind, size=numbers)

    def entry(self, table, place):
        """An entry of a table of offsets."""
        return self.builder.load(self.builder.gep(table, [place]))


def _repeat(builder, begin, end, size, body):
    """Write a loop over whole blocks of some size; return where the last one ends."""
    step = whole(size)
    blocks = builder.sdiv(builder.sub(end, begin), step)
    with cgutils.for_range(builder, blocks) as loop:
        body(builder.add(begin, builder.mul(loop.index, step)))
    return builder.add(begin, builder.mul(blocks, step))


def _block(sides, i, j, rows, vectors, mask, right, soon=None):
    """Multiply one block of the result, at row i and column j, for some of k."""
    code, builder = sides.code, sides.builder
    y, long_y, first, count, adds = right
    numbers = [builder.add(i, whole(r)) for r in range(rows)]
    x = [code.at(sides.x, sides.entry(sides.rows, number)) for number in numbers]
    z = [code.at(sides.z, sides.entry(sides.to, number), j) for number in numbers]
    places = [(r, v) for r in range(rows) for v in range(vectors)]
    sums = dict(zip(places, code.variables(len(places)), strict=True))
    for place in places:
        code.put(code.number(0), sums[place])
    # Pointers that move on, and no index: there are no registers left to compute with.
    row, column = (
        cgutils.alloca_once(builder, pointer.type) for pointer in (y, sides.columns)
    )
    builder.store(y, row)
    builder.store(builder.gep(sides.columns, [first]), column)
    with code.rounds(count):
        here, place = builder.load(row), builder.load(column)
        offset = builder.load(place)
        if soon is not None:
            code.fetch(code.at(here, soon))
        ys = [code.load(code.at(here, v * code.width), mask) for v in range(vectors)]
        builder.store(code.at(here, long_y), row)
        builder.store(builder.gep(place, [whole(1)]), column)
        for r in range(rows):
            left = code.splat(builder.load(code.at(x[r], offset)))
            for v in range(vectors):
                total = code.fused(left, ys[v], code.get(sums[r, v]))
                code.put(total, sums[r, v])
    # What is there already is added last, see PART.
    with builder.if_then(adds):
        for r, v in places:
            there = code.load(code.at(z[r], v * code.width), mask)
            code.put(code.get(sums[r, v]) + there, sums[r, v])
    for r, v in places:
        code.store(code.get(sums[r, v]), code.at(z[r], v * code.width), mask)


def _soon(sides, i, j, part, copy):
    """How far ahead of the right side is a line of it that is needed soon.

    Each block of rows asks for one of a panel's lines, k by k: of the next part of it,
    or of the next panel, whose columns are whole rows in memory.
    """
    code, builder = sides.code, sides.builder
    wide, line = VECTORS[0] * code.width, LINE // code.bytes
    block = builder.sdiv(i, whole(ROWS[0]))
    column = builder.mul(builder.and_(block, whole(wide // line - 1)), whole(line))
    below = builder.mul(whole(PART), sides.long_y)
    rows = builder.mul(builder.add(j, whole(wide)), sides.long_y)
    panel = code.at(sides.y, rows, builder.mul(part, whole(PART * wide)))
    ends = (builder.ptrtoint(pointer, INDEX) for pointer in (panel, copy))
    away = builder.sdiv(builder.sub(*ends), whole(code.bytes))
    far = builder.add(builder.select(sides.turned, away, below), column)
    return builder.select(sides.large, far, whole(0))


def _copy(sides, y, j, count, vectors, mask, into):
    """Copy some rows of the right side, at some columns, without what is between."""
    code, builder = sides.code, sides.builder
    with cgutils.for_range(builder, count) as loop:
        row = code.at(y, builder.mul(loop.index, sides.long_y), j)
        to = code.at(into, builder.mul(loop.index, whole(vectors * code.width)))
        for v in range(vectors):
            vector = code.load(code.at(row, v * code.width), mask)
            code.store(vector, code.at(to, v * code.width))


def _copy_turned(sides, y, j, count, vectors, into):
    """Copy columns of the right side, which is kept transposed, as rows."""
    code, builder = sides.code, sides.builder
    y = code.at(y, builder.mul(j, sides.long_y))
    there = builder.sub(sides.n, j)
    panel = whole(vectors * code.width)
    columns = builder.select(builder.icmp_signed("<", there, panel), there, panel)
    write_turned(code, columns, count, y, sides.long_y, into, panel, whole_squares=True)


def _columns(sides, j, row_blocks, vectors, mask=None):
    """Multiply all rows, for some columns of the result."""
    code, builder = sides.code, sides.builder
    most = whole(PART)
    # No k at all leaves one part, of zeros.
    several = builder.icmp_signed(">", sides.k, most)
    round_up = builder.add(sides.k, whole(PART - 1))
    parts = builder.select(several, builder.sdiv(round_up, most), whole(1))
    with cgutils.for_range(builder, parts) as loop:
        first = builder.mul(loop.index, most)
        rest = builder.sub(sides.k, first)
        fewer = builder.icmp_signed("<", rest, most)
        count = builder.select(fewer, rest, most)
        step = builder.select(sides.turned, whole(1), sides.long_y)
        y = code.at(sides.y, builder.mul(first, step))
        copy = builder.bitcast(sides.copy, y.type)
        with (
            builder.if_then(sides.copies),
            builder.if_else(sides.turned) as (then, otherwise),
        ):
            with then:
                _copy_turned(sides, y, j, count, vectors, copy)
            with otherwise:
                _copy(sides, y, j, count, vectors, mask, copy)
        right = (
            builder.select(sides.copies, copy, code.at(y, j)),
            builder.select(sides.copies, whole(vectors * code.width), sides.long_y),
            first,
            count,
            builder.or_(sides.adds, builder.icmp_signed(">", first, whole(0))),
        )
        i = whole(0)
        for rows in row_blocks:

            def block(i, rows=rows):
                widest = rows == ROWS[0] and vectors == VECTORS[0] and mask is None
                soon = _soon(sides, i, j, loop.index, copy) if widest else None
                _block(sides, i, j, rows, vectors, mask, right, soon)

            i = _repeat(builder, i, sides.m, rows, block)


def _product(bits):
    """Return the product of gathered rows, for numbers of some bits."""

    @intrinsic
    def product(context, m, n, k, x, rows, columns, y, long_y, z, to, how):
        signature = types.void(*(types.int64,) * 11)

        def generate(context, builder, signature, arguments):
            code = Code(builder, bits, register_bytes() * 8 // bits)
            sides = _Sides(code, arguments)
            few = builder.icmp_signed("<", sides.m, whole(ROWS[0]))
            end = builder.select(few, sides.n, whole(0))
            blocks = ((end, (1,), WIDE), *((sides.n, ROWS, v) for v in VECTORS[:-1]))
            j = whole(0)
            for end, rows, vectors in blocks:

                def panel(j, rows=rows, vectors=vectors):
                    _columns(sides, j, rows, vectors)

                j = _repeat(builder, j, end, vectors * code.width, panel)

            # The last columns, one vector at a time, as many of it as there are.
            rest = builder.sub(sides.n, j)
            last = builder.sdiv(
                builder.add(rest, whole(code.width - 1)), whole(code.width)
            )
            with cgutils.for_range(builder, last) as loop:
                begin = builder.mul(loop.index, whole(code.width))
                mask = code.first(builder.sub(rest, begin))
                _columns(sides, builder.add(j, begin), ROWS, 1, mask)
            return context.get_dummy_value()

        return signature, generate

    return product


product32, product64 = _product(32), _product(64)
