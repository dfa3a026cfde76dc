"""Files on the disk and from the net: the cache folder, atomic writes, downloads, safe names."""

from striate.files.atomic import atomic_file, make_folder, write_bytes, write_text
from striate.files.cache import cache_folder
from striate.files.download import checked, download, sha256_of
from striate.files.names import printable

__all__ = [
    "atomic_file",
    "cache_folder",
    "checked",
    "download",
    "make_folder",
    "printable",
    "sha256_of",
    "write_bytes",
    "write_text",
]
