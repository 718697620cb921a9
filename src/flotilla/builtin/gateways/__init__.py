"""Gateways: where orders go."""
