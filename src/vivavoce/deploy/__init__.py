"""The application on engines of others: one subpackage each, with the extra of its name."""
