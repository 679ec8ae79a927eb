"""The hand-written kernels: what is not elementwise.

Like the printed ones they are the text of a function ``run(a)`` with ``a[0]`` rows,
``a[1]`` columns and then operands; sizes and addresses come at run time.
"""

# What the last operand of a product says, added up: add to what is there; y is turned.
ADDS, TURNED = 1, 2

# The product of a gathered matrix and a matrix: `products.py` says how.
# a: inner length, x, where its rows and columns are, y, its row length, z, where its
# rows are, how
PRODUCT = """def run(a):
    product(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10])
"""

# Copy a block of columns into a block of columns. a: x, row length of x, z, of z
COPY = """def run(a):
    rows = a[0]
    columns = a[1]
    long_x = a[3]
    long_z = a[5]
    x = array(floats(a[2]), rows * long_x)
    z = array(floats(a[4]), rows * long_z)
    for i in range(rows):
        for j in range(columns):
            z[i * long_z + j] = x[i * long_x + j]
"""

# z = x transposed; rows and columns are those of x. a: x, row length of x, z
TURN = """def run(a):
    turn(a[0], a[1], a[2], a[3], a[4], a[0])
"""

# Copy images, or parts of them, into others. a: images, rows, numbers of a row; x,
# numbers from image to image, from row to row; z, the same
COPY_IMAGES = """def run(a):
    x = floats(a[3])
    z = floats(a[6])
    for k in range(a[0]):
        for i in range(a[1]):
            from_x = k * a[4] + i * a[5]
            to_z = k * a[7] + i * a[8]
            for j in range(a[2]):
                z[to_z + j] = x[from_x + j]
"""

# z = 0, or minus infinity. a: z, which
FILL = """def run(a):
    size = a[0] * a[1]
    value = number(-inf) if a[3] else number(0)
    z = array(floats(a[2]), size)
    for i in range(size):
        z[i] = value
"""

# The rows of a batch, in the order of the epoch. a: x, order, where to begin, first, z
GATHER = """def run(a):
    rows = a[0]
    columns = a[1]
    x = {kind}(a[2])
    order = integers(a[3])
    begin = integers(a[4])[0] + a[5]
    z = array({kind}(a[6]), (rows, columns))
    for i in range(rows):
        row = order[begin + i] * columns
        for j in range(columns):
            z[i, j] = x[row + j]
"""

# Rows of a table; as in NumPy -1 is the last one. One that is not there is NaN.
# a: table, indices, z, rows of the table
TAKE = """def run(a):
    rows = a[0]
    columns = a[1]
    x = array(floats(a[2]), (a[5], columns))
    index = array(integers(a[3]), rows)
    z = array(floats(a[4]), (rows, columns))
    for i in range(rows):
        k = index[i] + a[5] if index[i] < 0 else index[i]
        if 0 <= k < a[5]:
            for j in range(columns):
                z[i, j] = x[k, j]
        else:
            for j in range(columns):
                z[i, j] = nan
"""

# One entry of every row, or several; see above. a: x, row length of x, indices, z
TAKE_ALONG = """def run(a):
    rows = a[0]
    columns = a[1]
    x = array(floats(a[2]), (rows, a[3]))
    index = array(integers(a[4]), (rows, columns))
    z = array(floats(a[5]), (rows, columns))
    for i in range(rows):
        for j in range(columns):
            k = index[i, j] + a[3] if index[i, j] < 0 else index[i, j]
            z[i, j] = x[i, k] if 0 <= k < a[3] else nan
"""

# Sums of rows by index; the sizes are those of the values. An index that is not there
# makes all sums NaN. a: x, indices, z, its rows
SCATTER_ADD = """def run(a):
    rows = a[0]
    columns = a[1]
    x = array(floats(a[2]), (rows, columns))
    index = array(integers(a[3]), rows)
    z = array(floats(a[4]), (a[5], columns))
    start = number(0)
    for i in range(rows):
        if index[i] < -a[5] or index[i] >= a[5]:
            start = number(nan)
    for i in range(a[5]):
        for j in range(columns):
            z[i, j] = start
    for i in range(rows):
        k = index[i] + a[5] if index[i] < 0 else index[i]
        if 0 <= k < a[5]:
            for j in range(columns):
                z[k, j] += x[i, j]
"""

# A number that is NaN if any entry of x is not finite. a: x, z
CHECK = """def run(a):
    rows = a[0]
    columns = a[1]
    x = array(floats(a[2]), rows * columns)
    z = array(floats(a[3]), 1)
    total = number(0)
    for i in range(rows * columns):
        total += x[i] * number(0)
    z[0] = total
"""

# Copy a whole array. a: x, z
KEEP = """def run(a):
    size = a[0] * a[1]
    x = array(floats(a[2]), size)
    z = array(floats(a[3]), size)
    for i in range(size):
        z[i] = x[i]
"""

# The sum of what all shards have. a: z, how many shards, where each has its own
MEET = """def run(a):
    size = a[0] * a[1]
    z = array(floats(a[2]), size)
    for i in range(size):
        z[i] = number(0)
    for k in range(a[3]):
        x = array(floats(a[4 + k]), size)
        for i in range(size):
            z[i] += x[i]
"""
