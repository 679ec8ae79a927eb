"""Elementary functions that NumPy lacks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Coefficients of the rational approximations, lowest power first, from the error
# function of FDLIBM (Sun Microsystems, 1993). With P / Q one of the ratios below:
#   x + x P(x^2) / Q(x^2)                            for |x| up to 0.84375,
#   0.84506... + P(|x| - 1) / Q(|x| - 1)             up to 1.25,
#   1 - exp(-x^2 - 0.5625 + P(1/x^2) / Q(1/x^2)) / x beyond (two ratios, up to 2.857).
_SMALL = (
    (
        1.28379167095512558561e-01,
        -3.25042107247001499370e-01,
        -2.84817495755985104766e-02,
        -5.77027029648944159157e-03,
        -2.37630166566501626084e-05,
    ),
    (
        1.0,
        3.97917223959155352819e-01,
        6.50222499887672944485e-02,
        5.08130628187576562776e-03,
        1.32494738004321644526e-04,
        -3.96022827877536812320e-06,
    ),
)
_MIDDLE = (
    (
        -2.36211856075265944077e-03,
        4.14856118683748331666e-01,
        -3.72207876035701323847e-01,
        3.18346619901161753674e-01,
        -1.10894694282396677476e-01,
        3.54783043256182359371e-02,
        -2.16637559486879084300e-03,
    ),
    (
        1.0,
        1.06420880400844228286e-01,
        5.40397917702171048937e-01,
        7.18286544141962662868e-02,
        1.26171219808761642112e-01,
        1.36370839120290507362e-02,
        1.19844998467991074170e-02,
    ),
)
_LARGE = (
    (
        -9.86494403484714822705e-03,
        -6.93858572707181764372e-01,
        -1.05586262253232909814e01,
        -6.23753324503260060396e01,
        -1.62396669462573470355e02,
        -1.84605092906711035994e02,
        -8.12874355063065934246e01,
        -9.81432934416914548592e00,
    ),
    (
        1.0,
        1.96512716674392571292e01,
        1.37657754143519042600e02,
        4.34565877475229228821e02,
        6.45387271733267880336e02,
        4.29008140027567833386e02,
        1.08635005541779435134e02,
        6.57024977031928170135e00,
        -6.04244152148580987438e-02,
    ),
)
_TAIL = (
    (
        -9.86494292470009928597e-03,
        -7.99283237680523006574e-01,
        -1.77579549177547519889e01,
        -1.60636384855821916062e02,
        -6.37566443368389627722e02,
        -1.02509513161107724954e03,
        -4.83519191608651397019e02,
    ),
    (
        1.0,
        3.03380607434824582924e01,
        3.25792512996573918826e02,
        1.53672958608443695994e03,
        3.19985821950859553908e03,
        2.55305040643316442583e03,
        4.74528541206955367215e02,
        -2.24409524465858183362e01,
    ),
)


def _ratio(x: NDArray[Any], coefficients: Any) -> NDArray[Any]:
    above, below = (np.zeros_like(x), np.zeros_like(x))
    for c in reversed(coefficients[0]):
        above = above * x + c
    for c in reversed(coefficients[1]):
        below = below * x + c
    ratio: NDArray[Any] = above / below
    return ratio


def erf_from_zero(x: Any) -> Any:
    """Return the error function of numbers that are not negative.

    In the vocabulary of `pellucid.ops`, so that it can be written down as well.

    Parameters
    ----------
    x : ndarray of float
        Any shape, values of at least 0.

    Returns
    -------
    ndarray
        Values in [0, 1], shape and dtype of `x`.
    """
    size = np.minimum(x, 6.0)
    near = np.minimum(size, 0.84375)
    small = near + near * _ratio(near * near, _SMALL)
    middle = 8.45062911510467529297e-01 + _ratio(np.clip(size, 0.8, 1.3) - 1.0, _MIDDLE)
    far = np.maximum(size, 1.25)
    inverse = 1.0 / (far * far)
    exponent = np.where(far < 1 / 0.35, _ratio(inverse, _LARGE), _ratio(inverse, _TAIL))
    large = 1.0 - np.exp(-far * far - 0.5625 + exponent) / far
    result = np.where(size < 1.25, middle, large)
    return np.where(size < 0.84375, small, result)


def erf(x: NDArray[Any]) -> NDArray[Any]:
    r"""Return the error function, ``2/sqrt(pi) * integral of exp(-t^2) from 0 to x``.

    Parameters
    ----------
    x : ndarray of float
        Any shape, any finite or infinite values.

    Returns
    -------
    ndarray
        Values in [-1, 1], shape and dtype of `x`, right to a unit or two in the last
        place.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.special import erf
    >>> erf(np.array([0.0, 1.0, -2.0]))
    array([ 0.        ,  0.84270079, -0.99532227])
    """
    signed: NDArray[Any] = np.copysign(erf_from_zero(np.abs(x)), x)
    return signed
