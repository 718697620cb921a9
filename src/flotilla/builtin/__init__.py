"""Plugins that ship with us, one file each. They come in by entry points, like everyone's."""
