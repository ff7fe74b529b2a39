"""The version of the package. The build reads it from here, so it stands nowhere else."""

__all__ = ["__version__"]

__version__ = "0.1.0"
