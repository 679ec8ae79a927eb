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
    "focal_half_surprise": (
        r"-\frac{1}{2} \ln(\mathrm{softmax}(z)_{y})",
        "-0.5 · log(softmax(z)_y)",
    ),
    "clipped": (
        r"g \cdot \min(1, \mathrm{clip\_norm} / |g|)",
        "g · min(1, clip_norm / length of g)",
    ),
}
# What is done to images, and other steps that NumPy has and formulas have not: the left
# side, the right side, both in plain text, and a sentence. i, j count the places of a
# window, u, v the pixels in it, c channels and f filters, s samples.
OPERATIONS = {
    "convolve": (
        r"(x \ast W)_{ijf}",
        r"\sum_{u,v,c} x_{i+u,\,j+v,\,c}\, W_{uvcf}",
        "(x ∗ W)[i, j, f] = sum over u, v, c of x[i + u, j + v, c] · W[u, v, c, f]",
        (
            "Filter f looks at one place after another, (i, j): it multiplies what it "
            "sees with its weights and adds up. With a stride places lie further "
            "apart; pixels beyond the border are 0."
        ),
    ),
    "convolve_weights": (
        r"\mathrm{convolve\_weights}(x, \delta)_{uvcf}",
        r"\sum_{s,i,j} x_{s,\,i+u,\,j+v,\,c}\, \delta_{sijf}",
        (
            "convolve_weights(x, δ)[u, v, c, f] = "
            "sum over s, i, j of x[s, i + u, j + v, c] · δ[s, i, j, f]"
        ),
        (
            "A weight of a filter is used at every place of every sample: its slope is "
            "the sum of what it saw there, times the delta there."
        ),
    ),
    "convolve_back": (
        r"\mathrm{convolve\_back}(\delta, W)_{ijc}",
        r"\sum_{u,v,f} \delta_{i-u,\,j-v,\,f}\, W_{uvcf}",
        (
            "convolve_back(δ, W)[i, j, c] = "
            "sum over u, v, f of δ[i - u, j - v, f] · W[u, v, c, f]"
        ),
        (
            "A pixel was seen from several places: what comes back is the sum of their "
            "deltas, each times the weight it was seen with."
        ),
    ),
    "max_windows": (
        r"\mathrm{max\_windows}(x)_{ijc}",
        r"\max_{u,v}\, x_{i+u,\,j+v,\,c}",
        "max_windows(x)[i, j, c] = max over u, v of x[i + u, j + v, c]",
        "The largest pixel that the window sees at each place; strides as above.",
    ),
    "max_windows_back": (
        r"\mathrm{max\_windows\_back}(x, d)",
        r"\mathrm{each}\ d_{ijc}\ \mathrm{at\ the\ largest\ pixel\ of\ its\ window}",
        "max_windows_back(x, d) = each d[i, j, c] at the largest pixel of its window",
        (
            "Only the largest pixel of a window had a say, so all that comes back goes "
            "to it, and 0 to the others."
        ),
    ),
    "sum_windows": (
        r"\mathrm{sum\_windows}(x)_{ijc}",
        r"\sum_{u,v} x_{i+u,\,j+v,\,c}",
        "sum_windows(x)[i, j, c] = sum over u, v of x[i + u, j + v, c]",
        "All pixels that the window sees at each place, added up.",
    ),
    "spread_windows": (
        r"\mathrm{spread\_windows}(d)_{ijc}",
        r"\sum_{u,v} d_{i-u,\,j-v,\,c}",
        "spread_windows(d)[i, j, c] = sum over u, v of d[i - u, j - v, c]",
        "A pixel gets what comes back from every window that saw it.",
    ),
    "scatter_add": (
        r"\mathrm{scatter\_add}(d, k)_{r}",
        r"\sum_{s:\, k_s = r} d_{s}",
        "scatter_add(d, k)[r] = sum of those d[s] for which k[s] = r",
        "A row gets what comes back from every place it was taken for.",
    ),
    "pad": (
        r"\mathrm{pad}(x)",
        r"x\ \mathrm{with\ a\ border}",
        "pad(x) = x with a border",
        "The border is 0, or what the layer says.",
    ),
    "reshape": (
        r"\mathrm{reshape}(x)",
        "x",
        "reshape(x) = x",
        "The same numbers in the same order, in rows and columns of another length.",
    ),
}
# Steps of these functions, which have no meaning of their own.
HIDDEN = {"below_top", "log_sum"}
