"""The polynomials of Sources/CTorch/cagr/pool.cpp: erf(z)/z and exp(-z²) over z² in [0, 3.8²], by a Chebyshev fit.

Prints the coefficients in t = 2 z²/3.8² - 1, lowest first, and the largest errors in single precision.
"""
import math

import numpy as np
from numpy.polynomial import chebyshev

LIMIT, DEGREE = 3.8, 14
top = LIMIT**2
erf = np.vectorize(math.erf)


def fit(function):
    nodes = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    return chebyshev.cheb2poly(chebyshev.chebfit(nodes, function((nodes + 1) * top / 2), DEGREE)).astype(np.float32)


def evaluate(coefficients, t):
    value = np.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * t + coefficient
    return value


ratio = fit(lambda s: erf(np.sqrt(s)) / np.sqrt(s))
power = fit(lambda s: np.exp(-s))
z = np.linspace(-LIMIT, LIMIT, 200001).astype(np.float32)
t = z * z * np.float32(2 / top) - np.float32(1)
for name, coefficients, value, true in [
    ("erf(z)/z", ratio, z * evaluate(ratio, t), erf(z.astype(float))),
    ("exp(-z^2)", power, evaluate(power, t), np.exp(-(z.astype(float) ** 2))),
]:
    print(name, ", ".join(f"{c:.9g}f" for c in coefficients), f"largest error {np.abs(value - true).max():.1e}", sep="\n")
