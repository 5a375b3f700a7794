"""cardiolib: from cine cardiac MR to survival, with known truth at every stage (Bello et al. 2019).

``import cardiolib as cl`` is the front door: its names are imported when they are first used (``__init__.pyi`` says
from where), so that the import itself takes no time. What is not here lies in the packages: ``cardiolib.motion``, ...
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
