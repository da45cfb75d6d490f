"""Pure search: arrays in, arrays out. Imports numpy, scipy, cvxpy, networkx and numba; never gcopt.

The folder lies at the top of the repository and is imported as ``gcopt.solvers`` through a link.
"""

if __name__ != "gcopt.solvers":
    raise ImportError(f"this package is gcopt.solvers; it was imported as {__name__!r}")
