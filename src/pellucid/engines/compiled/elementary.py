"""Elementary functions without branches, so that loops over them become vector code.

They are compiled with the flag ``contract`` only: reassociation would undo the careful
splitting of constants. NaN, infinities, overflow and underflow come out right. Errors
are at most 3 units of the last place in float32 (6 for erf), and 4 in float64.
Sources: the reductions and polynomials of Cephes (S. Moshier) and of FDLIBM (Sun
Microsystems); for erf in float32 the rational function of Eigen.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

contracted = njit(fastmath={"contract"}, error_model="numpy", inline="never")


def _bitcast(source, target, bits):
    @intrinsic
    def cast(context, value):
        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], bits)

        return target(source), generate

    return cast


bits32 = _bitcast(types.float32, types.int32, ir.IntType(32))
from_bits32 = _bitcast(types.int32, types.float32, ir.FloatType())
bits64 = _bitcast(types.float64, types.int64, ir.IntType(64))
from_bits64 = _bitcast(types.int64, types.float64, ir.DoubleType())

f, d = np.float32, np.float64
i32, i64 = np.int32, np.int64


# -- float32 ---------------------------------------------------------------------------


@contracted
def exp32(x):
    """``x = k ln 2 + r``, then ``2^k exp(r)`` with a polynomial for the rest."""
    y = f(-104) if x < f(-104) else (f(89) if x > f(89) else x)
    shifted = y * f(1.44269504088896341) + f(12582912.0)
    k = shifted - f(12582912.0)
    r = y - k * f(0.693359375) - k * f(-2.12194440e-4)
    p = f(1.9875691500e-4)
    p = p * r + f(1.3981999507e-3)
    p = p * r + f(8.3334519073e-3)
    p = p * r + f(4.1665795894e-2)
    p = p * r + f(1.6666665459e-1)
    p = p * r + f(5.0000001201e-1)
    p = p * (r * r) + r + f(1)
    # Half the exponent at a time: 2^k itself may be out of range.
    whole = i32(bits32(shifted) - i32(0x4B400000))
    half = i32(whole >> i32(1))
    rest = i32(whole - half)
    first = from_bits32(i32(i32(half + i32(127)) << i32(23)))
    second = from_bits32(i32(i32(rest + i32(127)) << i32(23)))
    return p * first * second


@contracted
def expm132(x):
    """``2^k (exp(r) - 1) + (2^k - 1)``."""
    y = f(-20) if x < f(-20) else (f(89) if x > f(89) else x)
    shifted = y * f(1.44269504088896341) + f(12582912.0)
    k = shifted - f(12582912.0)
    r = y - k * f(0.693359375) - k * f(-2.12194440e-4)
    p = f(1.9875691500e-4)
    p = p * r + f(1.3981999507e-3)
    p = p * r + f(8.3334519073e-3)
    p = p * r + f(4.1665795894e-2)
    p = p * r + f(1.6666665459e-1)
    p = p * r + f(5.0000001201e-1)
    p = p * (r * r) + r
    whole = i32(bits32(shifted) - i32(0x4B400000))
    # Half of it first: 2^k itself may be out of range.
    scale = from_bits32(i32(i32(whole + i32(126)) << i32(23)))
    return f(2) * (scale * p + (scale - f(0.5)))


@contracted
def tanh32(x):
    """``-t / (t + 2)`` with ``t = expm1(-2 |x|)``, and the sign of x."""
    size = abs(x)
    t = expm132(f(-2) * size)
    result = -t / (t + f(2))
    return -result if x < f(0) else (result if x > f(0) else x)


@contracted
def log32(x):
    """``x = 2^k (1 + r)``, then ``k ln 2 + log(1 + r)`` with a polynomial."""
    small = x < f(1.17549435e-38)
    y = x * f(33554432.0) if small else x
    whole = bits32(y)
    k = f(i32(whole >> i32(23)) - i32(126)) - (f(25) if small else f(0))
    m = from_bits32(i32(i32(whole & i32(0x7FFFFF)) | i32(0x3F000000)))
    low = m < f(0.70710678118654752440)
    k = k - f(1) if low else k
    r = m + m - f(1) if low else m - f(1)
    z = r * r
    p = f(7.0376836292e-2)
    p = p * r + f(-1.1514610310e-1)
    p = p * r + f(1.1676998740e-1)
    p = p * r + f(-1.2420140846e-1)
    p = p * r + f(1.4249322787e-1)
    p = p * r + f(-1.6668057665e-1)
    p = p * r + f(2.0000714765e-1)
    p = p * r + f(-2.4999993993e-1)
    p = p * r + f(3.3333331174e-1)
    result = p * r * z + k * f(-2.12194440e-4) - f(0.5) * z + r + k * f(0.693359375)
    result = x if x == f(np.inf) else result
    result = f(-np.inf) if x == f(0) else result
    return result if x >= f(0) else f(np.nan)


@contracted
def log1p32(x):
    """``log(u) + (x - (u - 1)) / u`` with ``u = 1 + x``: the lost digits come back."""
    u = f(1) + x
    result = log32(u) + (x - (u - f(1))) / u
    return log32(u) if u == f(0) or u == f(np.inf) else result


@contracted
def erf32(x):
    """``x P(x^2) / Q(x^2)`` up to 4, where it is 1."""
    y = f(-4) if x < f(-4) else (f(4) if x > f(4) else x)
    z = y * y
    p = f(-2.72614225801306e-10)
    p = p * z + f(2.77068142495902e-08)
    p = p * z + f(-2.10102402082508e-06)
    p = p * z + f(-5.69250639462346e-05)
    p = p * z + f(-7.34990630326855e-04)
    p = p * z + f(-2.95459980854025e-03)
    p = p * z + f(-1.60960333262415e-02)
    q = f(-1.45660718464996e-05)
    q = q * z + f(-2.13374055278905e-04)
    q = q * z + f(-1.68282697438203e-03)
    q = q * z + f(-7.37332916720468e-03)
    q = q * z + f(-1.42647390514189e-02)
    return y * p / q


# -- float64 ---------------------------------------------------------------------------


@contracted
def _half_expm1(r):
    """Half of ``(exp(r) - 1) / ...``: the odd part of the rational approximation."""
    z = r * r
    p = d(1.26177193074810590878e-4)
    p = p * z + d(3.02994407707441961300e-2)
    p = p * z + d(9.99999999999999999910e-1)
    p = p * r
    q = d(3.00198505138664455042e-6)
    q = q * z + d(2.52448340349684104192e-3)
    q = q * z + d(2.27265548208155028766e-1)
    q = q * z + d(2.00000000000000000005e0)
    return p / (q - p)


@contracted
def exp64(x):
    """``x = k ln 2 + r``, then ``2^k exp(r)`` with a rational function for the rest."""
    y = d(-746) if x < d(-746) else (d(710) if x > d(710) else x)
    shifted = y * d(1.4426950408889634073599) + d(6755399441055744.0)
    k = shifted - d(6755399441055744.0)
    r = y - k * d(6.93145751953125e-1) - k * d(1.42860682030941723212e-6)
    p = d(1) + d(2) * _half_expm1(r)
    whole = i64(bits64(shifted) - i64(0x4338000000000000))
    half = i64(whole >> i64(1))
    first = from_bits64(i64(i64(half + i64(1023)) << i64(52)))
    second = from_bits64(i64(i64(whole - half + i64(1023)) << i64(52)))
    return p * first * second


@contracted
def expm164(x):
    """``2^k (exp(r) - 1) + (2^k - 1)``."""
    y = d(-45) if x < d(-45) else (d(710) if x > d(710) else x)
    shifted = y * d(1.4426950408889634073599) + d(6755399441055744.0)
    k = shifted - d(6755399441055744.0)
    r = y - k * d(6.93145751953125e-1) - k * d(1.42860682030941723212e-6)
    p = d(2) * _half_expm1(r)
    whole = i64(bits64(shifted) - i64(0x4338000000000000))
    scale = from_bits64(i64(i64(whole + i64(1022)) << i64(52)))
    return d(2) * (scale * p + (scale - d(0.5)))


@contracted
def tanh64(x):
    """``-t / (t + 2)`` with ``t = expm1(-2 |x|)``, and the sign of x."""
    t = expm164(d(-2) * abs(x))
    result = -t / (t + d(2))
    return -result if x < d(0) else (result if x > d(0) else x)


@contracted
def log64(x):
    """``x = 2^k (1 + r)``, ``s = r / (2 + r)``, then a polynomial in s^2."""
    small = x < d(2.2250738585072014e-308)
    y = x * d(18014398509481984.0) if small else x
    whole = bits64(y)
    k = d(i64(whole >> i64(52)) - i64(1022)) - (d(54) if small else d(0))
    m = from_bits64(i64(i64(whole & i64(0x000FFFFFFFFFFFFF)) | i64(0x3FE0000000000000)))
    low = m < d(0.70710678118654752440)
    k = k - d(1) if low else k
    r = m + m - d(1) if low else m - d(1)
    s = r / (d(2) + r)
    z = s * s
    p = d(1.479819860511658591e-01)
    p = p * z + d(1.531383769920937332e-01)
    p = p * z + d(1.818357216161805012e-01)
    p = p * z + d(2.222219843214978396e-01)
    p = p * z + d(2.857142874366239149e-01)
    p = p * z + d(3.999999999940941908e-01)
    p = p * z + d(6.666666666666735130e-01)
    p = p * z
    half = d(0.5) * r * r
    tail = s * (half + p) + k * d(1.90821492927058770002e-10)
    result = k * d(6.93147180369123816490e-01) - ((half - tail) - r)
    result = x if x == d(np.inf) else result
    result = d(-np.inf) if x == d(0) else result
    return result if x >= d(0) else d(np.nan)


@contracted
def log1p64(x):
    """``log(u) + (x - (u - 1)) / u`` with ``u = 1 + x``: the lost digits come back."""
    u = d(1) + x
    result = log64(u) + (x - (u - d(1))) / u
    return log64(u) if u == d(0) or u == d(np.inf) else result


@contracted
def _small_erf(x):
    z = x * x
    p = d(-2.37630166566501626084e-05)
    p = p * z + d(-5.77027029648944159157e-03)
    p = p * z + d(-2.84817495755985104766e-02)
    p = p * z + d(-3.25042107247001499370e-01)
    p = p * z + d(1.28379167095512558561e-01)
    q = d(-3.96022827877536812320e-06)
    q = q * z + d(1.32494738004321644526e-04)
    q = q * z + d(5.08130628187576562776e-03)
    q = q * z + d(6.50222499887672944485e-02)
    q = q * z + d(3.97917223959155352819e-01)
    q = q * z + d(1)
    return x + x * (p / q)


@contracted
def _middle_erf(x):
    s = x - d(1)
    p = d(-2.16637559486879084300e-03)
    p = p * s + d(3.54783043256182359371e-02)
    p = p * s + d(-1.10894694282396677476e-01)
    p = p * s + d(3.18346619901161753674e-01)
    p = p * s + d(-3.72207876035701323847e-01)
    p = p * s + d(4.14856118683748331666e-01)
    p = p * s + d(-2.36211856075265944077e-03)
    q = d(1.19844998467991074170e-02)
    q = q * s + d(1.36370839120290507362e-02)
    q = q * s + d(1.26171219808761642112e-01)
    q = q * s + d(7.18286544141962662868e-02)
    q = q * s + d(5.40397917702171048937e-01)
    q = q * s + d(1.06420880400844228286e-01)
    q = q * s + d(1)
    return d(8.45062911510467529297e-01) + p / q


@contracted
def _large_erf(x):
    s = d(1) / (x * x)
    p = d(-9.81432934416914548592e00)
    p = p * s + d(-8.12874355063065934246e01)
    p = p * s + d(-1.84605092906711035994e02)
    p = p * s + d(-1.62396669462573470355e02)
    p = p * s + d(-6.23753324503260060396e01)
    p = p * s + d(-1.05586262253232909814e01)
    p = p * s + d(-6.93858572707181764372e-01)
    p = p * s + d(-9.86494403484714822705e-03)
    q = d(-6.04244152148580987438e-02)
    q = q * s + d(6.57024977031928170135e00)
    q = q * s + d(1.08635005541779435134e02)
    q = q * s + d(4.29008140027567833386e02)
    q = q * s + d(6.45387271733267880336e02)
    q = q * s + d(4.34565877475229228821e02)
    q = q * s + d(1.37657754143519042600e02)
    q = q * s + d(1.96512716674392571292e01)
    q = q * s + d(1)
    u = d(-4.83519191608651397019e02)
    u = u * s + d(-1.02509513161107724954e03)
    u = u * s + d(-6.37566443368389627722e02)
    u = u * s + d(-1.60636384855821916062e02)
    u = u * s + d(-1.77579549177547519889e01)
    u = u * s + d(-7.99283237680523006574e-01)
    u = u * s + d(-9.86494292470009928597e-03)
    v = d(-2.24409524465858183362e01)
    v = v * s + d(4.74528541206955367215e02)
    v = v * s + d(2.55305040643316442583e03)
    v = v * s + d(3.19985821950859553908e03)
    v = v * s + d(1.53672958608443695994e03)
    v = v * s + d(3.25792512996573918826e02)
    v = v * s + d(3.03380607434824582924e01)
    v = v * s + d(1)
    near, far = p / q, u / v
    ratio = near if x < d(1 / 0.35) else far
    return d(1) - exp64(-x * x - d(0.5625) + ratio) / x


@contracted
def erf64(x):
    """Four rational functions; see `pellucid.special.erf`."""
    size = abs(x)
    size = d(6) if size > d(6) else size
    near = d(0.84375) if size > d(0.84375) else size
    between = d(0.8) if size < d(0.8) else (d(1.3) if size > d(1.3) else size)
    far = d(1.25) if size < d(1.25) else size
    small, middle, large = _small_erf(near), _middle_erf(between), _large_erf(far)
    result = small if size < d(0.84375) else (middle if size < d(1.25) else large)
    result = x if x != x else result
    return -result if x < d(0) else result
