"""The model bundle on disk."""

from .template_arrays import template_arrays, template_from_arrays, template_hash

__all__ = ["template_arrays", "template_from_arrays", "template_hash"]
