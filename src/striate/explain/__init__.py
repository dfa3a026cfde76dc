"""Where an answer comes from: maps over the image, filters."""

from striate.explain.filters import FilterRecord, filters
from striate.explain.grad_cam import grad_cam
from striate.explain.layers import feature_layer
from striate.explain.maps import Map, resize_maps

__all__ = ["FilterRecord", "Map", "feature_layer", "filters", "grad_cam", "resize_maps"]
