"""From the objects of manifests to rows."""
