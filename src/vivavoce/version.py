"""The version; the build reads it from here, and asking the package's metadata for it would be slow."""

__all__ = ["__version__"]

__version__ = "0.1.0"
