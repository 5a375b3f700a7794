"""Damaged and odd files through the public doors of cardiolib: what comes of each is judged.

``doors/`` holds one module for each kind of input. A `Door` makes small files, changes them in a way that follows from
a seed (`Mutant`), and reads them as a user would. `oracle` compares with the unchanged reading. ``tests/fuzz`` runs a
few hundred of each, ``make fuzz N=10000`` as many as are asked for, in processes of their own.
"""
