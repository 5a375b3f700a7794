"""The mathematics of the plain network, computed faster; the plain code is what it is tested against."""
