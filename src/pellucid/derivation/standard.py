r"""Functions as books print them.

The code of some is written so that nothing overflows, which hides what they are. Those
that are not here are printed from their code.
"""

# name -> LaTeX, plain text
STANDARD = {
    "sigmoid": (r"\frac{1}{1 + e^{-z}}", "1 / (1 + exp(-z))"),
    "softplus": (r"\ln(1 + e^{z})", "log(1 + exp(z))"),
    "softmax": (
        r"\frac{e^{z_k}}{\sum_j e^{z_j}}",
        "exp(z_k) / sum over j of exp(z_j)",
    ),
    "log_softmax": (
        r"z_k - \ln \sum_j e^{z_j}",
        "z_k - log(sum over j of exp(z_j))",
    ),
    "cross_entropy": (
        r"\ln \sum_k e^{z_k} - z_y",
        "log(sum over k of exp(z_k)) - z_y",
    ),
    "binary_cross_entropy": (
        r"\mathrm{mean}(\ln(1 + e^{z}) - y\,z)",
        "mean of log(1 + exp(z)) - y · z",
    ),
}
# Steps of these functions, which have no meaning of their own.
HIDDEN = {"below_top", "log_sum"}
