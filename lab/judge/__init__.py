"""From a history to a verdict. Pure: no clock, no file, no network.

Map: `timeline` (who failed when) · `causes` (why each attempt failed) · `evidence`
(what there is to judge by) · `checks` (one expectation each) · `verdict` (all of it).
"""
