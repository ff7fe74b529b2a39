"""The version, once more than in ``pyproject.toml``: asking the package's metadata for it would be slow."""

__all__ = ["__version__"]

__version__ = "0.1.0"
