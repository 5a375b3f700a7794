"""Figures by subject, the still and the interactive view of one table of numbers together.

Every function takes the result that it draws and returns a `Drawing`: figure and numbers, or the sentence in which the
result says what it lacks. Names are imported when they are first used (``__init__.pyi`` says from where), so that a
notebook depends on the figures that it draws and on no others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
