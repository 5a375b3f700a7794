"""Figures in journal style, each with the numbers it draws, and interactive hearts.

Names are imported when they are first used (``__init__.pyi`` says from where), so that a notebook depends on the
figures that it draws and on no others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
