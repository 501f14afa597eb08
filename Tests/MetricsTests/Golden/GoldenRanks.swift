// Written by Support/golden/metrics.py; not by hand.

/// Seed, count, grid of the differences; Wilcoxon's statistic (SciPy) and two-sided p, exact where 50 or fewer are not 0.
let goldenRanks = """
  1 5 0 0 0.0625
  2 12 0 14 0.05224609375
  3 25 0 88 0.0451226830482
  4 50 0 301 0.000880669699091
  5 51 0 435 0.0325857570352
  6 200 0 7063 0.000267757667782
  7 12 4 22 0.9921875
  8 30 4 102 0.281151771545
  9 80 6 811.5 0.00293403645656
  10 3 0 2 0.75
  11 14 2 20 0.236328125
  """
