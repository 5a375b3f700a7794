"""Figures by subject, the still and the interactive view of one table of numbers together.

Every function takes the result that it draws and returns a `Drawing`: figure and numbers, or the sentence in which the
result says what it lacks. Names are imported when they are first used (``__init__.pyi`` says from where), so that a
notebook depends on the figures that it draws and on no others.

Examples
--------
Every function takes a result and returns the figure with the numbers that it draws:

>>> import numpy as np
>>> import cardiolib as cl
>>> rng = np.random.default_rng(1)
>>> log_risk = rng.normal(size=60)
>>> time = rng.exponential(np.exp(-log_risk))
>>> groups = {"my model": cl.kaplan_meier_groups(log_risk, time < 2, time.clip(max=2))}
>>> figure, table = cl.figures.kaplan_meier(groups, time_unit="years")
>>> table["group"].unique().tolist()
['low risk', 'high risk']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
