"""Fewer channels or neurons: a smaller model that needs no special kernels to be faster."""
